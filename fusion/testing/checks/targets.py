"""Checks of targets."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fusion.contract import DataError
from fusion.testing.kit import Case, Fault, NotApplicable, case_of, check

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

_KINDS = ("single", "soft", "several", "dimensions")
_ENCODED = ("encodes_labels",)


@case_of("target")
class TargetCase(Case):
    """A target with labels of clips."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its outputs."""
        names: tuple[str, ...] = self.instance.names
        return names

    @cached_property
    def encoded(self) -> NDArray[np.float32]:
        """The example's labels, ``[B, C]``."""
        if not self.names:
            raise NotApplicable("it predicts nothing")
        if not self.example.labels or len(self.example.labels) < 2:
            raise Fault("there are no labels to encode", "register it with examples= and give Example.labels")
        rows = []
        for labels in self.example.labels:
            row = self.instance.encode(labels)
            if row is None:
                raise Fault(f"it calls {dict(labels)} unlabelled", "encode the labels of its example")
            rows.append(np.asarray(row))
        return np.stack(rows)

    @cached_property
    def targets(self) -> Tensor:
        """The same as a tensor."""
        import torch

        return torch.from_numpy(self.encoded)

    def logits(self) -> Tensor:
        """Logits that ask for gradients."""
        import torch

        numbers = torch.Generator().manual_seed(3)
        return torch.randn(self.encoded.shape, generator=numbers).requires_grad_()


@check("target", remedy="construct it from its options alone", needs=("examples_are_usable",))
def builds(case: TargetCase) -> None:
    """It is constructed from its options, names its outputs and says of which kind it is."""
    names = getattr(case.instance, "names", None)
    if not isinstance(names, tuple) or not all(isinstance(name, str) and name for name in names):
        raise Fault(f"its names are {names!r}", "let names be a tuple of strings, one for each output")
    if len(set(names)) < len(names):
        raise Fault("two of its outputs have one name", "name every output once")
    if getattr(case.instance, "kind", None) not in _KINDS:
        raise Fault(f"its kind is {getattr(case.instance, 'kind', None)!r}", f"let kind be one of {', '.join(_KINDS)}")


@check("target", remedy="encode labels as float32 [C]: one-hot, weights that sum to 1, several ones, or values")
def encodes_labels(case: TargetCase) -> None:
    """Labels become float32 ``[C]`` as its kind has it."""
    encoded, kind = case.encoded, case.instance.kind
    if encoded.shape[1:] != (len(case.names),):
        raise Fault(f"labels become {encoded.shape[1:]}, not {(len(case.names),)}")
    if encoded.dtype != np.float32:
        raise Fault(f"labels become {encoded.dtype}, not float32")
    if not np.isfinite(encoded).all():
        raise Fault("labels become NaN or infinity")
    if kind in ("single", "soft") and not np.allclose(encoded.sum(axis=1), 1, atol=1e-5):
        raise Fault(f"a {kind} label sums to {float(encoded.sum(axis=1)[0]):.3g}, not to 1")
    if kind == "single" and not np.isin(encoded, (0, 1)).all():
        raise Fault("a single label is no one-hot row")
    if kind == "several" and not np.isin(encoded, (0, 1)).all():
        raise Fault("several labels are no zeros and ones")


@check("target", remedy="answer None where a clip has no label of the target's", needs=_ENCODED)
def unlabelled_clips_are_none(case: TargetCase) -> None:
    """Clips without its labels are unlabelled."""
    if not case.names:
        raise NotApplicable("it predicts nothing")
    for labels in ({}, {"of another corpus": "x"}):
        row = case.instance.encode(labels)
        if row is not None:
            raise Fault(f"of a clip with the labels {labels} it makes {row!r}")


@check("target", remedy="raise DataError that names the label and those that there are", needs=_ENCODED)
def strange_labels_are_refused(case: TargetCase) -> None:
    """A label that is not among its own is refused in one sentence."""
    if not case.names:
        raise NotApplicable("it predicts nothing")
    assert case.example.labels
    labels: dict[str, Any] = dict.fromkeys(case.example.labels[0], "no such label")
    try:
        row = case.instance.encode(labels)
    except DataError:
        return
    except Exception as error:
        raise Fault(f"the labels {labels} raise {type(error).__name__}: {error}") from error
    raise Fault(f"of the labels {labels} it makes {row!r}")


@check("target", remedy="answer a scalar mean with gradient", needs=_ENCODED)
def loss_is_a_scalar(case: TargetCase) -> None:
    """The loss is a finite scalar with gradients, for batches of any size, with weights and smoothing."""
    import torch

    case.encoded  # noqa: B018 - says whether there is anything to check
    weights = torch.linspace(0.5, 1.5, len(case.names))
    for rows in (len(case.encoded), 1):
        for arguments in ({}, {"weights": weights}, {"smoothing": 0.1}):
            logits = case.logits()
            loss = case.instance.loss(logits[:rows], case.targets[:rows], **arguments)
            how = f"of {rows} row{'s' * (rows > 1)}" + (f" with {next(iter(arguments))}" if arguments else "")
            if loss.shape != ():
                raise Fault(f"the loss {how} has shape {tuple(loss.shape)}")
            if not bool(torch.isfinite(loss)):
                raise Fault(f"the loss {how} is {float(loss)}")
            if not loss.requires_grad:
                raise Fault(f"the loss {how} has no gradient")
            torch.autograd.backward(loss)
            if logits.grad is None or not bool(torch.isfinite(logits.grad).all()) or not bool(logits.grad.any()):
                raise Fault(f"the gradient of the loss {how} is nothing, NaN or infinity")


@check("target", remedy="let the loss fall as logits come nearer to the targets", needs=("loss_is_a_scalar",))
def loss_leads_to_the_targets(case: TargetCase) -> None:
    """Steps down the loss bring its probabilities nearer to the targets."""
    import torch

    logits = case.logits()
    before = _distance(case, logits)
    for _ in range(200):
        (slope,) = torch.autograd.grad(case.instance.loss(logits, case.targets), [logits])
        with torch.no_grad():
            logits -= 0.1 * slope / slope.norm().clamp_min(1e-9)
    after = _distance(case, logits)
    if not after < 0.7 * before:
        raise Fault(f"200 steps down the loss leave its answers {after:.2g} from the targets, at first {before:.2g}")


@check("target", remedy="apply a softmax, a sigmoid, or the scale of the dimensions", needs=_ENCODED)
def probabilities_are_some(case: TargetCase) -> None:
    """Probabilities lie in 0 to 1, and sum to 1 where one class is right; dimensions are finite."""
    import torch

    case.encoded  # noqa: B018 - says whether there is anything to check
    logits = case.logits().detach() * 5
    answer = case.instance.probabilities(logits)
    if answer.shape != logits.shape:
        raise Fault(f"probabilities have shape {tuple(answer.shape)}, not {tuple(logits.shape)}")
    if not bool(torch.isfinite(answer).all()):
        raise Fault("probabilities hold NaN or infinity")
    if case.instance.kind == "dimensions":
        return
    if float(answer.min()) < 0 or float(answer.max()) > 1:
        raise Fault(f"probabilities reach from {float(answer.min()):.2g} to {float(answer.max()):.2g}")
    if case.instance.kind in ("single", "soft") and float((answer.sum(dim=1) - 1).abs().max()) > 1e-5:
        raise Fault(f"probabilities sum to {float(answer.sum(dim=1)[0]):.3g}, not to 1")


@check("target", remedy="look at each row by itself", needs=("probabilities_are_some",))
def neighbours_do_not_count(case: TargetCase) -> None:
    """A row's probabilities do not depend on the others."""
    import torch

    logits = case.logits().detach()
    together = case.instance.probabilities(logits)
    alone = torch.cat([case.instance.probabilities(row[None]) for row in logits])
    if not bool(torch.allclose(together, alone, atol=1e-6)):
        raise Fault("a row's probabilities change with other rows beside it")


def _distance(case: TargetCase, logits: Tensor) -> float:
    return float((case.instance.probabilities(logits.detach()) - case.targets).abs().mean())
