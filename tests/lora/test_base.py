"""The base of a LoRA by what proves it: names, widths, topology, and metadata last."""

from __future__ import annotations

import json

import pytest
from house import ROOT
from hypothesis import given
from hypothesis import strategies as st
from lora_files import cross_attention, pair, whole_sd1

from imagineerd.lora.base import WIDTHS, Finding, base_of_metadata, base_of_shapes, find_base
from imagineerd.lora.header import Tensor
from imagineerd.lora.names import input_shapes

FORMS = ("kohya", "diffusers", "diffusers-old", "peft", "peft-default", "loha")
ATTN = "lora_unet_{}_attentions_0_transformer_blocks_{}_{}"
TEXT = "{}_text_model_encoder_layers_0_self_attn_q_proj"


def shapes_of(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return input_shapes({name: Tensor(shape, (0, 0)) for name, shape in shapes.items()})


def base(*pairs: dict[str, tuple[int, ...]], **metadata: str) -> str:
    joined = {name: shape for one in pairs for name, shape in one.items()}
    return find_base(shapes_of(joined), metadata)[0].base


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("width", "expected"), [(768, "sd1"), (1024, "sd2"), (2048, "sdxl"), (128, "starter")])
def test_cross_attention_tells_the_base_in_every_layout(form: str, width: int, expected: str) -> None:
    assert base(cross_attention(width, form)) == expected


def test_a_whole_lora_and_a_lokr_are_told_by_the_same_width() -> None:
    module = ATTN.format("down_blocks_1", 0, "attn2_to_k")
    lokr = {f"{module}.lokr_w1": (8, 32), f"{module}.lokr_w2": (80, 64)}

    assert base(whole_sd1()) == "sd1"
    assert base(lokr) == "sdxl"


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("lora_unet_double_blocks_0_img_attn_proj", "flux"),
        ("lora_unet_single_blocks_3_linear1", "flux"),
        ("diffusion_model.single_blocks.3.linear1", "flux"),
        ("transformer.single_transformer_blocks.0.attn.to_q", "flux"),
        ("lora_unet_joint_blocks_0_x_block_attn_qkv", "sd3"),
        ("transformer.transformer_blocks.0.attn.to_q", "other"),
        ("lora_te3_encoder_block_0_layer_0_SelfAttention_q", "other"),
        ("diffusion_model.blocks.0.self_attn.q", "other"),
    ],
)
def test_other_families_are_told_by_their_modules_though_they_share_an_encoder(module: str, expected: str) -> None:
    form = "kohya" if module.startswith("lora_") else "peft"

    assert base(pair(module, 3072, 3072, form=form), pair(TEXT.format("lora_te1"), 768, 768)) == expected


@pytest.mark.parametrize(
    ("prefix", "width", "expected"),
    [
        ("lora_te", 768, "sd1"),
        ("lora_te", 1024, "sd2"),
        ("lora_te", 128, "starter"),
        ("lora_te2", 1280, "sdxl"),
        ("lora_te1", 768, "unknown"),
        ("text_encoder", 768, "unknown"),
    ],
)
def test_a_text_encoder_alone_tells_what_it_can(prefix: str, width: int, expected: str) -> None:
    assert base(pair(TEXT.format(prefix), width, width)) == expected


@pytest.mark.parametrize(
    ("module", "shape", "expected"),
    [
        (ATTN.format("down_blocks_1", 1, "attn1_to_q"), (4, 640), "sdxl"),
        (ATTN.format("down_blocks_2", 9, "ff_net_2"), (4, 5120), "sdxl"),
        ("lora_unet_input_blocks_4_1_proj_in", (4, 640), "sdxl"),
        ("lora_unet_down_blocks_0_attentions_0_proj_in", (4, 320, 1, 1), "sd1"),
        ("lora_unet_down_blocks_2_attentions_0_proj_in", (4, 1280, 1, 1), "sd1"),
        ("lora_unet_up_blocks_3_attentions_0_proj_in", (4, 320), "sd2"),
        ("lora_unet_down_blocks_1_attentions_0_proj_in", (4, 640), "unknown"),
        ("lora_unet_down_blocks_1_attentions_0_proj_in", (4, 112, 1, 1), "starter"),
        (ATTN.format("down_blocks_2", 0, "attn1_to_q"), (4, 144), "starter"),
        (ATTN.format("down_blocks_1", 0, "attn1_to_q"), (4, 640), "unknown"),
    ],
)
def test_where_no_width_decides_the_topology_does(module: str, shape: tuple[int, ...], expected: str) -> None:
    assert base_of_shapes({module: shape}).base == expected


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"ss_base_model_version": "sd_v1"}, "sd1"),
        ({"ss_base_model_version": "sd_1.5"}, "sd1"),
        ({"ss_base_model_version": "sd_v2_v"}, "sd2"),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        ({"ss_base_model_version": "flux1"}, "flux"),
        ({"ss_v2": "True"}, "sd2"),
        ({"ss_v2": "False"}, "unknown"),
        ({"modelspec.architecture": "stable-diffusion-v1/lora"}, "sd1"),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v/lora"}, "sd2"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "sdxl"),
        ({"modelspec.architecture": "flux-1-dev/lora"}, "flux"),
        ({"modelspec.architecture": " ", "ss_base_model_version": "chroma"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_metadata_name_the_base_where_shapes_do_not(metadata: dict[str, str], expected: str) -> None:
    assert base_of_metadata(metadata).base == expected
    assert base(pair(TEXT.format("lora_te1"), 768, 768), **metadata) == expected


def test_metadata_that_contradict_the_shapes_are_told_and_not_believed() -> None:
    finding, conflict = find_base(shapes_of(cross_attention(2048)), {"ss_base_model_version": "sd_v1"})

    assert finding == Finding("sdxl", "its cross-attention takes 2048 inputs")
    assert conflict == (
        "says that it is for Stable Diffusion 1.5, but its cross-attention takes 2048 inputs, as in SDXL"
    )


def test_a_family_that_only_metadata_tell_apart_is_no_contradiction() -> None:
    shapes = shapes_of(pair("transformer.transformer_blocks.0.attn.to_q", 1536, 1536, form="peft"))

    assert find_base(shapes, {"modelspec.architecture": "stable-diffusion-3-medium/lora"})[1] == ""


def test_the_starter_s_widths_are_those_of_the_model_that_ships() -> None:
    config = json.loads((ROOT / "imagineerd/starter/model/unet/config.json").read_text())
    text = json.loads((ROOT / "imagineerd/starter/model/text_encoder/config.json").read_text())

    assert WIDTHS[config["cross_attention_dim"]] == "starter"
    assert base(pair(TEXT.format("lora_te"), text["hidden_size"], 128)) == "starter"
    for level, channels in list(enumerate(config["block_out_channels"]))[1:]:
        module = ATTN.format(f"down_blocks_{level}", 0, "attn1_to_q")
        assert base(pair(module, channels, channels)) == "starter"


names = st.lists(
    st.sampled_from(["lora", "unet", "te", "down_blocks_0", "attentions_0", "attn2", "to_k", "proj_in", "q_proj"])
).map("_".join)


@given(
    st.dictionaries(names, st.lists(st.integers(0, 2048), max_size=4).map(tuple), max_size=5),
    st.dictionaries(st.sampled_from(["ss_v2", "ss_base_model_version", "modelspec.architecture"]), st.text()),
)
def test_whatever_a_file_says_there_is_an_answer(shapes: dict[str, tuple[int, ...]], metadata: dict[str, str]) -> None:
    finding, _ = find_base(shapes, metadata)

    assert (finding.base == "unknown") == (finding.because == "")
