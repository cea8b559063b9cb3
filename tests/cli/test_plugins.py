from __future__ import annotations

import json

import pytest

from fusion.catalog import catalog
from fusion.cli.app import main

pytestmark = pytest.mark.light


def test_json_has_every_plugin_with_all_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["plugins", "list", "--json"])
    listed = json.loads(capsys.readouterr().out)
    assert [plugin["name"] for plugin in listed] == [plugin.name for plugin in catalog().plugins]
    assert all(set(p) == {"name", "version", "distribution", "offers", "state", "error"} for p in listed)
    engine = listed[0]
    assert (engine["name"], engine["distribution"], engine["state"]) == ("engine", "avfusion", "ok")
    assert "late_average" in engine["offers"]["head"]


def test_text_shows_what_each_offers(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["plugins", "list"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["plugin", "version", "distribution", "state"]
    assert lines[1].split()[0] == "engine"
    assert any(line.split()[:1] == ["head"] and "late_average, weighted_sum" in line for line in lines)
