from __future__ import annotations

from pathlib import Path

from fusion.store.failures import Failure, FailureList, by_reason


def test_the_latest_counts_and_repetitions_are_not_kept(tmp_path: Path) -> None:
    failures = FailureList(tmp_path / "failures.jsonl")
    first, second = Failure("a", "voice", "broken", "k1"), Failure("a", "voice", "still broken", "k1")
    failures.add([first])
    failures.add([first])
    failures.add([second, Failure("b", "voice", "größer", "k2")])
    assert FailureList(tmp_path / "failures.jsonl").get("k1") == second
    assert failures.get("k3") is None
    assert len((tmp_path / "failures.jsonl").read_text().splitlines()) == 3


def test_other_processes_see_new_rows(tmp_path: Path) -> None:
    one, two = FailureList(tmp_path / "f.jsonl"), FailureList(tmp_path / "f.jsonl")
    assert one.get("k") is None
    two.add([Failure("a", "voice", "broken", "k")])
    assert one.get("k") is not None


def test_a_torn_line_costs_itself_only(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    FailureList(file).add([Failure("a", "voice", "broken", "k1"), Failure("b", "voice", "broken", "k2")])
    file.write_bytes(file.read_bytes()[:-5])
    FailureList(file).add([Failure("c", "voice", "broken", "k3")])
    failures = FailureList(file)
    assert failures.get("k1") is not None
    assert failures.get("k2") is None
    assert failures.get("k3") is not None


def test_clips_that_fail_alike_are_one_line() -> None:
    failures = [Failure("a", "v", "broken"), Failure("b", "v", "broken"), Failure("c", "v", "broken")]
    assert by_reason([*failures, Failure("d", "v", "gone")]) == ["a and 2 others: broken", "d: gone"]
