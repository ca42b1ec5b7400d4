"""YAML with its lines: read it as nodes, and change one value without touching anything else.

A loaded document has lost its lines, comments and layout. So a text is composed to nodes, which
know where they stand, and an edit replaces exactly the characters of one value. It may go wrong in
an unusual layout (anchors, explicit keys): the caller reads the new text and compares.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from imagineerd.errors import Invalid, Problem

_NULL = "tag:yaml.org,2002:null"
_TEXT = "tag:yaml.org,2002:str"


class _Loader(yaml.SafeLoader):
    """The safe loader, which also reads `1e-4` as a number (YAML 1.2), not as text (YAML 1.1)."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+\Z"),
    list("-+0123456789"),
)


def compose(text: str, file: str) -> yaml.Node | None:
    """Return the root node, None for an empty text. Raises `Invalid` where it is not YAML."""
    try:
        node: yaml.Node | None = _Loader(text).get_single_node()
    except RecursionError:
        raise Invalid([Problem("This is nested too deeply: write sections of keys.", file)]) from None
    except yaml.YAMLError as error:
        raise Invalid([_not_yaml(error, text, file)]) from None
    return node


def _not_yaml(error: yaml.YAMLError, text: str, file: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        row = text.count("\n", 0, error.position) + 1
        return Problem("A character here may not stand in YAML: remove it.", file, row)
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "it cannot be read"
    hint = " Indent with spaces, not with tabs." if "\\t" in what else ""
    row = mark.line + 1 if mark else 0
    return Problem(f"This is not YAML ({what}): mend this line or the one before.{hint}", file, row)


def is_null(node: yaml.Node) -> bool:
    """Say whether this is nothing: an empty value, `~` or `null`."""
    return bool(node.tag == _NULL)


def is_text(node: yaml.Node) -> bool:
    """Say whether this is a text, quoted or not a number, date or truth value."""
    return bool(node.tag == _TEXT)


def row_of(node: yaml.Node) -> int:
    """Return the line on which a node begins, from 1."""
    return int(node.start_mark.line) + 1


def pairs(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Yield key and value nodes of a mapping; nothing for anything else."""
    if isinstance(node, yaml.MappingNode):
        yield from node.value


def scalar_value(node: yaml.Node) -> Any:
    """Return the Python value of a scalar. Raises `ValueError` for anything else."""
    if not isinstance(node, yaml.ScalarNode):
        raise ValueError("Expected a single value.")  # noqa: TRY004 - wrong text, not wrong code
    try:
        return _Loader("").construct_object(node)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def scalar_text(value: str | float | None) -> str:
    """Return a value as YAML that can stand anywhere: on one line, texts in double quotes."""
    style = '"' if isinstance(value, str) else None
    text = yaml.safe_dump(value, default_style=style, width=sys.maxsize, allow_unicode=True)
    return text.splitlines()[0]


def with_value(text: str, section: str, name: str, value: str | float | None) -> str:
    """Return the text with `section: {name: value}` set; what stood there is replaced in place."""
    root = compose(text, "")
    key, node = _find(root, section)
    entry = f"{name}: {scalar_text(value)}"
    if key is None:
        return _with_section(text, root, section, entry)
    _, old = _find(node, name)
    if old is not None:
        return _replace(text, old, scalar_text(value))
    if is_null(node):
        return _insert_below(_replace(text, node, ""), key, key, entry, _column(key) + 2)
    if node.flow_style:
        return _insert_in_braces(text, node, entry)
    last_key, last = node.value[-1]
    return _insert_below(text, last_key, last, entry, _column(last_key))


def without_value(text: str, section: str, name: str) -> str:
    """Return the text without this key and its line; comments on other lines stay."""
    _, node = _find(compose(text, ""), section)
    key, old = _find(node, name)
    if key is None:
        return text
    if node.flow_style:
        return _remove_from_braces(text, key, old)
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    return text[:start] + text[_line_end(text, max(_end(text, old), key.end_mark.index)) :]


def _find(node: yaml.Node | None, name: str) -> tuple[Any, Any]:
    """Return key and value node of that name in a mapping, or two Nones."""
    found = ((key, value) for key, value in pairs(node) if key.value == name)
    return next(found, (None, None))


def _column(node: yaml.Node) -> int:
    return int(node.start_mark.column)


def _end(text: str, node: yaml.Node) -> int:
    """Return where the node's own characters end (a block's mark stands behind its blank lines)."""
    start = int(node.start_mark.index)
    return start + len(text[start : node.end_mark.index].rstrip())


def _line_end(text: str, index: int) -> int:
    """Return the index of the next line, or of the end of the text."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _replace(text: str, node: yaml.Node, new: str) -> str:
    start, end = int(node.start_mark.index), _end(text, node)
    gap = " " if new and text[start - 1 : start] == ":" else ""
    return text[:start] + gap + new + text[end:]


def _insert_below(text: str, key: yaml.Node, value: yaml.Node, entry: str, column: int) -> str:
    """Put an entry on a line of its own below the line where this key's value ends."""
    index = _line_end(text, max(_end(text, value), key.end_mark.index))
    line = " " * column + entry
    if index and text[index - 1] != "\n":
        return text + _newline(text) + line + _newline(text)
    return text[:index] + line + _newline(text) + text[index:]


def _with_section(text: str, root: yaml.Node | None, section: str, entry: str) -> str:
    newline = _newline(text)
    indent = " " * (_column(root) if root else 0)
    gap = newline if text and not text.endswith("\n") else ""
    return f"{text}{gap}{indent}{section}:{newline}{indent}  {entry}{newline}"


def _insert_in_braces(text: str, node: yaml.MappingNode, entry: str) -> str:
    start = node.start_mark.index + 1
    return text[:start] + entry + (", " if node.value else "") + text[start:]


def _remove_from_braces(text: str, key: yaml.Node, value: yaml.Node) -> str:
    """Remove an entry and the one comma that goes with it."""
    before, after = text[: key.start_mark.index], text[_end(text, value) :]
    if comma := re.match(r"\s*,\s*", after):
        return before + after[comma.end() :]
    return re.sub(r",\s*\Z", "", before) + after
