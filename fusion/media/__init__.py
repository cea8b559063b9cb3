"""Media: each file of a clip is read once, and pictures, sound and words come out along the clip's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fusion.contract import Clip, Decoder, Want
from fusion.media.identity import content_hash, track_identity
from fusion.media.probe import MediaInfo, PictureInfo, SoundInfo, probe
from fusion.media.source import ClipSource

__all__ = [
    "ClipSource",
    "MediaInfo",
    "PictureInfo",
    "SoundInfo",
    "content_hash",
    "open_clip",
    "probe",
    "track_identity",
]


def open_clip(
    clip: Clip,
    wants: Sequence[Want],
    *,
    plugin_decoders: Mapping[str, Decoder] = MappingProxyType({}),
    threads: int = 1,
    skip: bool = True,
) -> ClipSource:
    """Open a clip's files for the wanted kinds and rates.

    Args:
        clip: Of each kind, its first track whose file has such a stream is used.
        wants: Kinds at rates; the same kind may be wanted at several rates. Sound and words take no rate.
        plugin_decoders: By media kind, the decoders that plugins bring.
        threads: Decoding threads for each stream.
        skip: Whether frames that no want asks for may be left undecoded; pictures are the same either way.

    Raises:
        InputMissing: A wanted file does not exist.
        DataError: A wanted file is empty, truncated, not what it claims to be, or beyond a limit.
        ComponentError: No decoder is installed for a kind, or a want's rate cannot be had.
    """
    return ClipSource(clip, wants, plugin_decoders, threads, skip)
