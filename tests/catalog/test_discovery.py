from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from fusion.catalog import discovery
from fusion.contract import hookimpl

pytestmark = pytest.mark.light


def _plugin(module: str, monkeypatch: pytest.MonkeyPatch, **hooks: Any) -> None:
    plugin = ModuleType(module)
    for name, function in hooks.items():
        setattr(plugin, name, hookimpl(function))
    monkeypatch.setitem(sys.modules, module, plugin)


def _candidate(name: str, module: str, distribution: str) -> discovery._Candidate:
    return discovery._Candidate(EntryPoint(name, module, "fusion"), distribution, "1", [])


def test_a_plugin_name_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _plugin("first_plugin", monkeypatch, register_heads=lambda register: register("first", "a.b:C"))
    _plugin("second_plugin", monkeypatch, register_heads=lambda register: register("second", "a.b:C"))
    candidates = [_candidate("pulse", "first_plugin", "one"), _candidate("pulse", "second_plugin", "two")]
    monkeypatch.setattr(discovery, "_candidates", lambda: candidates)
    found = discovery.discover(discovery.Choice())
    assert [plugin.state for plugin in found.plugins] == ["ok", "failed"]
    assert found.plugins[1].error == "the plugin name 'pulse' is taken by one; rename the entry point"
    assert list(found.registrations) == [("head", "first")]


def test_one_name_may_stand_in_two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    _plugin(
        "both_plugin",
        monkeypatch,
        register_heads=lambda register: register("noise", "a.b:C"),
        register_transforms=lambda register: register("noise", "a.b:D"),
    )
    monkeypatch.setattr(discovery, "_candidates", lambda: [_candidate("both", "both_plugin", "both")])
    found = discovery.discover(discovery.Choice())
    assert set(found.registrations) == {("head", "noise"), ("transform", "noise")}


@pytest.mark.parametrize("target", ["a.b", "a/b:C", ":C", "a:b:c", "", 3])
def test_a_target_is_an_import_path(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _plugin("path_plugin", monkeypatch, register_heads=lambda register: register("head", target))
    monkeypatch.setattr(discovery, "_candidates", lambda: [_candidate("path", "path_plugin", "path")])
    (plugin,) = discovery.discover(discovery.Choice()).plugins
    assert plugin.state == "failed"
    assert "write 'package.module:Name'" in (plugin.error or "")


def test_ours_come_first_and_the_engine_before_all() -> None:
    names = [candidate.entry_point.name for candidate in discovery._candidates()]
    own = [candidate.distribution in discovery.own_distributions() for candidate in discovery._candidates()]
    assert names[0] == "engine"
    assert own == sorted(own, reverse=True)


def test_an_interrupt_is_no_failure_of_a_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(register: Any) -> None:
        raise KeyboardInterrupt

    _plugin("slow_plugin", monkeypatch, register_heads=interrupted)
    monkeypatch.setattr(discovery, "_candidates", lambda: [_candidate("slow", "slow_plugin", "slow")])
    with pytest.raises(KeyboardInterrupt):
        discovery.discover(discovery.Choice())
