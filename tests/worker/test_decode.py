"""The way from latents to pictures: equal to diffusers' own, no black pictures, no neighbour in any bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers.image_processor import VaeImageProcessor

from imagineerd.errors import ModelError
from imagineerd.worker.decode import decode, decode_size
from imagineerd.worker.devices import GIB

LATENTS = torch.randn(4, 4, 9, 8, generator=torch.Generator().manual_seed(3))


def test_a_picture_equals_the_pipelines(model: Any) -> None:
    theirs = model.vae.decode(LATENTS[:1] / model.vae.config.scaling_factor).sample
    (theirs,) = VaeImageProcessor().postprocess(theirs, output_type="np")
    picture = decode(model, LATENTS[:1], 1).picture(0)

    assert picture.shape == (72, 64, 3)
    assert torch.equal(picture, torch.from_numpy((theirs * 255).round()).to(torch.uint8))


def test_a_picture_has_the_same_bits_whatever_its_place_and_its_neighbours(model: Any) -> None:
    alone = decode(model, LATENTS[2:3], 4).picture(0)
    among = decode(model, LATENTS, 4).picture(2)

    assert torch.equal(alone, among)


def test_padding_is_no_picture(model: Any) -> None:
    decoded = decode(model, LATENTS[:3], 4)

    assert decoded.levels.shape == (3, 72, 64, 3)
    assert decoded.seconds() > 0


@pytest.mark.parametrize(("memory", "batch_size", "size"), [(64 * GIB, 16, 4), (64 * GIB, 2, 2), (2 * GIB, 16, 1)])
def test_no_more_are_decoded_together_than_memory_allows(
    model: Any, device: Any, memory: int, batch_size: int, size: int
) -> None:
    latents = torch.zeros(1, 4, 90, 64).expand(16, -1, -1, -1)
    wide = {**model.vae.config, "block_out_channels": (128, 256, 512, 512)}
    like_sd = replace(model, vae=type("Vae", (), {"config": type(model.vae.config)(wide)}), dtype=torch.float16)

    assert decode_size(like_sd, replace(device, memory=memory), latents, batch_size) == size


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_latents_that_are_no_numbers_are_an_error_and_not_black_and_their_neighbours_are_not(
    model: Any, value: float
) -> None:
    latents = LATENTS.clone()
    latents[1, 2, 3, 4] = value
    decoded = decode(model, latents, 4)

    with pytest.raises(
        ModelError, match=r"^The UNet gave NaN or infinity in float32, so nothing was saved: .*sampler\.$"
    ):
        decoded.picture(1)
    assert torch.equal(decoded.picture(2), decode(model, LATENTS, 4).picture(2))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_picture_that_is_no_numbers_is_the_vaes_fault(
    model: Any, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    monkeypatch.setattr(model.vae, "decode", lambda _latents, **_: (torch.full((1, 3, 72, 64), value),))

    with pytest.raises(ModelError, match=r"^The VAE gave NaN or infinity in float32, so nothing was saved: .*VAE\.$"):
        decode(model, LATENTS[:1], 1).picture(0)


def test_with_sixteen_bits_full_precision_is_the_remedy(model: Any) -> None:
    decoded = replace(decode(model, LATENTS[:1] * float("nan"), 1), dtype=torch.float16)

    with pytest.raises(ModelError, match=r"in float16, .* or set hardware\.mixed_precision to false\.$"):
        decoded.picture(0)


@pytest.mark.gpu
@pytest.mark.skipif("not __import__('torch').cuda.is_available()", reason="there is no CUDA device")
def test_on_a_gpu_the_copy_is_not_waited_for_until_the_picture_is_asked_for(model: Any) -> None:
    parts = {name: getattr(model, name).cuda() for name in ("text_encoder", "unet", "vae")}
    there = replace(model, **parts, device=torch.device("cuda"))
    try:
        decoded = decode(there, LATENTS.cuda(), 4)
        pictures = [decoded.picture(row).clone() for row in range(4)]
    finally:
        for part in parts.values():
            part.cpu()

    assert decoded.levels.is_pinned()
    assert decoded.seconds() > 0
    for row, picture in enumerate(pictures):
        assert (picture.int() - decode(model, LATENTS, 4).picture(row).int()).abs().max() <= 1
