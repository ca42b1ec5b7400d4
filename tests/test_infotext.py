"""The web UI reads back what is written. `their_reader` follows its `modules/infotext_utils.py` line by line."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.infotext import (
    SAMPLERS,
    Infotext,
    lora_hashes,
    read_infotext,
    with_loras,
    write_infotext,
)
from imagineerd.jobs import SCHEDULERS

PARAMETERS = {
    "Steps": "20",
    "Sampler": "DPM++ 2M",
    "CFG scale": "7.5",
    "Seed": "9223372036854775807",
    "Size": "512x720",
    "Model": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "Lora hashes": "ink: abcdef012345, gold: 012345abcdef",
    "Version": "imagineer 0.1.0",
}
THEIR_PARAMETER = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def their_reader(x: str) -> tuple[str, str, dict[str, str]]:
    res: dict[str, str] = {}
    prompt = negative_prompt = ""
    done_with_prompt = False
    *lines, lastline = x.strip().split("\n")
    if len(THEIR_PARAMETER.findall(lastline)) < 3:
        lines.append(lastline)
        lastline = ""
    for line in lines:
        line = line.strip()  # noqa: PLW2901 - as they do
        if line.startswith("Negative prompt:"):
            done_with_prompt = True
            line = line[16:].strip()  # noqa: PLW2901
        if done_with_prompt:
            negative_prompt += ("" if negative_prompt == "" else "\n") + line
        else:
            prompt += ("" if prompt == "" else "\n") + line
    for k, v in THEIR_PARAMETER.findall(lastline):
        res[k] = json.loads(v) if v and v[0] == '"' and v[-1] == '"' else v
    return prompt, negative_prompt, res


def test_the_text_is_as_the_web_ui_writes_it() -> None:
    info = Infotext("ace of hearts <lora:ink:0.8>", "blurry", PARAMETERS)

    assert write_infotext(info) == (
        "ace of hearts <lora:ink:0.8>\n"
        "Negative prompt: blurry\n"
        "Steps: 20, Sampler: DPM++ 2M, CFG scale: 7.5, Seed: 9223372036854775807, Size: 512x720, "
        "Model: stable-diffusion-v1-5/stable-diffusion-v1-5, "
        'Lora hashes: "ink: abcdef012345, gold: 012345abcdef", Version: imagineer 0.1.0'
    )


def tidy(text: str) -> str:
    """A prompt as far as the form can carry it: trimmed lines, no empty ones, no control characters."""
    plain = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]", " ", text).replace("\r", "\n")
    return "\n".join(line.strip() for line in plain.split("\n") if line.strip())


@given(prompt=words, negative=words)
def test_the_web_ui_reads_back_any_prompt(prompt: str, negative: str) -> None:
    read = their_reader(write_infotext(Infotext(prompt, negative, PARAMETERS)))

    assert read == (tidy(prompt), tidy(negative), PARAMETERS)


@given(prompt=words, negative=words, model=words.filter(lambda text: text.strip() == text != ""))
def test_we_read_as_the_web_ui_does(prompt: str, negative: str, model: str) -> None:
    text = write_infotext(Infotext(prompt, negative, {**PARAMETERS, "Model": model}))
    ours = read_infotext(text)

    assert (ours.prompt, ours.negative_prompt, ours.parameters) == their_reader(text)


@pytest.mark.parametrize(
    "prompt",
    [
        "Negative prompt: not really",
        "first\nNegative prompt: second",
        "Steps: 1, Sampler: x, CFG scale: 2, Seed: 3",
        "",
    ],
)
def test_a_prompt_cannot_pass_for_something_else(prompt: str) -> None:
    read, negative, parameters = their_reader(write_infotext(Infotext(prompt, "blurry", PARAMETERS)))

    assert read.lower() == prompt.lower()
    assert negative == "blurry"
    assert parameters == PARAMETERS


def test_a_last_line_with_few_parameters_is_prompt() -> None:
    assert read_infotext("a card: red, gold").prompt == "a card: red, gold"


def test_loras_stand_in_the_prompt_and_in_the_hashes() -> None:
    assert with_loras("ace", {"ink": 0.8, "gold leaf": 1.0}) == "ace <lora:ink:0.8><lora:gold leaf:1>"
    assert lora_hashes({"ink": "ab" * 32}) == "ink: abababababab"


def test_every_sampler_has_a_name_there() -> None:
    assert set(SAMPLERS) == set(SCHEDULERS)
