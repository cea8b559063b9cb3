"""What this distribution offers to Fusion; read at start-up, imports nothing heavy."""

from __future__ import annotations

from fusion.contract import Register, hookimpl

_OPTIONS = "fusion_spectrogram.options"
_AUGMENTATIONS = "fusion_spectrogram.augmentation_options"
_ENCODERS = "fusion_spectrogram.encoder_options"
_EXAMPLES = "fusion_spectrogram.examples"
#: Transforms that are not checked with their default options on the kit's own sound.
_CASES = {
    "resample": "resample",
    "band_pass": "band_pass",
    "resize": "windowed",
    "fit_length": "windowed",
    "trim": "trim",
}


@hookimpl
def register_modalities(register: Register) -> None:
    register(
        "audio",
        "fusion_spectrogram.modality:Audio",
        options=f"{_OPTIONS}:Audio",
        summary="a voice.",
        examples=f"{_EXAMPLES}:audio",
    )


@hookimpl
def register_transforms(register: Register) -> None:
    for name, module, cls, summary in (
        ("resample", "resample", "Resample", "change the sampling rate."),
        ("band_pass", "band_pass", "BandPass", "keep a band of frequencies."),
        ("loudness", "loudness", "Loudness", "bring every clip to one loudness."),
        ("add_noise", "add_noise", "AddNoise", "mix white noise in at a ratio to the clip's power."),
        ("denoise", "denoise", "Denoise", "stationary spectral gating (noisereduce)."),
        ("log_mel", "log_mel", "LogMel", "log-mel frames."),
        ("db_spectrogram", "db_spectrogram", "DbSpectrogram", "spectrogram in dB on a fixed scale."),
        ("resize", "resize", "Resize", "scale a window's frames to a picture of fixed size."),
        ("fit_length", "fit_length", "FitLength", "cut or fill a window to one length."),
        ("trim", "trim", "Trim", "cut quiet frames off a window's ends."),
    ):
        register(
            name,
            f"fusion_spectrogram.{module}:{cls}",
            options=f"{_OPTIONS}:{cls}",
            summary=summary,
            examples=f"{_EXAMPLES}:{_CASES[name]}" if name in _CASES else None,
        )


@hookimpl
def register_augmentations(register: Register) -> None:
    for name, module, cls, summary in (
        ("time_mask", "masking", "TimeMask", "hide stretches of time."),
        ("frequency_mask", "masking", "FrequencyMask", "hide bands."),
        ("crop_top", "warping", "CropTop", "cut the top off and stretch the rest."),
        ("rotate", "warping", "Rotate", "turn the spectrogram like a picture."),
        ("time_stretch", "warping", "TimeStretch", "faster or slower at the same pitch."),
        ("band_shift", "warping", "BandShift", "move and stretch the spectrum along frequency."),
        ("time_shift", "warping", "TimeShift", "move along time."),
        ("gain", "levels", "Gain", "louder or softer, and a slope over frequency."),
        ("noise", "levels", "Noise", "random numbers on every value."),
    ):
        register(
            name,
            f"fusion_spectrogram.{module}:{cls}",
            options=f"{_AUGMENTATIONS}:{cls}",
            modality="audio",
            summary=summary,
        )


@hookimpl
def register_encoders(register: Register) -> None:
    for name, module, cls, summary in (
        ("cnn", "cnn", "Cnn", "residual CNN over frames."),
        ("cnn_lstm", "cnn", "CnnLstm", "CNN and a bidirectional LSTM."),
        ("cnn_rnn", "cnn", "CnnRnn", "CNN and a bidirectional GRU or plain recurrent layer."),
        ("functionals", "functionals", "Functionals", "statistics of each band over the row, and one layer."),
        ("wav2vec2", "wav2vec2", "Wav2Vec2", "pretrained speech model of transformers, on raw sound at 16 kHz."),
    ):
        register(
            name,
            f"fusion_spectrogram.{module}:{cls}",
            options=f"{_ENCODERS}:{cls}",
            modality="audio",
            summary=summary,
            examples=f"{_EXAMPLES}:{name}",
        )
