"""What a config means to the catalog: every component known, its options right, and the whole consistent.

Works on the plain data and not on the typed experiment, so that problems of both are reported together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from fusion.config.models import CorpusSettings, Experiment, FinetuneSettings, LabelledComponent
from fusion.contract.errors import ComponentError, Problem

if TYPE_CHECKING:
    from fusion.catalog import Catalog

#: Kinds of the components that a stream's lists may name, in either list.
STEP_KINDS = ("transform", "augmentation")


@dataclass(frozen=True)
class Place:
    """A component's place in a config.

    Args:
        key: Path of its key.
        kinds: Kinds that may stand here; the first is the usual one.
        holder: The mapping or list that holds it.
        at: Its key or index there.
        modality: The modality it must be for, if it stands in a stream.
        settings: Keys beside its options that belong to the engine.
    """

    key: str
    kinds: tuple[str, ...]
    holder: Any
    at: str | int
    modality: str | None = None
    settings: frozenset[str] = frozenset()

    @property
    def written(self) -> Any:
        """The component as the config has it: a name or a mapping."""
        return self.holder[self.at]


def places(data: Mapping[str, Any]) -> Iterator[Place]:
    """Every component of an experiment's plain data; what is not of the right form is passed over."""
    corpus = frozenset(CorpusSettings.model_fields) - {"name"}
    yield from _place(data, "corpus", ("corpus",), settings=corpus)
    yield from _listed(data, "training_corpora", ("corpus",), settings=corpus)
    for key in ("target", "aggregator", "protocol"):
        yield from _place(data, key, (key,))
    labels = frozenset(LabelledComponent.model_fields) - {"name"}
    if isinstance(data.get("fusion"), list):
        yield from _listed(data, "fusion", ("head",), settings=labels)
    else:
        yield from _place(data, "fusion", ("head",), settings=labels)
    streams = data.get("streams")
    for name, stream in streams.items() if isinstance(streams, Mapping) else ():
        if isinstance(stream, Mapping):
            yield from _stream_places(f"streams.{name}", stream)


def _stream_places(key: str, stream: Mapping[str, Any]) -> Iterator[Place]:
    modality = stream.get("modality")
    name = modality.get("name") if isinstance(modality, Mapping) else modality
    modality_name = name if isinstance(name, str) else None
    yield from _place(stream, "modality", ("modality",), prefix=key)
    yield from _listed(stream, "transforms", STEP_KINDS, prefix=key, modality=modality_name)
    yield from _listed(stream, "augmentations", STEP_KINDS[::-1], prefix=key, modality=modality_name)
    yield from _place(stream, "encoder", ("encoder",), prefix=key, modality=modality_name)


def _place(
    holder: Mapping[str, Any],
    at: str,
    kinds: tuple[str, ...],
    *,
    prefix: str = "",
    modality: str | None = None,
    settings: frozenset[str] = frozenset(),
) -> Iterator[Place]:
    if isinstance(holder.get(at), str | Mapping):
        yield Place(f"{prefix}.{at}".lstrip("."), kinds, holder, at, modality, settings)


def _listed(
    holder: Mapping[str, Any],
    at: str,
    kinds: tuple[str, ...],
    *,
    prefix: str = "",
    modality: str | None = None,
    settings: frozenset[str] = frozenset(),
) -> Iterator[Place]:
    items = holder.get(at)
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, str | Mapping):
            yield Place(f"{prefix}.{at}.{index}".lstrip("."), kinds, items, index, modality, settings)


def component_problems(place: Place, catalog: Catalog) -> list[Problem]:
    """Problems of one component; where there is none, its options are written out in the plain data."""
    written = {"name": place.written} if isinstance(place.written, str) else dict(place.written)
    name = written.pop("name", None)
    if not isinstance(name, str):
        return []  # the typed settings report it
    kind = next((kind for kind in place.kinds if name in catalog.names(kind)), place.kinds[0])
    try:
        registration = catalog.find(kind, name, modality=place.modality if _bound(place, catalog) else None)
        settings = {key: value for key, value in written.items() if key in place.settings}
        options = {key: value for key, value in written.items() if key not in place.settings}
        _, problems = catalog.validate(registration, options)
        # null takes an inherited option back where it is no value of that option
        taken_back = {problem.key for problem in problems if options.get(problem.key, 0) is None}
        if taken_back:
            options = {key: value for key, value in options.items() if key not in taken_back}
            _, problems = catalog.validate(registration, options)
        if not problems:
            place.holder[place.at] = {**catalog.resolved(kind, {"name": name, **options}), **settings}
    except ComponentError as error:
        return [Problem(f"{place.key}.name", str(error))]
    return [Problem(f"{place.key}.{problem.key}".rstrip("."), problem.message) for problem in problems]


def _bound(place: Place, catalog: Catalog) -> bool:
    """Whether the stream's modality is one to compare with; an unknown one is a problem of its own."""
    return place.modality is not None and place.modality in catalog.names("modality")


def leak_problems(data: Mapping[str, Any], catalog: Catalog) -> list[Problem]:
    """A protocol in which speakers cross parts, and copies that may, must be asked for."""
    protocol = data.get("protocol")
    if data.get("leaking") is True:
        return []
    problems = []
    if data.get("copies") is not None:
        message = "copies of one clip may stand in several parts; write leaking: true if that is what you want"
        problems.append(Problem("copies", message))
    if isinstance(protocol, Mapping) and catalog.build("protocol", protocol).leaking:
        message = f"'{protocol['name']}' lets speakers cross parts; write leaking: true if that is what you want"
        problems.append(Problem("protocol.name", message))
    return problems


def copy_problems(experiment: Experiment, catalog: Catalog) -> list[Problem]:
    """Augmentations that copies are named after exist, and change every row that a stream gives them.

    One that no stream has repeats its rows: a run that joins some streams of another has that one's rows.
    """
    problems = []
    known = catalog.names("augmentation")
    for name in experiment.copies.augmentations if experiment.copies is not None else ():
        for stream, settings in experiment.streams.items():
            for place, one in enumerate(settings.augmentations):
                if one.name == name and one.options.get("chance", 1) != 1:
                    key = f"streams.{stream}.augmentations.{place}.chance"
                    problems.append(Problem(key, f"copies named {name} always go through it; write chance: 1"))
        if name not in known:
            why = f"there is no augmentation '{name}'   (installed: {', '.join(known)})"
            problems.append(Problem("copies.augmentations", why))
    return problems


def section_problems(data: dict[str, Any], catalog: Catalog) -> list[Problem]:
    """A section that is named after a command with options holds these options; they are written out."""
    problems: list[Problem] = []
    for name in catalog.names("command"):
        registration = catalog.find("command", name)
        section = data.get(name)
        if registration.options is None or not isinstance(section, Mapping) or not section:
            continue
        instance, found = catalog.validate(registration, section)
        if (kept := _without(section, {problem.key for problem in found})) != section:
            instance, found = catalog.validate(registration, kept)
        problems += [Problem(f"{name}.{problem.key}".rstrip("."), problem.message) for problem in found]
        if not found:
            data[name] = catalog.dumped(registration, instance)
    return problems


def _without(section: Mapping[str, Any], keys: Collection[str], above: str = "") -> dict[str, Any]:
    """A section without the nulls that stand under some keys (paths with dots): null takes an inherited key back."""
    return {
        key: _without(value, keys, f"{above}{key}.") if isinstance(value, Mapping) else value
        for key, value in section.items()
        if value is not None or f"{above}{key}" not in keys
    }


#: Rows that tables have of themselves: no head or stream may be called so.
TUNED = "tuned"
RESERVED = (TUNED, "headline", "majority class")


def row_problems(
    heads: Sequence[LabelledComponent], streams: Sequence[str], headline: str | None, *, tuned: bool
) -> list[Problem]:
    """Rows of the tables have names of their own, and the headline is one of them.

    Args:
        heads: The fusion heads.
        streams: Names of the streams.
        headline: The named row, if any.
        tuned: Whether a head is tuned with its encoders, which gives a row too.
    """
    problems = [
        Problem(f"streams.{name}", f"'{name}' is a row of every table; call the stream otherwise")
        for name in streams
        if name in RESERVED
    ]
    rows = [head.row for head in heads]
    for place, row in enumerate(rows):
        if row in rows[:place]:
            message = f"two heads are called '{row}'; give one of them a label"
        elif row in streams:
            message = f"a stream is called '{row}' too; give the head a label"
        elif row in RESERVED:
            message = f"'{row}' is a row of every table; give the head another label"
        else:
            continue
        problems.append(Problem(f"fusion.{place}.label", message))
    known = [*rows, *streams, *([TUNED] if tuned else [])]
    if headline is not None and headline not in known:
        close = get_close_matches(headline, known, 1)
        suggestion = f"did you mean '{close[0]}'?" if close else f"the rows are {', '.join(known)}"
        problems.append(Problem("headline", f"'{headline}' is neither a head nor a stream; {suggestion}"))
    return problems


def training_problems(data: Mapping[str, Any]) -> list[Problem]:
    """A stream's own training settings are checked as those of ``finetune``, which they differ from."""
    from pydantic import ValidationError

    from fusion.catalog.options import pydantic_problems

    problems = []
    streams = data.get("streams")
    for name, stream in streams.items() if isinstance(streams, Mapping) else ():
        training = stream.get("training") if isinstance(stream, Mapping) else None
        if isinstance(training, Mapping):
            try:
                FinetuneSettings.model_validate(training)
            except ValidationError as error:
                key = f"streams.{name}.training"
                found = pydantic_problems(error, FinetuneSettings)
                problems += [Problem(f"{key}.{problem.key}".rstrip("."), problem.message) for problem in found]
    return problems
