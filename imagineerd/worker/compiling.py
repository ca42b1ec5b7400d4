"""The UNet compiled beside the work: it draws eagerly at once, and by the compiled graph as soon as that is warm.

`hardware.compile` asks for it, on CUDA; racing.py decides whether it pays. A shape of call that is new is compiled in a
thread, on a few made-up rows, so that it takes little memory from what is drawn meanwhile; until then, and for good
where that fails, it runs eagerly. Only this thread ever compiles: the drawing thread is given the compiled UNet for
shapes that are warm, and should no graph fit all the same it goes on eagerly, so that no picture waits for a compiler.

- `whole` makes one graph of the UNet; `by_region` one of each kind of block in it, which is sooner made. Nobody has
  measured yet which is faster (`tests/benchmarks/speed.py` does); the first one is taken.
- The batch dimension is dynamic, height and width are not: all guided calls of one size share their graphs.
- LoRAs are merged into the same parameters in place (mixing.py), so that a change of the mix recompiles nothing.
- Time goes in as a 0-dim fp32 tensor, whatever the sampler counts in: its dtype is part of the graph.
- No CUDA graphs of Inductor's own (`reduce-overhead`): they belong to the thread that made them. What was compiled is
  captured as a whole by the thread that draws (capturing.py).
- What Inductor made is kept on disk (`keeping.for_compilers`) and found again after a restart, if torch, Triton and GPU
  are the same (on a CPU, `tests/benchmarks/compiling.py`: a graph in a thirteenth of the time, and none made anew).
"""

from __future__ import annotations

import contextlib
import copy
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final, NamedTuple, Protocol

import torch
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import _dynamo
from torch._dynamo.exc import RecompileError
from torch._inductor import config as inductor_config

from imagineerd.worker.beside import NO_SURPRISES, short_turns, trace_ahead
from imagineerd.worker.failures import is_device_lost, is_out_of_memory

Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""What a UNet is called with: rows [B, 4, h, w], time [], text [B, 77, width]."""
RECOMPILES = 256
"""Graphs that dynamo may keep of one function. Each picture size takes up to three of the UNet; of its blocks as many
as there are shapes, some twelve at SD 1.5.
"""
FEW = 4
"""Rows that a graph is first made with, two pictures with guidance: it is for 2 to 63 of them, as diffusers' upsampling
goes another way from 64 on.
"""
OF_INDUCTOR: Final = {
    name: value for name, value in {"split_reductions": False}.items() if hasattr(inductor_config, name)
}
"""Where few rows do not fill a GPU, Inductor splits each GroupNorm's sums so that they read pixels a whole row of
channels apart; made with FEW rows, the graph would do so with 36, too: eight times the bytes, some 12 ms a call (H100,
reckoned).
"""
REGIONS = (ResnetBlock2D, Transformer2DModel)
"""Kinds of block that hold nearly all of a UNet's work; what is left are the changes of size between its levels."""

_at_work = threading.Lock()
"""Held while something is compiled or measured: of the two one goes on at a time, whichever model it is for."""


class Shape(NamedTuple):
    """A call of the UNet: its rows (twice the pictures where they are guided) and the latents' cells."""

    rows: int
    height: int
    width: int


class Way(Protocol):
    """A way to call the UNet. `is_compiled` says whether all calls so far went by a compiled graph."""

    @property
    def is_compiled(self) -> bool:
        """See above."""

    def __call__(self, rows: torch.Tensor, time: torch.Tensor, text: torch.Tensor, /) -> torch.Tensor:
        """Return the prediction for these rows, [rows, 4, height, width]."""


def made_up(unet: Any, shape: Shape) -> Inputs:
    """Return rows, time and text for a call of this shape."""
    about = {"dtype": unet.dtype, "device": unet.device}
    rows = torch.zeros((shape.rows, unet.config.in_channels, *shape[1:]), **about)
    text = torch.zeros((shape.rows, 77, unet.config.cross_attention_dim), **about)
    return rows, torch.tensor(500.0, device=unet.device), text


@contextlib.contextmanager
def alone() -> Iterator[bool]:
    """Let nothing be compiled meanwhile; say whether nothing is. Nobody waits for a compiler, which takes minutes."""
    is_alone = _at_work.acquire(blocking=False)
    try:
        yield is_alone
    finally:
        if is_alone:
            _at_work.release()


def whole(unet: Any, backend: Any = "inductor") -> Any:
    """Return the UNet compiled as one graph; it shares its parameters."""
    return torch.compile(unet, backend=backend, fullgraph=True, options=_options(backend))


def by_region(unet: Any, backend: Any = "inductor") -> Any:
    """Return a twin of the UNet that shares its parameters, each block of which is compiled."""
    shared = {id(tensor): tensor for tensor in (*unet.parameters(), *unet.buffers())}
    twin = copy.deepcopy(unet, shared)
    for module in twin.modules():
        if isinstance(module, REGIONS):
            forward = torch.compile(module.forward, backend=backend, fullgraph=True, options=_options(backend))
            module.forward = _for_any_batch(forward)
    return twin


def _options(backend: Any) -> dict[str, Any] | None:
    return dict(OF_INDUCTOR) if backend == "inductor" else None


def _for_any_batch(forward: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        for value in (*given, *named.values()):
            if isinstance(value, torch.Tensor):
                _dynamo.maybe_mark_dynamic(value, 0)
        return forward(*given, **named)

    return call


class Graphs:
    """The compiled twin of a UNet; it shares its parameters."""

    def __init__(self, unet: Any, make: Callable[[Any], Any] = whole) -> None:
        trace_ahead()
        self.eager = Eager(unet)
        self._unet = unet
        self._compiled: Any = make(unet)
        self._warm: set[Shape] = set()
        self._asked: dict[Shape, int] = {}
        self._is_closed = False
        self._thread = ThreadPoolExecutor(1, "compile", _prepare_thread, (torch.get_num_threads(),))
        self._work: list[Future[None]] = []

    def unet_for(self, shape: Shape) -> Compiled | None:
        """Return the compiled UNet if it is warm for this shape, else None, and have it compiled."""
        if shape in self._warm:
            return Compiled(self, shape)
        self._ask(shape, min(shape.rows, FEW))
        return None

    def close(self) -> None:
        """Compile no more; what is being compiled is finished, and nobody waits for it."""
        self._is_closed = True
        self._thread.shutdown(wait=False)

    def wait(self) -> None:
        """Wait until all that was asked for is compiled."""
        wait(self._work)

    def does_not_fit(self, shape: Shape) -> None:
        """Note that no graph fits a call of this shape: if it was made with fewer rows, make one with all of them."""
        self._warm.discard(shape)
        self._ask(shape, shape.rows)

    def breaks(self, shape: Shape) -> None:
        """Note that the graph of this shape is wrong: its calls are eager from now on, and no other graph is made."""
        self._warm.discard(shape)

    def compiled(self, rows: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """Call the compiled UNet; what is not compiled is now."""
        given = time.to(rows.device, torch.float32)
        predicted: torch.Tensor = self._compiled(rows, given, encoder_hidden_states=text, return_dict=False)[0]
        return predicted

    def _ask(self, shape: Shape, rows: int) -> None:
        """Have the shape compiled with so many rows, if it was not with as many."""
        if self._is_closed or self._asked.get(shape, 0) >= rows:
            return
        self._asked[shape] = rows
        self._work.append(self._thread.submit(self._compile, shape, rows))

    def _compile(self, shape: Shape, rows: int) -> None:
        with _at_work, short_turns():
            if self._is_closed:
                return
            try:
                self._warm_up(shape._replace(rows=rows))
                self._warm.add(shape)
            except Exception:  # noqa: BLE001 - whatever a compiler says, there is the eager way
                traceback.print_exc()

    @torch.no_grad()
    def _warm_up(self, shape: Shape) -> None:
        rows, time, text = made_up(self._unet, shape)
        _dynamo.maybe_mark_dynamic(rows, 0)
        _dynamo.maybe_mark_dynamic(text, 0)
        self.compiled(rows, time, text)
        if rows.device.type == "cuda":
            torch.cuda.synchronize(rows.device)


class Eager:
    """The UNet as it is."""

    is_compiled: Final = False

    def __init__(self, unet: Any) -> None:
        self._unet = unet

    def __call__(self, rows: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """Return the prediction for these rows, [rows, 4, height, width]."""
        predicted: torch.Tensor = self._unet(rows, time, encoder_hidden_states=text, return_dict=False)[0]
        return predicted


class Compiled:
    """The compiled UNet for calls of one shape.

    Where its graph did not do for a call, that and all after it went eagerly: whatever a compiler did wrong, the
    picture is drawn.
    """

    def __init__(self, graphs: Graphs, shape: Shape) -> None:
        self.is_compiled = True
        self._graphs = graphs
        self._shape = shape

    def __call__(self, rows: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """Return the prediction for these rows, [rows, 4, height, width]."""
        if self.is_compiled:
            try:
                with _dynamo.config.patch(NO_SURPRISES):  # of this thread alone
                    return self._graphs.compiled(rows, time, text)
            except RecompileError:
                traceback.print_exc()
                self._graphs.does_not_fit(self._shape)
            except Exception as error:
                if is_out_of_memory(error) or is_device_lost(error):
                    raise
                traceback.print_exc()
                self._graphs.breaks(self._shape)
            self.is_compiled = False
        return self._graphs.eager(rows, time, text)


def _prepare_thread(threads: int) -> None:
    """Set what a thread has of its own: a graph is made for a number of threads."""
    torch.set_num_threads(threads)
    _dynamo.config.recompile_limit = RECOMPILES
