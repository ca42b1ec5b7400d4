"""The configuration as a list to read and to change."""

from __future__ import annotations

import pytest

from imagineer_tui.model.settings_view import Item, as_yaml, help_of, items, next_value, shown
from imagineerd.settings import SETTINGS, Setting


def setting(kind: str, **more: object) -> Setting:
    return Setting(**{"key": "a.b", "kind": kind, "words": "something", "description": "It is for this.", **more})


def test_only_what_the_daemon_has_is_listed_and_what_differs_is_marked():
    found = items([setting("int", default=3), setting("int", key="a.c")], {"a": {"b": 4}, "z": {"c": 1}})

    assert [(item.setting.key, item.value, item.changed) for item in found] == [("a.b", 4, True)]


def test_the_default_of_a_folder_is_not_known_here():
    (item,) = items([setting("path")], {"a": {"b": "/data"}})

    assert not item.changed


@pytest.mark.parametrize(("value", "text"), [(None, "null"), (True, "true"), (0.5, "0.5"), ("x", "x")])
def test_a_value_is_shown_as_it_is_typed(value: object, text: str):
    assert shown(value) == text


def test_what_was_typed_is_yaml_that_means_just_that():
    assert as_yaml(setting("int"), " 30 ") == "30"
    assert as_yaml(setting("str"), "blurry, text: no") == '"blurry, text: no"'
    assert as_yaml(setting("int", optional=True), "") == "null"
    assert as_yaml(setting("str"), "null") == '"null"'


def test_switches_and_choices_have_a_next_value():
    sampler = SETTINGS["generation.scheduler"]

    assert next_value(Item(setting("bool"), value=True, changed=False)) == "false"
    assert next_value(Item(sampler, sampler.choices[0], changed=False)) == sampler.choices[1]
    assert next_value(Item(sampler, sampler.choices[-1], changed=False)) == sampler.choices[0]
    assert next_value(Item(setting("int"), 3, changed=False)) is None


def test_it_is_told_what_a_setting_takes_and_when_it_counts():
    lines = help_of(Item(setting("int", default=3, restart=True), 4, changed=True))

    assert lines == [
        "It is for this.", "Takes something. The default is 3.", "It counts when the daemon is started again.",
    ]  # fmt: skip
