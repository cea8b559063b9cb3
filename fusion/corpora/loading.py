"""From a corpus's settings to clips: find its root, read it, then attach, select, relabel and limit."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion.contract import Clip, DataError, InputMissing
from fusion.corpora.duplicates import share_takes
from fusion.corpora.selection import attach_tracks, map_labels, select_clips, thin_clips

if TYPE_CHECKING:
    from fusion.catalog import Catalog
    from fusion.config.models import CorpusSettings

#: From the number of clips to a context that hands over a function to call after each of them.
Progress = Callable[[int], AbstractContextManager[Callable[[], object]]]
#: Where the folders of corpora lie whose root is not set.
DATA_VARIABLE = "FUSION_DATA"
#: Where corpora that make themselves lie, below the working folder, when their root is not set.
GENERATED_FOLDER = Path(".fusion")


def load_corpus(
    settings: CorpusSettings, *, catalog: Catalog, base: Path, seed: int = 0, making: Progress | None = None
) -> list[Clip]:
    """The clips of a corpus as an experiment wants them, ordered by id.

    Args:
        settings: Which corpus, with the reader's own options.
        catalog: Where corpora are found by name.
        base: The folder that a relative root is relative to (that of the config).
        seed: That ``thin`` draws from.
        making: Follows the making of a corpus that makes itself, which takes minutes.

    Raises:
        InputMissing: The root does not exist or is not known.
        DataError: The layout is another, ids are not unique, or nothing is left after selection.
    """
    component: dict[str, Any] = {"name": settings.name, **settings.options}
    corpus = catalog.build("corpus", component)
    root = corpus_root(settings, corpus, base)
    if making is not None and (make := getattr(corpus, "make", None)) is not None:
        make(root, making)
    clips = sorted(corpus.clips(root), key=lambda clip: clip.id)
    _check_ids(settings.name, root, clips)
    for kind, pattern in settings.attach.items():
        clips = attach_tracks(clips, kind, pattern, root if root.is_dir() else root.parent)
    clips = select_clips(clips, settings.select, corpus=settings.name)
    clips = map_labels(clips, settings.labels, corpus=settings.name)
    clips = share_takes(clips)
    clips = thin_clips(clips, settings.thin, corpus=settings.name, seed=seed)
    if not clips:
        raise DataError("no clips", where=settings.name, remedy="check the corpus's select and labels")
    clips = clips[: settings.limit]
    return [
        replace(clip, speaker=_namespaced(settings.name, clip.speaker), take=_namespaced(settings.name, clip.take))
        for clip in clips
    ]


def corpus_root(settings: CorpusSettings, corpus: Any, base: Path) -> Path:
    """Where the corpus lies: its root, else its place below FUSION_DATA.

    A corpus class with ``home`` (a folder's name) and ``make`` makes itself: without a root it lies below ``.fusion``.
    """
    if settings.root is not None:
        root = (base / settings.root.expanduser()).absolute()
    elif (home := getattr(corpus, "home", None)) is not None:
        return (GENERATED_FOLDER / str(home)).absolute()
    elif os.environ.get(DATA_VARIABLE):
        root = Path(os.environ[DATA_VARIABLE]).expanduser().absolute() / settings.name
    else:
        raise InputMissing(
            "its folder is not known",
            where=f"corpus {settings.name}",
            remedy=f"write root: in the config, or set {DATA_VARIABLE} to the folder above '{settings.name}'",
        )
    if not root.exists() and getattr(corpus, "home", None) is None:
        raise InputMissing(
            "no such folder",
            where=str(root),
            remedy=f"put corpus {settings.name} there, or write its root: in the config",
        )
    return root


def _check_ids(corpus: str, root: Path, clips: list[Clip]) -> None:
    doubled = sorted(name for name, count in Counter(clip.id for clip in clips).items() if count > 1)
    if doubled:
        raise DataError(
            f"corpus {corpus} has several clips of one id, such as '{doubled[0]}'",
            where=str(root),
            remedy="the reader must give every clip an id of its own",
        )


def _namespaced(corpus: str, name: str | None) -> str | None:
    """``ravdess:07``; a name that has a namespace already keeps it, so that tables can name another corpus's people."""
    return name if name is None or ":" in name else f"{corpus}:{name}"
