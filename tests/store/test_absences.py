"""What is said of streams that clips do not have, and when it ends a job."""

from __future__ import annotations

import pytest

from fusion.contract import DataError
from fusion.store.absences import SHOWN, Absence, require_some


def test_clips_are_grouped_by_reason_the_commonest_first() -> None:
    reasons = (("a", "no row"), ("b", "no file"), ("c", "no file"), ("d", "no file"))
    assert Absence("units", reasons, 9).lines == [
        "units: absent from 4 of 9 clips",
        "  b and 2 others: no file",
        "  a: no row",
    ]


def test_only_so_many_reasons_are_listed() -> None:
    lines = Absence("units", tuple((f"c{number}", f"reason {number}") for number in range(SHOWN + 3)), 99).lines
    assert len(lines) == SHOWN + 2
    assert lines[-1] == "  and 3 other reasons"


def test_a_stream_that_no_clip_has_is_refused_also_where_corpora_share_ids() -> None:
    some = Absence("voice", (("a", "no track"),), 2)
    require_some([some], "mine")
    everywhere = Absence("units", (("a", "no row"), ("a", "no row")), 2)
    with pytest.raises(DataError, match=r"corpus mine: stream 'units' is absent from all 2 clips: no row; correct"):
        require_some([some, everywhere], "mine")
