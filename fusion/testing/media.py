"""Real media files for tests, written with PyAV: H.264 and AAC in mp4, or plain sound files.

Everything is deterministic; defaults are small (160x120, three seconds) so that tests stay fast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

#: From seconds to an upright picture ``[height, width, 3]`` uint8.
PictureFunction = Callable[[float], NDArray[np.uint8]]
#: From seconds ``[N]`` to samples ``[N]`` or ``[N, channels]`` in -1 to 1.
SoundFunction = Callable[[NDArray[np.float64]], NDArray[Any]]

_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 8: "7.1"}
_SAMPLE_FORMATS = {"aac": "fltp", "flac": "s16", "pcm_s16le": "s16", "pcm_f32le": "flt", "libmp3lame": "fltp"}
_SOUND_CODECS = {".wav": "pcm_s16le", ".flac": "flac", ".m4a": "aac", ".mp4": "aac", ".mp3": "libmp3lame"}
_CLOCK = 60_000
#: Steps of a variable frame rate, in frames of the nominal one; they sum to their count.
_VARIABLE_STEPS = (Fraction(1, 2), Fraction(7, 4), Fraction(3, 4), Fraction(1), Fraction(1))


def moving_bar(size: tuple[int, int]) -> PictureFunction:
    """A grey ramp with a white bar that crosses the picture once every two seconds; size is (width, height)."""
    width, height = size
    ramp = np.linspace(40, 160, width).astype(np.uint8)

    def picture(seconds: float) -> NDArray[np.uint8]:
        image = np.empty((height, width, 3), np.uint8)
        image[...] = ramp[None, :, None]
        image[: height // 3, :, 0] = 200
        left = int((seconds / 2 % 1) * width)
        image[:, left : left + max(width // 10, 2)] = 235
        return image

    return picture


def tone(frequency: float = 220.0, amplitude: float = 0.3) -> SoundFunction:
    """A sine whose loudness swells once a second."""

    def samples(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        swell = 0.55 + 0.45 * np.sin(2 * np.pi * seconds)
        return amplitude * swell * np.sin(2 * np.pi * frequency * seconds)

    return samples


def write_clip(
    path: Path,
    *,
    seconds: float = 3.0,
    size: tuple[int, int] = (160, 120),
    fps: Fraction | int = Fraction(25),
    pictures: PictureFunction | str | None = "bar",
    sound: SoundFunction | NDArray[Any] | str | None = "tone",
    sound_rate: int = 16000,
    sound_delay: float = 0.0,
    channels: int = 1,
    rotation: int = 0,
    pixel_format: str = "yuv420p",
    variable: bool = False,
    video_codec: str = "libx264",
    audio_codec: str = "aac",
    bt709: bool = False,
    full_range: bool = False,
    picture_delay: float = 0.0,
    gop: int = 50,
    fast_start: bool = False,
    options: Mapping[str, str] | None = None,
) -> Path:
    """Write a clip with pictures and sound (mp4, or what the suffix says).

    Args:
        path: Where to; its folder is made.
        seconds: Length of pictures and of generated sound.
        size: (width, height) of the upright picture; odd sizes are stored as yuv444p, as H.264 asks for.
        fps: Frames per second (the nominal rate where variable).
        pictures: From seconds to an upright RGB picture; ``"bar"`` for a moving bar, None for no pictures.
        sound: From seconds to samples, or samples ``[N]`` or ``[N, channels]``; ``"tone"``; None for no sound.
        sound_rate: Samples per second.
        sound_delay: Second at which the sound track begins. A function is asked from that second on;
            an array begins there.
        channels: Channels of generated sound (an array brings its own number).
        rotation: Clockwise degrees (0, 90, 180, 270) by which a player must turn the stored picture.
        pixel_format: As FFmpeg names it (``yuv420p10le`` for 10 bit).
        variable: Space frames unevenly.
        video_codec: As FFmpeg names it.
        audio_codec: As FFmpeg names it.
        bt709: Store with the matrix of BT.709 rather than BT.601; tagged either way.
        full_range: Store luma in 0 to 255 rather than 16 to 235; tagged either way.
        picture_delay: Second at which the first picture is shown.
        gop: Most frames between key frames.
        fast_start: Put the index first, so that a truncated file still opens.
        options: Further options of the video encoder (``{"preset": "ultrafast"}``).

    Returns:
        path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A fine movie clock, so that an offset of the sound is stored to the sample and not to the millisecond.
    container_options = {"movie_timescale": str(sound_rate)} if path.suffix in {".mp4", ".mov", ".m4a"} else {}
    if fast_start:
        container_options["movflags"] = "+faststart"
    drawn = moving_bar(size) if pictures == "bar" else pictures
    heard = tone() if isinstance(sound, str) else sound
    with av.open(str(path), "w", options=container_options) as container:
        video = audio = None
        if drawn is not None:
            assert not isinstance(drawn, str)
            odd = size[0] % 2 or size[1] % 2
            stored = "yuv444p" if odd and pixel_format == "yuv420p" and video_codec == "libx264" else pixel_format
            video = _video_stream(
                container,
                size=size,
                fps=Fraction(fps),
                pixel_format=stored,
                codec=video_codec,
                rotation=rotation,
                gop=gop,
                options=options or {},
            )
            _tag_colours(video, bt709, full_range)
        samples = _samples(heard, seconds, sound_rate, sound_delay, channels)
        if samples is not None:
            audio = _audio_stream(container, audio_codec, sound_rate, samples.shape[1])
        container.start_encoding()  # writes the header also where nothing follows
        if samples is not None and audio is not None:
            _encode_sound(container, audio, samples, round(Fraction(str(sound_delay)) * sound_rate))
        if video is not None:
            assert callable(drawn)
            times = [time + Fraction(str(picture_delay)) for time in frame_times(seconds, Fraction(fps), variable)]
            _encode_pictures(container, video, drawn, times, rotation=rotation, bt709=bt709, full_range=full_range)
    return path


def write_sound(
    path: Path,
    *,
    seconds: float = 3.0,
    sound: SoundFunction | NDArray[Any] | str = "tone",
    sound_rate: int = 16000,
    channels: int = 1,
    codec: str | None = None,
) -> Path:
    """Write a sound file: .wav, .flac, .m4a or .mp3 by its suffix.

    Args:
        path: Where to; its folder is made.
        seconds: Length of generated sound.
        sound: From seconds to samples, or samples ``[N]`` or ``[N, channels]`` (NaN survives in ``pcm_f32le``).
        sound_rate: Samples per second.
        channels: Channels of generated sound.
        codec: As FFmpeg names it, where the suffix's usual one is not wanted (``pcm_f32le``).

    Returns:
        path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = _samples(tone() if isinstance(sound, str) else sound, seconds, sound_rate, 0.0, channels)
    assert samples is not None
    with av.open(str(path), "w") as container:
        audio = _audio_stream(container, codec or _SOUND_CODECS[path.suffix], sound_rate, samples.shape[1])
        container.start_encoding()
        _encode_sound(container, audio, samples, 0)
    return path


def truncate(path: Path, fraction: float = 0.5) -> Path:
    """Cut a file's end off, keeping the given fraction of its bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    return path


def frame_times(seconds: float, fps: Fraction, variable: bool = False) -> list[Fraction]:
    """When write_clip shows its frames, in seconds, on the file's clock of 1/60000 s."""
    end = Fraction(str(seconds))
    times: list[Fraction] = []
    time = Fraction(0)
    while time < end:
        times.append(Fraction(round(time * _CLOCK), _CLOCK))
        step = _VARIABLE_STEPS[(len(times) - 1) % len(_VARIABLE_STEPS)] if variable else Fraction(1)
        time += step / fps
    return times


def _video_stream(
    container: OutputContainer,
    *,
    size: tuple[int, int],
    fps: Fraction,
    pixel_format: str,
    codec: str,
    rotation: int,
    gop: int,
    options: Mapping[str, str],
) -> VideoStream:
    stream = cast("VideoStream", container.add_stream(codec, rate=fps, options=dict(options)))
    width, height = size if rotation % 180 == 0 else size[::-1]
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = width, height, pixel_format
    context.time_base = Fraction(1, _CLOCK)
    stream.time_base = Fraction(1, _CLOCK)
    context.thread_count = 1
    context.gop_size = gop
    if rotation:
        stream.set_display_rotation(-rotation)
    return stream


def _tag_colours(stream: VideoStream, bt709: bool, full_range: bool) -> None:
    context = stream.codec_context
    context.colorspace, context.color_range = _colour_tags(str(context.pix_fmt), bt709, full_range)


def _colour_tags(pixel_format: str, bt709: bool, full_range: bool) -> tuple[int, int]:
    """Matrix and range by FFmpeg's numbers; pictures stored as RGB have neither."""
    if pixel_format.startswith(("gbr", "rgb", "bgr")):
        return 0, 2
    return (1 if bt709 else 5), (2 if full_range else 1)


def _audio_stream(container: OutputContainer, codec: str, rate: int, channels: int) -> AudioStream:
    stream = cast("AudioStream", container.add_stream(codec, rate=rate, layout=_LAYOUTS[channels]))
    stream.codec_context.format = _SAMPLE_FORMATS[codec]
    return stream


def _samples(
    sound: SoundFunction | NDArray[Any] | None, seconds: float, rate: int, delay: float, channels: int
) -> NDArray[np.float64] | None:
    """Samples ``[N, channels]``, or None without sound."""
    if sound is None:
        return None
    if callable(sound):
        count = max(math.ceil((Fraction(str(seconds)) - Fraction(str(delay))) * rate), 0)
        samples = np.asarray(sound(delay + np.arange(count) / rate), np.float64)
    else:
        samples = np.asarray(sound, np.float64)
    if samples.ndim == 1:
        samples = np.repeat(samples[:, None], channels, axis=1)
    return samples


def _encode_sound(container: OutputContainer, stream: AudioStream, samples: NDArray[np.float64], first: int) -> None:
    """Encode samples ``[N, channels]`` with presentation times that begin at item ``first`` of the rate."""
    context = stream.codec_context
    rate, layout, sample_format = context.sample_rate, context.layout.name, context.format.name
    if sample_format == "s16":
        converted = np.clip(np.round(samples * 32767), -32768, 32767).astype(np.int16)
    else:
        converted = samples.astype(np.float32)
    for start in range(0, len(converted), 1024):
        block = converted[start : start + 1024]
        planar = np.ascontiguousarray(block.T if sample_format.endswith("p") else block.reshape(1, -1))
        frame = AudioFrame.from_ndarray(planar, format=sample_format, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, first + start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _encode_pictures(
    container: OutputContainer,
    stream: VideoStream,
    pictures: PictureFunction,
    times: list[Fraction],
    *,
    rotation: int,
    bt709: bool,
    full_range: bool,
) -> None:
    pixel_format = stream.codec_context.pix_fmt
    for time in times:
        # Stored turned against the clock, so that a player who turns it with the clock shows it upright.
        stored = np.ascontiguousarray(np.rot90(pictures(float(time)), rotation // 90))
        frame = VideoFrame.from_ndarray(stored, format="rgb24").reformat(
            format=pixel_format,
            dst_colorspace="ITU709" if bt709 else "ITU601",
            dst_color_range="JPEG" if full_range else "MPEG",
        )
        frame.pts, frame.time_base = round(time * _CLOCK), Fraction(1, _CLOCK)
        frame.colorspace, frame.color_range = _colour_tags(str(pixel_format), bt709, full_range)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
