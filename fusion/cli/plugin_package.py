"""A new plugin as a package: written from the templates beside this module, ready to be installed."""

from __future__ import annotations

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from fusion.catalog import Catalog
from fusion.catalog.discovery import own_distributions
from fusion.cli.usage import UsageError
from fusion.contract import CONTRACT_VERSION

_NAME = re.compile(r"[a-z]([a-z0-9_]*[a-z0-9])?")
_SUFFIX = ".template"
#: Frames per second of the modality that a new package begins with.
_RATE = 20


def write_plugin(parent: Path, name: str, modality: str, catalog: Catalog) -> Path:
    """Write the package ``fusion-NAME`` into a new folder of this name; answers the folder.

    Args:
        parent: Where the folder is made.
        name: The plugin's name.
        modality: The name of its modality.
        catalog: Whose names are taken.

    Raises:
        UsageError: A name cannot be used or is taken, or the folder exists and holds something.
    """
    encoder = f"{modality}_gru"
    _check_names(name, modality, encoder, catalog)
    distribution = f"fusion-{name.replace('_', '-')}"
    package = f"fusion_{name}"
    folder = parent / distribution
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("exists already", where=str(folder), remedy="choose another name, or move it away")
    camel = "".join(part.capitalize() for part in modality.split("_"))
    values = {
        "plugin": name,
        "distribution": distribution,
        "package": package,
        "modality": modality,
        "Modality": f"{camel}Modality",
        "encoder": encoder,
        "Encoder": f"{camel}GRU",
        "rate": str(_RATE),
        "contract": str(CONTRACT_VERSION),
        "next_contract": str(CONTRACT_VERSION + 1),
    }
    _write(resources.files("fusion.cli") / "templates" / "plugin", folder, values)
    return folder


def _check_names(name: str, modality: str, encoder: str, catalog: Catalog) -> None:
    for where, given in (("NAME", name), ("--modality", modality)):
        if not _NAME.fullmatch(given):
            plain = re.sub(r"[^a-z0-9]+", "_", given.lower().removeprefix("fusion")).strip("_0123456789")
            raise UsageError(
                f"{given!r} is no name: lower case letters, digits and underscores, a letter first, no underscore last",
                where=where,
                remedy=f"write {plain}" if plain else "choose another one",
            )
    plugins = {plugin.name: plugin.distribution for plugin in catalog.plugins}
    if name in plugins:
        raise UsageError(f"the plugin '{name}' is taken by {plugins[name]}", where="NAME", remedy="choose another name")
    for kind, wanted in (("modality", modality), ("encoder", encoder)):
        holder = _holder(kind, wanted, catalog)
        if holder is not None:
            raise UsageError(
                f"the {kind} '{wanted}' is taken by {holder}",
                where="NAME" if modality == name else "--modality",
                remedy="name the modality otherwise with --modality",
            )


def _holder(kind: str, name: str, catalog: Catalog) -> str | None:
    """The distribution that has a name: an installed one, or one of ours that is not."""
    if name in catalog.names(kind):
        return catalog.find(kind, name).distribution
    return next((ours for ours, offers in own_distributions().items() if name in offers.get(kind, ())), None)


def _write(source: Traversable, place: Path, values: dict[str, str]) -> None:
    """A template's text with names filled in, or a folder of templates."""
    if source.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        for inner in source.iterdir():
            named = values["package"] if inner.name == "package" else inner.name.removesuffix(_SUFFIX)
            _write(inner, place / named, values)
    else:
        place.write_text(Template(source.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
