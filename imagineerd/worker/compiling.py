"""The UNet compiled beside the work: it draws eagerly at once, and by the compiled graph as soon as that is warm.

`hardware.compile` asks for it, on CUDA. A shape of call that is new is compiled in a thread, on made-up rows; until
then, and for good where that fails, it runs eagerly. Only this thread ever compiles: the drawing thread is given
the compiled UNet for shapes that are warm, so that no picture waits for a compiler.

- The batch dimension is dynamic, height and width are not: all guided calls of one size share a graph.
- LoRAs are merged into the same parameters in place (mixing.py), so that a change of the mix recompiles nothing.
- Time goes in as a 0-dim fp32 tensor, whatever the sampler counts in: its dtype is part of the graph.
- No CUDA graphs: they want an address for every input and a graph for every batch size, they belong to the thread that
  recorded them, and at 8 or 16 rows the launches that they save hide behind the kernels. `tests/benchmarks/speed.py`
  measures them (`reduce-overhead`) beside this.
- What Inductor made is kept on disk (`keep_in`) and found again after a restart, if torch, Triton and GPU are the same.
"""

from __future__ import annotations

import os
import queue
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import _dynamo

Unet = Callable[..., Any]
RECOMPILES = 32
"""Graphs that dynamo may keep of the UNet; each picture size takes up to three."""


class Shape(NamedTuple):
    """A call of the UNet: its rows (twice the pictures where they are guided) and the latents' cells."""

    rows: int
    height: int
    width: int


def keep_in(folder: Path) -> None:
    """Let the compilers keep what they made here, where this user alone writes: it is code that will be run."""
    for variable, name in (("TORCHINDUCTOR_CACHE_DIR", "inductor"), ("TRITON_CACHE_DIR", "triton")):
        os.environ.setdefault(variable, str(folder / name))


class Graphs:
    """The compiled twin of a UNet; it shares its parameters."""

    def __init__(self, unet: Any, backend: str = "inductor") -> None:
        self._unet = unet
        self._compiled: Any = torch.compile(unet, backend=backend, fullgraph=True)
        self._warm: set[Shape] = set()
        self._asked: set[Shape] = set()
        self._threads = torch.get_num_threads()
        self._queue: queue.SimpleQueue[Shape | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="compile", daemon=True)
        self._thread.start()

    def unet_for(self, shape: Shape) -> Unet | None:
        """Return the compiled UNet if it is warm for this shape, else None, and have it compiled."""
        if shape in self._warm:
            return self._call
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
