"""Tensor names of every layout are taken apart; the worker merges by the same names (tests/worker/test_mixing.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lora_files import cross_attention, pair, whole_sd1

from imagineerd.lora.header import Tensor
from imagineerd.lora.names import input_shapes, layout_of, module_name, read_name, strangers

KEY = "unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
FORMS = {
    "kohya": "kohya",
    "diffusers": "diffusers",
    "diffusers-old": "diffusers-old",
    "peft": "peft",
    "peft-default": "peft",
    "loha": "loha",
}


def tensors(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    return {name: Tensor(shape, (0, 0)) for name, shape in shapes.items()}


@pytest.mark.parametrize("form", FORMS)
def test_every_layout_is_known_and_its_input_found(form: str) -> None:
    shapes = cross_attention(768, form)

    assert layout_of(shapes) == FORMS[form]
    ((name, shape),) = input_shapes(tensors(shapes)).items()
    assert name.removeprefix("lora_") == KEY
    assert shape == (4, 768)


@pytest.mark.parametrize("form", ["kohya", "diffusers", "diffusers-old", "peft", "peft-default"])
def test_a_module_has_one_name_in_all_layouts(form: str) -> None:
    assert {module_name(read_name(key).path) for key in cross_attention(768, form)} == {KEY}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("lora_te_text_model_encoder_layers_0_mlp_fc1", "text_encoder_encoder_layers_0_mlp_fc1"),
        ("lora_te1_text_model_encoder_layers_0_mlp_fc1", "text_encoder_encoder_layers_0_mlp_fc1"),
        ("text_encoder.text_model.encoder.layers.0.mlp.fc1", "text_encoder_encoder_layers_0_mlp_fc1"),
        ("text_encoder.text_model.encoder.layers.0.self_attn.to_out",
         "text_encoder_encoder_layers_0_self_attn_out_proj"),
        ("unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_out",
         "unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0"),
    ],
)  # fmt: skip
def test_the_text_encoder_and_old_outputs_are_named_as_in_the_model(path: str, name: str) -> None:
    assert module_name(path) == name


def test_sdxl_with_stability_s_blocks_is_told_apart() -> None:
    assert layout_of(pair("lora_unet_input_blocks_4_1_proj_in", 640, 640)) == "kohya-sai"


@pytest.mark.parametrize(
    ("key", "layout"),
    [
        ("lora_unet_x.dora_scale", "dora"),
        ("unet.x.lora_magnitude_vector.weight", "dora"),
        ("unet.x.lora_magnitude_vector", "dora"),
        ("lora_unet_x.hada_w1_a", "loha"),
        ("lora_unet_x.lokr_w1", "lokr"),
        ("lora_unet_x.lora_mid.weight", "locon-cp"),
    ],
)
def test_what_is_more_than_a_plain_lora_is_told_first(key: str, layout: str) -> None:
    assert layout_of([*cross_attention(768), key]) == layout
    assert read_name(key).path in {"lora_unet_x", "unet.x"}
    assert strangers([key]) == ()


def test_a_tensor_that_is_no_part_of_a_lora_is_a_stranger() -> None:
    assert strangers([*whole_sd1(), "emb_params"]) == ("emb_params",)
    assert len(strangers(["lora_unet_x.hada_w9", "lora_unet_x.oft_blocks", "weight"])) == 3


def test_a_lokr_s_width_is_the_product_of_its_factors() -> None:
    shapes = {
        "lora_unet_a.lokr_w1": (16, 16), "lora_unet_a.lokr_w2": (40, 48), "lora_unet_b.lokr_w1": (16, 16),
        "lora_unet_b.lokr_w2_a": (40, 4), "lora_unet_b.lokr_w2_b": (4, 48), "lora_unet_c.lokr_w1": (16, 16),
    }  # fmt: skip

    assert input_shapes(tensors(shapes)) == {"lora_unet_a": (0, 768), "lora_unet_b": (4, 768), "lora_unet_c": ()}


@given(st.dictionaries(st.text(max_size=60), st.lists(st.integers(0, 9), max_size=5).map(tuple), max_size=6))
def test_no_name_and_no_shape_is_a_fault_of_ours(shapes: dict[str, tuple[int, ...]]) -> None:
    input_shapes(tensors(shapes))
    strangers(shapes)

    assert bool(layout_of(shapes)) <= bool(shapes)


@given(
    st.from_regex(r"(unet|text_encoder)(\.[a-z]{1,5}\d?){1,4}", fullmatch=True),
    st.sampled_from([".lora_down.weight", ".lora.down.weight", ".lora_linear_layer.down.weight", ".lora_A.weight"]),
)
def test_a_path_comes_back_from_any_ending(path: str, ending: str) -> None:
    assert read_name(path + ending)[:2] == (path, "down")
