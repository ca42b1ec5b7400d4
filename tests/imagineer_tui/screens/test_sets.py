"""The Sets screen with a fake daemon."""

from __future__ import annotations

from fakes import FakeDaemon
from piloting import opened, shows, until

from imagineer_tui.widgets.card_rows import CardRows
from imagineerd import protocol
from imagineerd.jobs import LoraWeight


async def test_it_opens_with_the_zodiac_and_a_theme_and_says_what_to_press(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        screen = await shows(pilot, "▸ Zodiac", "gold on black", "Press enter to deal these 3 cards")

        assert "zodiac card, gold on black, Aries in the sky, clean lines" in screen
        assert "3 cards · 64x96 · starter · about 0:24" in screen


async def test_a_warning_comes_before_the_figures(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        screen = await shows(pilot, "about 0:24")

        assert screen.index("1 over the token limit · 1 with an open place · 1 twice the same") < screen.index("64x96")


async def test_a_card_tells_what_is_wrong_with_it(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "no {mood}", "80/77!  cut: “clean lines”", "same as 1", "the cell is empty")

        await pilot.press("right", "j")

        await shows(pilot, "80 tokens; the model reads 77")


async def test_the_preview_follows_what_is_typed(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("t", *("end", *" leaf"))

        await shows(pilot, "zodiac card, gold on black leaf, Aries")


async def test_r_makes_up_a_theme(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("r")

        await shows(pilot, "zodiac card, brass and fog, Aries")


async def test_enter_deals_the_set_with_its_theme(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("enter")

        await until(pilot, lambda: daemon.count(protocol.Deal))
        dealt = daemon.last(protocol.Deal)
        assert (dealt.set, dealt.theme, dealt.cards) == ("zodiac", "gold on black", ())


async def test_enter_pressed_twice_deals_once(daemon: FakeDaemon):
    daemon.hold("deal")
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("enter", "enter")
        await until(pilot, lambda: daemon.count(protocol.Deal))
        await pilot.press("enter")
        daemon.release()

        await pilot.pause()
        assert daemon.count(protocol.Deal) == 1


async def test_space_chooses_cards_for_a_smaller_deal(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("right", "space", "j", "space")
        await shows(pilot, "● 1", "● 3", "2 of 3 cards · 64x96 · starter · about 0:16")
        await pilot.press("enter")

        await until(pilot, lambda: daemon.count(protocol.Deal))
        assert daemon.last(protocol.Deal).cards == (1, 3)


async def test_a_broken_set_says_what_is_wrong_and_is_not_dealt(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24", "── yours ──", "✗")

        await pilot.press("G")
        await shows(pilot, "This set cannot be dealt", "comets.csv: There is no row.")
        await pilot.press("enter")

        await pilot.pause()
        assert not daemon.count(protocol.Deal)


async def test_slash_filters_the_list_with_the_focus_and_escape_shows_all(daemon: FakeDaemon):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("right", "slash", *"tau")
        assert app.screen.query_one(CardRows).keys == ["2"]
        await pilot.press("escape")

        assert app.screen.query_one(CardRows).keys == ["1", "2", "3"]


async def test_a_theme_of_one_s_own_goes_along_to_another_set_and_to_the_next_run(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("r")
        await shows(pilot, "card, brass and fog, Aries")
        await pilot.press("j")
        await shows(pilot, "Tarot · 22 cards", "Theme  brass and fog")
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "▸ Tarot", "Theme  brass and fog")


async def test_it_fits_a_small_terminal(daemon: FakeDaemon):
    async with opened(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, "▸ Zodiac", "Aries in the sky", "? help")
    async with opened(daemon, (50, 16)) as (_, pilot):
        await shows(pilot, "Zodiac", "Aries", "? help")


async def test_settings_of_the_deal_are_planned_and_dealt_with(daemon: FakeDaemon):
    daemon.answers["loras"] = protocol.Loras(loras=(protocol.LoraInfo(name="Ink"),))
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("l")
        await shows(pilot, "Settings of this deal", "There are: Ink")
        await pilot.press(*"Ink:3", "enter")
        await shows(pilot, "3 is not within -2 to 2")
        await pilot.press("backspace", *"1", "tab", *"7", "enter")

        await shows(pilot, "starter · about 0:24 · seed 7")
        await pilot.press("enter")
        await until(pilot, lambda: daemon.count(protocol.Deal))
        settings = daemon.last(protocol.Deal).settings
        assert (settings.seed, settings.mix) == (7, (LoraWeight("Ink", 1.0),))
        assert daemon.last(protocol.PlanDeal).settings == settings
