"""The configuration as a list to read and to change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from imagineerd.settings import Setting


class Item(NamedTuple):
    """A setting with its value; `changed` says that it is not the default."""

    setting: Setting
    value: Any
    changed: bool


def items(settings: Iterable[Setting], values: Mapping[str, Mapping[str, Any]]) -> list[Item]:
    """Return the settings that the daemon has, in their order."""
    found = []
    for setting in settings:
        section, name = setting.key.split(".")
        if name in values.get(section, {}):
            value = values[section][name]
            # The default of a path depends on the daemon's machine, so it is not known here.
            found.append(Item(setting, value, setting.kind != "path" and value != setting.default))
    return found


def shown(value: Any) -> str:
    """Return a value as it is read and typed."""
    if value is None:
        return "null"
    return json.dumps(value) if isinstance(value, bool) else str(value)


def as_yaml(setting: Setting, text: str) -> str:
    """Return what was typed as YAML: a text is quoted, so that nothing in it means anything else."""
    typed = text.strip()
    if setting.optional and typed in {"", "null"}:
        return "null"
    return json.dumps(typed, ensure_ascii=False) if setting.kind in {"str", "path", "choice"} else typed


def next_value(item: Item) -> str | None:
    """Return what comes next where there are few values, as text; None where it has to be typed."""
    if item.setting.kind == "bool":
        return shown(not item.value)
    if item.setting.kind == "choice":
        choices = item.setting.choices
        return choices[(choices.index(item.value) + 1) % len(choices)] if item.value in choices else choices[0]
    return None


def help_of(item: Item) -> list[str]:
    """Return what a setting is for, what it takes, and when it counts."""
    setting = item.setting
    default = f" The default is {shown(setting.default)}." if setting.kind != "path" else ""
    waits = ["It counts when the daemon is started again."] if setting.restart else []
    return [setting.description, f"Takes {setting.words}.{default}", *waits]
