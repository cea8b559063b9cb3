"""Networks of pytorchvideo without their heads."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from fusion.contract import Batch, ComponentError, InputSpec, OutputSpec, StreamOutput
from fusion_video.masked import masked_mean
from fusion_video.modality import rate_of
from fusion_video.weights import load_backbone

if TYPE_CHECKING:
    from fusion_video.encoder_options import X3D as X3DOptions  # noqa: N811
    from fusion_video.encoder_options import SlowR50 as SlowR50Options


#: Scale at which residual branches begin without loaded weights. pytorchvideo begins at 0, which keeps gradients from
#: reaching them at first; at 1 the sums would grow from block to block, since nothing normalises them.
_OPENING = 0.2


class Backbone(nn.Module):
    """The blocks of a network but its head, then a mean over space, a masked mean over time, a linear layer.

    Both networks normalise by batch. Their batch normalisation always runs in evaluation mode, on the statistics
    of the weights that were loaded: a batch of one works, and an answer depends neither on its neighbours nor on
    the number of processes. Its scales and offsets are trained. Without loaded weights it does nothing at first,
    and training from chance is slow: use ``cnn3d`` for that.

    Rows are encoded at their own length, rows of one length together, because the networks' convolutions and
    squeeze-and-excitation layers would otherwise see the padding. That cannot be exported.

    Args:
        options: Options of the encoder.
        spec: The modality's input, of one or three channels (grey is repeated).
        blocks: The network's blocks, from pictures ``[B, 3, T, H, W]`` to features ``[B, width, T, h, w]``.
        width: Channels of these features.
    """

    def __init__(
        self, options: X3DOptions | SlowR50Options, spec: InputSpec, blocks: nn.ModuleList, width: int
    ) -> None:
        super().__init__()
        channels = spec.shapes["frames"][1]
        if channels not in (1, 3):
            raise ComponentError(
                f"the network takes one or three channels, not {channels}",
                where="encoder of video",
                remedy="give the modality video a single view in normalise",
            )
        self.options = options
        self.width = width
        self.blocks = blocks
        if options.weights is not None:
            load_backbone(blocks, options.weights)
        self.output = nn.Linear(width, options.embedding)
        self.dropout = nn.Dropout(options.dropout)
        self.seconds = float(1 / rate_of(spec))
        self.train(self.training)

    @property
    def portable(self) -> dict[str, Any]:
        """Options that build the same network without its file of weights."""
        return {**asdict(self.options), "weights": None}

    @property
    def spec(self) -> OutputSpec:
        return OutputSpec(self.options.embedding, sequence=self.width, exportable=False)

    def train(self, mode: bool = True) -> Self:
        """As usual, but batch normalisation stays on its stored statistics."""
        super().train(mode)
        for module in self.blocks.modules():
            if isinstance(module, nn.BatchNorm3d):
                module.eval()
        return self

    def forward(self, batch: Batch) -> StreamOutput:
        """Frames ``[B, T, C, H, W]`` and mask ``[B, T]`` to an embedding and one item for every frame."""
        frames, mask = batch["frames"], batch["mask"]
        rows, steps = mask.shape
        places = torch.arange(1, steps + 1, device=mask.device)
        lengths = (mask * places).amax(1).clamp(min=1)
        sequence = frames.new_zeros(rows, steps, self.width)
        for length in torch.unique(lengths).tolist():
            chosen = (lengths == length).nonzero()[:, 0]
            features = self._features(frames[chosen, :length], mask[chosen, :length])
            padded = nn.functional.pad(features, (0, 0, 0, steps - length))
            sequence = sequence.index_copy(0, chosen, padded.to(sequence.dtype))
        embedding = self.output(self.dropout(masked_mean(sequence, mask)))
        times = (places - 1)[None].expand(rows, -1) * self.seconds
        return StreamOutput(embedding, sequence * mask[:, :, None], mask, times)

    def _features(self, frames: Tensor, mask: Tensor) -> Tensor:
        """``[B, T, C, H, W]`` to ``[B, T, width]``; masked frames are mid-grey to the network."""
        pictures = (frames - self.options.mean) / self.options.deviation
        features = (pictures * mask[:, :, None, None, None]).transpose(1, 2)
        if features.shape[1] == 1:
            features = features.expand(-1, 3, -1, -1, -1)
        for block in self.blocks:
            features = block(features)
        return features.mean((3, 4)).transpose(1, 2)


class X3D(Backbone):
    """X3D (Feichtenhofer, 2020): a small network whose sizes were found by stepwise expansion."""

    def __init__(self, options: X3DOptions, spec: InputSpec) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pytorchvideo.models.x3d import create_x3d

            network = create_x3d(width_factor=options.width, depth_factor=options.depth, inner_act=nn.SiLU)
        blocks = _headless(network)
        super().__init__(options, spec, blocks, _channels(blocks))


class SlowR50(Backbone):
    """The slow path of SlowFast (Feichtenhofer et al., 2019) as a network of its own: a ResNet-50 over time."""

    def __init__(self, options: SlowR50Options, spec: InputSpec) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pytorchvideo.models.resnet import create_resnet

            network = create_resnet(model_depth=50, stem_dim_out=options.width)
        blocks = _headless(network)
        super().__init__(options, spec, blocks, _channels(blocks))


def _headless(network: Any) -> nn.ModuleList:
    """A network's blocks without the last, which is its head."""
    blocks = nn.ModuleList(network.blocks[:-1])
    for module in blocks.modules():
        if getattr(module, "block_final_bn", False):
            assert isinstance(module, nn.BatchNorm3d)
            nn.init.constant_(module.weight, _OPENING)
    return blocks


def _channels(blocks: nn.ModuleList) -> int:
    """Channels of the last block's features."""
    last: Any = blocks[-1]
    return int(last.res_blocks[-1].branch2.conv_c.out_channels)
