"""The Mixer screen with a fake daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fakes import BATCH, Deck, FakeDaemon
from mixer_scenes import FRONT
from mixer_scenes import answers as mixing_answers
from piloting import WIDE, opened, shows, text_of, until
from textual.pilot import Pilot

from imagineer_tui.app import ImagineerApp
from imagineer_tui.widgets.audition import Audition
from imagineer_tui.widgets.faders import Faders
from imagineerd import protocol
from imagineerd.jobs import JobError, LoraWeight, State

LIVE = "▀"
"""What a half-block is drawn with; the pictures of takes that this daemon does not have show none."""
PREVIEW_OF = {1: "Ink 0.6", 2: "Ink 0.65"}


@pytest.fixture
def mixing(daemon: FakeDaemon, deck: Deck) -> FakeDaemon:
    """A daemon with three LoRAs, one of which does not fit, and a saved mix."""
    daemon.answers |= mixing_answers(daemon, deck)
    return daemon


def rough(job: int) -> protocol.Preview:
    """A preview of 2x2 pixels, red above blue."""
    rgb = bytes((255, 0, 0)) * 2 + bytes((0, 0, 255)) * 2
    return protocol.Preview(job=job, batch=BATCH, slot=1, step=2, steps=8, width=2, height=2, rgb=rgb)


@asynccontextmanager
async def mixer_of(daemon: FakeDaemon, size: tuple[int, int] = WIDE) -> AsyncIterator[tuple[ImagineerApp, Pilot]]:
    async with opened(daemon, size) as (app, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("3")
        await shows(pilot, "Library", "▸ Ink", "── mixes ──")
        yield app, pilot


async def auditioning(pilot: Pilot, daemon: FakeDaemon) -> None:
    """Put Ink on a fader and have a fox drawn with it; the cursor is among the faders then."""
    await pilot.press("p", *"fox", "escape", "escape", "enter", "escape")
    await until(pilot, lambda: daemon.count(protocol.Generate))
    await shows(pilot, "queued")


async def auditioned_once_more(pilot: Pilot, daemon: FakeDaemon, deck: Deck, number: int) -> None:
    """Finish the audition that is drawn, move the fader, and have the next one drawn."""
    daemon.happen(deck.finish(number - 1))
    await until(pilot, lambda: f"{PREVIEW_OF[number - 1]}" in text_of(pilot.app))
    await pilot.press("right")
    await until(pilot, lambda: daemon.count(protocol.Generate) == number)


async def test_the_library_tells_base_rank_triggers_and_what_does_not_fit(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await shows(pilot, "starter r4", "trigger: ink wash", "SDXL    r32  ✗")

        await pilot.press("j", "j")
        await shows(pilot, "trained for SDXL")
        await pilot.press("enter")

        await shows(pilot, "No LoRA is on a fader.")


async def test_a_second_click_in_the_library_puts_a_lora_on_a_fader(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await shows(pilot, "No LoRA is on a fader.")
        await pilot.click("#loras", offset=(4, 0), times=2)
        await shows(pilot, "0.60", "●")


async def test_the_library_is_filtered(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("slash", *"goth")

        await until(pilot, lambda: "neon" not in text_of(pilot.app))


async def test_arrows_move_a_fader_and_z_takes_it_back(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("enter")
        await shows(pilot, "0.60", "●")

        await pilot.press("escape", "right", "right", "shift+left")
        await shows(pilot, "0.69")
        await pilot.press("z")

        await shows(pilot, "0.60")


async def test_keys_that_come_faster_than_they_are_shown_all_count(mixing: FakeDaemon):
    async with mixer_of(mixing) as (app, pilot):
        await pilot.press("enter")
        await shows(pilot, "0.60")

        for _ in range(8):
            app.screen.query_one(Faders).action_nudge(-0.05)

        await shows(pilot, "0.20")


async def test_a_fader_is_muted_heard_alone_reset_and_taken_off(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("enter", "escape", "m")
        await shows(pilot, "muted")
        await pilot.press("m", "o")
        await shows(pilot, "solo")
        await pilot.press("right", "0")
        await shows(pilot, "0.60")

        await pilot.press("d")

        await shows(pilot, "No LoRA is on a fader.")


async def test_a_weight_is_typed(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("enter", "escape", "enter")
        await shows(pilot, "-2 to 2")
        await pilot.press("ctrl+u", *"3", "enter")
        await shows(pilot, "! 3 is not within -2 to 2.")

        await pilot.press("ctrl+u", *"-0.35", "enter")

        await shows(pilot, "-0.35")


async def test_a_fader_is_dragged(mixing: FakeDaemon):
    async with mixer_of(mixing) as (app, pilot):
        await pilot.press("enter")
        await shows(pilot, "0.60")
        faders = app.screen.query_one(Faders)

        await pilot.mouse_down(faders, offset=(faders.track.start, 0))
        await pilot.hover(faders, offset=(faders.track.stop - 1, 0))
        await pilot.mouse_up(faders, offset=(faders.track.stop - 1, 0))

        await shows(pilot, "2.00")


async def test_a_saved_mix_is_opened_deleted_and_brought_back(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("G", "enter")
        await shows(pilot, "Mix “front”", "0.50", "0.25")

        await pilot.press("d")
        await shows(pilot, "Deleted “front”. z takes it back.")
        await pilot.press("z")

        await until(pilot, lambda: mixing.count(protocol.SaveMix))
        assert mixing.last(protocol.SaveMix).mix == FRONT.mix


async def test_a_mix_is_saved_under_a_name(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("enter", "w", *"wash", "enter")

        await until(pilot, lambda: mixing.count(protocol.SaveMix))
        saved = mixing.last(protocol.SaveMix)
        assert (saved.name, saved.mix) == ("wash", (LoraWeight("Ink", 0.6),))


async def test_a_name_that_no_mix_can_have_is_refused_while_the_form_is_open(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("enter", "w", *"Käse", "enter")
        await shows(pilot, "Käse", "is no name for a mix")
        await pilot.press(*["backspace"] * 4, *"NEON", "enter")
        await shows(pilot, 'There is a LoRA "NEON"')
        await pilot.press(*["backspace"] * 4, *"gothic", "space", *"front", "enter")

        await until(pilot, lambda: mixing.count(protocol.SaveMix))
        assert mixing.last(protocol.SaveMix).name == "gothic front"


async def test_u_takes_the_mix_to_compose_and_z_there_takes_it_back(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("u")
        await shows(pilot, "Nothing is heard: there is no mix to draw with.")
        await pilot.press("enter", "u")
        await shows(pilot, "─ Compose ─", "Ink:0.6", "Took the mix. z takes it back.")
        await pilot.press("z")
        await until(pilot, lambda: "Ink:0.6 " not in text_of(pilot.app))


async def test_s_deals_a_set_with_the_mix_by_its_name_where_it_has_one(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("G", "enter")
        await shows(pilot, "Mix “front”")
        await pilot.press("s")

        await shows(pilot, "─ Sets ─")
        await until(pilot, lambda: mixing.last(protocol.PlanDeal).settings.mix == (LoraWeight("front", noted=True),))


async def test_the_mix_is_auditioned_with_one_seed_and_few_steps_before_all_else(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await auditioning(pilot, mixing)

        asked = mixing.last(protocol.Generate)
        assert (asked.prompt, asked.n, asked.priority, asked.audition) == ("fox", 1, 10, True)
        assert asked.settings == protocol.Settings(seed=4711, steps=8, mix=(LoraWeight("Ink", 0.6),))


async def test_a_newer_audition_cancels_the_older_one(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await auditioning(pilot, mixing)

        await pilot.press("right", "right", "right")
        await until(pilot, lambda: mixing.count(protocol.Generate) == 2)

        assert mixing.last(protocol.Cancel).jobs == (1,)
        assert mixing.last(protocol.Generate).settings.mix == (LoraWeight("Ink", 0.75),)


async def test_before_and_now_stand_side_by_side_and_b_goes_back(mixing: FakeDaemon, deck: Deck):
    async with mixer_of(mixing) as (_, pilot):
        await auditioning(pilot, mixing)
        mixing.happen(deck.finish(1))
        await shows(pilot, "Ink 0.6")
        await pilot.press("right")
        await until(pilot, lambda: mixing.count(protocol.Generate) == 2)
        mixing.happen(deck.finish(2))
        await shows(pilot, "before · Ink 0.6", "Ink 0.65")

        await pilot.press("b")

        await shows(pilot, "before · Ink 0.65", "0.60")


async def test_the_audition_is_seen_while_it_is_drawn_beside_the_one_before(mixing: FakeDaemon, deck: Deck):
    async with mixer_of(mixing) as (app, pilot):
        await auditioning(pilot, mixing)
        await auditioned_once_more(pilot, mixing, deck, 2)
        await until(pilot, lambda: len(mixing.watchers) == 2)
        mixing.preview(rough(job=1))
        mixing.preview(rough(job=2))

        await until(pilot, lambda: LIVE in text_of(app))
        await shows(pilot, "before · Ink 0.6")
        mixing.happen(deck.finish(2))

        await until(pilot, lambda: LIVE not in text_of(app))


async def test_what_nobody_looks_at_any_more_goes_into_the_trash(mixing: FakeDaemon, deck: Deck):
    async with mixer_of(mixing) as (_, pilot):
        await auditioning(pilot, mixing)
        await auditioned_once_more(pilot, mixing, deck, 2)
        await auditioned_once_more(pilot, mixing, deck, 3)
        assert not mixing.count(protocol.DeleteTakes)

        mixing.happen(deck.finish(3))

        await until(pilot, lambda: mixing.count(protocol.DeleteTakes))
        assert mixing.last(protocol.DeleteTakes).takes == (1,)


async def test_nothing_is_watched_while_nobody_looks(mixing: FakeDaemon):
    async with mixer_of(mixing) as (app, pilot):
        await auditioning(pilot, mixing)
        await until(pilot, lambda: mixing.watchers)

        await pilot.press("4")

        audition = app._screen_stacks["mixer"][0].query_one(Audition)
        await until(pilot, lambda: not [worker for worker in app.workers if worker.node is audition])


async def test_an_audition_that_fails_says_why(mixing: FakeDaemon, deck: Deck):
    async with mixer_of(mixing) as (_, pilot):
        await auditioning(pilot, mixing)

        mixing.happen(deck.move(1, State.FAILED, JobError("E_LORA", "Ink does not fit.")))

        await shows(pilot, "✗ Ink does not fit.")


async def test_an_audition_that_somebody_cancels_is_over(mixing: FakeDaemon, deck: Deck):
    async with mixer_of(mixing) as (_, pilot):
        await auditioning(pilot, mixing)

        mixing.happen(deck.move(1, State.CANCELLED))

        await shows(pilot, "✗ cancelled")


async def test_an_audition_that_ends_while_nobody_looks_is_there_on_return(mixing: FakeDaemon, deck: Deck):
    async with mixer_of(mixing) as (app, pilot):
        await auditioning(pilot, mixing)
        await pilot.press("4")
        mixing.happen(deck.finish(1))
        await until(pilot, lambda: app.world.landed)

        await pilot.press("3")

        await shows(pilot, "Ink 0.6")


async def test_without_a_word_it_auditions_the_first_card_of_the_deck_that_was_dealt_last(
    mixing: FakeDaemon, deck: Deck
):
    mixing.snapshot_batches = (deck.batch(),)
    async with mixer_of(mixing) as (_, pilot):
        await shows(pilot, "Audition · zodiac 1 · seed 4711", "p says what to draw")

        await pilot.press("enter")

        await until(pilot, lambda: mixing.count(protocol.Deal))
        dealt = mixing.last(protocol.Deal)
        assert (dealt.set, dealt.cards, dealt.theme) == ("zodiac", (1,), deck.batch().theme)
        assert dealt.settings.mix == (LoraWeight("Ink", 0.6),)


async def test_a_card_is_auditioned_with_a_theme(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("p", *"at sea", "tab", *"zodiac", "space", "2", "enter")

        await until(pilot, lambda: mixing.count(protocol.Deal))
        dealt = mixing.last(protocol.Deal)
        assert (dealt.set, dealt.cards, dealt.theme) == ("zodiac", (2,), "at sea")


async def test_the_footer_has_the_keys_of_what_has_the_focus(mixing: FakeDaemon):
    async with mixer_of(mixing, (80, 24)) as (_, pilot):
        await shows(pilot, "enter to a fader  / filter", ": more")
        await pilot.press("enter", "escape")
        await shows(pilot, "←→ weight", "m mute  o solo", ": more")

        await pilot.press("p")
        await shows(pilot, "F1 help  esc leave")


async def test_a_card_of_a_set_is_auditioned(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await pilot.press("p", "tab", *"zodiac", "space", "2", "enter")

        await until(pilot, lambda: mixing.count(protocol.Deal))
        dealt = mixing.last(protocol.Deal)
        assert (dealt.set, dealt.cards, dealt.settings.mix, dealt.priority) == ("zodiac", (2,), (), 10)


async def test_trigger_words_are_offered_and_added(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await auditioning(pilot, mixing)
        await shows(pilot, "triggers: ink wash · t adds them")

        await pilot.press("t")

        await until(pilot, lambda: mixing.count(protocol.Generate) == 2)
        assert mixing.last(protocol.Generate).settings.add_triggers


async def test_g_draws_a_grid_of_weights(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await auditioning(pilot, mixing)
        await pilot.press("g")
        await shows(pilot, "Grid of weights", "0, 0.5, 1")

        await pilot.press("enter")

        await until(pilot, lambda: mixing.count(protocol.DealGrid))
        asked = mixing.last(protocol.DealGrid)
        assert asked.axes == (protocol.LoraAxis(lora="Ink", values=(0, 0.5, 1)),)
        assert asked.prompt == "fox"


async def test_the_mix_and_what_is_auditioned_are_there_in_the_next_run(mixing: FakeDaemon):
    async with mixer_of(mixing) as (_, pilot):
        await auditioning(pilot, mixing)

    async with opened(mixing) as (_, pilot):
        await shows(pilot, "0.60", "fox · seed 4711")


async def test_it_all_has_room_at_80x24(mixing: FakeDaemon):
    async with mixer_of(mixing, (80, 24)) as (_, pilot):
        await auditioning(pilot, mixing)

        await shows(pilot, "▸ Ink", "0.60", "Audition · fox · seed 4711", "queued")
