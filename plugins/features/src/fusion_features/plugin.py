"""What this distribution offers to Fusion; read at start-up, imports nothing heavy."""

from fusion.contract import Register, hookimpl


@hookimpl
def register_decoders(register: Register) -> None:
    register(
        "features",
        "fusion_features.decoder:FeatureDecoder",
        examples="fusion_features.examples:decoded",
        summary="Numbers by clip from CSV, Parquet, NPY, NPZ or safetensors.",
    )


@hookimpl
def register_modalities(register: Register) -> None:
    register(
        "features",
        "fusion_features.modality:Features",
        options="fusion_features.options:Features",
        examples="fusion_features.examples:features",
        summary="Features computed elsewhere, one vector a clip or a sequence.",
    )
    register(
        "scores",
        "fusion_features.scores:Scores",
        options="fusion_features.options:Scores",
        examples="fusion_features.examples:scores",
        summary="Logits or probabilities that another model gave each clip.",
    )


@hookimpl
def register_encoders(register: Register) -> None:
    register(
        "mlp",
        "fusion_features.mlp:MLP",
        options="fusion_features.options:MLP",
        modality="features",
        examples="fusion_features.examples:mlp",
        summary="Fully connected layers on a vector, or on the mean over a sequence.",
    )
    register(
        "gru",
        "fusion_features.gru:GRU",
        options="fusion_features.options:GRU",
        modality="features",
        examples="fusion_features.examples:gru",
        summary="Recurrent layers over a sequence, attention or mean pooling.",
    )
    register(
        "scores",
        "fusion_features.given:Given",
        modality="scores",
        summary="The scores as they are: a stream that brings its own logits.",
    )
