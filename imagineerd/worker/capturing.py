"""Calls of UNet and text encoder whose launches are captured in a CUDA graph, so that a call is one launch.

A call of SD 1.5's UNet launches a thousand kernels, each by a piece of Python. With one or two pictures a large GPU
waits for that, as it does for each prompt, and beside a compiler, which wants the interpreter too, with any number.
What is captured the driver launches by itself.

- They are the same kernels in the same order, hence the same bits. That is checked once for each graph, on the device:
  what gives others, or cannot be captured, is launched by Python as before.
- A graph reads weights where they lie. Mixes are merged in place (mixing.py); nothing may move a weight meanwhile.
- It reads its inputs, and writes its output, at fixed places: so they are copied, which is next to nothing.
- Only one of a model's graphs runs at a time, so all share one pool of memory: as much as the largest call takes at its
  peak. Nobody else may use that, so a call is captured only where half of the device's memory stays free; once memory
  ran out all the same, the pool is given back, and nothing is captured for as long as the model stays loaded.
- Beside a compiler nothing is captured, as neither its memory nor its launches could be told from the call's own.

See: CUDA C++ Programming Guide, "CUDA Graphs"; PyTorch notes, "CUDA semantics".
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Protocol, TypeVar

import torch

from imagineerd.errors import OutOfMemory
from imagineerd.worker.compiling import alone
from imagineerd.worker.devices import Device, free_cached, free_memory, memory_used, synchronize
from imagineerd.worker.memory import RESERVE, with_peak, within_memory

Inputs = tuple[torch.Tensor, ...]


class Call(Protocol):
    """What may be captured: a call with tensors. `is_compiled` says whether a compiled graph does it."""

    @property
    def is_compiled(self) -> bool:
        """See above."""

    def __call__(self, *given: Any, **named: Any) -> torch.Tensor:
        """Return what becomes of these tensors."""


C = TypeVar("C", bound=Call)


class Graph(Protocol):
    """The launches of a call. Replayed, they read what the call was given then, and write where it wrote."""

    def replay(self) -> None:
        """Launch them."""

    def reset(self) -> None:
        """Forget them, and let go of their memory."""


class Capture(Protocol):
    """Captures calls on a device."""

    device: Device

    def __call__(self, call: Call, inputs: Inputs, /) -> tuple[Graph, torch.Tensor]:
        """Capture a call; return its launches, and where they write what it returns."""

    def close(self) -> None:
        """Hold no memory any more: all its graphs are reset."""


class Capturer:
    """Captures one model's calls on a CUDA device; they share a pool of memory.

    And a stream, which is no other model's: a graph holds the address of the workspace that cuBLAS has for its stream,
    and where any graph of that stream is reset torch gives the workspace back (pytorch #193402). Here that is to the
    pool, which is no one else's until the last graph is gone.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self._stream: Any = torch.cuda.Stream(device.handle)  # type: ignore[no-untyped-call]
        self._pool: Any = torch.cuda.graph_pool_handle()
        self._has_broken = False

    def __call__(self, call: Call, inputs: Inputs) -> tuple[Graph, torch.Tensor]:
        """Capture a call. What other threads do on the device meanwhile is no part of it, and does it no harm.

        None but the compiler's, which is not at work meanwhile, may wait for the whole device: that breaks the capture,
        and fails there as well.
        """
        graph: Any = torch.cuda.CUDAGraph()
        capture = torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local")
        stream_of_before = torch.cuda.stream(torch.cuda.current_stream(self.device.handle))
        try:
            with stream_of_before, capture:  # a capture that breaks does not go back to it by itself
                output = call(*inputs)
        except Exception:
            self._has_broken = True
            graph.reset()
            stop_using(self._pool, self.device.handle)
            raise
        return graph, output

    def close(self) -> None:
        """Hold no memory any more: all its graphs are reset."""
        if self._has_broken:
            let_go_of(self._pool, self.device.handle)


def stop_using(pool: Any, device: torch.device) -> None:
    """Have torch's allocator forget a capture into this pool that broke.

    From torch 2.13 on it does so itself. Before, it took that capture to go on for ever, gave no memory back to the
    device meanwhile, and up to 2.7 failed where it was asked to (pytorch #180395).
    """
    ends = ("_cuda_endAllocateToPool", "_cuda_endAllocateCurrentStreamToPool")  # the latter up to torch 2.7
    for end in (getattr(torch._C, name) for name in ends if hasattr(torch._C, name)):  # noqa: SLF001
        with contextlib.suppress(RuntimeError):  # as nothing is captured into it any more
            end(device.index, pool)
            torch._C._cuda_releasePool(device.index, pool)  # noqa: SLF001 - nothing public does


def let_go_of(pool: Any, device: torch.device) -> None:
    """Have torch's allocator let go of a pool whose graphs are all reset.

    In torch 2.13 a capture that broke uses its pool for ever (pytorch #190348): what is idle of it outlasts an emptied
    cache. Nothing else may be let go, as to do so twice breaks the allocator.
    """
    torch.cuda.empty_cache()
    left = [part for part in torch.cuda.memory_snapshot() if part["segment_pool_id"] == pool]  # type: ignore[no-untyped-call]
    if left and not any(part["active_size"] for part in left):
        torch._C._cuda_releasePool(device.index, pool)  # noqa: SLF001 - nothing public does


class Captured:
    """A call of one shape that is launched as a graph; once that is let go, as it would be without."""

    def __init__(self, call: Call, inputs: Inputs, graph: Graph, output: torch.Tensor) -> None:
        self.is_compiled = call.is_compiled
        self._call = call
        self._held: tuple[Inputs, Graph, torch.Tensor] | None = (inputs, graph, output)

    def __call__(self, *given: torch.Tensor) -> torch.Tensor:
        """Return what the call returns for these tensors, which are of the shapes that it was captured with."""
        if self._held is None:
            return self._call(*given)
        inputs, graph, output = self._held
        for place, tensor in zip(inputs, given, strict=True):
            place.copy_(tensor)
        graph.replay()
        return output.clone()

    def let_go(self) -> None:
        """Let go of the graph and its memory."""
        if self._held is not None:
            self._held[1].reset()
        self._held = None


class Captures:
    """What is captured of one model's calls: `held` bytes of the device. Without a `capture`, nothing is."""

    def __init__(self, capture: Capture | None = None) -> None:
        self.held = 0
        self._capture = capture
        self._is_over = False
        self._made: dict[Hashable, Captured | None] = {}

    def of(self, call: C, shape: Hashable, made_up: Callable[[], Inputs]) -> C | Captured:
        """Return the captured call, captured now if nobody asked before; the call itself where it is not captured.

        `made_up` gives tensors for it, which become its own; `shape` names all that they and the call may differ in.
        Raises what a lost device raises.
        """
        at = (shape, call.is_compiled)
        if self._capture is not None and not self._is_over and at not in self._made:
            with alone() as is_alone:
                if is_alone:
                    self._made[at] = self._captured(self._capture, call, made_up)
        return self._made.get(at) or call

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to give back."""
        return not any(self._made.values())

    def give_back(self) -> None:
        """Let go of all of it, and capture nothing more."""
        self._is_over = True
        for captured in self._made.values():
            if captured is not None:
                captured.let_go()
        self._made.clear()
        self.held = 0
        if self._capture is not None:
            self._capture.close()

    def _captured(self, capture: Capture, call: Call, made_up: Callable[[], Inputs]) -> Captured | None:
        """Try it; where it breaks, nothing more is captured."""
        give_back = partial(self._give_all_back, capture.device)
        try:
            return within_memory(lambda: self._try(capture, call, made_up()), give_back)
        except OutOfMemory:
            return None
        except Exception:  # noqa: BLE001 - whatever CUDA says to it, Python can launch the call
            traceback.print_exc()
        self._is_over = True
        synchronize(capture.device)  # raises where the device was lost: an error of that kind stays
        return None

    @torch.no_grad()
    def _try(self, capture: Capture, call: Call, inputs: Inputs) -> Captured | None:
        """Capture a call that was made before, as libraries prepare at the first one, and compare what it returns."""
        device, was_compiled = capture.device, call.is_compiled
        asked = [_another(tensor) for tensor in inputs]
        expected, peak = with_peak(device, lambda: call(*asked))
        if not self._has_room_for(peak, device):
            return None
        free_cached(device)
        before = memory_used(device)
        captured = Captured(call, inputs, *capture(call, inputs))
        self.held += memory_used(device) - before
        if call.is_compiled == was_compiled and _have_same_bits(captured(*asked), expected):
            return captured
        captured.let_go()
        sys.stderr.write("A captured call is not like the call itself, so Python launches it.\n")
        return None

    def _has_room_for(self, peak: int, device: Device) -> bool:
        """Say whether half of the device's memory is free beside a pool for calls with this peak."""
        pool = max(self.held, int(peak * RESERVE))
        return free_memory(device) - pool >= device.memory // 2

    def _give_all_back(self, device: Device) -> None:
        self.give_back()
        free_cached(device)


def _have_same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Compare floats of 16 or 32 bits as whole numbers: what is no number equals itself."""
    kind = {2: torch.int16, 4: torch.int32}[one.element_size()]
    return torch.equal(one.view(kind), other.view(kind))


def _another(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor with other values: noise, or the next whole numbers."""
    return torch.randn_like(tensor) if tensor.is_floating_point() and tensor.ndim else tensor + 1
