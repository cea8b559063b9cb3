"""The corpus ``demo``: it makes itself on first use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusion.contract import Clip
from fusion.corpora.demo.generating import generate
from fusion.corpora.loading import Progress
from fusion.corpora.manifest import read_manifest
from fusion.corpora.options import Demo as Options


class Demo:
    """Generated talking faces with four emotions in face, voice and words."""

    about = (
        "demo: generated clips of drawn faces with synthetic voices, for trying the engine and not for science; "
        "no real person is seen or heard"
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    @property
    def home(self) -> str:
        """Name of the folder that the clips are made in where no root is set."""
        options = self._options
        return f"demo-{options.count}-clips-{options.speakers}-speakers-seed-{options.seed}"

    def clips(self, root: Path) -> Sequence[Clip]:
        """All clips ordered by id; they are generated into root first if it is empty or does not exist.

        Raises:
            DataError: root holds something else than these clips.
        """
        return read_manifest(self.make(root))

    def make(self, root: Path, progress: Progress | None = None) -> Path:
        """Generate the clips into root unless they are there; answers their manifest."""
        options = self._options
        return generate(root, clips=options.count, speakers=options.speakers, seed=options.seed, progress=progress)
