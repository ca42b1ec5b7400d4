"""The training loop: a wall-clock budget, a cosine that ends with it, weight averaging, checkpoints to resume from."""

import copy
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from imagineerd.starter.muon import Muon, matrices
from imagineerd.starter.parallel import average

log = logging.getLogger(__name__)

Loss = Callable[[int, float], Tensor]  # (step, progress 0..1) -> scalar


@dataclass(frozen=True)
class Course:
    """How long and how fast: `minutes` of training time over all resumes; `steps` caps it for tests."""

    minutes: float
    rate: float
    warmup: int = 150
    decay: float = 0.998  # of the averaged weights, per step
    betas: tuple[float, float] = (0.9, 0.99)
    steps: int | None = None
    save_every: float = 120.0  # seconds


def _optimisers(model: nn.Module, course: Course) -> list[torch.optim.Optimizer]:
    wide = matrices(model)
    taken = set(wide)
    others = [p for p in model.parameters() if p not in taken]
    made: list[torch.optim.Optimizer] = [Muon(wide, course.rate)] if wide else []
    return [*made, torch.optim.AdamW(others, course.rate, course.betas, weight_decay=0)]


class Fit:
    """One model being trained; `averaged` holds its averaged weights."""

    def __init__(self, model: nn.Module, course: Course, checkpoint: Path, rank: int) -> None:
        self.model, self.course, self.checkpoint, self.rank = model, course, checkpoint, rank
        self.averaged = copy.deepcopy(model).requires_grad_(requires_grad=False)
        self.optimisers = _optimisers(model, course)
        self.step = 0
        self.seconds = 0.0
        if checkpoint.exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.step, self.seconds = state["step"], state["seconds"]

    def save(self) -> None:
        """Writes the checkpoint whole or not at all; only the first process does."""
        if self.rank:
            return
        state = {
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "seconds": self.seconds,
        }
        unfinished = self.checkpoint.with_suffix(".part")
        torch.save(state, unfinished)
        unfinished.rename(self.checkpoint)

    @property
    def progress(self) -> float:
        """0 at the start, 1 when the time or the steps are used up."""
        shares = [self.seconds / (60 * self.course.minutes)]
        if self.course.steps is not None:
            shares.append(self.step / self.course.steps)
        return min(1.0, max(shares))

    def run(self, loss: Loss, report_every: int = 50) -> None:
        """Trains to the end of the course; takes up where the checkpoint left off."""
        saved = self.seconds
        while self.progress < 1:
            value = self._advance(loss)
            if self.step % report_every == 0 and not self.rank:
                log.info("step %d %.0f s loss %.4f", self.step, self.seconds, value)
            if self.seconds - saved >= self.course.save_every:
                self.save()
                saved = self.seconds
        self.save()

    def _advance(self, loss: Loss) -> float:
        start = time.monotonic()
        self.model.zero_grad()
        value = loss(self.step, self.progress)
        value.backward()  # type: ignore[no-untyped-call]
        parameters = list(self.model.parameters())
        self.seconds = average(parameters, self.seconds)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        self._set_rate()
        for optimiser in self.optimisers:
            optimiser.step()
        self._follow()
        self.step += 1
        self.seconds += time.monotonic() - start
        return float(value.detach())

    def _set_rate(self) -> None:
        warm = min(1.0, (self.step + 1) / self.course.warmup)
        rate = self.course.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress)))
        for group in (group for optimiser in self.optimisers for group in optimiser.param_groups):
            group["lr"] = rate

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.course.decay, (self.step + 1) / (self.step + 10))
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.model.parameters()), 1 - decay)
