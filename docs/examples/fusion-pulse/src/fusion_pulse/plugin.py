"""What this package offers to Fusion; read at start-up, imports nothing heavy."""

from fusion.contract import Register, hookimpl


@hookimpl
def register_decoders(register: Register) -> None:
    register(
        "pulse",
        "fusion_pulse.recording:PulseDecoder",
        summary="Heart rate from a CSV file.",
        examples="fusion_pulse.examples:recordings",
    )


@hookimpl
def register_modalities(register: Register) -> None:
    register("pulse", "fusion_pulse.modality:Pulse", summary="Heart rate, standardised over the training part.")


@hookimpl
def register_encoders(register: Register) -> None:
    register(
        "pulse_gru",
        "fusion_pulse.encoder:PulseGRU",
        options="fusion_pulse.options:PulseGRU",
        modality="pulse",
        summary="A small recurrent network.",
    )
