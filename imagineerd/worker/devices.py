"""Choose the device and set torch up for it, in one place and with reasons."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from imagineerd.errors import Invalid
from imagineerd.link import Hardware

GIB = 1024**3
_OFFLOADED, _SLICED = 9 * GIB // 2, 3 * GIB
"""Below so much of a card's memory the parts that are idle leave it, and attention is sliced, too.

In 16 bits SD 1.5 takes 2.2 GB for its weights, 1.7 of them the UNet's, 1.3 GB to draw one 512x720 picture, and CUDA
half a gigabyte: that is more than a card of 4 GB has for it, where the UNet alone fits. To move the parts takes some
tenths of a second for each call; to slice attention takes twice the time of every step.
"""
_CUDA_BATCHES = ((6 * GIB, 4), (16 * GIB, 8), (36 * GIB, 16), (36 * GIB, 18))
"""(memory, batch size to offer): what does not fit is found out when it is measured (tuning.py).

SD 1.5 takes 2.2 GB for weights, 0.2 GB for each 512x720 picture of a call (tensors alone, without what libraries work
in), and in turn 0.6 GB for each that is decoded. Small cards are slow as well: nobody is to wait for a long call there.
18 is a third of a deck of 54; with 4 it makes 22 trumps. In calls of 16 they would be drawn as 56 pictures and as 24.
"""
_CPU_BATCHES = (1, 4)
_WANTED = re.compile(r"(auto|cpu|mps|cuda)(?:(?<=cuda):(\d+))?")
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _ONE_GIB = -1, -4, 2**30


@dataclass(frozen=True)
class Device:
    """The chosen device. `kind` is `cuda`, `mps` or `cpu`; memory in bytes, the machine's own on cpu and mps."""

    kind: str
    handle: torch.device
    name: str
    dtype: torch.dtype
    memory: int
    slice_attention: bool
    slice_vae: bool
    offload: bool
    capture: bool = False
    """Whether calls are captured (capturing.py)."""
    compile: bool = False
    """Whether the UNet is compiled beside the work, and drawn with so where that proves faster (racing.py)."""

    @property
    def dtype_name(self) -> str:
        """The dtype as people write it: `float16`."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The fixed batch sizes, ascending."""
        return batch_sizes(self.kind, self.memory)


class Thrift(NamedTuple):
    """What is done for want of memory, the cheaper one first."""

    offload: bool
    slice_attention: bool


def choose(hardware: Hardware) -> Device:
    """Return the device that the config asks for. Raises `Invalid` where it is missing: never another one instead."""
    device = torch.device(_kind(hardware.device))
    memory = _memory(device)
    # fp16 pays on CUDA alone: on CPU it is emulated (5 times slower), on MPS it makes black pictures.
    dtype = torch.float16 if device.type == "cuda" and hardware.mixed_precision else torch.float32
    thrift = thrift_of(hardware, device.type, memory, dtype)
    return Device(
        kind=device.type,
        handle=device,
        name=_name(device),
        dtype=dtype,
        memory=memory,
        slice_attention=thrift.slice_attention,
        slice_vae=hardware.vae_slicing,
        offload=thrift.offload,
        capture=hardware.compile and may_capture(device.type, thrift),
        compile=hardware.compile and may_compile(device.type, thrift),
    )


def thrift_of(hardware: Hardware, kind: str, memory: int, dtype: torch.dtype) -> Thrift:
    """Return what is done for want of memory: what the config asks for, and what a card of so many bytes needs.

    It depends on the card's whole memory, not on what is free of it just now: sliced attention has other last bits.
    What does not fit all the same is halved, and sliced, when it comes to that (kinds/generate.py).
    """
    if kind != "cuda":
        return Thrift(offload=False, slice_attention=hardware.attention_slicing)
    in_16_bits = 2 * memory // dtype.itemsize
    return Thrift(
        offload=hardware.cpu_offload or in_16_bits < _OFFLOADED,
        slice_attention=hardware.attention_slicing or in_16_bits < _SLICED,
    )


def may_capture(kind: str, thrift: Thrift) -> bool:
    """Say whether calls can be captured: what is sliced or moved about makes no graph."""
    return kind == "cuda" and not any(thrift)


def may_compile(kind: str, thrift: Thrift) -> bool:
    """Say whether a UNet can be compiled beside the work.

    It makes a graph, too, and on a CPU the compiler takes longer than a deck. Before torch 2.12 the compiler's settings
    are not each thread's own, so that the thread that draws would forbid the other one to compile.
    """
    version: Any = torch.__version__
    return may_capture(kind, thrift) and bool(version >= (2, 12))


def devices_of_auto(device: Device) -> tuple[str, ...]:
    """Return every device that `auto` means on this machine, where it means this one: all GPUs, the first one first."""
    if device.kind == "cuda":
        return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count()))
    return (str(device.handle),)


def batch_sizes(kind: str, memory: int) -> tuple[int, ...]:
    """Return the fixed batch sizes of a device with `memory` bytes, ascending; 1 is always among them.

    Few and fixed, because the bits of a picture depend on the batch size it was drawn at.
    """
    if kind == "cuda":
        return (1, *(size for needed, size in _CUDA_BATCHES if memory >= needed))
    return _CPU_BATCHES if kind == "cpu" else (1,)


def models_kept(device: Device) -> int:
    """Return how many models may stay loaded: a second one only where there is room for it beside a big batch."""
    return 2 if device.memory >= 12 * GIB else 1


def set_up(device: Device, threads: int) -> None:
    """Set torch's switches so that the same order gives the same bits on the same machine."""
    torch.set_grad_enabled(False)
    if threads:
        torch.set_num_threads(threads)
    # Autotuning picks convolutions by timing, so two runs may pick differently; TF32 drops bits of fp32.
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    if device.kind == "cuda":
        torch.cuda.set_device(device.handle)  # else torch comes back to the first GPU, and CUDA takes memory of that
    if device.kind == "cpu":
        keep_freed_memory()


def keep_freed_memory() -> None:
    """Tell glibc to keep big freed blocks: each step asks for the same ones again, and page faults are dear."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, _ONE_GIB)


def memory_used(device: Device) -> int:
    """Return the bytes that this process uses of the device's memory."""
    if device.kind == "cuda":
        return int(torch.cuda.memory_reserved(device.handle))
    if device.kind == "mps":
        return int(torch.mps.driver_allocated_memory())
    return resident_bytes()


def synchronize(device: Device) -> None:
    """Wait until the device has done what it was given; elsewhere than on CUDA it has."""
    if device.kind == "cuda":
        torch.cuda.synchronize(device.handle)


def brought_to(device: torch.device, values: torch.Tensor) -> torch.Tensor:
    """Return values of the host on the device. On CUDA nobody waits for what the device has to do before."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def free_memory(device: Device) -> int:
    """Return the bytes of the device that may be had: what nobody uses, and what torch keeps of it unused."""
    if device.kind != "cuda":
        return device.memory - resident_bytes()
    unused = torch.cuda.memory_reserved(device.handle) - torch.cuda.memory_allocated(device.handle)
    return int(torch.cuda.mem_get_info(device.handle)[0]) + unused


def resident_bytes() -> int:
    """Return this process's resident memory, 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def free_cached(device: Device) -> None:
    """Give cached blocks back to the device; on the CPU what `keep_freed_memory` kept back to the system."""
    if device.kind == "cuda":
        torch.cuda.empty_cache()
    elif device.kind == "mps":
        torch.mps.empty_cache()
    else:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def _kind(wanted: str) -> str:
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    match = _WANTED.fullmatch(wanted)
    if match is None:
        raise _refused(f'hardware.device is "{wanted}", but must be auto, cuda, cuda:1, mps or cpu.')
    if wanted == "auto":
        return "cuda:0" if has_cuda else "mps" if has_mps else "cpu"
    kind, index = match.groups()
    there = {"cuda": has_cuda and int(index or 0) < torch.cuda.device_count(), "mps": has_mps, "cpu": True}
    if not there[kind]:
        raise _refused(
            f'hardware.device is "{wanted}", but torch {torch.__version__} sees no such device. '
            "Install a torch build and driver for it, or set hardware.device to auto or cpu."
        )
    return "cuda:0" if wanted == "cuda" else wanted


def _refused(message: str) -> Invalid:
    return Invalid(message=message, field="hardware.device")


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return _cpu_name() or platform.machine()


def _cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
