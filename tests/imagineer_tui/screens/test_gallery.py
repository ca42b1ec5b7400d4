"""The Gallery screen with a fake daemon."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fakes import BATCH, Deck, FakeDaemon, spec, take
from msgspec.structs import replace
from PIL import Image
from piloting import opened, shows, text_of, until
from rich.color import Color
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from imagineer_tui.app import ImagineerApp
from imagineer_tui.screens.gallery import GalleryScreen
from imagineer_tui.soon import SOON_S
from imagineer_tui.widgets.compare import Compare
from imagineer_tui.widgets.deck_rows import DeckRows
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.take_facts import TakeFacts
from imagineer_tui.widgets.thumbnail import Thumbnail
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineerd import protocol
from imagineerd.jobs import JobError, State


def png(colour: str) -> bytes:
    """A small picture."""
    file = io.BytesIO()
    Image.new("RGB", (16, 24), colour).save(file, "PNG")
    return file.getvalue()


class Gallery:
    """A batch of three: the first card has two takes, the second failed, the third is still to come."""

    def __init__(self) -> None:
        self.takes = {number: replace(take(number), slot=1) for number in (1, 4)}
        self.known = dict(self.takes)
        self.pick = 1

    def detail(self, _request: object = None) -> protocol.BatchDetail:
        deck = Deck().detail()
        aries, taurus, gemini = deck.slots
        error = JobError("oom", "The GPU ran out of memory: take a smaller size.")
        slots = (
            replace(aries, state=State.DONE, pick=self.pick, takes=tuple(self.takes.values())),
            replace(taurus, state=State.FAILED, error=error),
            gemini,
        )
        batch = replace(deck.batch, takes=len(self.takes), states={"done": 1, "failed": 1, "queued": 1})
        return protocol.BatchDetail(batch=batch, slots=slots)

    def about(self, request: protocol.GetTake) -> protocol.TakeDetail:
        listed = protocol.ListedTake(take=self.known[request.take], card="Aries", pick=request.take == self.pick)
        return protocol.TakeDetail(about=listed, spec=spec("Aries", self.known[request.take].seed), folder="/pictures")

    def picked(self, request: protocol.Pick) -> protocol.Done:
        self.pick = request.take
        return protocol.Done()

    def deleted(self, request: protocol.DeleteTakes) -> protocol.Deleted:
        for number in request.takes:
            del self.takes[number]
        return protocol.Deleted(takes=request.takes)


@pytest.fixture
def gallery(daemon: FakeDaemon) -> Gallery:
    gallery = Gallery()
    daemon.pictures = {1: png("red"), 4: png("blue")}
    daemon.answers |= {
        "batch": gallery.detail,
        "batches": lambda _: protocol.Batches(batches=(gallery.detail().batch,)),
        "take": gallery.about,
        "pick": gallery.picked,
        "delete": gallery.deleted,
        "favourite": protocol.Done(),
        "restore": protocol.Restored(takes=(1,)),
    }
    return gallery


@asynccontextmanager
async def gallery_of(
    daemon: FakeDaemon, size: tuple[int, int] = (160, 50)
) -> AsyncIterator[tuple[ImagineerApp, Pilot]]:
    async with opened(daemon, size) as (app, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("5")
        yield app, pilot


async def test_it_says_what_to_press_where_no_deck_was_dealt(daemon: FakeDaemon):
    daemon.answers["batches"] = protocol.Batches(batches=())
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "No decks yet.", "Press 1 to deal one.")


async def test_it_says_where_there_are_older_decks_than_those_that_are_listed(daemon: FakeDaemon, gallery: Gallery):
    daemon.answers["batches"] = protocol.Batches(batches=(gallery.detail().batch,), before="zodiac_0")
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "the newest 500")


@pytest.mark.usefixtures("gallery")
async def test_it_shows_the_newest_deck_with_what_is_missing(daemon: FakeDaemon):
    async with gallery_of(daemon) as (_, pilot):
        await shows(
            pilot, "Zodiac “gold on black”", "Aries +1", "✗ Taurus", "◌ Gemini", "2 takes · 2 without a picture"
        )


@pytest.mark.usefixtures("gallery")
async def test_all_that_is_known_of_the_take_under_the_cursor_stands_beside_it(daemon: FakeDaemon):
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "take 1", "Aries", "seed 4711")


@pytest.mark.usefixtures("gallery")
async def test_a_card_without_a_picture_says_why(daemon: FakeDaemon):
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus", "take 1")
        await pilot.press("l")
        await shows(pilot, "The GPU ran out of memory")
        await pilot.press("f")
        await shows(pilot, "Taurus has no picture yet.")


async def test_enter_shows_the_takes_of_a_card_and_space_picks_one(daemon: FakeDaemon, gallery: Gallery):
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("enter")
        await shows(pilot, "› Aries", "★ seed 4711", "seed 4714")

        await pilot.press("l", "space")
        await until(pilot, lambda: daemon.count(protocol.Pick))
        daemon.happen(protocol.PickChanged(batch=BATCH, slot=1, take=4))

        await shows(pilot, "★ seed 4714", "Picked. z takes it back.")
        assert gallery.pick == 4
        await pilot.press("z")
        await until(pilot, lambda: gallery.pick == 1)


async def test_what_is_deleted_is_gone_and_z_brings_it_back(daemon: FakeDaemon, gallery: Gallery):
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("enter")
        await shows(pilot, "seed 4714")
        await pilot.press("d")
        await until(pilot, lambda: daemon.count(protocol.DeleteTakes))
        gallery.pick = 4
        daemon.happen(protocol.TakeDeleted(take=1, batch=BATCH, slot=1, pick=4))
        await until(pilot, lambda: "seed 4711" not in text_of(pilot.app))
        await pilot.press("z")
        await until(pilot, lambda: daemon.count(protocol.RestoreTakes))
        assert daemon.last(protocol.RestoreTakes).takes == (1,)


@pytest.mark.usefixtures("gallery")
async def test_r_deals_the_card_once_more(daemon: FakeDaemon):
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("r")
        await shows(pilot, "Re-rolled Aries. z takes it back.")
        assert daemon.last(protocol.Reroll).slots == (1,)


TOO_LATE = "Nothing was left to take back."


@pytest.mark.parametrize(
    ("done", "said", "deleted"),
    [
        (protocol.Cancelled(cancelled=(4,)), "Taken back: 1 card cancelled.", 0),
        (protocol.Cancelled(ended=(4,)), "Taken back: 1 take put into the trash.", 1),
        (protocol.Cancelled(ended=(5,)), TOO_LATE, 0),
    ],
)
async def test_z_takes_a_re_roll_back_also_when_its_take_has_landed(
    daemon: FakeDaemon, gallery: Gallery, done: protocol.Cancelled, said: str, deleted: int
):
    daemon.answers |= {
        "reroll": protocol.Dealt(batch=gallery.detail().batch, jobs=done.cancelled + done.ended),
        "cancel": done,
    }
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("r")
        await shows(pilot, "Re-rolled Aries")
        await pilot.press("z")
        await shows(pilot, said)
    assert daemon.count(protocol.DeleteTakes) == deleted


@pytest.mark.usefixtures("gallery")
async def test_f_marks_a_favourite(daemon: FakeDaemon):
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("f")
        await until(pilot, lambda: daemon.count(protocol.Favourite))
        assert daemon.last(protocol.Favourite).on


@pytest.mark.usefixtures("gallery")
async def test_search_shows_what_it_finds_and_escape_goes_back(daemon: FakeDaemon):
    listed = protocol.ListedTake(take=take(4), card="The Fool")
    daemon.answers["search"] = protocol.Takes(takes=(listed,))
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("slash", *"moon", "enter")
        await shows(pilot, "Search “moon”", "The Fool", "1 take")
        await pilot.press("escape")
        await shows(pilot, "✗ Taurus")
        assert not pilot.app.screen.query_one("#search").display


@pytest.mark.usefixtures("gallery")
async def test_a_wrong_filter_is_said_in_place_of_the_page(daemon: FakeDaemon):
    daemon.answers["search"] = protocol.Error(code="E_INVALID", message='There is no filter "colour".')
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("slash", *"colour:red", "enter")
        assert "Taurus" not in await shows(pilot, 'There is no filter "colour".')
        await pilot.press("escape")
        assert "There is no filter" not in await shows(pilot, "✗ Taurus")


@pytest.mark.usefixtures("gallery")
async def test_a_search_that_finds_nothing_says_so(daemon: FakeDaemon):
    daemon.answers["search"] = protocol.Takes(takes=())
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("slash", *"yeti")
        await shows(pilot, "0 takes", "Nothing matches; escape goes back to the deck.")


async def test_two_takes_are_compared_side_by_side(daemon: FakeDaemon, gallery: Gallery):
    assert len(gallery.takes) == 2
    async with gallery_of(daemon) as (app, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("enter")
        await shows(pilot, "seed 4714", "dpm++")
        await pilot.press("x", "l", "x")
        await until(pilot, lambda: app.screen.query_one(Compare).display)
        assert len(app.screen.query(".place.-used")) == 2
        assert not app.screen.query_one(TakeFacts).display, "What is known of one take takes the room of both."
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query_one(Compare).display)
        assert app.screen.query_one(TakeFacts).display


async def test_a_take_rated_unsafe_is_blurred_until_b_reveals_it(daemon: FakeDaemon, gallery: Gallery):
    label = protocol.Label(id=1, caption="A ram.", rating="EXPLICIT", tags=("ram", "gold"), is_nsfw=True)
    gallery.known[1] = gallery.takes[1] = replace(gallery.takes[1], rating="EXPLICIT", is_nsfw=True, label=label)
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "▒ Aries", "rated explicit", "A ram.", "ram · gold")
        await pilot.press("b")
        await until(pilot, lambda: "▒ Aries" not in text_of(pilot.app))


@pytest.mark.usefixtures("gallery")
async def test_in_a_tiny_window_picture_and_facts_have_the_same_room(daemon: FakeDaemon):
    async with opened(daemon, (40, 10)) as (app, pilot):
        await until(pilot, lambda: app.world.connection.live)
        await pilot.press("5", "v")
        await shows(pilot, "Aries  take 1")
        assert app.screen.query_one("#one Picture").size == (19, 6)


@pytest.mark.usefixtures("gallery")
async def test_in_a_small_terminal_the_picture_has_the_screen_to_itself(daemon: FakeDaemon):
    async with gallery_of(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "Aries")
        screen = app.screen
        assert isinstance(screen, GalleryScreen)
        assert not screen.query_one("#focus").display
        await pilot.press("v")
        await until(pilot, lambda: screen.query_one("#one Picture", Picture).size == (38, 20))
        await shows(pilot, "take 1")
        await pilot.press("right")
        await shows(pilot, "The GPU ran out of memory")
        await pilot.press("escape")
        await until(pilot, lambda: not screen.query_one("#focus").display)
        await pilot.press("left", "enter")
        await shows(pilot, "› Aries")


@pytest.mark.usefixtures("gallery")
async def test_where_one_take_is_seen_large_every_key_that_moves_goes_to_the_next_one(daemon: FakeDaemon):
    async with gallery_of(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, "✗ Taurus", "Aries +1")
        await pilot.press("v")
        await shows(pilot, "Aries +1", "1 of 3", "take 1")
        await pilot.press("j")
        await shows(pilot, "✗ Taurus", "2 of 3", "The GPU ran out of memory")
        await pilot.press("pagedown")
        await shows(pilot, "◌ Gemini", "3 of 3")
        await pilot.press("k", "up")
        await shows(pilot, "1 of 3", "take 1")
        await pilot.press("x")
        await shows(pilot, "× Aries +1")


@pytest.mark.usefixtures("gallery")
async def test_where_one_take_is_seen_large_no_key_goes_to_a_list_that_is_not_seen(daemon: FakeDaemon):
    async with gallery_of(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("shift+tab")
        assert app.screen.query_one(DeckRows).has_focus
        await pilot.press("v", "j")
        await shows(pilot, "2 of 3")
        await pilot.press("tab", "shift+tab", "j")
        await shows(pilot, "3 of 3")

        await pilot.press("slash", *"ram")

        await shows(pilot, "Decks", "Search “ram”")


async def test_among_compared_takes_the_keys_go_from_one_to_the_next_and_space_picks(
    daemon: FakeDaemon, gallery: Gallery
):
    async with gallery_of(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("enter")
        await shows(pilot, "seed 4714")
        await pilot.press("x", "l", "x")
        await shows(pilot, "2 takes", "★ seed 4711", "←→ goes · space picks · v adds more")
        places = list(app.screen.query(".place"))
        assert [place.has_class("-cursor") for place in places[:2]] == [False, True]

        await pilot.press("j", "k")
        await until(pilot, lambda: places[0].has_class("-cursor"))
        await pilot.press("l", "space")
        await until(pilot, lambda: gallery.pick == 4)
        daemon.happen(protocol.PickChanged(batch=BATCH, slot=1, take=4))

        await shows(pilot, "★ seed 4714")


async def test_in_a_small_terminal_four_takes_are_compared_by_way_of_the_page(daemon: FakeDaemon, gallery: Gallery):
    more = {number: replace(take(number), slot=1) for number in (5, 7)}
    gallery.takes, gallery.known = gallery.takes | more, gallery.known | more
    daemon.pictures |= {5: png("green"), 7: png("white")}
    async with gallery_of(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "✗ Taurus", "Aries +3")
        await pilot.press("enter")
        await shows(pilot, "seed 4717")
        await pilot.press("x", "l", "x")
        await shows(pilot, "2 takes")
        await pilot.press("v", "l", "x")
        await shows(pilot, "3 takes")
        await pilot.press("v")
        await shows(pilot, "Decks")
        await pilot.press("l", "x")

        await shows(pilot, "4 takes")
        assert len(app.screen.query(".place.-used")) == 4


async def test_a_compared_take_that_is_deleted_stands_beside_the_others_no_more(daemon: FakeDaemon, gallery: Gallery):
    async with gallery_of(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("enter")
        await shows(pilot, "seed 4714")
        await pilot.press("x", "l", "x")
        await shows(pilot, "2 takes")

        await pilot.press("d")
        await until(pilot, lambda: 4 not in gallery.takes)
        daemon.happen(protocol.TakeDeleted(take=4, batch=BATCH, slot=1, pick=1))

        await until(pilot, lambda: not app.screen.query_one(Compare).display)
        await shows(pilot, "Decks")


@pytest.mark.usefixtures("gallery")
async def test_a_compared_take_that_is_clicked_is_the_one_that_keys_act_on(daemon: FakeDaemon):
    async with gallery_of(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("enter")
        await shows(pilot, "seed 4714")
        await pilot.press("x", "l", "x")
        await shows(pilot, "2 takes")
        places = list(app.screen.query(".place"))

        await pilot.click(places[0].query_one(Picture))

        await until(pilot, lambda: places[0].has_class("-cursor"))
        assert app.screen.query_one(Compare).display


async def test_what_is_revealed_while_it_is_large_stays_large(daemon: FakeDaemon, gallery: Gallery):
    label = protocol.Label(id=1, caption="A ram.", rating="EXPLICIT", tags=(), is_nsfw=True)
    gallery.known[1] = gallery.takes[1] = replace(gallery.takes[1], rating="EXPLICIT", is_nsfw=True, label=label)
    async with gallery_of(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, "▒ Aries")
        await pilot.press("v")
        await shows(pilot, "▒ Aries +1", "1 of 3")

        await pilot.press("b")

        assert "1 of 3" in await until(pilot, lambda: "▒" not in text_of(pilot.app) and text_of(pilot.app))


def colours_of(picture: Picture) -> list[Color | None]:
    """What the picture's middle line is painted with."""
    middle = picture.render_line(picture.size.height // 2)
    return [segment.style.bgcolor for segment in middle if segment.style]


@pytest.mark.usefixtures("gallery")
async def test_a_picture_that_is_missed_while_the_daemon_is_away_comes_when_it_is_back(daemon: FakeDaemon):
    async with gallery_of(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("enter")
        await shows(pilot, "› Aries", "seed 4714")
        daemon.go_away()
        await until(pilot, lambda: not app.world.connection.live)

        await pilot.press("l", "v")
        screen = await shows(pilot, "not here while the", "daemon is away", "2 of 2")
        assert "start it with" not in screen, "The banner says it; a toast for each move would cover the list."
        daemon.come_back()

        await shows(pilot, "take 4")
        picture = app.screen.query_one("#one Picture", Picture)
        await until(pilot, lambda: Color.from_rgb(0, 0, 255) in colours_of(picture))


@pytest.mark.usefixtures("gallery")
async def test_the_mouse_alone_goes_through_the_large_pictures_and_back(daemon: FakeDaemon):
    async with gallery_of(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "✗ Taurus", "Aries +1")
        cells, picture = app.screen.query(Thumbnail), app.screen.query_one("#one Picture", Picture)
        await pilot.click(cells[1])
        await pilot.click(cells[1])
        await shows(pilot, "The GPU ran out of memory")
        await pilot._post_mouse_events([MouseScrollUp], picture)
        await shows(pilot, "take 1")
        await pilot._post_mouse_events([MouseScrollDown], picture)
        await shows(pilot, "The GPU ran out of memory")
        await pilot.click(picture)
        await until(pilot, lambda: not app.screen.query_one("#focus").display)


@pytest.mark.usefixtures("gallery")
async def test_a_deck_that_is_clicked_twice_leads_to_its_cards(daemon: FakeDaemon):
    async with gallery_of(daemon) as (app, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("shift+tab")
        assert app.screen.query_one(DeckRows).has_focus
        await pilot.click(DeckRows, offset=(4, 0), times=2)
        await until(pilot, lambda: app.screen.query_one(Thumbnails).has_focus)


async def test_a_deck_has_its_date_and_a_whole_one_a_single_number(daemon: FakeDaemon, gallery: Gallery):
    part = replace(gallery.detail().batch, created_at=1796000000.0)
    states = {"done": 22}
    whole = replace(part, id="tarot_1", title="Tarot", theme="", slots=22, states=states, takes=22, created_at=1.7e9)
    daemon.answers["batches"] = protocol.Batches(batches=(part, whole))
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "1/3", "Tarot", " 22 Nov’23")


@pytest.mark.usefixtures("gallery")
async def test_slash_filters_the_decks_while_one_is_among_them(daemon: FakeDaemon):
    async with gallery_of(daemon) as (app, pilot):
        await shows(pilot, "✗ Taurus")

        await pilot.press("shift+tab", "slash", *"tarot")

        await shows(pilot, "Nothing matches")
        assert not daemon.count(protocol.Search)
        await pilot.press("escape")
        assert app.screen.query_one(DeckRows).has_focus


@pytest.mark.usefixtures("gallery")
async def test_pictures_are_shown_another_way_by_f6(daemon: FakeDaemon):
    async with gallery_of(daemon) as (app, pilot):
        await shows(pilot, "✗ Taurus")

        await pilot.press("f6")

        await until(pilot, lambda: app.screen.query_one("#one Picture", Picture).shown == "ascii")
        assert app.screen.query_one(Thumbnails).shown == "ascii"


@pytest.mark.usefixtures("gallery")
async def test_what_has_no_room_on_one_page_says_which_page_it_is(daemon: FakeDaemon):
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.resize_terminal(30, 22)
        await pilot.press("right")
        await shows(pilot, "page 1 of 2")

        await pilot.press("end")

        await shows(pilot, "page 2 of 2", "Gemini")


@pytest.mark.usefixtures("gallery")
async def test_below_80_columns_the_decks_stand_above_the_cards(daemon: FakeDaemon):
    async with gallery_of(daemon, (60, 24)) as (_, pilot):
        screen = await shows(pilot, "─ Decks ─", "Aries")

        assert screen.index("Decks") < screen.index("Aries")


@pytest.mark.usefixtures("gallery")
async def test_capital_l_asks_what_of_the_deck_is_to_be_labelled(daemon: FakeDaemon):
    daemon.answers["label_prompts"] = protocol.LabelPrompts(names=("default",))
    daemon.answers["config"] = protocol.Config(values={}, file="/config.yaml")
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("enter", "l", "L")
        await shows(pilot, "▸ Aries #4 alone", "what has no label in this batch: 2 takes")


@pytest.mark.usefixtures("gallery")
async def test_the_path_goes_to_the_clipboard(daemon: FakeDaemon):
    async with gallery_of(daemon) as (app, pilot):
        await shows(pilot, "take 1")
        await pilot.press("p")
        await shows(pilot, "Sent the path to the clipboard.")
        assert app.clipboard == "/pictures/01.png"


async def test_a_new_take_appears_by_itself(daemon: FakeDaemon, gallery: Gallery):
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "2 takes")
        gallery.takes[5] = replace(take(5), slot=1)
        daemon.happen(protocol.TakeAdded(take=gallery.takes[5]))
        await shows(pilot, "3 takes")


async def test_of_a_card_whose_picture_was_deleted_elsewhere_it_is_said(daemon: FakeDaemon, gallery: Gallery):
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "★ Aries")
        gallery.takes.clear()
        daemon.happen(protocol.TakeDeleted(take=1, batch=BATCH, slot=1))

        await shows(pilot, "◌ Aries", "Its picture was deleted")


async def test_a_deck_whose_pictures_are_all_deleted_has_none(daemon: FakeDaemon, gallery: Gallery):
    deleted = replace(gallery.detail().batch, states={"done": 3}, takes=0)
    daemon.answers["batches"] = protocol.Batches(batches=(deleted,))
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "0/3")


async def test_a_deck_that_the_daemon_forgets_is_shown_no_more(daemon: FakeDaemon, gallery: Gallery):
    other = replace(gallery.detail().batch, id="tarot_1", set="tarot", title="Tarot", theme="gothic")
    daemon.answers["batches"] = lambda _: protocol.Batches(batches=(other, gallery.detail().batch))
    async with gallery_of(daemon) as (app, pilot):
        await shows(pilot, "Zodiac gold", "Tarot gothic")

        daemon.answers["batches"] = lambda _: protocol.Batches(batches=(gallery.detail().batch,))
        daemon.happen(protocol.BatchesForgotten(batches=("tarot_1",)))

        await until(pilot, lambda: app.screen.query_one(DeckRows).keys == [BATCH])


async def test_a_deck_is_asked_for_anew_although_news_come_without_end(daemon: FakeDaemon, gallery: Gallery):
    async with gallery_of(daemon) as (_, pilot):
        await shows(pilot, "2 takes")
        gallery.takes[5] = replace(take(5), slot=1)
        shown = asyncio.create_task(shows(pilot, "3 takes"))
        while not shown.done():
            daemon.happen(protocol.TakeAdded(take=gallery.takes[5]))
            await pilot.pause(SOON_S / 5)
        await shown


@pytest.mark.usefixtures("gallery")
async def test_a_search_that_is_given_up_at_once_shows_nothing_of_it(daemon: FakeDaemon):
    daemon.answers["search"] = protocol.Takes(takes=(protocol.ListedTake(take=take(4), card="The Fool"),))
    async with gallery_of(daemon) as (app, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("slash", "x", "escape")
        await pilot.pause(2 * SOON_S)  # as long as words are waited out
        assert not daemon.count(protocol.Search)
        assert "The Fool" not in text_of(app)


@pytest.mark.usefixtures("gallery")
async def test_what_a_search_finds_after_it_was_given_up_is_not_shown(daemon: FakeDaemon):
    daemon.answers["search"] = protocol.Takes(takes=(protocol.ListedTake(take=take(4), card="The Fool"),))
    async with gallery_of(daemon) as (app, pilot):
        await shows(pilot, "✗ Taurus")
        daemon.hold("search")
        await pilot.press("slash", "x")
        await until(pilot, lambda: daemon.count(protocol.Search))
        await pilot.press("escape")
        daemon.release()
        await shows(pilot, "✗ Taurus")
        await pilot.pause(SOON_S)
        assert "The Fool" not in text_of(app)


@pytest.mark.usefixtures("gallery")
@pytest.mark.parametrize("size", [(160, 50), (220, 60)])
async def test_the_page_keeps_its_cells_while_one_take_is_large_over_it(daemon: FakeDaemon, size: tuple[int, int]):
    async with gallery_of(daemon, size) as (app, pilot):
        await shows(pilot, "✗ Taurus", "take 1")
        cards = app.screen.query_one(Thumbnails)
        before = cards.size
        await pilot.press("v")
        await shows(pilot, "1 of 3")
        assert cards.size == before
        assert not cards.query_one(Thumbnail).visible
