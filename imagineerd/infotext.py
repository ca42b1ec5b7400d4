"""The text that AUTOMATIC1111's web UI writes into pictures and reads back, and that most tools understand.

Form: the prompt, a line `Negative prompt: …` where there is one, then one line of comma-separated `Key: value`. A
value with `,`, `:` or a line break is a JSON string. Reading: the last line holds parameters only if at least three
of them are recognised. Source: `modules/infotext_utils.py` and `modules/processing.py` of
AUTOMATIC1111/stable-diffusion-webui.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import msgspec

from imagineerd.jobs import Scheduler

SAMPLERS: Mapping[Scheduler, str] = {
    "dpm++": "DPM++ 2M",
    "dpm++-sde": "DPM++ 2M SDE",
    "euler": "Euler",
    "euler-a": "Euler a",
    "ddim": "DDIM",
    "unipc": "UniPC",
    "pndm": "PLMS",
    "lms": "LMS",
    "heun": "Heun",
}
"""Our sampler names -> those of the web UI."""

_NEGATIVE = "Negative prompt:"
_PARAMETER = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_ENOUGH = 3
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")


class Infotext(msgspec.Struct, frozen=True):
    """What the text says: the two prompts, and the parameters in their order."""

    prompt: str
    negative_prompt: str = ""
    parameters: dict[str, str] = {}


def write_infotext(info: Infotext) -> str:
    """Return the text of the `parameters` chunk."""
    lines = [_as_prompt(info.prompt)]
    if negative := _as_prompt(info.negative_prompt):
        lines.append(f"{_NEGATIVE} {negative}")
    lines.append(", ".join(f"{key}: {_quote(value)}" for key, value in info.parameters.items()))
    return "\n".join(lines)


def read_infotext(text: str) -> Infotext:
    """Read the text as the web UI does; `Size` is kept as one value (`512x720`)."""
    *lines, last = text.strip().split("\n")
    found = _PARAMETER.findall(last)
    if len(found) < _ENOUGH:
        lines, found = [*lines, last], []
    prompt, negative = _split_prompts(lines)
    return Infotext(prompt, negative, {key: _unquote(value) for key, value in found})


def with_loras(prompt: str, mix: Mapping[str, float]) -> str:
    """Return the prompt with the LoRAs in the web UI's notation behind it: `<lora:name:0.8>`."""
    tags = "".join(f"<lora:{name}:{weight:g}>" for name, weight in mix.items())
    return f"{prompt} {tags}".strip()


def lora_hashes(hashes: Mapping[str, str]) -> str:
    """Return the value of `Lora hashes`: `name: 12 hex digits, …`."""
    return ", ".join(f"{name}: {digest[:12]}" for name, digest in hashes.items())


def _split_prompts(lines: list[str]) -> tuple[str, str]:
    prompt: list[str] = []
    negative: list[str] = []
    lines = [line.strip() for line in lines]
    into = prompt
    for line in lines:
        text = line
        if line.startswith(_NEGATIVE):
            into, text = negative, line.removeprefix(_NEGATIVE).strip()
        into.append(text)
    return "\n".join(prompt).strip("\n"), "\n".join(negative).strip("\n")


def _as_prompt(text: str) -> str:
    """Return a prompt that reads back as one: trimmed lines, none of which passes for the negative one."""
    lines = [line.strip() for line in _CONTROL.sub(" ", text).replace("\r", "\n").split("\n")]
    kept = [line for line in lines if line]
    return "\n".join(line.replace(_NEGATIVE, _NEGATIVE.lower()) for line in kept)


def _quote(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if set(value) & set(',:"\n') else value


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(value))
        except ValueError:
            return value
    return value
