"""``fusion doctor``: whether this installation is sound."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from fusion.doctor.examination import Report

#: Exit status where something is wrong.
_WRONG = 69


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="doctor")(doctor)


def doctor(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(min=1, help="How long each plugin may take to load.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Say what is installed, whether it fits together, and what to do where it does not.

    Ends with 69 where anything is wrong. Each plugin is loaded in a process of its own.
    """
    from fusion.cli.app import without_common
    from fusion.doctor.examination import examine

    _, files = without_common(context.find_root().obj or [])
    report = examine(seconds=seconds, files=files)
    if as_json:
        print(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        for line in _lines(report):
            print(line)
    if report.troubles:
        raise typer.Exit(_WRONG)


def _lines(report: Report) -> Iterator[str]:
    facts = report.facts
    yield f"python      {facts['python']}, {facts['system']}; plugin contract {facts['contract']}"
    width = max(len(name) for name in facts["versions"])
    for place, (name, version) in enumerate(facts["versions"].items()):
        yield f"{'versions' if not place else '':<10}  {name:<{width}}  {version}"
    for place, plugin in enumerate(facts["plugins"]):
        offers = sum(len(names) for names in plugin["offers"].values())
        said = f"{offers} components" if plugin["state"] == "ok" else plugin["error"]
        yield f"{'plugins' if not place else '':<10}  {plugin['name']}: {plugin['state']}, {said}"
    yield f"devices     {_devices(facts['devices'])}"
    codecs = facts["codecs"]
    if codecs is not None:
        readable = ", ".join(name for name, there in codecs["read"].items() if there)
        yield f"codecs      libavcodec {codecs['library']}; reads {readable}"
    for place, (what, folder) in enumerate(facts["folders"].items()):
        yield (
            f"{'folders' if not place else '':<10}  {what}: {folder['path']}"
            f"{'' if folder['exists'] else ' (not there yet)'}, {folder['free_gigabytes']} GB free"
        )
    for place, (name, value) in enumerate(facts["variables"].items()):
        yield f"{'variables' if not place else '':<10}  {name}={value}"
    yield ""
    if not report.troubles:
        yield "nothing is wrong"
    for trouble in report.troubles:
        yield f"WRONG  {trouble.what}"
        yield f"       {trouble.remedy}"


def _devices(devices: Mapping[str, Any] | None) -> str:
    if devices is None:
        return "unknown: torch does not load"
    found = [f"{gpu['name']} with {gpu['gigabytes']} GB" for gpu in devices["cuda"]] + ["MPS"] * bool(devices["mps"])
    return f"{', '.join(found) or 'no GPU'}; {devices['cores']} processor cores"
