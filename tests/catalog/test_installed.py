"""Plugins that are really installed: one works, the others fail in every known way, and nobody harms anybody."""

from __future__ import annotations

from typing import Any

import pytest

OURS = {"engine", "contrastive", "video", "spectrogram", "text"}

REASONS = {
    "bad_import": "fails at import: ModuleNotFoundError: No module named 'no_such_module_anywhere'",
    "bad_exit": "fails at import: SystemExit: leaving",
    "bad_registering": "fails while registering (register_heads): RuntimeError: no licence key",
    "bad_signature": "its hook has a wrong signature",
    "bad_taken": "the head 'late_average' is taken by engine of avfusion",
    "bad_contract": "needs another contract version: avfusion<3,>=2",
    "bad_misspelt": "there is no hook 'register_head'; did you mean 'register_heads'?",
    "bad_unmarked": "register_heads is not marked as a hook; write @hookimpl above it",
    "bad_name": "a head cannot be named 'Not A Name'",
    "bad_encoder": "the encoder 'loose' names no modality",
}


@pytest.fixture(scope="session")
def listed(program: Any) -> Any:
    return program.plugins()


@pytest.mark.parametrize("plugin", REASONS)
def test_failure_is_survived_and_reported_with_its_reason(listed: dict[str, Any], plugin: str) -> None:
    assert listed[plugin]["state"] == "failed"
    reason = listed[plugin]["error"]
    expected = REASONS[plugin]
    if plugin == "bad_contract":  # installers may write the bounds in another order
        reason = reason.replace("avfusion>=2,<3", "avfusion<3,>=2")
    assert expected in reason
    assert "\n" not in reason
    assert listed[plugin]["distribution"] == f"stranger_{plugin}"
    assert listed[plugin]["version"] == "0.3"


def test_the_others_are_not_harmed(listed: dict[str, Any]) -> None:
    assert listed["good"]["state"] == "ok"
    assert listed["good"]["offers"]["head"] == ["good_head", "plain_head"]
    assert {name for name in OURS & listed.keys() if listed[name]["state"] != "ok"} == set()
    assert "late_average" in listed["engine"]["offers"]["head"]


def test_a_plugin_for_another_contract_version_is_never_imported(program: Any, listed: dict[str, Any]) -> None:
    assert listed["bad_contract"]["state"] == "failed"
    assert not program.trace.exists()


def test_a_failing_plugin_is_taken_not_at_all_and_says_what_was_withdrawn(program: Any, listed: dict[str, Any]) -> None:
    assert "withdrawn with it: own_head" in listed["bad_taken"]["error"]
    assert "withdrawn with it: half_head" in listed["bad_registering"]["error"]
    code = "from fusion.catalog import catalog; print(*catalog().names('head'))"
    names = program("-c", code).stdout.split()
    assert "good_head" in names
    assert not {"own_head", "half_head"} & set(names)


def test_asking_for_a_component_of_a_failed_plugin_gives_the_reason(program: Any) -> None:
    code = "from fusion.catalog import catalog; catalog().find('head', 'half_head')"
    done = program("-c", code)
    assert done.returncode == 1
    assert "plugin 'bad_registering' of stranger_bad_registering would offer it, but" in done.stderr
    assert "no licence key" in done.stderr


def test_the_table_shows_the_reasons(program: Any) -> None:
    done = program.fusion("plugins", "list")
    assert done.returncode == 0
    for plugin, reason in REASONS.items():
        assert plugin in done.stdout
        assert reason.replace("avfusion<3,>=2", "") in done.stdout
    assert done.stderr == ""


def test_strict_mode_makes_a_failure_fatal(program: Any) -> None:
    done = program.fusion("plugins", "list", FUSION_STRICT="1", FUSION_PLUGINS="good,bad_import")
    assert done.returncode == 69
    assert done.stderr.startswith("fusion: strict mode: plugin 'bad_import'")
    assert "bad_import" in done.stdout, "the list is shown all the same"
    assert program.fusion("plugins", "list", FUSION_STRICT="1", FUSION_PLUGINS="good").returncode == 0


@pytest.mark.parametrize(
    ("variables", "loaded"),
    [
        ({"FUSION_PLUGINS": ""}, {"engine"}),
        ({"FUSION_PLUGINS": "good, contrastive"}, {"engine", "good", "contrastive"}),
        ({"FUSION_PLUGINS": "good,contrastive", "FUSION_BLOCK": "good"}, {"engine", "contrastive"}),
    ],
)
def test_environment_chooses_and_blocks(program: Any, variables: dict[str, str], loaded: set[str]) -> None:
    plugins = program.plugins(**variables)
    assert {name for name, plugin in plugins.items() if plugin["state"] == "ok"} == loaded
    assert {plugin["state"] for name, plugin in plugins.items() if name not in loaded} == {"blocked"}
    assert plugins["bad_import"]["error"] == "not among the plugins that FUSION_PLUGINS chooses"


def test_a_chosen_plugin_that_nobody_installs_is_reported(program: Any) -> None:
    plugins = program.plugins(FUSION_PLUGINS="engine,puls")
    assert plugins["puls"]["state"] == "failed"
    assert "no installed distribution has a plugin of this name" in plugins["puls"]["error"]


def test_the_engine_alone_says_which_distribution_installs_a_modality(program: Any) -> None:
    code = "from fusion.catalog import catalog; catalog().find('modality', 'video')"
    done = program("-c", code, FUSION_PLUGINS="")
    assert "'video' is no modality that is available" in done.stderr
    assert "avfusion-video" in done.stderr


def test_a_strangers_component_is_built_and_its_file_is_part_of_its_identity(program: Any) -> None:
    code = (
        "from fusion.catalog import catalog; c = catalog()\n"
        "head = c.build('head', {'name': 'good_head', 'size': 5}, 'specs', 4)\n"
        "print(head.options.size, head.arguments)\n"
        "i = c.identity('head', 'good_head')\n"
        "print(i['name'], i['options'], i['version'], i['distribution'], len(i['file']))"
    )
    done = program("-c", code, FUSION_PLUGINS="good")
    assert done.stdout.splitlines() == [
        "5 ('specs', 4)",
        "good_head {'size': 3} 7 stranger_good 64",
    ], done.stderr


def test_a_component_that_fails_to_load_says_where_and_what_to_do(program: Any) -> None:
    code = "from fusion.catalog import catalog; catalog().load('encoder', 'good_encoder')"
    done = program("-c", code, FUSION_PLUGINS="good")
    assert "'good_encoder' fails to load from nowhere.encoder:Encoder: ModuleNotFoundError" in done.stderr
    assert "reinstall stranger_good" in done.stderr
