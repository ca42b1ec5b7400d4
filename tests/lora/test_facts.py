"""What a header says of its LoRA, and why one cannot be applied."""

from __future__ import annotations

import pytest
from lora_files import cross_attention, header_text, pair, whole_sd1

from imagineerd.lora.facts import Facts, facts_of
from imagineerd.lora.header import parse_header

TEXT = pair("lora_te_text_model_encoder_layers_0_self_attn_q_proj", 768, 768, rank=32)


def facts(shapes: dict[str, tuple[int, ...]], **metadata: str) -> Facts:
    return facts_of("ink", parse_header(header_text(shapes, metadata)))


def test_a_whole_lora_tells_everything() -> None:
    said = {"modelspec.trigger_phrase": "ink wash", "ss_tag_frequency": '{"x": {"ink": 3}}', "ss_network_alpha": "8.0"}
    found = facts(whole_sd1(rank=16), **said)

    assert (found.base, found.layout, found.ranks, found.alpha) == ("sd1", "kohya", (16,), 8.0)
    assert found.parts == ("unet", "text_encoder")
    assert (found.trigger, found.tags) == ("ink wash", (("ink", 3),))
    assert (found.problem, found.doubt) == ("", "")


def test_ranks_that_differ_are_all_told() -> None:
    assert facts(cross_attention(768, rank=64) | TEXT).ranks == (32, 64)


@pytest.mark.parametrize(
    ("shapes", "parts"),
    [
        (cross_attention(768), ("unet",)),
        (TEXT, ("text_encoder",)),
        (pair("down_blocks.0.attn2.processor.to_k", 768, 320, form="diffusers-old"), ("unet",)),
        (pair("transformer.single_transformer_blocks.0.attn.to_q", 3072, 3072, form="peft"), ("transformer",)),
    ],
)
def test_the_parts_are_told_by_the_names(shapes: dict[str, tuple[int, ...]], parts: tuple[str, ...]) -> None:
    assert facts(shapes).parts == parts


@pytest.mark.parametrize("alpha", ["None", "", "nan", "much", "1e999"])
def test_an_alpha_that_is_no_number_counts_as_absent(alpha: str) -> None:
    assert facts(TEXT, ss_network_alpha=alpha).alpha is None


def test_a_file_without_any_pair_is_no_lora() -> None:
    found = facts({"model.diffusion_model.input_blocks.0.0.weight": (4, 4), "alpha": ()})

    assert found.problem == 'The file of the LoRA "ink" holds no LoRA: take it out of the folder.'


def test_a_kind_that_cannot_be_applied_keeps_its_base() -> None:
    found = facts(cross_attention(768) | {"lora_unet_x.oft_blocks": (2, 2)})

    assert found.base == "sd1"
    assert found.problem == (
        '1 of the 3 tensors of the LoRA "ink" are of a kind that imagineer cannot apply, first lora_unet_x.oft_blocks: '
        "leave it out."
    )


def test_a_few_tensors_of_another_kind_are_left_out_with_a_word() -> None:
    found = facts(whole_sd1() | {"bundle_emb.ink.string_to_param.*": (2, 768)})

    assert found.problem == ""
    assert found.doubt.startswith('1 of the 793 tensors of the LoRA "ink" are left out, first bundle_emb.ink')


@pytest.mark.parametrize("ending", [".hada_w1_a", ".lokr_w1", ".dora_scale", ".lora_mid.weight"])
def test_every_kind_that_is_applied_is_no_problem(ending: str) -> None:
    found = facts(cross_attention(768) | {f"lora_unet_x{ending}": (4, 4)})

    assert (found.problem, found.doubt) == ("", "")


def test_a_contradiction_is_a_doubt_and_no_problem() -> None:
    found = facts(cross_attention(768), ss_base_model_version="sdxl_base_v1-0")

    assert found.problem == ""
    assert found.doubt.startswith('The LoRA "ink" says that it is for SDXL, but its cross-attention takes 768')
