"""Checks of fusion heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fusion.contract import HeadOutput, StreamOutput, StreamSpec
from fusion.testing.kit import Case, Fault, NotApplicable, case_of, check
from fusion.testing.outputs import (
    CLASSES,
    LOGITS_ALONE,
    ONE_STREAM,
    STREAMS,
    SUBSETS,
    all_present,
    copied,
    shown,
    some_rows,
    subsets,
    whole,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fusion.testing.networks import Run

_KINDS = ("single", "soft", "several", "dimensions")
_ANSWERED = ("answers_as_declared",)


@case_of("head")
class HeadCase(Case):
    """A head over three streams: one with a timed sequence, one without, one with a short sequence."""

    def network(self, streams: Sequence[StreamSpec] = STREAMS) -> Any:
        """A new one."""
        return self.build(list(streams), len(CLASSES))

    @cached_property
    def head(self) -> Any:
        """One, in evaluation mode, for checks that do not change it."""
        from fusion.testing.networks import seeded

        return seeded(self.network).eval()

    def answer(self, outputs: Mapping[str, StreamOutput], present: Tensor) -> dict[str, Tensor]:
        """The head's answers in evaluation mode."""
        import torch

        with torch.no_grad():
            return on(outputs, present)(self.head)


def on(outputs: Mapping[str, StreamOutput], present: Tensor) -> Run:
    """Runs a head on streams' outputs."""

    def run(network: nn.Module) -> dict[str, Tensor]:
        from fusion.testing.networks import tensors_of

        answer = network({name: copied(output) for name, output in outputs.items()}, present.clone())
        if not isinstance(answer, HeadOutput):
            raise Fault(f"it answers a {type(answer).__name__}", "answer a fusion.contract.HeadOutput")
        return tensors_of(answer)

    return run


@check("head", remedy="construct it from (options, streams, outputs) alone", needs=("examples_are_usable",))
def builds(case: HeadCase) -> None:
    """It is constructed from its options, the streams and the number of outputs, and says what it reads."""
    from fusion.testing.networks import seeded

    network = seeded(case.network)
    for name in ("needs_sequence", "needs_logits"):
        if not isinstance(getattr(network, name, None), bool):
            raise Fault(f"it does not say {name}", f"give the class {name} = True or False")


@check("head", remedy="let suits(options, kind) be a static method that answers a bool")
def suits_some_target(case: HeadCase) -> None:
    """Where it says for which kinds of targets it does, it says so of every kind, and does for one."""
    if not suited(case):
        raise Fault("it suits no kind of target", "let it suit one")


@check("head", remedy="answer logits [B, C], and weights [B, S] and stream_logits [B, S, C] where there are some")
def answers_as_declared(case: HeadCase) -> None:
    """Shapes and types are those of the contract, for every non-empty subset of streams; every number is finite."""
    import torch

    present = subsets()
    answers = case.answer(shown(whole(), present, STREAMS), present)
    rows, streams, classes = len(SUBSETS), len(STREAMS), len(CLASSES)
    shapes = {"logits": (rows, classes), "weights": (rows, streams), "stream_logits": (rows, streams, classes)}
    if "logits" not in answers:
        raise Fault("it answers no logits")
    for name, tensor in answers.items():
        if tuple(tensor.shape) != shapes[name]:
            raise Fault(f"{name} has shape {tuple(tensor.shape)}, not {shapes[name]}")
        if tensor.dtype != torch.float32:
            raise Fault(f"{name} is {tensor.dtype}, not torch.float32")
        if tensor.device != present.device:
            raise Fault(f"{name} is on {tensor.device}, its input on {present.device}")
        finite = torch.isfinite(tensor).flatten(1).all(dim=1)
        if not bool(finite.all()):
            row = int((~finite).nonzero()[0])
            there = [stream.name for stream, is_there in zip(STREAMS, SUBSETS[row], strict=True) if is_there]
            raise Fault(
                f"{name} holds NaN or infinity where of {streams} streams only {' and '.join(there)} is present",
                "let any non-empty subset of streams do",
            )
    if "weights" in answers and bool((answers["weights"][~present] != 0).any()):
        raise Fault("an absent stream has a weight", "let weights be 0 where a stream is absent")


@check("head", remedy="mask absent streams before anything is combined", needs=_ANSWERED)
def absent_streams_have_no_influence(case: HeadCase) -> None:
    """Whatever stands in an absent stream's place, the logits stay the same."""
    from fusion.testing.networks import TOLERANCE, difference

    present = subsets()
    expected = case.answer(shown(whole(), present, STREAMS), present)["logits"]
    # Masked streams hold real values where the engine asks what the answer would be without them.
    answer = case.answer(whole(), present)["logits"]
    off = difference(expected, answer)
    if off > TOLERANCE:
        row = int((expected - answer).abs().amax(dim=1).argmax())
        absent = [stream.name for stream, is_there in zip(STREAMS, SUBSETS[row], strict=True) if not is_there]
        raise Fault(
            f"the logits change by {off:.2g} with what stands in place of an absent stream ({', '.join(absent)})"
        )


@check("head", remedy="let the streams that it is built for decide, one included", needs=_ANSWERED)
def one_stream_will_do(case: HeadCase) -> None:
    """A model of one stream can be built and answers."""
    import torch

    from fusion.testing.networks import seeded, unfinished

    try:
        network = seeded(lambda: case.network(ONE_STREAM)).eval()
        with torch.no_grad():
            answers = on(whole(ONE_STREAM), all_present(len(SUBSETS), 1))(network)
    except Fault:
        raise
    except Exception as error:
        raise Fault(f"with one stream it raises {type(error).__name__}: {error}") from error
    bad = unfinished(answers)
    if bad:
        raise Fault(f"with one stream {bad}")


@check("head", remedy="read a stream's log-probabilities where it has no embedding (its spec's dim is None)",
       needs=_ANSWERED)  # fmt: skip
def streams_of_logits_alone_will_do(case: HeadCase) -> None:
    """A stream that brings logits and no embedding takes part."""
    import torch

    from fusion.testing.networks import difference, seeded, unfinished

    streams = (*STREAMS[:2], LOGITS_ALONE)
    try:
        network = seeded(lambda: case.network(streams)).eval()
        outputs, present = whole(streams), all_present(len(SUBSETS))
        with torch.no_grad():
            answers = on(outputs, present)(network)
            scores = outputs["scores"].logits
            assert scores is not None
            outputs["scores"].logits = scores.flip(1)
            other = on(outputs, present)(network)
    except Fault:
        raise
    except Exception as error:
        raise Fault(f"with a stream of logits alone it raises {type(error).__name__}: {error}") from error
    bad = unfinished(answers)
    if bad:
        raise Fault(f"with a stream of logits alone {bad}")
    if difference(answers["logits"], other["logits"]) == 0:
        raise Fault("a stream of logits alone has no influence")


@check("head", remedy="combine streams, never rows", needs=_ANSWERED)
def neighbours_do_not_count(case: HeadCase) -> None:
    """A row's answer is the same alone as in a batch."""
    from fusion.testing.networks import TOLERANCE, difference

    present = subsets()
    outputs = shown(whole(), present, STREAMS)
    together = case.answer(outputs, present)["logits"]
    for row in range(len(SUBSETS)):
        part = slice(row, row + 1)
        off = difference(case.answer(some_rows(outputs, part), present[part])["logits"], together[part])
        if off > TOLERANCE:
            raise Fault(f"a row's logits change by {off:.2g} with other rows beside it")


@check("head", remedy="read the mask beside a sequence wherever it is summed or attended over", needs=_ANSWERED)
def padding_does_not_count(case: HeadCase) -> None:
    """Steps of a sequence where its mask is False have no influence."""
    import torch

    from fusion.testing.networks import TOLERANCE, difference

    outputs, present = whole(), all_present(len(SUBSETS))
    expected = case.answer(outputs, present)["logits"]
    for output in outputs.values():
        if output.sequence is not None and output.mask is not None:
            output.sequence = torch.where(
                output.mask[:, :, None], output.sequence, torch.full_like(output.sequence, 9.0)
            )
    off = difference(expected, case.answer(outputs, present)["logits"])
    if off > TOLERANCE:
        raise Fault(f"the logits change by {off:.2g} with what stands where a sequence's mask is False")


@check("head", remedy="find streams by their names", needs=_ANSWERED)
def order_of_the_mapping_does_not_count(case: HeadCase) -> None:
    """Outputs are read by name, in whatever order the mapping lists them."""
    from fusion.testing.networks import differing

    present = subsets()
    outputs = shown(whole(), present, STREAMS)
    turned = dict(reversed(outputs.items()))
    found = differing(case.answer(outputs, present), case.answer(turned, present))
    if found:
        raise Fault(f"{found} when the mapping lists the streams in another order")


@check("head", remedy="clone before writing", needs=_ANSWERED)
def inputs_stay_as_they_are(case: HeadCase) -> None:
    """Combining does not change what the streams answered."""
    import torch

    outputs, present = whole(), subsets()
    given = {name: copied(output) for name, output in outputs.items()}
    mask = present.clone()
    with torch.no_grad():
        case.head(given, mask)
    for stream, output in outputs.items():
        for name in StreamOutput.__slots__:
            value = getattr(output, name)
            if value is not None and not value.equal(getattr(given[stream], name)):
                raise Fault(f"it changes the {name} of a stream")
    if not mask.equal(present):
        raise Fault("it changes the presence mask")


@check("head", remedy="let every parameter take part in the logits", needs=_ANSWERED)
def gradients_reach_every_parameter(case: HeadCase) -> None:
    """Every parameter that asks for gradients gets one."""
    from fusion.testing.networks import gradients

    _require_parameters(case)
    gradients(case.network, [_logits(on(shown(whole(seed=seed), subsets(), STREAMS), subsets())) for seed in (1, 2)])


@check("head", remedy="normalise by row or layer, so that one row is a batch", needs=_ANSWERED)
def one_row_trains(case: HeadCase) -> None:
    """A batch of one runs forward and backward in training."""
    from fusion.testing.networks import seeded, step

    _require_parameters(case)
    run = _logits(on(whole(rows=1), all_present(1)))
    try:
        step(seeded(case.network).train(), run)
    except Fault:
        raise
    except Exception as error:
        raise Fault(f"a batch of one does not train: {type(error).__name__}: {error}") from error


@check("head", remedy="let nothing but dropout depend on self.training", needs=_ANSWERED)
def training_and_evaluation_agree(case: HeadCase) -> None:
    """Without dropout, train() and eval() give the same answers."""
    from fusion.testing.networks import modes_agree, seeded

    modes_agree(seeded(case.network), on(whole(), all_present(len(SUBSETS))))


@check("head", remedy="keep all that is learned in parameters and buffers", needs=_ANSWERED)
def saving_and_loading_agree(case: HeadCase) -> None:
    """Built anew with the saved weights, it answers the same."""
    from fusion.testing.networks import saving_agrees, seeded

    saving_agrees(seeded(case.network), case.network, on(whole(), all_present(len(SUBSETS))))


@check("head", remedy="draw from torch's global generator, which the engine seeds, and from nothing else",
       needs=_ANSWERED)  # fmt: skip
def one_seed_gives_one_answer(case: HeadCase) -> None:
    """Built and run in training after the same seed, it answers the same."""
    from fusion.testing.networks import seeds_agree

    seeds_agree(case.network, on(whole(), all_present(len(SUBSETS))))


@check("head", remedy="draw from torch's generator, in training alone", needs=_ANSWERED)
def global_randomness_stays(case: HeadCase) -> None:
    """Building touches no other generator than torch's and does not seed it; evaluating touches none."""
    from fusion.testing.networks import randomness_stays

    randomness_stays(case.network, on(whole(), all_present(len(SUBSETS))))


@check("head", remedy="cast what must stay float32", needs=_ANSWERED)
def bfloat16_runs(case: HeadCase) -> None:
    """A training step runs under autocast to bfloat16."""
    from fusion.testing.networks import runs_in_bfloat16, seeded

    _require_parameters(case)
    runs_in_bfloat16(seeded(case.network), _logits(on(whole(), all_present(len(SUBSETS)))))


def _logits(run: Run) -> Run:
    return lambda network: {"logits": run(network)["logits"]}


def _require_parameters(case: HeadCase) -> None:
    if not any(parameter.requires_grad for parameter in case.head.parameters()):
        raise NotApplicable("it has nothing to learn")


def suited(case: Case) -> list[str]:
    """The kinds of targets that a head or aggregator does for; all where it does not say."""
    suits = getattr(case.catalog.load(case.subject.kind, case.subject.name), "suits", None)
    if suits is None:
        return list(_KINDS)
    options = case.catalog.options(case.subject.kind, case.subject.name, case.example.options)
    answers = {kind: suits(options, kind) for kind in _KINDS}
    wrong = [kind for kind, answer in answers.items() if not isinstance(answer, bool)]
    if wrong:
        raise Fault(
            f"of targets of the kind {wrong[0]} its suits says {answers[wrong[0]]!r}",
            "let suits(options, kind) be a static method that answers a bool",
        )
    return [kind for kind, answer in answers.items() if answer]
