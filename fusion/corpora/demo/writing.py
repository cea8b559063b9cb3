"""Write one clip as H.264 and AAC in MP4, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

#: Stands in every generated file's metadata.
COMMENT = "generated: a drawn face and a synthetic voice, no real person; made by the demo corpus of Fusion"


def write_talking_clip(
    file: Path,
    pictures: Iterable[NDArray[np.uint8]],
    samples: NDArray[np.float64] | None,
    *,
    size: tuple[int, int],
    fps: int,
    rate: int,
    title: str,
) -> None:
    """Write pictures (RGB ``[height, width, 3]``) and mono sound; one thread, and no times or versions in the file.

    Args:
        file: The MP4 file.
        pictures: One for each frame.
        samples: Sound ``[samples]`` in -1 to 1; None writes no sound.
        size: (width, height), both even.
        fps: Pictures a second.
        rate: Samples a second.
        title: Stands in the metadata.
    """
    with av.open(str(file), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as container:
        container.metadata["comment"] = COMMENT
        container.metadata["title"] = title
        video = container.add_stream("libx264", rate=fps)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.time_base = Fraction(1, fps)
        video.options = {"preset": "ultrafast", "crf": "23", "g": "50", "x264-params": "threads=1:bframes=0"}
        video.codec_context.thread_count = 1
        video.codec_context.flags |= Flags.bitexact
        sound = None
        if samples is not None:
            sound = container.add_stream("aac", rate=rate, layout="mono")
            sound.bit_rate = 64_000
            sound.codec_context.thread_count = 1
            sound.codec_context.flags |= Flags.bitexact
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None and samples is not None:
            whole = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
            whole.sample_rate = rate
            whole.pts = 0
            whole.time_base = Fraction(1, rate)
            container.mux(sound.encode(whole))
            container.mux(sound.encode(None))


def is_marked_generated(file: Path) -> bool:
    """Whether a media file says in its metadata that it is one of the demo's."""
    try:
        with av.open(str(file)) as container:
            return container.metadata.get("comment") == COMMENT
    except (av.FFmpegError, OSError):
        return False
