"""The Sets screen with a fake daemon."""

from __future__ import annotations

from pathlib import Path

from fakes import FakeDaemon
from msgspec.structs import replace
from piloting import opened, planned, shows, status, text_of, until
from textual.widgets import Input

from imagineer_tui.widgets.card_rows import CardRows
from imagineer_tui.widgets.set_rows import SetRows
from imagineerd import protocol
from imagineerd.jobs import SCHEDULERS, LoraWeight


async def test_it_opens_with_the_zodiac_and_a_theme_and_says_what_to_press(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        screen = await shows(pilot, "▸ Zodiac", "gold on black", "Press enter to deal these 3 cards")

        assert "zodiac card, gold on black, Aries in the sky, clean lines" in screen
        assert "3 cards · 64x96 · starter · about 0:24" in screen


async def test_before_anything_was_drawn_it_says_what_will_tell_how_long_it_takes(daemon: FakeDaemon):
    daemon.answers["plan"] = lambda request: replace(planned(request), eta_s=None)
    async with opened(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, "starter · the first picture", "will tell how long it takes")


async def test_a_warning_comes_before_the_figures(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        screen = await shows(pilot, "about 0:24")

        assert screen.index("1 over the token limit · 1 with an open place · 1 twice the same") < screen.index("64x96")


async def test_a_long_warning_leaves_room_for_the_figures(daemon: FakeDaemon):
    endless = "The starter model was never taught " + ", ".join(f'"zeppelin{number}"' for number in range(60))
    daemon.answers["plan"] = lambda request: replace(planned(request), warnings=(endless,))
    async with opened(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, "never taught", " …", "3 cards · 64x96 · starter · about 0:24", "Press enter to deal")


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


async def test_z_brings_back_a_theme_of_ones_own_that_r_replaced(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("t", "home", *"my ", "enter")

        await pilot.press("r")
        await shows(pilot, "zodiac card, brass and fog, Aries", "Replaced the theme “my gold on black”")
        await pilot.press("r", "z")

        await shows(pilot, "zodiac card, my gold on black, Aries")


async def test_a_theme_that_is_typed_before_the_sets_come_is_kept(daemon: FakeDaemon):
    daemon.hold("sets")
    async with opened(daemon) as (_, pilot):
        await pilot.press("t", *"red lace", "enter")

        daemon.release()

        await shows(pilot, "zodiac card, red lace, Aries")


async def test_enter_right_behind_another_set_deals_that_one_once_it_is_planned(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")
        daemon.hold("plan")

        await pilot.press("j", "enter")
        await until(pilot, lambda: daemon.holding and daemon.held)
        assert not daemon.count(protocol.Deal)
        daemon.release()

        await shows(pilot, "Nothing is drawn and nothing waits")
        assert daemon.count(protocol.Deal) == 1
        assert daemon.last(protocol.Deal).set == "tarot"


async def test_escape_ends_the_filter_from_the_list_too(daemon: FakeDaemon):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("slash", *"tarot", "enter")
        await until(pilot, lambda: len(app.screen.query_one(SetRows).keys) == 1)

        await pilot.press("escape")

        await until(pilot, lambda: len(app.screen.query_one(SetRows).keys) > 1)


async def test_a_wish_to_deal_ends_where_the_cursor_goes_on(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")
        daemon.hold("plan")

        await pilot.press("j", "enter", "k")
        daemon.release()

        await shows(pilot, "zodiac card, gold on black, Aries")
        assert not daemon.count(protocol.Deal)


async def test_enter_says_why_nothing_is_dealt_while_the_daemon_is_away(folder: Path):
    async with opened(folder) as (_, pilot):
        await shows(pilot, "No imagineerd answers", "They come from")

        await pilot.press("enter")

        await shows(pilot, "Nothing can be dealt while no")


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
        await shows(pilot, "● 1", "● 3", "2 of 3 cards · 64x96 · starter · about 0:16", "to deal 2 of these 3 cards")
        await pilot.press("enter")

        await until(pilot, lambda: daemon.count(protocol.Deal))
        assert daemon.last(protocol.Deal).cards == (1, 3)


async def test_a_broken_set_says_what_is_wrong_and_is_not_dealt(daemon: FakeDaemon):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24", "── yours ──", "✗")

        await pilot.press("G")
        await shows(pilot, "This set cannot be dealt", "comets.csv: There is no row.")
        await pilot.press("enter")

        await until(pilot, lambda: [toast for toast in app._notifications if "Mend its files" in toast.message])
        assert not daemon.count(protocol.Deal)


async def test_a_plan_that_fails_leaves_no_cards_of_another_set_and_says_why_it_is_not_dealt(daemon: FakeDaemon):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24", "Aries in the sky")
        daemon.answers["plan"] = protocol.Error(code="E_NOT_FOUND", message="There is no LoRA “Nope”.")

        await pilot.press("j")

        await shows(pilot, "Tarot · 22 cards", "! There is no LoRA “Nope”.")
        assert "Aries" not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: app._notifications)
        assert not daemon.count(protocol.Deal)


async def test_its_own_key_reads_the_sets_anew(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")
        daemon.answers["sets"] = protocol.Sets(sets=(protocol.SetInfo(id="zodiac", name="Stars", cards=3),))

        await pilot.press("1")

        await shows(pilot, "▸ Stars")


async def test_v_gives_a_long_prompt_the_room_of_the_list(daemon: FakeDaemon):
    long = ", ".join(f"lantern {number}" for number in range(1, 31))
    async with opened(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "about 0:24")
        app.screen.query_one("#theme", Input).value = long
        await shows(pilot, "lantern 9")
        assert "lantern 25" not in text_of(app)

        await pilot.press("v")

        await shows(pilot, "lantern 30", "− blurry")


async def test_long_names_have_the_room_that_there_is(daemon: FakeDaemon):
    name = "The Keeper of the Northernmost Lighthouse"

    def plan(request: protocol.PlanDeal) -> protocol.Plan:
        plan = planned(request)
        return replace(plan, cards=(replace(plan.cards[0], name=name), *plan.cards[1:]))

    daemon.answers["plan"] = plan
    async with opened(daemon) as (_, pilot):
        await shows(pilot, f"1 {name[:30]}")
    async with opened(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, f"1 {name[:20]}")


async def test_at_80x24_names_leave_the_room_that_what_is_wrong_needs(daemon: FakeDaemon):
    async with opened(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, "no {mood}", "cut: “clean lin")


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
    async with opened(daemon, (60, 16)) as (_, pilot):
        await shows(pilot, "▸ Zodiac", "1 Aries", "? help")
        await pilot.press("right")

        await shows(pilot, "2 Taurus", "Aries in the sky")


async def test_settings_of_the_deal_are_planned_and_dealt_with(daemon: FakeDaemon):
    daemon.answers["loras"] = protocol.Loras(loras=(protocol.LoraInfo(name="Ink"),))
    daemon.answers["mixes"] = protocol.Mixes(mixes=(protocol.MixInfo(name="gothic front", mix=()),))
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("l")
        await shows(pilot, "Settings of this deal", "LoRAs: Ink ", "Saved mixes: gothic front ")
        await pilot.press(*"Ink:3", "enter")
        await shows(pilot, "3 is not within -2 to 2")
        await pilot.press("backspace", *"1", "tab", *"7", "enter")

        await shows(pilot, "starter · about 0:24 · seed 7")
        await pilot.press("enter")
        await until(pilot, lambda: daemon.count(protocol.Deal))
        settings = daemon.last(protocol.Deal).settings
        assert (settings.seed, settings.mix) == (7, (LoraWeight("Ink", 1.0),))
        assert daemon.last(protocol.PlanDeal).settings == settings


async def test_the_form_of_a_deal_says_ranges_and_arrows_change_what_has_one(daemon: FakeDaemon):
    sizes = ((64, 64), (64, 96))
    model = protocol.ModelInfo(name="starter", base="starter", sizes=sizes)
    daemon.answers |= {
        "loras": protocol.Loras(loras=()),
        "mixes": protocol.Mixes(mixes=()),
        "status": status(model=model),
    }
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")
        await until(pilot, lambda: app.world.status)

        await pilot.press("s")
        await shows(pilot, "1 to 150", "0 to 30", "↑↓ goes through them", "64x96 portrait · 64x64 square")
        await pilot.press("up", "tab", "tab", "up", "up", "tab", "tab", "down", "tab", "up", "enter")

        await until(pilot, lambda: daemon.last(protocol.PlanDeal).settings.steps)
        settings = daemon.last(protocol.PlanDeal).settings
        assert settings == protocol.Settings(steps=2, scheduler=SCHEDULERS[-1], width=64, height=96)


async def test_under_a_form_no_key_is_offered_that_does_not_count_there(daemon: FakeDaemon):
    daemon.answers |= {"loras": protocol.Loras(loras=()), "mixes": protocol.Mixes(mixes=())}
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24", "enter deal")

        await pilot.press("s")
        await until(pilot, lambda: "enter deal" not in text_of(pilot.app))
        await pilot.press("escape")

        await shows(pilot, "enter deal")
