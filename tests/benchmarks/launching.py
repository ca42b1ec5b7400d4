"""How a measure's UNet calls are launched: by Python or as captured graphs, of the plain or of a compiled UNet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from worker.decided import Decided

from imagineerd.worker.capturing import Captured, Capturer, Captures
from imagineerd.worker.compiling import Graphs, Shape, Way, made_up
from imagineerd.worker.denoise import encode
from imagineerd.worker.devices import Device
from imagineerd.worker.models import Model
from imagineerd.worker.racing import way_for

CAPTURER: Callable[[Device], Any] = Capturer


class Launching:
    """Chooses for a model how it is drawn with, as a worker's races would."""

    def __init__(self, model: Model, device: Device) -> None:
        self._model = model
        self._device = device
        self._graphs: Graphs | None = None

    def by_python(self) -> None:
        """Have the plain UNet launched by Python; what was captured or compiled is let go."""
        self._model.captures.give_back()
        self._model.graphs = self._graphs = None

    def captured(self) -> None:
        """Have all calls captured: of the compiled UNet where there is one, else of the plain one."""
        self._have(Captures(CAPTURER(self._device)))
        encode(self._model, f"{time.perf_counter()}")  # a prompt that is not kept yet: captured before all else

    def compile(self, make: Callable[[Any], Any], shapes: Iterable[Shape], meanwhile: Callable[[], None]) -> float:
        """Have the UNet compiled in this way for these calls; return the seconds. `is_warm` tells what came of it.

        Meanwhile calls of these shapes are captured ones of the plain UNet, afterwards Python launches the compiled.
        """
        self.captured()
        shapes = list(shapes)
        for shape in shapes:
            self.way(shape)  # nothing is captured beside a compiler
        began = time.perf_counter()
        graphs = self._graphs = Graphs(self._model.unet, make)
        for shape in shapes:
            graphs.unet_for(shape)
        meanwhile()
        graphs.wait()
        for shape in shapes:
            self._try(graphs, shape)
        graphs.wait()
        self._have(Captures())
        return time.perf_counter() - began

    def way(self, shape: Shape) -> Way:
        """Return how such a call is made."""
        return way_for(self._model, shape)

    def is_warm(self, shape: Shape) -> bool:
        """Say whether there is a compiled graph for such a call."""
        return self._graphs is not None and self._graphs.unet_for(shape) is not None

    def is_captured(self, shape: Shape) -> bool:
        """Say whether such a call is one launch."""
        return isinstance(self.way(shape), Captured)

    def _have(self, captures: Captures) -> None:
        model, graphs = self._model, self._graphs
        model.captures.give_back()
        model.captures = captures
        model.graphs = Decided(graphs, model, self._device) if graphs is not None else None

    @torch.no_grad()
    def _try(self, graphs: Graphs, shape: Shape) -> None:
        """Call the graph at its full size: one made with fewer rows may not fit, and is then made anew."""
        if compiled := graphs.unet_for(shape):
            compiled(*made_up(self._model.unet, shape))
