"""The sampling loop: equal to diffusers' pipeline, and independent of neighbours."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import torch
from diffusers import EulerAncestralDiscreteScheduler, UniPCMultistepScheduler

from imagineerd import link
from imagineerd.jobs import SCHEDULERS
from imagineerd.worker import devices
from imagineerd.worker.denoise import Row, denoise, encode, guided, row_of, waves
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.models import load
from imagineerd.worker.preview import Previewer, fit_ahead
from imagineerd.worker.spans import Pace

BATCH = 4
OF_DIFFUSERS = {"euler-a": EulerAncestralDiscreteScheduler, "unipc": UniPCMultistepScheduler}
"""What those samplers are to equal that are our own; of lms diffusers' needs what is not installed."""


def rows_of(*specs: Any) -> list[Row]:
    return [row_of(number, spec) for number, spec in enumerate(specs, 1)]


def pipeline(tiny: Any, scheduler: str, model: Any, steps: int) -> Any:
    from diffusers import StableDiffusionPipeline

    from imagineerd.worker.samplers import make_scheduler

    ours = type(make_scheduler(scheduler, model.scheduler_config, steps))
    theirs = OF_DIFFUSERS.get(scheduler, ours)
    pipe = StableDiffusionPipeline.from_pretrained(tiny, dtype=torch.float32, use_safetensors=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = theirs.from_config(make_scheduler(scheduler, model.scheduler_config, steps).config)
    return pipe


@pytest.mark.parametrize("guidance", [3.0, 1.0])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_row_equals_the_stable_diffusion_pipeline(
    model: Any, tiny: Any, spec: Any, scheduler: str, guidance: float
) -> None:
    wanted = spec(scheduler=scheduler, guidance_scale=guidance, steps=4)
    latents = denoise(model, rows_of(wanted), wanted, 1)

    generator = torch.Generator("cpu").manual_seed(wanted.seed)
    pipe = pipeline(tiny, scheduler, model, 4)
    settings = {
        "prompt": wanted.prompt,
        "negative_prompt": wanted.negative_prompt,
        "width": wanted.width,
        "height": wanted.height,
        "num_inference_steps": wanted.steps,
        "guidance_scale": guidance,
    }
    theirs = pipe(**settings, generator=generator, output_type="latent").images

    assert latents is not None
    torch.testing.assert_close(latents, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("scheduler", ["dpm++", "dpm++-sde", "euler-a"])
def test_a_row_has_the_same_bits_whatever_its_slot_and_its_neighbours(model: Any, spec: Any, scheduler: str) -> None:
    wanted = spec(scheduler=scheduler)
    others = [
        spec(scheduler=scheduler, seed=seed, prompt=f"card {seed}", guidance_scale=1.5 + seed) for seed in (1, 2, 3)
    ]
    alone = denoise(model, rows_of(wanted), wanted, BATCH)
    first = denoise(model, rows_of(wanted, *others), wanted, BATCH)
    last = denoise(model, rows_of(*others, wanted), wanted, BATCH)

    assert torch.equal(alone[0], first[0])
    assert torch.equal(alone[0], last[3])
    assert not torch.equal(first[0], first[1])


def test_cancelling_a_row_leaves_the_other_rows_bits_alone(model: Any, spec: Any) -> None:
    specs = [spec(seed=seed) for seed in (1, 2, 3)]
    whole = denoise(model, rows_of(*specs), specs[0], BATCH)
    steps_done: list[int] = []
    part = denoise(
        model,
        rows_of(*specs),
        specs[0],
        BATCH,
        on_step=lambda step, _of: steps_done.append(step),
        cancelled=lambda job: job == 2 and len(steps_done) > 0,
    )

    assert torch.equal(whole[0], part[0])
    assert torch.equal(whole[2], part[2])


def test_a_wave_stops_between_two_steps_when_all_its_rows_are_cancelled(model: Any, spec: Any) -> None:
    done: list[tuple[int, int]] = []
    latents = denoise(
        model,
        rows_of(spec(), spec(seed=2)),
        spec(steps=20),
        BATCH,
        on_step=lambda step, of: done.append((step, of)),
        cancelled=lambda _job: len(done) == 2,
    )

    assert latents is None
    assert done == [(1, 20), (2, 20)]


def test_a_step_is_told_when_its_turn_has_come(model: Any, spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(Pace, "step", lambda _pace: told.append("asked for"))
    denoise(model, rows_of(spec()), spec(steps=3), 1, on_step=lambda step, _of: told.append(f"step {step}"))

    assert told == ["asked for", "step 1", "asked for", "step 2", "asked for", "step 3"]


def test_guidance_of_one_takes_no_negative_prompt(model: Any, spec: Any) -> None:
    plain = [spec(guidance_scale=1.0, negative_prompt=text) for text in ("", "blurry")]
    latents = [denoise(model, rows_of(one), one, 1) for one in plain]

    assert torch.equal(latents[0], latents[1])


def test_each_row_has_its_own_prompts_and_guidance(model: Any, spec: Any) -> None:
    specs = [spec(), spec(prompt="the moon"), spec(guidance_scale=7.0), spec(negative_prompt="x")]
    latents = denoise(model, rows_of(*specs), specs[0], BATCH)

    assert len({latent.numpy().tobytes() for latent in latents}) == BATCH


def test_noise_is_drawn_from_the_seed_alone(model: Any, spec: Any) -> None:
    same = [denoise(model, rows_of(spec()), spec(), 1) for _ in range(2)]
    other = denoise(model, rows_of(spec(seed=12)), spec(), 1)

    assert torch.equal(same[0], same[1])
    assert not torch.equal(same[0], other)


def test_waves_keep_guided_and_unguided_rows_apart(spec: Any) -> None:
    rows = rows_of(spec(), spec(guidance_scale=1.0), spec(), spec(), spec(guidance_scale=0.0))

    assert [[row.job for row in wave] for wave in waves(rows, 2, guided)] == [[1, 3], [4], [2, 5]]


def test_a_text_is_encoded_once_for_the_whole_deck(model: Any, spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    real = model.text_encoder.forward
    monkeypatch.setattr(model.text_encoder, "forward", lambda ids: encoded.append(len(ids)) or real(ids))
    deck = [spec(prompt=f"card {card} of a deck", negative_prompt="grey", steps=1) for card in (1, 2, 3, 1)]
    for wave in (deck[:2], deck[2:]):
        denoise(model, rows_of(*wave), wave[0], 2)

    assert encoded == [1] * 4


def test_a_prompt_that_is_too_long_is_cut(model: Any) -> None:
    embedding = encode(model, "ace of hearts " * 200)

    assert embedding.shape == (1, 77, 32)


# ---------------------------------------------------------------- on a GPU; without one: test_fake_cuda.py


@pytest.mark.gpu
@pytest.mark.skipif("not __import__('torch').cuda.is_available()", reason="there is no CUDA device")
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_on_cuda_a_wave_with_previews_waits_for_no_value(source: Any, spec: Any, scheduler: str) -> None:
    configure = link.Configure(link.Hardware(device="cuda"))
    device = devices.choose(configure.hardware)
    there = load(source, device, configure, lambda _report: None)
    fit_ahead(there, device)
    ours, theirs = socket.socketpair()
    mailbox = Mailbox(theirs)
    mailbox.watch = link.Watch(all=True, rate=9e9, max_side=96)
    wanted = spec(scheduler=scheduler, steps=4)
    items = [link.Item(job, 1, "tarot", job, wanted, "x") for job in (1, 2)]

    def draw() -> None:
        rows = [row_of(item.job, item.spec) for item in items]
        denoise(there, rows, wanted, BATCH, on_predicted=Previewer(mailbox, there, items))

    with ours:
        draw()  # what CUDA does once, and the prompts
        torch.cuda.set_sync_debug_mode("error")
        try:
            draw()
        finally:
            torch.cuda.set_sync_debug_mode("default")
