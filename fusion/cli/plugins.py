"""``fusion plugins``: what is installed, what it offers, and what failed for which reason."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from fusion.catalog import PluginState, catalog
from fusion.catalog.discovery import failures

#: Without a value for --help, typer loads pydantic to turn its absence into False.
_LIGHT = {"default_map": {"help": False}}


def add(app: typer.Typer) -> None:
    """Add the command to the program."""
    plugins = typer.Typer(no_args_is_help=True, context_settings=_LIGHT, rich_markup_mode=None)
    plugins.callback()(_group)
    plugins.command("list", context_settings=_LIGHT)(list_plugins)
    plugins.command("check", context_settings=_LIGHT)(check_plugin)
    plugins.command("new", context_settings=_LIGHT)(new_plugin)
    app.add_typer(plugins, name="plugins")


def list_plugins(
    as_json: bool = typer.Option(False, "--json", help="As JSON, for programs."),
) -> None:
    """List every plugin: name, version, distribution, what it offers, state and error.

    Ends with 69 where a plugin failed and FUSION_STRICT is set.
    """
    found = catalog(strict=False)
    if as_json:
        print(json.dumps([_as_json(plugin) for plugin in found.plugins], indent=2, ensure_ascii=False))
    else:
        _print(found.plugins)
    if failures(found.plugins):
        catalog()


def check_plugin(
    package: str = typer.Argument(help="A plugin, or an installed distribution with all of its plugins."),
    kind: str = typer.Option(None, help="Only components of this kind."),
    component: str = typer.Option(None, help="Only components of this name."),
    golden: bool = typer.Option(False, "--golden", help="First keep what it puts out now as its golden outputs."),
    as_json: bool = typer.Option(False, "--json", help="As JSON, for programs."),
) -> None:
    """Check every component of a plugin against its contract.

    Ends with 69 where a check fails.
    """
    from fusion.cli.checking import check

    check(package, kind=kind, component=component, golden=golden, as_json=as_json)


def new_plugin(
    name: str = typer.Argument(help="The plugin's name; its package is called fusion-NAME.", show_default=False),
    modality: str = typer.Option("", help="The name of its modality.", show_default="NAME"),
) -> None:
    """Write a package with a modality, an encoder and tests into a new folder: it installs, passes and trains."""
    from fusion.cli.plugin_package import write_plugin

    folder = write_plugin(Path(), name, modality or name, catalog(strict=False))
    print(f"{folder}: a package with the modality {modality or name}")
    print(f"next: cd {folder} && pip install -e '.[test]' && pytest")


def _as_json(plugin: PluginState) -> dict[str, object]:
    return {
        "name": plugin.name,
        "version": plugin.version,
        "distribution": plugin.distribution,
        "offers": {kind: list(names) for kind, names in plugin.offers.items()},
        "state": plugin.state,
        "error": plugin.error,
    }


def _print(plugins: Sequence[PluginState]) -> None:
    """Plain text: making a rich table would take longer than everything else this command does."""
    heading = ("plugin", "version", "distribution", "state")
    rows = [(plugin.name, plugin.version, plugin.distribution, plugin.state) for plugin in plugins]
    widths = [max(len(row[column]) for row in (heading, *rows)) for column in range(len(heading))]
    for row, plugin in zip((heading, *rows), (None, *plugins), strict=True):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if plugin is not None:
            if plugin.error:
                print(f"  {plugin.error}")
            if plugin.state == "ok":
                _print_offers(plugin.offers)


def _print_offers(offers: Mapping[str, Sequence[str]]) -> None:
    for kind, names in offers.items():
        print(f"  {kind:<12}  {', '.join(names)}")


def _group() -> None:
    """List the installed plugins and what they offer, check one, or start a new one."""
