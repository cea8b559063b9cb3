"""Checks of pretraining objectives."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from fusion.contract import ObjectiveOutput
from fusion.testing.kit import Case, Fault, NotApplicable, case_of, check

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fusion.testing.networks import Run

#: Embedding size of both streams: there are objectives that compare them as they are.
_DIM = 6
_ROWS = 6
#: Numbers of the kinds of pairs, as the contract gives them.
_NONE, _POSITIVE, _NEGATIVE = 0, 1, 2
_KINDS = 6
_COMPARED = ("answers_a_sum_and_a_count",)


@case_of("objective")
class ObjectiveCase(Case):
    """An objective over a batch of windows in two streams, the pairs of which are known."""

    def network(self) -> Any:
        """A new one."""
        return self.build((_DIM, _DIM))

    @cached_property
    def objective(self) -> Any:
        """One, for checks that do not change it."""
        from fusion.testing.networks import seeded

        return seeded(self.network)

    @cached_property
    def embeddings(self) -> tuple[Tensor, Tensor]:
        """Of both streams, ``[N, D]`` each; those of a window have something in common."""
        import torch

        numbers = torch.Generator().manual_seed(2)
        first = torch.randn(_ROWS, _DIM, generator=numbers)
        return first, first + torch.randn(_ROWS, _DIM, generator=numbers)

    @cached_property
    def kinds(self) -> Tensor:
        """``[N, N]``: positives on the diagonal, negatives of every kind and some that are no pair elsewhere."""
        import torch

        rows, columns = torch.meshgrid(torch.arange(_ROWS), torch.arange(_ROWS), indexing="ij")
        kinds = (rows + 2 * columns) % (_KINDS - 1)
        kinds = torch.where(kinds == 0, 0, kinds + 1).to(torch.int8)
        kinds.fill_diagonal_(_POSITIVE)
        return kinds

    def compare(self, network: Any, first: Tensor, second: Tensor, kinds: Tensor) -> ObjectiveOutput:
        """One direction of the comparison."""
        answer = network(network.project(first, 0), network.project(second, 1), kinds)
        if not isinstance(answer, ObjectiveOutput):
            raise Fault(f"it answers a {type(answer).__name__}", "answer a fusion.contract.ObjectiveOutput")
        return answer

    def run(self) -> Run:
        """The loss of one direction."""

        def run(network: nn.Module) -> dict[str, Tensor]:
            answer = self.compare(network, *self.embeddings, self.kinds)
            other = self.compare(network, *self.embeddings, self.kinds.T.contiguous())
            return {"total": answer.total, "turned": other.total}

        return run


@check("objective", remedy="construct it from (options, dims) alone", needs=("examples_are_usable",))
def builds(case: ObjectiveCase) -> None:
    """It is constructed from its options and two embedding sizes, and says what its pairs are."""
    from fusion.testing.networks import seeded

    network: Any = seeded(case.network)
    if getattr(network, "pairs", None) not in ("drawn", "all"):
        raise Fault(f"its pairs are {getattr(network, 'pairs', None)!r}", "give the class pairs = 'drawn' or 'all'")
    if not isinstance(getattr(network, "symmetric", None), bool):
        raise Fault("it does not say whether it is symmetric", "give the class symmetric = True or False")


@check("objective", remedy="project both sides to one size, and compare rows with columns")
def projects_and_compares(case: ObjectiveCase) -> None:
    """Projections of both sides have one size; similarities are ``[N, M]``, the same whichever stream comes first."""
    import torch

    first, second = (case.objective.project(values, side) for side, values in enumerate(case.embeddings))
    if first.dim() != 2 or first.shape != second.shape or len(first) != _ROWS:
        raise Fault(f"projections have shapes {tuple(first.shape)} and {tuple(second.shape)}")
    alone = case.objective.project(case.embeddings[0][:1], 0)
    if not torch.allclose(alone, first[:1], atol=1e-5):
        raise Fault("a row's projection changes with other rows beside it", "normalise by row or layer")
    found = case.objective.similarity(first, second[:4])
    if tuple(found.shape) != (_ROWS, 4):
        raise Fault(f"similarities of {_ROWS} rows with 4 columns have shape {tuple(found.shape)}")
    if not torch.allclose(found, case.objective.similarity(second[:4], first).T, atol=1e-5):
        raise Fault("similarities change with the stream that comes first", "let similarity be symmetric")
    own = case.objective.similarity(first, first)
    if not bool((own.diagonal()[:, None] >= own - 1e-5).all()):
        raise Fault("a projection is more similar to another than to itself", "let larger be nearer")


@check("objective", remedy="answer ObjectiveOutput(total, count): a sum with gradient, and by how many it is divided",
       needs=("projects_and_compares",))  # fmt: skip
def answers_a_sum_and_a_count(case: ObjectiveCase) -> None:
    """Total and count are finite scalars, the total with gradient and the count without."""
    import torch

    answer = case.compare(case.objective, case.embeddings[0].clone().requires_grad_(), case.embeddings[1], case.kinds)
    for name in ("total", "count"):
        value = getattr(answer, name)
        if not isinstance(value, torch.Tensor) or value.shape != ():
            raise Fault(f"its {name} is no scalar tensor")
        if not bool(torch.isfinite(value)):
            raise Fault(f"its {name} is {float(value)}")
    if not answer.total.requires_grad:
        raise Fault("its total has no gradient")
    if answer.count.requires_grad:
        raise Fault("its count has a gradient", "compute it from the kinds alone")
    if not float(answer.count) > 0:
        raise Fault(f"it counts {float(answer.count)} of {_ROWS} rows with a positive each")


@check("objective", remedy="add up rows, each by itself; the engine divides by the count of all processes",
       needs=_COMPARED)  # fmt: skip
def rows_add_up(case: ObjectiveCase) -> None:
    """Rows that are spread over processes give the total and count of all of them."""
    from fusion.testing.networks import difference

    first, second = case.embeddings
    whole = case.compare(case.objective, first, second, case.kinds)
    parts = [
        case.compare(case.objective, first[rows], second, case.kinds[rows])
        for rows in (slice(0, 2), slice(2, 5), slice(5, _ROWS))
    ]
    for name in ("total", "count"):
        summed = sum(getattr(part, name) for part in parts)
        off = difference(getattr(whole, name), summed)
        if off > 1e-4:
            raise Fault(
                f"the {name} of all rows is {float(getattr(whole, name)):.4g}, that of its parts {float(summed):.4g}"
            )


@check("objective", remedy="leave out what is no pair", needs=_COMPARED)
def no_pairs_cost_nothing(case: ObjectiveCase) -> None:
    """Rows without any pair make a total and a count of 0, with a gradient of 0."""
    import torch

    first = case.embeddings[0].clone().requires_grad_()
    answer = case.compare(case.objective, first, case.embeddings[1], torch.zeros_like(case.kinds))
    if float(answer.total) != 0 or float(answer.count) != 0:
        raise Fault(f"without a pair its total is {float(answer.total):.3g} and its count {float(answer.count):.3g}")
    if answer.total.requires_grad:
        torch.autograd.backward(answer.total)
        if first.grad is not None and bool(first.grad.nan_to_num(1.0).any()):
            raise Fault("without a pair its gradient is not 0", "choose before the logarithm, not after it")


@check("objective", remedy="let the loss fall as positives come nearer", needs=_COMPARED)
def nearer_positives_cost_less(case: ObjectiveCase) -> None:
    """The loss is lower where the embeddings of a window agree than where they are another window's."""
    import torch

    first = case.embeddings[0]
    kinds = torch.full_like(case.kinds, _NEGATIVE)
    kinds.fill_diagonal_(_POSITIVE)
    side = case.objective.project(first, 0)
    near = case.objective(side, side, kinds)
    far = case.objective(side, side.roll(1, 0), kinds)
    one, other = (float(answer.total) / max(float(answer.count), 1.0) for answer in (near, far))
    if not one < other:
        raise Fault(f"it is {one:.3g} where positives agree, and {other:.3g} where they are other windows' embeddings")


@check("objective", remedy="guard roots and divisions", needs=_COMPARED)
def equal_embeddings_have_gradients(case: ObjectiveCase) -> None:
    """Windows with one and the same embedding, at the start of training or for copies, have finite gradients."""
    import torch

    same = torch.ones(_ROWS, _DIM).requires_grad_()
    answer = case.compare(case.objective, same, same, case.kinds)
    torch.autograd.backward(answer.total)
    if same.grad is None or not bool(torch.isfinite(same.grad).all()):
        raise Fault("equal embeddings make a gradient of NaN or infinity")


@check("objective", remedy="let every parameter take part in the loss", needs=_COMPARED)
def gradients_reach_every_parameter(case: ObjectiveCase) -> None:
    """Every parameter that asks for gradients gets one."""
    from fusion.testing.networks import gradients

    if not any(parameter.requires_grad for parameter in case.objective.parameters()):
        raise NotApplicable("it has nothing to learn")
    gradients(case.network, [case.run()])


@check("objective", remedy="keep all that is learned in parameters and buffers", needs=_COMPARED)
def saving_and_loading_agree(case: ObjectiveCase) -> None:
    """Built anew with the saved weights, it answers the same."""
    from fusion.testing.networks import saving_agrees, seeded

    saving_agrees(seeded(case.network), case.network, case.run())


@check("objective", remedy="draw from torch's global generator, which the engine seeds, and from nothing else",
       needs=_COMPARED)  # fmt: skip
def global_randomness_stays(case: ObjectiveCase) -> None:
    """Building touches no other generator than torch's and does not seed it; evaluating touches none."""
    from fusion.testing.networks import randomness_stays

    randomness_stays(case.network, case.run())
