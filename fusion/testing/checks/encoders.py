"""Checks of encoders."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fusion.contract import Encoder, OutputSpec, StreamOutput
from fusion.testing.kit import Fault, NotApplicable, case_of, check
from fusion.testing.streams import StreamCase

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fusion.contract import Batch
    from fusion.testing.networks import Run

_OUTPUTS = ("embedding", "sequence", "logits")
_ANSWERED = ("answers_as_declared",)


@case_of("encoder")
class EncoderCase(StreamCase):
    """An encoder, built for the batches of its modality."""

    def network(self) -> Any:
        """A new one."""
        return self.build(self.input)

    @cached_property
    def encoder(self) -> Any:
        """One, in evaluation mode, for checks that do not change it."""
        from fusion.testing.networks import seeded

        return seeded(self.network).eval()

    @cached_property
    def spec(self) -> OutputSpec:
        """What it declares."""
        spec: OutputSpec = self.encoder.spec
        return spec

    def run(self, *places: int) -> Run:
        """Encodes some of the windows; answers every tensor."""
        return on(self.batch(*places))

    def answer(self, batch: Batch) -> dict[str, Tensor]:
        """The encoder's answers in evaluation mode."""
        import torch

        with torch.no_grad():
            return on(batch)(self.encoder)


def on(batch: Batch) -> Run:
    """Runs an encoder on a batch."""

    def run(network: nn.Module) -> dict[str, Tensor]:
        from fusion.testing.networks import tensors_of

        output = network(dict(batch))
        if not isinstance(output, StreamOutput):
            raise Fault(f"it answers a {type(output).__name__}", "answer a fusion.contract.StreamOutput")
        return tensors_of(output)

    return run


@check("encoder", remedy="construct it from (options, input) alone", needs=("examples_are_usable",))
def builds(case: EncoderCase) -> None:
    """It is constructed from its options and its input, as a torch.nn.Module with a spec."""
    from fusion.testing.networks import seeded

    network = seeded(case.network)
    if not isinstance(network, Encoder) or not isinstance(network.spec, OutputSpec):
        raise Fault("it has no spec", "give it a property spec that answers a fusion.contract.OutputSpec")
    spec = network.spec
    if spec.dim is None and spec.classes is None:
        raise Fault("its spec declares neither an embedding nor logits", "set dim, or classes, in its OutputSpec")


@check("encoder", remedy="let spec and forward agree")
def answers_as_declared(case: EncoderCase) -> None:
    """Shapes, types and devices are those of its spec; every number is finite."""
    import torch

    batch, spec = case.batch(), case.spec
    first = next(iter(batch.values()))
    rows, device = len(first), first.device
    answers = case.answer(batch)
    steps = answers["sequence"].shape[1] if "sequence" in answers and answers["sequence"].dim() == 3 else None
    expected: dict[str, tuple[int | None, ...]] = {}
    if spec.dim is not None:
        expected["embedding"] = (rows, spec.dim)
    if spec.sequence is not None:
        expected |= {"sequence": (rows, steps, spec.sequence), "mask": (rows, steps)}
    if spec.classes is not None:
        expected["logits"] = (rows, len(spec.classes))
    for name in _OUTPUTS:
        if name in answers and name not in expected:
            raise Fault(f"it answers a {name} that its spec does not declare")
    for name, shape in expected.items():
        if name not in answers:
            raise Fault("its spec declares a sequence, but it answers no mask" if name == "mask" else
                        f"its spec declares a {name}, but it answers none")  # fmt: skip
        if tuple(answers[name].shape) != shape:
            raise Fault(f"{name} has shape {tuple(answers[name].shape)}, not {shape}")
    for name in ("times", "attention"):
        if name in answers and tuple(answers[name].shape) != (rows, steps):
            raise Fault(f"{name} has shape {tuple(answers[name].shape)}, not {(rows, steps)}")
    for name, tensor in answers.items():
        wanted = torch.bool if name == "mask" else torch.float32
        if tensor.dtype != wanted:
            raise Fault(f"{name} is {tensor.dtype}, not {wanted}")
        if tensor.device != device:
            raise Fault(
                f"{name} is on {tensor.device}, its input on {device}", "make new tensors on the input's device"
            )
        if name != "mask" and not bool(torch.isfinite(tensor).all()):
            raise Fault(f"{name} holds NaN or infinity", "guard roots, logarithms and divisions")
    if "mask" in answers and not bool(answers["mask"].any(dim=1).all()):
        raise Fault("the mask of a row holds no step", "let the mask be True where the sequence is valid")


@check("encoder", remedy="read the batch without writing to it", needs=_ANSWERED)
def inputs_stay_as_they_are(case: EncoderCase) -> None:
    """Encoding does not change the batch."""
    from fusion.testing.networks import kept

    batch = case.batch()
    before = kept(batch)
    case.answer(batch)
    changed = [key for key, value in before.items() if not value.equal(batch[key])]
    if changed:
        raise Fault(f"encoding changes the batch's {changed[0]}")


@check("encoder", remedy="normalise by row, group or layer, never over the batch", needs=_ANSWERED)
def neighbours_do_not_count(case: EncoderCase) -> None:
    """A row's answer is the same whatever other rows of its length stand beside it."""
    alone = case.answer(case.batch(0))
    beside = case.answer(_changed_neighbour(case.batch(0, 0)))
    _compare(alone, beside, "with another row of its length beside it")


@check("encoder", remedy="apply the mask before every layer that looks beyond one step, or declare variable=False",
       needs=("neighbours_do_not_count",))  # fmt: skip
def padding_does_not_count(case: EncoderCase) -> None:
    """A row's answer is the same alone and padded to the length of a longer one."""
    _require_variable(case)
    batch = case.batch()
    together = case.answer(batch)
    for row in range(len(case.windows)):
        _compare(case.answer(case.batch(row)), together, "when it is padded to a longer one", row)


@check("encoder", remedy="multiply with the mask before anything else reads the input, or declare variable=False",
       needs=("padding_does_not_count",))  # fmt: skip
def what_lies_in_padding_does_not_count(case: EncoderCase) -> None:
    """A row's answer is the same whatever stands where its mask is False."""
    import torch

    _require_variable(case)
    batch = case.batch()
    hidden = ~batch["mask"]
    if not bool(hidden.any()):
        raise NotApplicable("no row of its batches is padded")
    expected = case.answer(batch)
    changed = {}
    for key, value in batch.items():
        if key != "mask" and value.dim() > 1 and value.shape[:2] == hidden.shape:
            where = hidden.reshape(*hidden.shape, *[1] * (value.dim() - 2))
            # Other values of the same batch are valid ones, symbols included.
            changed[key] = torch.where(where, value[:, :1].expand_as(value), value)
        else:
            changed[key] = value
    answers = case.answer(changed)
    for row in range(len(case.windows)):
        _compare({name: value[row : row + 1] for name, value in expected.items()}, answers, "when its padding is", row)


@check("encoder", remedy="let every parameter take part in an answer, or set requires_grad=False", needs=_ANSWERED)
def gradients_reach_every_parameter(case: EncoderCase) -> None:
    """Every parameter that asks for gradients gets one from the answers."""
    from fusion.testing.networks import gradients, learns, seeded

    if not learns(seeded(case.network)):
        raise NotApplicable("it has no parameter that learns")
    gradients(case.network, [_outputs(case.run()), _outputs(case.run(1, 0))])


@check("encoder", remedy="normalise by row, group or layer, so that one row is a batch", needs=_ANSWERED)
def one_row_trains(case: EncoderCase) -> None:
    """A batch of one runs forward and backward in training."""
    from fusion.testing.networks import learns, seeded, step

    network, run = seeded(case.network).train(), _outputs(case.run(1))
    try:
        if learns(network):
            step(network, run)
        else:
            run(network)
    except Fault as fault:
        raise Fault(f"with a batch of one {fault.what}", fault.remedy) from fault
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise Fault(f"a batch of one does not train: {type(error).__name__}: {text}") from error


@check("encoder", remedy="let nothing but dropout depend on self.training", needs=_ANSWERED)
def training_and_evaluation_agree(case: EncoderCase) -> None:
    """Without dropout, train() and eval() give the same answers."""
    from fusion.testing.networks import modes_agree, seeded

    modes_agree(seeded(case.network), case.run())


@check("encoder", remedy="keep all that is learned in parameters and buffers", needs=_ANSWERED)
def saving_and_loading_agree(case: EncoderCase) -> None:
    """Built anew (from its portable options, where it has them) with the saved weights, it answers the same."""
    from fusion.testing.networks import saving_agrees, seeded

    network = seeded(case.network)
    saving_agrees(network, _rebuild(case, network), case.run())


@check("encoder", remedy="draw from torch's global generator, which the engine seeds, and from nothing else",
       needs=_ANSWERED)  # fmt: skip
def one_seed_gives_one_answer(case: EncoderCase) -> None:
    """Built and run in training after the same seed, it answers the same."""
    from fusion.testing.networks import seeds_agree

    seeds_agree(case.network, case.run())


@check("encoder", remedy="draw from torch's generator, in training alone", needs=_ANSWERED)
def global_randomness_stays(case: EncoderCase) -> None:
    """Building touches no other generator than torch's and does not seed it; evaluating touches none."""
    from fusion.testing.networks import randomness_stays

    randomness_stays(case.network, case.run())


@check("encoder", remedy="cast what must stay float32, and make new tensors of the type of the values beside them",
       needs=_ANSWERED)  # fmt: skip
def bfloat16_runs(case: EncoderCase) -> None:
    """A training step runs under autocast to bfloat16."""
    from fusion.testing.networks import runs_in_bfloat16, seeded

    runs_in_bfloat16(seeded(case.network), _outputs(case.run()))


@check("encoder", remedy="write forward without data-dependent branches, or declare exportable=False", needs=_ANSWERED)
def exports_as_declared(case: EncoderCase) -> None:
    """It is exported by torch.export and answers the same, or its spec says that it is not exportable."""
    import torch

    if not case.spec.exportable:
        raise NotApplicable("its spec says that it is not exportable")
    batch = case.batch()
    keys, tensors = list(batch), tuple(batch.values())

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = case.encoder

        def forward(self, *tensors: Tensor) -> dict[str, Tensor]:
            return on(dict(zip(keys, tensors, strict=True)))(self.encoder)

    from fusion.testing.networks import differing

    try:
        answers = torch.export.export(Plain(), tensors).module()(*tensors)
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise Fault(f"its spec says exportable, but torch.export fails: {type(error).__name__}: {text}") from error
    found = differing(case.answer(batch), answers)
    if found:
        raise Fault(f"{found} between the exported program and the encoder")


def _outputs(run: Run) -> Run:
    return lambda network: {name: value for name, value in run(network).items() if name in _OUTPUTS}


def _rebuild(case: EncoderCase, network: Any) -> Callable[[], Any]:
    portable = getattr(network, "portable", None)
    if portable is None:
        return case.network
    try:
        options = json.loads(json.dumps(portable))
    except (TypeError, ValueError) as error:
        raise Fault(f"its portable options are no JSON values: {error}", "answer JSON values") from error
    return lambda: case.catalog.build("encoder", {**options, "name": case.subject.name}, case.input)


def _require_variable(case: EncoderCase) -> None:
    if not case.spec.variable:
        raise NotApplicable("its spec says variable=False")
    if "mask" not in case.batch():
        raise NotApplicable("its batches have no mask")


def _changed_neighbour(batch: Batch) -> Batch:
    """Two equal rows, the second one with other values: other numbers, or its first symbol all along."""
    changed = {}
    for key, value in batch.items():
        changed[key] = value.clone()
        if key != "mask" and value.is_floating_point():
            changed[key][1] = 0.3 - 1.7 * value[1]
        elif key != "mask" and value.dim() > 1:
            changed[key][1] = value[1, :1]
    return changed


def _compare(alone: dict[str, Tensor], together: dict[str, Tensor], when: str, row: int = 0) -> None:
    """Raise Fault where the only row of one answer is not that row of the other; sequences where the mask is True."""
    from fusion.testing.networks import TOLERANCE, difference

    for name in (*_OUTPUTS, "attention"):
        if name not in alone:
            continue
        one, other = alone[name][0], together[name][row]
        if name in ("sequence", "attention"):
            valid, also = alone["mask"][0], together["mask"][row]
            if int(valid.sum()) != int(also.sum()):
                raise Fault(f"a row's mask holds {int(also.sum())} steps {when}, and {int(valid.sum())} alone")
            one, other = one[valid], other[also]
        off = difference(one, other)
        if off > TOLERANCE:
            raise Fault(f"a row's {name} changes by {off:.2g} {when}")
