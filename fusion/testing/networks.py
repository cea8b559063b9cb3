"""What is asked of every network: encoders, heads and objectives alike. Imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from fusion.testing.kit import Fault
from fusion.testing.randomness import seed_all, touched

#: Differences are allowed up to this share of an answer's largest magnitude (at least of 1).
TOLERANCE = 1e-5
#: Draws of weights, dropout and inputs after which a parameter without gradient is one that never gets any.
_DRAWS = 4

#: Runs a network on inputs and answers its tensors by name.
Run = Callable[[nn.Module], dict[str, Tensor]]


def seeded(build: Callable[[], Any], seed: int = 0) -> nn.Module:
    """A network whose weights are drawn after seeding.

    Raises:
        Fault: It is no torch.nn.Module.
    """
    seed_all(seed)
    network = build()
    if not isinstance(network, nn.Module):
        raise Fault(f"it is a {type(network).__name__}", "let it be a torch.nn.Module")
    return network


def tensors_of(output: Any) -> dict[str, Tensor]:
    """The tensors of a contract's output by the names of its fields; None is left out."""
    values = {name: getattr(output, name) for name in type(output).__slots__}
    return {name: value for name, value in values.items() if value is not None}


def difference(first: Tensor, second: Tensor) -> float:
    """The largest difference as a share of the largest magnitude (at least of 1); infinite for other shapes or NaN."""
    if first.shape != second.shape:
        return float("inf")
    if first.numel() == 0:
        return 0.0
    one, other = first.detach().double(), second.detach().double()
    if not bool(torch.isfinite(one).all()) or not bool(torch.isfinite(other).all()):
        return float("inf")
    scale = max(1.0, float(one.abs().max()), float(other.abs().max()))
    return float((one - other).abs().max()) / scale


def differing(first: Mapping[str, Tensor], second: Mapping[str, Tensor], tolerance: float = TOLERANCE) -> str | None:
    """The first tensor of two answers that differs, and by how much; None where they agree."""
    if first.keys() != second.keys():
        return f"one answers {', '.join(sorted(first))} and the other {', '.join(sorted(second))}"
    for name in first:
        off = difference(first[name], second[name])
        if off > tolerance:
            return f"{name} differs by {off:.2g}" if off != float("inf") else f"{name} has other shapes or no numbers"
    return None


def unfinished(tensors: Mapping[str, Tensor]) -> str | None:
    """The first tensor with NaN or infinity."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.detach()).all()):
            return f"{name} holds NaN or infinity"
    return None


def gradients(build: Callable[[], Any], runs: Iterable[Run]) -> None:
    """Raise Fault where a parameter that asks for gradients gets none from any of some draws, or no finite ones."""
    runs = list(runs)
    missing: set[str] | None = None
    for draw in range(_DRAWS):
        network = seeded(build, draw).train()
        step(network, runs[draw % len(runs)])
        without = {
            name
            for name, parameter in network.named_parameters()
            if parameter.requires_grad and (parameter.grad is None or not bool(parameter.grad.any()))
        }
        missing = without if missing is None else missing & without
        if not missing:
            return
    names = sorted(missing or ())
    raise Fault(f"no gradient reaches {', '.join(names[:4])}" + (f" and {len(names) - 4} more" if names[4:] else ""))


def learns(network: nn.Module) -> bool:
    """Whether a parameter asks for gradients: an encoder of scores from elsewhere has none."""
    return any(parameter.requires_grad for parameter in network.parameters())


def step(network: nn.Module, run: Run) -> None:
    """A forward and a backward pass; raises Fault where a gradient holds NaN or infinity."""
    weights = torch.Generator().manual_seed(1)
    total = torch.zeros((), dtype=torch.float64)
    for tensor in run(network).values():
        if tensor.is_floating_point() and tensor.requires_grad:
            # Sums of softmax and layer norm are constant: only weighted ones have gradients.
            factor = torch.randn(tensor.shape, generator=weights, dtype=torch.float64)
            total = total + (tensor.double() * factor).sum()
    if not total.requires_grad:
        raise Fault("its answers have no gradient", "compute them from its parameters, outside torch.no_grad()")
    torch.autograd.backward(total)
    bad = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all())
    ]
    if bad:
        raise Fault(f"the gradient of {bad[0]} holds NaN or infinity", "guard roots, logarithms and divisions")


def modes_agree(network: nn.Module, run: Run) -> None:
    """Raise Fault where train() and eval() differ although every dropout is 0 and norms are in evaluation mode."""
    with torch.no_grad():
        expected = run(network.eval())
        without_chance(network.train())
        found = differing(expected, run(network))
    if found:
        raise Fault(f"{found} between train() and eval(), with every dropout at 0 and norms in evaluation mode")


def without_chance(network: nn.Module) -> None:
    """Set every dropout to 0 and put layers with running statistics in evaluation mode."""
    for module in network.modules():
        for name, value in list(vars(module).items()):
            if "drop" in name and isinstance(value, float):
                setattr(module, name, 0.0)
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        if getattr(module, "running_mean", None) is not None:
            module.eval()


def saving_agrees(network: nn.Module, rebuild: Callable[[], Any], run: Run) -> None:
    """Raise Fault where a network that is built anew and given the saved weights answers otherwise."""
    try:
        stored = save({name: tensor.contiguous().clone() for name, tensor in network.state_dict().items()})
    except Exception as error:
        raise Fault(f"its state cannot be saved as tensors: {error}", "keep tensors alone in the state") from error
    again = seeded(rebuild, 1)
    try:
        again.load_state_dict(load(stored))
    except Exception as error:
        raise Fault(
            f"its saved weights do not fit when it is built anew: {' '.join(str(error).split())[:200]}",
            "let options and inputs alone decide which parameters there are",
        ) from error
    with torch.no_grad():
        found = differing(run(network.eval()), run(again.eval()), tolerance=0.0)
    if found:
        raise Fault(f"{found} after saving and loading")


def seeds_agree(build: Callable[[], Any], run: Run) -> None:
    """Raise Fault where one seed gives two networks, or two answers in training."""
    answers = []
    for _ in range(2):
        network = seeded(build, 7).train()
        seed_all(8)
        with torch.no_grad():
            answers.append(run(network))
    found = differing(answers[0], answers[1], tolerance=0.0)
    if found:
        raise Fault(f"{found} between two networks that were built and run after the same seed")


def randomness_stays(build: Callable[[], Any], run: Run) -> None:
    """Raise Fault where building or evaluating disturbs the global generators."""
    found = touched(build, torch=False)
    if found:
        raise Fault(
            f"building it changes the global state of {' and '.join(found)}", "draw from torch's generator alone"
        )
    states = []
    for seed in (1, 2):
        seed_all(seed)
        network = build()
        states.append(torch.random.get_rng_state())
    if torch.equal(*states):
        raise Fault("building it seeds torch's global generator", "leave the seed to the engine")
    network.eval()
    with torch.no_grad():
        found = touched(lambda: run(network))
    if found:
        raise Fault(f"evaluating it changes the global state of {' and '.join(found)}", "draw nothing in eval()")


def runs_in_bfloat16(network: nn.Module, run: Run) -> None:
    """Raise Fault where a training step under autocast to bfloat16 does not run, or gives no numbers."""
    try:
        # Not every processor has oneDNN's kernels for bfloat16, and the question is one of types.
        with torch.backends.mkldnn.flags(enabled=False), torch.autocast("cpu", torch.bfloat16):
            answers = run(network.train())
        bad = unfinished(answers)
        if bad is None and learns(network):
            step(network, lambda _: answers)
    except Fault as fault:
        raise Fault(f"in bfloat16 {fault.what}") from fault
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise Fault(f"does not run under autocast to bfloat16: {type(error).__name__}: {text}") from error
    if bad is not None:
        raise Fault(f"in bfloat16 {bad}")


def kept(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies, to compare with afterwards."""
    return {name: tensor.clone() for name, tensor in tensors.items()}
