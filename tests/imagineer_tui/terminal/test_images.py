"""How pictures are shown on which terminal, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.images import Images, Shown, choose, following

KITTY = Terminal(tty=True, name="kitty(0.42.1)", kitty=True, colors="truecolor")
OLD_KITTY = Terminal(tty=True, name="kitty(0.26.5)", kitty=True, colors="truecolor")
GHOSTTY = Terminal(tty=True, name="ghostty 1.2.0", kitty=True, colors="truecolor")
WEZTERM = Terminal(tty=True, name="WezTerm 20240203", kitty=True, sixel=True, colors="truecolor")
WARP = Terminal(tty=True, name="Warp(v0.2025)", kitty=True, colors="truecolor")
FOOT = Terminal(tty=True, name="foot(1.19.0)", sixel=True, colors="truecolor")
IN_TMUX = Terminal(tty=True, name="tmux 3.5a", sixel=True, colors="truecolor", multiplexer="tmux")
NO_COLOR = Terminal(tty=True, name="kitty(0.42.1)", kitty=True, colors="truecolor", no_color=True)
CONSOLE = Terminal(tty=True, name="linux", colors="16")
DUMB = Terminal(tty=True, name="dumb")


@pytest.mark.parametrize(
    ("terminal", "large", "small"),
    [
        (KITTY, "kitty", "half"),
        (OLD_KITTY, "half", "half"),
        (GHOSTTY, "kitty", "half"),
        (WEZTERM, "sixel", "half"),
        (WARP, "half", "half"),
        (FOOT, "sixel", "half"),
        (IN_TMUX, "half", "half"),
        (NO_COLOR, "half", "half"),
        (CONSOLE, "ascii", "ascii"),
        (DUMB, "ascii", "ascii"),
        (Terminal(), "off", "off"),
    ],
)
def test_pictures_are_as_good_as_the_terminal_proved(terminal: Terminal, large: Shown, small: Shown) -> None:
    chosen = choose("auto", terminal)
    assert (chosen.large, chosen.small) == (large, small)


@pytest.mark.parametrize(
    ("wanted", "large", "small"),
    [("kitty", "kitty", "half"), ("half", "half", "half"), ("ascii", "ascii", "ascii"), ("off", "off", "off")],
)
def test_what_is_asked_for_by_name_is_done(wanted: Images, large: Shown, small: Shown) -> None:
    chosen = choose(wanted, IN_TMUX)
    assert (chosen.large, chosen.small) == (large, small)
    assert chosen.why == f"images is {wanted}."


def test_the_reason_names_the_terminal() -> None:
    assert choose("auto", KITTY).why == "kitty(0.42.1) answered that it shows Kitty pictures."
    assert choose("auto", IN_TMUX).why == "tmux does not keep real pictures in their place."
    assert (
        choose("auto", WARP).why == "Warp(v0.2025) shows Kitty pictures, but is not known to keep them in text cells."
    )


@pytest.mark.parametrize(
    ("terminal", "ways"),
    [
        (KITTY, {"kitty", "half", "ascii", "off"}),
        (OLD_KITTY, {"half", "ascii", "off"}),
        (WEZTERM, {"sixel", "half", "ascii", "off"}),
        (FOOT, {"sixel", "half", "ascii", "off"}),
        (NO_COLOR, {"half", "ascii", "off"}),
        (CONSOLE, {"half", "ascii", "off"}),
        (IN_TMUX, {"half", "ascii", "off"}),
        (replace(IN_TMUX, passthrough=True), {"kitty", "half", "ascii", "off"}),
    ],
)
def test_a_key_goes_round_all_ways_that_the_terminal_may_understand(terminal: Terminal, ways: set[Shown]) -> None:
    way: Shown = "off"
    went = [way := following(way, terminal) for _ in ways]
    assert set(went) == ways
    assert went[-1] == "off"
