"""The UNet compiled beside the work: it draws eagerly at once, and by the compiled graph as soon as that is warm.

`hardware.compile` asks for it, on CUDA. A shape of call that is new is compiled in a thread, on made-up rows; until
then, and for good where that fails, it runs eagerly. Only this thread ever compiles: the drawing thread is given
the compiled UNet for shapes that are warm, and should no graph fit all the same it goes on eagerly, so that no picture
waits for a compiler.

- `whole` makes one graph of the UNet; `by_region` one of each kind of block in it, which is sooner made. Nobody has
  measured yet which is faster (`tests/benchmarks/speed.py` does); the first one is taken.
- The batch dimension is dynamic, height and width are not: all guided calls of one size share their graphs.
- LoRAs are merged into the same parameters in place (mixing.py), so that a change of the mix recompiles nothing.
- Time goes in as a 0-dim fp32 tensor, whatever the sampler counts in: its dtype is part of the graph.
- No CUDA graphs: they want an address for every input and a graph for every batch size, they belong to the thread that
  recorded them, and at 8 or 16 rows the launches that they save hide behind the kernels. `tests/benchmarks/speed.py`
  measures them (`reduce-overhead`) beside this.
- What Inductor made is kept on disk (`keep_in`) and found again after a restart, if torch, Triton and GPU are the same.
"""

from __future__ import annotations

import copy
import os
import queue
import threading
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import _dynamo
from torch._dynamo.exc import RecompileError

Unet = Callable[..., Any]
RECOMPILES = 256
"""Graphs that dynamo may keep of one function. Each picture size takes up to three of the UNet; of its blocks as many
as there are shapes, some twelve at SD 1.5.
"""
REGIONS = (ResnetBlock2D, Transformer2DModel)
"""Kinds of block that hold nearly all of a UNet's work; what is left are the changes of size between its levels."""


class Shape(NamedTuple):
    """A call of the UNet: its rows (twice the pictures where they are guided) and the latents' cells."""

    rows: int
    height: int
    width: int


def keep_in(folder: Path) -> None:
    """Let the compilers keep what they made here, where this user alone writes: it is code that will be run."""
    for variable, name in (("TORCHINDUCTOR_CACHE_DIR", "inductor"), ("TRITON_CACHE_DIR", "triton")):
        os.environ.setdefault(variable, str(folder / name))


def whole(unet: Any, backend: Any = "inductor") -> Any:
    """Return the UNet compiled as one graph; it shares its parameters."""
    return torch.compile(unet, backend=backend, fullgraph=True)


def by_region(unet: Any, backend: Any = "inductor") -> Any:
    """Return a twin of the UNet that shares its parameters, each block of which is compiled."""
    shared = {id(tensor): tensor for tensor in (*unet.parameters(), *unet.buffers())}
    twin = copy.deepcopy(unet, shared)
    for module in twin.modules():
        if isinstance(module, REGIONS):
            module.forward = _for_any_batch(torch.compile(module.forward, backend=backend, fullgraph=True))
    return twin


def _for_any_batch(forward: Unet) -> Unet:
    def call(*given: Any, **named: Any) -> Any:
        for value in (*given, *named.values()):
            if isinstance(value, torch.Tensor):
                _dynamo.maybe_mark_dynamic(value, 0)
        return forward(*given, **named)

    return call


class Graphs:
    """The compiled twin of a UNet; it shares its parameters."""

    def __init__(self, unet: Any, make: Callable[[Any], Any] = whole) -> None:
        self._unet = unet
        self._compiled: Any = make(unet)
        self._warm: set[Shape] = set()
        self._asked: set[Shape] = set()
        self._threads = torch.get_num_threads()
        self._queue: queue.SimpleQueue[Shape | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="compile", daemon=True)
        self._thread.start()

    def unet_for(self, shape: Shape) -> Unet | None:
        """Return the compiled UNet if it is warm for this shape, else None, and have it compiled."""
        if shape in self._warm:
            return partial(self._drawn, shape)
        if shape not in self._asked:
            self._asked.add(shape)
            self._queue.put(shape)
        return None

    def close(self) -> None:
        """Compile no more; what is being compiled is finished, and nobody waits for it."""
        self._queue.put(None)

    def wait(self) -> None:
        """Wait until all that was asked for is compiled, and no more will be."""
        self.close()
        self._thread.join()

    def _drawn(self, shape: Shape, rows: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        try:
            with _dynamo.config.patch(error_on_recompile=True):  # of this thread alone
                return self._call(rows, time, text)
        except RecompileError:
            traceback.print_exc()
            self._warm.discard(shape)
        predicted: torch.Tensor = self._unet(rows, time, encoder_hidden_states=text, return_dict=False)[0]
        return predicted

    def _call(self, rows: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        given = time.to(rows.device, torch.float32)
        predicted: torch.Tensor = self._compiled(rows, given, encoder_hidden_states=text, return_dict=False)[0]
        return predicted

    def _work(self) -> None:
        torch.set_num_threads(self._threads)  # a thread has its own, and a graph is made for a number of threads
        _dynamo.config.recompile_limit = RECOMPILES
        while shape := self._queue.get():
            try:
                self._warm_up(shape)
            except Exception:  # noqa: BLE001 - whatever a compiler says, there is the eager way
                traceback.print_exc()

    @torch.no_grad()
    def _warm_up(self, shape: Shape) -> None:
        unet = self._unet
        rows = torch.zeros((shape.rows, unet.config.in_channels, *shape[1:]), dtype=unet.dtype, device=unet.device)
        width = unet.config.cross_attention_dim
        text = torch.zeros((shape.rows, 77, width), dtype=unet.dtype, device=unet.device)
        _dynamo.maybe_mark_dynamic(rows, 0)
        _dynamo.maybe_mark_dynamic(text, 0)
        self._call(rows, torch.tensor(500), text)
        if unet.device.type == "cuda":
            torch.cuda.synchronize(unet.device)
        self._warm.add(shape)
