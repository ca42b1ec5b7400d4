"""Textual's stylesheet, kept from parsing a source twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from piloting import opened
from textual.color import Color
from textual.css import stylesheet
from textual.css.errors import UnresolvedVariableError
from textual.dom import DOMNode

from imagineer_tui.app import ImagineerApp
from imagineer_tui.styling import KeptStylesheet

Parsed = Counter[str]
"""How often each source was parsed."""


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Parsed:
    """Count what Textual parses from now on."""
    counted: Parsed = Counter()
    parse = stylesheet.parse

    def counting(scope: str, css: str, *arguments: object, **named: object) -> object:
        counted[scope + css] += 1
        return parse(scope, css, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(stylesheet, "parse", counting)
    return counted


async def test_a_screen_that_is_visited_has_only_its_own_sources_parsed(tmp_path: Path, parsed: Parsed):
    async with opened(tmp_path) as (app, pilot):
        parsed.clear()
        for key in "234561":
            await pilot.press(key)
            await pilot.pause()

        assert max(parsed.values()) == 1
        assert parsed.total() < len(app.stylesheet.source)


async def test_until_the_first_paint_a_widget_is_styled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    styled, at_first_paint = Counter[str](), Counter[str]()
    apply, display = KeptStylesheet.apply, ImagineerApp._display

    def counting(sheet: KeptStylesheet, node: DOMNode, **named: Any) -> None:
        styled[type(node).__name__] += 1
        apply(sheet, node, **named)

    def painting(app: ImagineerApp, screen: Any, update: Any) -> None:
        if update is not None and not at_first_paint:
            at_first_paint.update(styled)
        display(app, screen, update)

    monkeypatch.setattr(KeptStylesheet, "apply", counting)
    monkeypatch.setattr(ImagineerApp, "_display", painting)
    async with opened(tmp_path):
        pass

    for part in ("TabBar", "StatusLine", "Banner", "KeyFooter", "SetPlan", "CardRows", "PlanLine"):
        assert at_first_paint[part] == 1, part


async def test_another_theme_has_everything_parsed_once_more(tmp_path: Path, parsed: Parsed):
    async with opened(tmp_path) as (app, pilot):
        parsed.clear()
        app.theme = "imagineer-light"
        await pilot.pause()

        assert set(parsed.values()) == {1}
        assert parsed.total() == len(app.stylesheet.source)
        assert not app.current_theme.dark
        assert app.screen.styles.background == Color.parse(app.theme_variables["background"])


def test_a_variable_that_has_changed_counts():
    sheet = KeptStylesheet({"paper": "red"})
    sheet.add_source("Screen { background: $paper; }")
    assert "#FF0000" in sheet.css

    sheet.set_variables({"paper": "blue"})
    sheet.reparse()

    assert "#0000FF" in sheet.css


def test_a_source_with_a_fault_changes_nothing():
    sheet = KeptStylesheet({"paper": "red"})
    sheet.add_source("Screen { background: $paper; }")
    before = sheet.css

    sheet.set_variables({})
    with pytest.raises(UnresolvedVariableError):
        sheet.reparse()
    sheet.set_variables({"paper": "red"})

    assert sheet.css == before
