"""What this distribution offers to Fusion; read at start-up, imports nothing heavy."""

from fusion.contract import Register, hookimpl


@hookimpl
def register_modalities(register: Register) -> None:
    register(
        "video",
        "fusion_video.modality:Video",
        options="fusion_video.options:Video",
        summary="Pictures of a face (or any region), sampled by time.",
        examples="fusion_video.examples:video",
    )


@hookimpl
def register_detectors(register: Register) -> None:
    register(
        "haar",
        "fusion_video.haar:Haar",
        options="fusion_video.options:Haar",
        summary="OpenCV's cascade for frontal faces; needs no weights of its own.",
    )


@hookimpl
def register_transforms(register: Register) -> None:
    register(
        "face_boxes",
        "fusion_video.face_boxes:FaceBoxes",
        options="fusion_video.options:FaceBoxes",
        summary="Looks for faces at fixed times of the clip's clock.",
        examples="fusion_video.examples:face_boxes",
    )
    register(
        "face_crop",
        "fusion_video.face_crop:FaceCrop",
        options="fusion_video.options:FaceCrop",
        summary="Follows the largest face smoothly and cuts out the head.",
        examples="fusion_video.examples:face_crop",
    )
    register(
        "picture_resize",
        "fusion_video.picture_resize:PictureResize",
        options="fusion_video.options:PictureResize",
        summary="The whole region, resized: for pictures that are faces already.",
        examples="fusion_video.examples:picture_resize",
    )


@hookimpl
def register_augmentations(register: Register) -> None:
    for name, target, summary in (
        ("flip", "Flip", "Mirrors the window left to right."),
        ("shift_crop", "ShiftCrop", "Shifts, zooms and tilts the window's crop."),
        ("brightness_contrast", "BrightnessContrast", "Changes the window's light."),
        ("erase", "Erase", "Covers one rectangle throughout the window."),
    ):
        register(
            name,
            f"fusion_video.augmentations:{target}",
            options=f"fusion_video.augmentation_options:{target}",
            modality="video",
            summary=summary,
        )


@hookimpl
def register_encoders(register: Register) -> None:
    register(
        "cnn3d",
        "fusion_video.cnn3d:CNN3D",
        options="fusion_video.encoder_options:CNN3D",
        modality="video",
        summary="Four 3D convolutions, three poolings, two fully connected layers; from scratch.",
        examples="fusion_video.examples:cnn3d",
    )
    register(
        "x3d",
        "fusion_video.backbones:X3D",
        options="fusion_video.encoder_options:X3D",
        modality="video",
        summary="X3D of pytorchvideo without its head; takes local weights.",
        examples="fusion_video.examples:x3d",
    )
    register(
        "slow_r50",
        "fusion_video.backbones:SlowR50",
        options="fusion_video.encoder_options:SlowR50",
        modality="video",
        summary="Slow ResNet-50 of pytorchvideo without its head; takes local weights.",
        examples="fusion_video.examples:slow_r50",
    )
