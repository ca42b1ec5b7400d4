"""What a header says of its LoRA, and why one cannot be applied."""

from __future__ import annotations

import pytest
from lora_files import cross_attention, header_text, pair, whole_sd1

from imagineerd.lora.facts import Facts, adapter_alpha, facts_of
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


@pytest.mark.parametrize(
    ("text", "alpha"),
    [
        ('{"unet.lora_alpha": 8}', 8.0),
        ('{"unet.lora_alpha": [1]}', None),
        ('{"unet.r": 4}', None),
        ("[]", None),
        ("", None),
    ],
)
def test_the_alpha_of_diffusers_metadata_is_read(text: str, alpha: float | None) -> None:
    assert adapter_alpha({"lora_adapter_metadata": text}) == alpha


def test_a_file_without_any_pair_is_no_lora() -> None:
    found = facts({"model.diffusion_model.input_blocks.0.0.weight": (4, 4), "alpha": ()})

    assert found.problem == 'The file of the LoRA "ink" holds no LoRA: take it out of the folder.'


def test_a_kind_that_cannot_be_applied_keeps_its_base() -> None:
    found = facts(cross_attention(768, "loha"))

    assert found.base == "sd1"
    assert found.problem == 'The LoRA "ink" is a LoHa; only plain LoRAs (with convolutions) are supported.'


def test_a_contradiction_is_a_doubt_and_no_problem() -> None:
    found = facts(cross_attention(768), ss_base_model_version="sdxl_base_v1-0")

    assert found.problem == ""
    assert found.doubt.startswith('The LoRA "ink" says that it is for SDXL, but its cross-attention takes 768')
