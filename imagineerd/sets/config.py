"""Read `config.yaml` of a sets folder: one entry per set, every mistake with its line.

YAML is read with the safe loader only, and a key written twice is a problem instead of a silent loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PureWindowsPath

import msgspec
import yaml

from imagineerd.errors import Problem, did_you_mean
from imagineerd.jobs import LoraWeight, Mix, Prompt, Size, Weight

_NULL = "tag:yaml.org,2002:null"
SET_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class SetConfig(msgspec.Struct, frozen=True):
    """What `config.yaml` says about a set; an empty text means that it says nothing.

    Sizes are pixels, divisible by 8, from 64 to 2048.
    """

    name: str = ""
    description: str = ""
    csv_path: str = ""
    base_prompt: Prompt = ""
    prompt_template: Prompt = ""
    style_suffix: Prompt = ""
    example_theme: Prompt = ""
    width: Size = 512
    height: Size = 720
    negative_prompt: Prompt = ""
    loras: Mix = ()


class Entry(msgspec.Struct, frozen=True):
    """One set's entry: what could be read, the line of each key, and what is wrong with the rest."""

    config: SetConfig = SetConfig()
    lines: dict[str, int] = {}
    problems: tuple[Problem, ...] = ()


class _LoraKeys(msgspec.Struct, frozen=True):
    """The keys of one item under `loras`."""

    path: str = ""
    weight: Weight = 1.0


class _Key(msgspec.Struct, frozen=True):
    """A key as it stands in the file, with its value read."""

    name: str
    line: int
    value: object


def read_entries(data: bytes, file: str) -> tuple[dict[str, Entry], tuple[Problem, ...]]:
    """Return the entries by set id, and what makes the whole file unreadable."""
    try:
        loader = yaml.SafeLoader(data)
        root = loader.get_single_node()
    except (yaml.YAMLError, RecursionError) as error:
        return {}, (_unreadable(error, file),)
    if root is None or root.tag == _NULL:
        return {}, ()
    if not isinstance(root, yaml.MappingNode):
        message = "This file must be a list of set ids, each with its keys indented below it."
        return {}, (Problem(message, file, 1),)
    names = [key.value for key, _ in root.value]
    entries = {str(key.value): _entry(loader, key, node, names.count(key.value), file) for key, node in root.value}
    return entries, ()


def lora_name(path: str) -> str:
    """Return the name by which a LoRA is known: its file's name without folder and ending."""
    return PureWindowsPath(path.strip()).name.removesuffix(".safetensors")


def _unreadable(error: Exception, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "it is not text"
    return Problem(f"This is not readable YAML: {what}.", file, mark.line + 1 if mark else 0)


def _entry(loader: yaml.SafeLoader, key: yaml.Node, node: yaml.Node, times: int, file: str) -> Entry:
    set_id, line = str(key.value), key.start_mark.line + 1
    problems = list(_id_problems(set_id, line, times, file))
    if not isinstance(node, yaml.MappingNode):
        message = "A set is a list of keys, such as csv_path and prompt_template, indented below."
        return Entry(problems=(*problems, Problem(message, file, line, key=set_id)))
    problems += [
        Problem("This key is written twice: keep one.", file, again, key=f"{set_id}.{name}")
        for name, again in _written_twice(node)
    ]
    try:
        keys = _keys(loader, node)
    except yaml.MarkedYAMLError as error:
        return Entry(problems=(*problems, _unreadable(error, file)))
    values, wrong = _checked(SetConfig, keys, file, set_id)
    lines = {key.name: key.line for key in keys}
    return Entry(msgspec.structs.replace(SetConfig(), **values), lines, (*problems, *wrong))


def _id_problems(set_id: str, line: int, times: int, file: str) -> Iterator[Problem]:
    if not SET_ID.fullmatch(set_id):
        message = "A set id is made of up to 64 letters, digits, _ and -: rename it."
        yield Problem(message, file, line, key=set_id)
    if times > 1:
        yield Problem("This set id is written twice: rename one.", file, line, key=set_id)


def _written_twice(node: yaml.MappingNode) -> Iterator[tuple[str, int]]:
    """Yield (key, line) for each key that stands before in the entry, or in one item of a list of it."""
    lists = [value.value for _, value in node.value if isinstance(value, yaml.SequenceNode)]
    items = [item for items in lists for item in items if isinstance(item, yaml.MappingNode)]
    for mapping in (node, *items):
        names = [str(key.value) for key, _ in mapping.value]
        for place, (key, _) in enumerate(mapping.value):
            if names[place] in names[:place]:
                yield names[place], key.start_mark.line + 1


def _keys(loader: yaml.SafeLoader, node: yaml.MappingNode) -> list[_Key]:
    loader.flatten_mapping(node)
    return [
        _Key(str(key.value), key.start_mark.line + 1, loader.construct_object(value, deep=True))
        for key, value in node.value
    ]


def _checked(
    struct: type[msgspec.Struct], keys: Iterable[_Key], file: str, where: str
) -> tuple[dict[str, object], list[Problem]]:
    """Return the values that are right for this struct, and a problem for every other key."""
    types = {field.name: field.type for field in msgspec.structs.fields(struct)}
    values: dict[str, object] = {}
    problems: list[Problem] = []
    for key in keys:
        at = f"{where}.{key.name}"
        if key.name not in types:
            message = f"There is no key of this name.{did_you_mean(key.name, types)}"
            problems.append(Problem(message, file, key.line, key=at))
        elif key.name == "loras":
            mix, wrong = _mix(key, file, at)
            values["loras"] = mix
            problems += wrong
        elif key.value is not None:
            try:
                values[key.name] = msgspec.convert(key.value, types[key.name])
            except msgspec.ValidationError as error:
                problems.append(Problem(_wrong_value(error), file, key.line, key=at))
    return values, problems


def _wrong_value(error: msgspec.ValidationError) -> str:
    hint = ": put the text in quotes" if str(error).startswith("Expected `str`") else ""
    return f"{error}{hint}."


def _mix(key: _Key, file: str, where: str) -> tuple[Mix, list[Problem]]:
    """Read the list under `loras`; a LoRA without a weight gets the one that is noted beside it, else 1."""
    if key.value is None:
        return (), []
    if not isinstance(key.value, list) or not all(isinstance(item, dict) for item in key.value):
        message = "Expected a list of LoRAs, each with path and weight."
        return (), [Problem(message, file, key.line, key=where)]
    mix: list[LoraWeight] = []
    problems: list[Problem] = []
    for number, item in enumerate(key.value):
        keys = [_Key(str(name), key.line, value) for name, value in item.items()]
        values, wrong = _checked(_LoraKeys, keys, file, f"{where}[{number}]")
        lora = msgspec.structs.replace(_LoraKeys(), **values)
        if not wrong and not lora_name(lora.path):
            wrong = [Problem("A LoRA needs a path.", file, key.line, key=f"{where}[{number}]")]
        mix.append(LoraWeight(lora_name(lora.path), lora.weight, noted="weight" not in values))
        problems += wrong
    return tuple(mix), problems
