"""A LoRA file is read once, whole, and as it is now."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lora_files import write_lora
from safetensors.torch import save, save_file

from imagineerd.errors import LoraError
from imagineerd.fingerprint import file_sha256
from imagineerd.worker.lora_layouts import read_lora

from .lora_tensors import write_layout

MODULE = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
WEIGHTS = {MODULE: torch.zeros(16, 16)}


def read(path: Path) -> Any:
    return read_lora(path.stem, path, file_sha256(path))


def test_a_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_layout(path, "kohya", WEIGHTS)
    first = read(path)

    assert read(path) is first
    assert first.bytes == 2 * 4 * 16 * 4


def test_a_file_with_the_same_content_is_not_read_again_and_a_changed_one_is(tmp_path: Path) -> None:
    path, same = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    write_layout(path, "kohya", WEIGHTS, seed=1)
    write_layout(same, "kohya", WEIGHTS, seed=1)
    first = read(path)
    assert read(same) is first

    write_layout(path, "kohya", WEIGHTS, seed=2)
    assert not torch.equal(read(path).factors[0].tensors["up"], first.factors[0].tensors["up"])


def test_a_file_that_is_written_over_does_not_change_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_layout(path, "kohya", WEIGHTS, seed=3)
    up = read(path).factors[0].tensors["up"]
    before = up.clone()
    with path.open("r+b") as file:
        file.truncate(0)

    assert torch.equal(up, before)


def test_a_file_that_changes_between_hashing_and_reading_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_layout(path, "kohya", WEIGHTS, seed=4)

    with pytest.raises(LoraError, match="changed while it was read"):
        read_lora("a", path, "00" * 32)


def test_a_file_of_holes_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = write_lora(tmp_path / "a.safetensors", {"lora_unet_x.lora_down.weight": (2**16, 2**16)})

    with pytest.raises(LoraError, match=r'The LoRA "a" has 8.6 GB'):
        read_lora("a", path, "00" * 32)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn])
def test_factors_may_be_of_any_precision(tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "a.safetensors"
    down, up = torch.ones(2, 16).to(dtype), torch.ones(16, 2).to(dtype)
    save_file({f"{MODULE}.lora_A.weight": down, f"{MODULE}.lora_B.weight": up}, path)

    assert read(path).factors[0].tensors["down"].dtype == dtype


PARTS = (
    "lora_down.weight", "lora_up.weight", "lora_mid.weight", "alpha", "dora_scale", "hada_w1_a", "hada_w1_b",
    "hada_w2_a", "hada_w2_b", "hada_t1", "lokr_w1", "lokr_w1_a", "lokr_w2", "lokr_w2_b", "lokr_t2", "other",
)  # fmt: skip
SHAPES = st.lists(st.integers(0, 3), max_size=5).map(tuple)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(PARTS), SHAPES, max_size=6), st.sampled_from([torch.float32, torch.int64]))
def test_no_mixture_of_parts_and_shapes_is_a_fault_of_ours(
    tmp_path_factory: pytest.TempPathFactory, parts: dict[str, tuple[int, ...]], dtype: torch.dtype
) -> None:
    path = tmp_path_factory.getbasetemp() / "chance.safetensors"
    path.write_bytes(save({f"lora_unet_x.{part}": torch.ones(shape, dtype=dtype) for part, shape in parts.items()}))
    with contextlib.suppress(LoraError):
        assert len(read(path).factors) == 1
