"""Previews: a linear map that is near the VAE's own picture, made only of what somebody watches."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from imagineerd import link
from imagineerd.jobs import SCHEDULERS, GenerateSpec
from imagineerd.worker import preview
from imagineerd.worker.decode import decode
from imagineerd.worker.denoise import Prediction, denoise, row_of
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.models import load
from imagineerd.worker.preview import Previewer, denoised, fit, fit_ahead, map_of, picture_of

STARTER = Path(preview.__file__).parents[1] / "starter" / "model"


class Wire:
    """A mailbox whose previews can be read back."""

    def __init__(self, watch: link.Watch) -> None:
        self.ours, theirs = socket.socketpair()
        self.mailbox = Mailbox(theirs)
        self.mailbox.watch = watch

    def previews(self) -> list[link.Preview]:
        """Return what was sent so far."""
        self.ours.settimeout(0.0)
        found = []
        while True:
            try:
                header = self.ours.recv(4)
            except BlockingIOError:
                return found
            report = link.decode_report(self.ours.recv(link.length_of(header), socket.MSG_WAITALL))
            assert isinstance(report, link.Preview)
            found.append(report)


def items(spec: Any, count: int = 2) -> list[link.Item]:
    return [link.Item(job, 1, "tarot", job, spec(seed=job), str(Path("x"))) for job in range(1, count + 1)]


def draw(model: Any, spec: Any, wire: Wire, count: int = 2) -> None:
    """Draw a wave of `count` jobs, numbered from 1, with its previewer."""
    wave = items(spec, count)
    rows = [row_of(item.job, item.spec) for item in wave]
    denoise(model, rows, spec(), 4, on_predicted=Previewer(wire.mailbox, model, wave))


# ---------------------------------------------------------------- only what is watched


def test_where_nobody_watches_nothing_is_computed(model: Any, spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("denoised", "map_of", "fit", "picture_of"):
        monkeypatch.setattr(preview, name, lambda *_, name=name: calls.append(name))
    wire = Wire(link.Watch())

    draw(model, spec, wire)

    assert (calls, wire.previews()) == ([], [])


@pytest.mark.parametrize(
    ("watch", "jobs"),
    [
        (link.Watch(jobs=(2,), rate=9e9, max_side=96), {2}),
        (link.Watch(batches=("tarot",), rate=9e9, max_side=96), {1, 2}),
        (link.Watch(batches=("zodiac",), rate=9e9, max_side=96), set()),
        (link.Watch(all=True, rate=9e9, max_side=96), {1, 2}),
        (link.Watch(all=True, rate=0.0, max_side=96), set()),
    ],
)
def test_what_is_watched_is_shown_at_each_step(model: Any, spec: Any, watch: link.Watch, jobs: set[int]) -> None:
    wire = Wire(watch)

    draw(model, spec, wire)

    assert {(sent.job, sent.step, sent.steps) for sent in wire.previews()} == {
        (job, step, 3) for job in jobs for step in (1, 2, 3)
    }


def test_a_preview_has_a_pixel_for_each_latent_cell(model: Any, spec: Any) -> None:
    wire = Wire(link.Watch(jobs=(1,), rate=9e9, max_side=96))

    draw(model, spec, wire)

    first = wire.previews()[0]
    assert (first.width, first.height, len(first.rgb)) == (8, 9, 8 * 9 * 3)


def test_a_job_is_shown_no_faster_than_wanted(model: Any, spec: Any) -> None:
    wire = Wire(link.Watch(all=True, rate=1e-3, max_side=96))

    draw(model, spec, wire)

    assert [(sent.job, sent.step) for sent in wire.previews()] == [(1, 1), (2, 1)]


def test_watching_changes_no_bit_of_the_picture(model: Any, spec: Any) -> None:
    rows = [row_of(1, spec(scheduler="euler-a"))]
    wire = Wire(link.Watch(all=True, rate=9e9, max_side=96))
    previewer = Previewer(wire.mailbox, model, items(spec, 1))

    unseen = denoise(model, rows, spec(scheduler="euler-a"), 2)
    watched = denoise(model, rows, spec(scheduler="euler-a"), 2, on_predicted=previewer)

    assert unseen is not None
    assert watched is not None
    assert torch.equal(unseen, watched)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("CUDA error: out of memory")]
)
def test_memory_that_runs_out_costs_the_preview_alone(
    model: Any, spec: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def out_of_memory(_prediction: Prediction) -> torch.Tensor:
        raise error

    monkeypatch.setattr(preview, "denoised", out_of_memory)
    wire = Wire(link.Watch(all=True, rate=9e9, max_side=96))

    draw(model, spec, wire)

    assert wire.previews() == []


def test_a_copy_that_is_on_its_way_is_shown_when_it_came_and_not_overtaken(
    model: Any, spec: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Event:
        asked = 0

        def query(self) -> bool:
            self.asked += 1
            return self.asked == 3

    wire, event = Wire(link.Watch(all=True, rate=9e9, max_side=96)), Event()
    real = preview._bring
    monkeypatch.setattr(preview, "_bring", lambda *given: real(*given)._replace(event=event))

    draw(model, spec, wire)

    assert {(sent.job, sent.step) for sent in wire.previews()} == {(1, 1), (2, 1)}


# ---------------------------------------------------------------- what it shows


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_last_preview_is_where_the_sampler_ends(model: Any, spec: Any, scheduler: str) -> None:
    wanted = spec(scheduler=scheduler, steps=8)
    seen: list[torch.Tensor] = []

    latents = denoise(
        model, [row_of(1, wanted)], wanted, 1, on_predicted=lambda prediction: seen.append(denoised(prediction))
    )

    assert latents is not None
    first, last = ((latents - estimate).abs().mean() for estimate in (seen[0], seen[-1]))
    assert last < first
    assert last < 0.25 * latents.abs().mean()


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_what_the_unet_says_is_read_by_its_kind(kind: str) -> None:
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(prediction_type=kind)
    clean, noise = torch.randn(2, 1, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    time = torch.tensor(400)
    noisy = scheduler.add_noise(clean, noise, time)
    said = {"epsilon": noise, "v_prediction": scheduler.get_velocity(clean, noise, time), "sample": clean}[kind]

    found = denoised(Prediction(1, 2, scheduler, time, noisy, said))

    torch.testing.assert_close(found, clean, rtol=1e-4, atol=1e-4)


def test_the_map_is_fitted_once_and_is_the_same_each_time(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "rgb_map", None)
    torch.manual_seed(99)
    first = map_of(model)

    assert torch.equal(fit(model), first)
    assert map_of(model) is first


@pytest.mark.parametrize(("kind", "is_fitted"), [("cuda", True), ("cpu", False)])
def test_on_a_gpu_the_map_is_fitted_before_anything_is_drawn(
    model: Any, device: Any, kind: str, *, is_fitted: bool
) -> None:
    fresh = replace(model, rgb_map=None)

    fit_ahead(fresh, replace(device, kind=kind))

    assert (fresh.rgb_map is not None) is is_fitted


def test_without_memory_for_it_the_first_preview_fits_the_map(
    model: Any, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    fresh = replace(model, rgb_map=None)
    with monkeypatch.context() as patched:
        patched.setattr(model.vae, "decode", out_of_memory)
        fit_ahead(fresh, replace(device, kind="cuda"))

    assert fresh.rgb_map is None
    assert map_of(fresh).shape == (5, 3)


def test_a_preview_of_the_starter_model_at_its_own_size_is_near_the_picture(device: Any) -> None:
    model = load(link.ModelSource("starter", str(STARTER)), device, link.Configure(link.Hardware()), lambda _: None)
    wanted = GenerateSpec("The Fool, tarot card, at sea", 128, 192, 8, 3.0, 1, "starter")
    latents = denoise(model, [row_of(1, wanted)], wanted, 1)
    assert latents is not None
    levels = decode(model, latents, 1).picture(0).float().permute(2, 0, 1)
    true = functional.avg_pool2d(levels, 8).permute(1, 2, 0)

    shown = picture_of(latents[0], map_of(model), 96).float()

    unexplained = (shown - true).square().sum() / (true - true.mean((0, 1))).square().sum()
    assert unexplained < 0.3


def test_a_preview_is_shrunk_to_what_is_asked_for() -> None:
    latent = torch.zeros(4, 90, 64)
    grey = torch.tensor([[0.0] * 3] * 4 + [[0.5] * 3])

    picture = picture_of(latent, grey, 45)

    assert picture.shape == (45, 32, 3)
    assert set(picture.unique().tolist()) == {128}


def test_latents_that_are_no_numbers_are_shown_black() -> None:
    picture = picture_of(torch.full((4, 2, 2), float("nan")), torch.ones(5, 3), 96)

    assert picture.dtype is torch.uint8
    assert int(picture.max()) == 0
