"""What this distribution offers to Fusion; read at start-up, imports nothing heavy."""

from fusion.contract import Register, hookimpl


@hookimpl
def register_modalities(register: Register) -> None:
    register(
        "text",
        "fusion_text.modality:Text",
        options="fusion_text.options:Text",
        summary="What is said, as symbols of a vocabulary or of a transformer's tokeniser.",
        examples="fusion_text.examples:text",
    )


@hookimpl
def register_augmentations(register: Register) -> None:
    register(
        "word_dropout",
        "fusion_text.word_dropout:WordDropout",
        options="fusion_text.options:WordDropout",
        modality="text",
        summary="Hides or removes words.",
    )


@hookimpl
def register_encoders(register: Register) -> None:
    register(
        "lstm",
        "fusion_text.lstm:LSTM",
        options="fusion_text.options:LSTM",
        modality="text",
        summary="Embedding, optional convolution, bidirectional LSTM, attention or mean pooling.",
        examples="fusion_text.examples:lstm",
    )
    register(
        "transformer",
        "fusion_text.transformer:Transformer",
        options="fusion_text.options:Transformer",
        modality="text",
        summary="A transformers model from a local folder or the hub.",
        examples="fusion_text.examples:transformer",
    )
