"""What the factors in a LoRA file add to one weight, by the formula of each kind.

- LoRA and LoCon: B A (arXiv 2106.09685); with a core between two 1x1 convolutions, as in LyCORIS (arXiv 2309.14859)
- LoHa: (B1 A1) * (B2 A2), element by element (arXiv 2108.06098), each with a core where there is one
- LoKr: kron(C, B A), where either side may be whole (arXiv 2309.14859)
- DoRA: m (W0 + D) / |W0 + D| - W0, where D is what any of the others adds (arXiv 2402.09353)

The norm of a DoRA is that of the pristine weight with this one LoRA at its full strength, whatever else is in the mix
and whatever its weight there: so several add up like LoRAs, in any order, 1 is what was trained, and 0 is the base.
PEFT, which agrees at weight 1, scales D within the norm instead, so that 0 is not its base.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import torch

Kind = Literal["lora", "loha", "lokr"]
Tensors: TypeAlias = Mapping[str, torch.Tensor]
"""A module's tensors by their part in the LoRA (`lora.names.Part`)."""

_EPSILON = torch.finfo(torch.float32).eps


@dataclass(frozen=True)
class Factors:
    """The change of one module's weight: scale * product(tensors), of `shape` (outputs, all inputs of an output).

    `tensors` may hold a DoRA's magnitude, too: one number for each output, or for each input channel. `count` is how
    many tensors of the file this is.
    """

    module: str
    kind: Kind
    tensors: Tensors
    scale: float
    shape: tuple[int, int]
    count: int

    @property
    def magnitude(self) -> torch.Tensor | None:
        """The magnitude of a DoRA, None for any other."""
        found = self.tensors.get("magnitude")
        return self.tensors.get("dora_scale") if found is None else found

    @property
    def magnitude_axis(self) -> int:
        """The axis of the weight that the magnitude runs along: 0 outputs, 1 input channels.

        PEFT's are always of the outputs, LyCORIS' may be either, and their shape says which.
        """
        scale = self.tensors.get("dora_scale")
        return 1 if scale is not None and scale.ndim > 1 and scale.shape[0] == 1 else 0


def delta(factors: Factors, weight: torch.Tensor) -> torch.Tensor:
    """Return what is added at strength 1 to the pristine weight, which is fp32; on its device and in its shape."""
    tensors = {part: tensor.to(weight.device, torch.float32) for part, tensor in factors.tensors.items()}
    added = PRODUCTS[factors.kind](tensors).reshape(weight.shape).mul_(factors.scale)
    if factors.magnitude is None:
        return added
    return _with_magnitude(weight + added, factors.magnitude, factors.magnitude_axis) - weight


def _with_magnitude(weight: torch.Tensor, magnitude: torch.Tensor, axis: int) -> torch.Tensor:
    others = [other for other in range(weight.ndim) if other != axis]
    norm: torch.Tensor = torch.linalg.vector_norm(weight, dim=others, keepdim=True)
    wanted = magnitude.to(weight.device, torch.float32).reshape(norm.shape)
    return weight * (wanted / norm.clamp_min(_EPSILON))


def _lora(tensors: Tensors) -> torch.Tensor:
    up, down, core = tensors["up"].flatten(1), tensors["down"].flatten(1), tensors.get("mid")
    return up @ down if core is None else torch.einsum("nmkl,in,mj->ijkl", core, up, down).flatten(1)


def _loha(tensors: Tensors) -> torch.Tensor:
    first, second = (
        _rebuilt(tensors[f"hada_{name}_a"], tensors[f"hada_{name}_b"], tensors.get(f"hada_{core}"))
        for name, core in (("w1", "t1"), ("w2", "t2"))
    )
    return first * second


def _lokr(tensors: Tensors) -> torch.Tensor:
    left, right = (
        tensors[name]
        if name in tensors
        else _rebuilt(tensors[f"{name}_a"], tensors[f"{name}_b"], tensors.get(name.replace("w", "t")))
        for name in ("lokr_w1", "lokr_w2")
    )
    return torch.kron(left, right.flatten(1))


def _rebuilt(up: torch.Tensor, down: torch.Tensor, core: torch.Tensor | None) -> torch.Tensor:
    """Return up @ down, or the core with its first two axes carried to outputs and inputs."""
    return up @ down if core is None else torch.einsum("ijkl,ip,jr->prkl", core, up, down).flatten(1)


PRODUCTS: Final[Mapping[Kind, Callable[[Tensors], torch.Tensor]]] = {"lora": _lora, "loha": _loha, "lokr": _lokr}
"""Kind -> its product: a new matrix of outputs and all inputs of an output."""
