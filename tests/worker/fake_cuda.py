"""A CUDA device without one: its tensors have a shape, a dtype and a place, but no values.

Torch's own rules (`FakeTensorMode`) say what comes of an operation there, and refuse a tensor of the host that meets
one of the device. Tensors of the host are real, so that samplers can reckon with them; what comes from the device is 0.
Noted is what passes between the two, and whenever a host would wait for a GPU:

- for a copy, unless its host side is page-locked and whole, it may go on by itself, and no dtype changes on its way to
  the device: else torch stages it in memory of its own
- for a value of the device (`item`, `bool`, `equal`), the places of its true ones, or whether a matrix can be solved
- for an index that comes from the host, or an event

What FakeTensorMode does not know: which kernels there are, how long they take and how much memory.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from imagineerd.worker.devices import GIB

CUDA = torch.device("cuda:0")
MEMORY = 80 * GIB
_aten = torch.ops.aten
_NUMBERS = {_aten.add, _aten.sub, _aten.mul, _aten.div}
"""Kernels that are given a tensor of one number of the host like a number."""
_READS = {
    _aten._local_scalar_dense: lambda values: torch.zeros((), dtype=values.dtype).item(),
    _aten.equal: lambda *_: True,
    _aten._linalg_check_errors: lambda *_, **__: None,
}
"""What tells the host a value, and the value that it is told."""
_GUARDS = "_ZN3c104impl26device_guard_impl_registryE"
_CUDA_GUARD, _META_GUARD = 1, 14


class Traffic(TorchDispatchMode):
    """What passed between host and device: `copies`, and for what the host waited: `waits`."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: list[str] = []
        self.waits: list[str] = []
        self._fake = FakeTensorMode(allow_non_fake_inputs=True)
        self._locked: dict[int, torch.Tensor] = {}

    def forget(self) -> None:
        """Begin anew."""
        self.copies.clear()
        self.waits.clear()

    def __enter__(self) -> Any:
        self._fake.__enter__()  # torch asks for it before it would start a driver
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._fake.__exit__(*error)

    def __torch_dispatch__(self, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with unset_fake_temporarily():
            return self._do(function, args, dict(kwargs or {}))

    def _do(self, function: Any, args: Any, kwargs: Any) -> Any:
        tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
        there = [value for value in tensors if isinstance(value, FakeTensor)]
        wants_there = kwargs.get("device") is not None and torch.device(kwargs["device"]).type == "cuda"
        is_locked = kwargs.pop("pin_memory", None) or function is _aten._pin_memory.default
        if not there and not wants_there:
            made = args[0].clone() if function is _aten._pin_memory.default else function(*args, **kwargs)
            return self._lock(made) if is_locked else made
        name = function.overloadpacket
        if name in _READS:
            self.waits.append(str(name))
            return _READS[name](*args, **kwargs)
        if name is _aten._to_copy and (not there or kwargs.get("device") == torch.device("cpu")):
            return self._brought(args[0], **kwargs)
        if name is _aten.copy_ and len(there) == 1:
            return self._copied(*args, **kwargs)
        self._check(name, tensors, there)
        with self._fake:
            return function(*args, **kwargs)

    def _check(self, name: Any, tensors: list[torch.Tensor], there: list[torch.Tensor]) -> None:
        """Note an index of the host; refuse its tensors but where they are numbers."""
        here = [value for value in tensors if not isinstance(value, FakeTensor)]
        if here and there and "index" in str(name):
            self.waits.append(str(name))
        elif here and there:
            numbers = name in _NUMBERS and not any(value.ndim for value in here)
            assert numbers, f"{name} is given tensors of the host."

    def _brought(self, values: torch.Tensor, **how: Any) -> torch.Tensor:
        """Copy to the other side: zeros where that is the host."""
        dtype = how.get("dtype") or values.dtype
        may_go_on = how.get("non_blocking", False)
        if isinstance(values, FakeTensor):  # to page-locked memory, where it may go on
            self._passed("to the host", waits=not may_go_on)
            made = torch.zeros(values.shape, dtype=dtype)
            return self._lock(made) if may_go_on else made
        self._passed("to the device", waits=not (may_go_on and self._is_whole(values) and dtype == values.dtype))
        with self._fake:
            return torch.empty_strided(values.shape, values.stride(), dtype=dtype, device=CUDA)

    def _copied(self, into: torch.Tensor, values: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:  # noqa: FBT001, FBT002
        if isinstance(into, FakeTensor):
            goes_on = non_blocking and self._is_whole(values) and into.dtype == values.dtype
            self._passed("to the device", waits=not goes_on)
            return into
        self._passed("to the host", waits=not (non_blocking and self._is_whole(into)))
        return into.zero_()

    def _passed(self, where: str, *, waits: bool) -> None:
        self.copies.append(where)
        self.waits += [f"a copy {where}"] * waits

    def _lock(self, values: torch.Tensor) -> torch.Tensor:
        self._locked[values.untyped_storage().data_ptr()] = values
        return values

    def _is_whole(self, values: torch.Tensor) -> bool:
        return values.untyped_storage().data_ptr() in self._locked and values.is_contiguous()


@contextlib.contextmanager
def fake_cuda(traffic: Traffic) -> Iterator[Traffic]:
    """Let there be a CUDA device of 80 GiB; not where there is one. What is on it outlives this, for the next time."""
    traffic.forget()
    with _nameable(), _driver(traffic), traffic, torch.no_grad():
        yield traffic


def _driver(traffic: Traffic) -> Any:
    """Return what stands in for those functions of `torch.cuda` that ask the driver."""

    class Event:
        def __init__(self, *, enable_timing: bool) -> None:
            assert enable_timing

        def record(self, stream: object) -> None:
            assert stream == CUDA

        def query(self) -> bool:
            return True

        def synchronize(self) -> None:
            traffic.waits.append("an event")

        def elapsed_time(self, _end: Any) -> float:
            return 1.0

    return mock.patch.multiple(
        torch.cuda,
        Event=Event,
        current_stream=lambda device: device,
        synchronize=lambda _device: traffic.waits.append("all"),
        empty_cache=lambda: None,
        mem_get_info=lambda _device: (MEMORY, MEMORY),
        memory_allocated=lambda _device: 0,
        memory_reserved=lambda _device: 0,
        max_memory_allocated=lambda _device: GIB,
        reset_peak_memory_stats=lambda _device: None,
    )


@contextlib.contextmanager
def _nameable() -> Iterator[None]:
    """Let a torch without CUDA hear of its devices: it asks their guard first, and an idle one will do."""
    library = next((Path(torch.__file__).parent / "lib").glob("libc10.*"))
    guards = (ctypes.c_void_p * (_META_GUARD + 1)).in_dll(ctypes.CDLL(str(library)), _GUARDS)
    usual = guards[_CUDA_GUARD]
    guards[_CUDA_GUARD] = usual or guards[_META_GUARD]
    try:
        yield
    finally:
        guards[_CUDA_GUARD] = usual
