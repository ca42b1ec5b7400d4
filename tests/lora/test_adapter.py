"""The scale that diffusers writes into a file's metadata is the one that PEFT would use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imagineerd.lora.adapter import Adapter, read_adapter


def adapter(text: str, part: Any = "unet") -> Adapter:
    return read_adapter({"lora_adapter_metadata": text}, part)


@pytest.mark.parametrize(
    ("text", "alpha"),
    [
        ('{"unet.lora_alpha": 8}', 8.0),
        ('{"unet.lora_alpha": [1]}', None),
        ('{"unet.lora_alpha": 1e999}', None),
        ('{"unet.r": 4}', None),
        ('{"unet.alpha_pattern": 3}', None),
        ("[]", None),
        ("", None),
    ],
)
def test_an_alpha_that_is_no_number_counts_as_absent(text: str, alpha: float | None) -> None:
    assert adapter(text) == Adapter(alpha)


def test_each_part_has_its_own() -> None:
    text = json.dumps({"unet.lora_alpha": 8, "text_encoder.lora_alpha": 2})

    assert (adapter(text).alpha, adapter(text, "text_encoder").alpha) == (8.0, 2.0)


def test_without_an_alpha_the_scale_is_1() -> None:
    assert Adapter().scale("unet.conv_in", 16) == 1.0
    assert read_adapter({}, "unet") == Adapter()


def test_some_modules_have_another_alpha_by_the_end_of_their_path() -> None:
    said = adapter('{"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 2, "conv_in": "x"}}')

    assert said.scale("unet.down_blocks.0.attn1.to_q", 4) == 0.5
    assert said.scale("unet.down_blocks.0.xattn1.to_q", 4) == 2.0
    assert said.scale("conv_in", 4) == 2.0


def test_rslora_divides_by_the_root_of_the_rank() -> None:
    said = adapter('{"unet.lora_alpha": 8, "unet.use_rslora": true}')

    assert said.scale("unet.conv_in", 16) == 2.0
