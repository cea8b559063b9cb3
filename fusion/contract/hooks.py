"""The whole plugin contract: one hook for each kind of component.

A plugin is a module named by an entry point of the group ``fusion``. It is imported when the catalog is first
needed, so it should import nothing but ``fusion.contract``: components are named by their import path
(``package.module:Class``) and imported on use. Options live in a light module of their own, so that reading a
config does not import torch.

    from fusion.contract import Register, hookimpl

    @hookimpl
    def register_encoders(register: Register) -> None:
        register("pulse_gru", "fusion_pulse.encoder:PulseGRU", modality="pulse")
"""

from __future__ import annotations

from typing import Protocol

import pluggy

PROJECT = "fusion"
#: The group of entry points in which plugins are found.
ENTRY_POINTS = "fusion"
#: Version of this contract: the major version of the distribution ``avfusion``.
CONTRACT_VERSION = 1

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register(Protocol):
    """Announces one component."""

    def __call__(
        self,
        name: str,
        target: str,
        *,
        options: str | None = None,
        modality: str | None = None,
        summary: str = "",
        examples: str | None = None,
    ) -> None:
        """Announce a component under a name that configs use.

        Args:
            name: Lower case letters, digits and underscores; unique within its kind.
            target: ``package.module:Class``, imported on use.
            options: ``package.module:Dataclass`` with the component's options; None if it has none.
            modality: The modality an encoder or augmentation is for.
            summary: One line for listings.
            examples: ``package.module:function`` that takes a folder (``pathlib.Path``) and answers a sequence of
                ``Example``: the small cases with which ``fusion.testing`` checks the component. None checks it with
                its default options.
        """
        ...


@hookspec
def register_modalities(register: Register) -> None:
    """Called when the catalog is built, to announce modalities: kinds of input and how they are batched."""


@hookspec
def register_decoders(register: Register) -> None:
    """Called when the catalog is built, to announce decoders of media kinds that the engine does not read itself.

    The name is the media kind.
    """


@hookspec
def register_detectors(register: Register) -> None:
    """Called when the catalog is built, to announce detectors of faces in pictures."""


@hookspec
def register_transforms(register: Register) -> None:
    """Called when the catalog is built, to announce transforms: deterministic, versioned steps before the encoder."""


@hookspec
def register_augmentations(register: Register) -> None:
    """Called when the catalog is built, to announce augmentations: random steps of training."""


@hookspec
def register_encoders(register: Register) -> None:
    """Called when the catalog is built, to announce encoders of a modality (``modality=`` is required)."""


@hookspec
def register_heads(register: Register) -> None:
    """Called when the catalog is built, to announce fusion heads."""


@hookspec
def register_aggregators(register: Register) -> None:
    """Called when the catalog is built, to announce aggregators from windows to a clip's answer."""


@hookspec
def register_objectives(register: Register) -> None:
    """Called when the catalog is built, to announce pretraining objectives over pairs of streams."""


@hookspec
def register_corpora(register: Register) -> None:
    """Called when the catalog is built, to announce readers of corpora."""


@hookspec
def register_targets(register: Register) -> None:
    """Called when the catalog is built, to announce targets: what is predicted, and with which loss."""


@hookspec
def register_protocols(register: Register) -> None:
    """Called when the catalog is built, to announce protocols: how clips are split into parts."""


@hookspec
def register_commands(register: Register) -> None:
    """Called when the program ``fusion`` starts, to announce commands.

    The target is a function that takes the typer application; it is imported only when the command is run or
    its help is asked for, and ``summary`` is what ``fusion --help`` shows.
    """
