"""The command line against a daemon that answers from a script."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fakes import BATCH, Deck, FakeDaemon, job, spec, take
from house import ROOT, wait_until

from imagineer_tui.arguments import build_parser, settings_of
from imagineer_tui.cli import MODULES, command_of, main
from imagineer_tui.curating import query_of
from imagineerd import protocol
from imagineerd.client import launch
from imagineerd.errors import Problem
from imagineerd.jobs import JobError, LoraWeight, State
from imagineerd.sockets import is_held

CARDS = tuple(protocol.Card(index=index, name=name) for index, name in enumerate(("Aries", "Taurus", "Gemini"), 1))
OOM = JobError(code="E_OOM", message="The GPU has too little memory.")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a short path, and an environment that points there."""
    with tempfile.TemporaryDirectory(prefix="im-") as name:
        monkeypatch.setenv("HOME", name)
        monkeypatch.setenv("IMAGINEER_RUNTIME_DIR", name)
        monkeypatch.setenv("IMAGINEER_DATA_DIR", f"{name}/data")
        monkeypatch.setenv("IMAGINEER_CONFIG", f"{name}/config.yaml")
        monkeypatch.setenv("COLUMNS", "80")
        yield Path(name)


@pytest.fixture
def deck() -> Deck:
    return Deck(f"/pictures/a folder whose path is far too long for any terminal of eighty columns/{BATCH}")


@pytest.fixture
def daemon(folder: Path, deck: Deck) -> Iterator[FakeDaemon]:
    with FakeDaemon(folder, {**ANSWERS, **deck.answers()}) as daemon:
        yield daemon


STATUS = protocol.Status(
    version="0.1.0", pid=4711, uptime=192.0, boot="b", epoch="e", jobs={"queued": 3, "done": 40},
    worker=protocol.Worker(phase="idle", device="cpu"), model=protocol.ModelInfo(name="starter"),
    data_dir="/data", output_dir="/data/outputs", config_file="/config.yaml", disk_free=61_000_000_000, eta_s=24.0,
)  # fmt: skip
PLAN = protocol.Plan(
    set="zodiac", title="Zodiac", theme="gold", model=protocol.ModelInfo(name="starter"), width=512, height=720,
    scheduler="dpm++", warnings=("1 card is over 77 tokens.",), eta_s=24.0,
    cards=(
        protocol.PlannedCard(
            index=1, name="Aries", prompt="Aries", seed=4711, steps=25,
            tokens=protocol.Tokens(count=83, cut="crescent at her feet"), unresolved=("mood",),
        ),
        protocol.PlannedCard(
            index=2, name="Taurus", prompt="Aries", seed=4712, tokens=protocol.Tokens(count=61), duplicate_of=1
        ),
    ),
)  # fmt: skip
INFO = protocol.SetInfo(id="zodiac", name="Zodiac", description="The twelve signs.", cards=3, width=512, height=720)
CONFIG = protocol.Config(values={"generation": {"steps": 25, "scheduler": "dpm++"}}, file="/config.yaml")
INK = protocol.LoraInfo(
    name="Ink", base="sd1", ranks=(8, 16), parts=("unet", "text_encoder"), bytes=37_000_000, trigger="ink, paper",
    trigger_from="tags", weight=0.7, problems=(Problem("It says SDXL.", "Ink.safetensors"),),
)  # fmt: skip
INK_DETAIL = protocol.LoraDetail(
    info=INK, file="Ink.safetensors", sha256="ab" * 32, base_because="its cross-attention takes 768 inputs",
    layout="kohya", alpha=8.0, tags=(("ink", 40), ("paper", 12)), notes="Quiet.",
)  # fmt: skip
FOUND = protocol.ListedTake(
    take=msgspec.structs.replace(take(1), favourite=True, bytes=61_000), card="Aries", set="zodiac", title="Zodiac",
    theme="gold on black", pick=True,
)  # fmt: skip
TRASHED = msgspec.structs.replace(FOUND, take=msgspec.structs.replace(take(2), deleted_at=1.0), pick=False)
TAKE_DETAIL = protocol.TakeDetail(
    about=FOUND, spec=spec("Aries"),
    settings=protocol.Settings(
        width=64, height=96, steps=4, guidance_scale=7.5, seed=4711, scheduler="dpm++", negative_prompt="blurry, text",
        mix=(LoraWeight("Ink", 0.7),), model="starter",
    ),
    mix=(protocol.MixedLora(name="Ink", weight=0.7, applied=0.75),), model_revision="9d104f", device="cpu",
    dtype="float32", seconds_per_step=0.125, folder="/pictures/zodiac",
)  # fmt: skip
GOTHIC = protocol.MixInfo(name="card-gothic", mix=(LoraWeight("Card_Fronts", 0.6), LoraWeight("Tarot", 0.2)))
GRID = protocol.Batch(
    id="grid_1", set="", title="a fox", folder="/out/grid_1", grid=(protocol.StepsAxis(values=(10, 20)),)
)
ANSWERS: dict[str, Any] = {
    "loras": protocol.Loras(loras=(INK,), folder="/loras", problems=(Problem("It is passed over.", "b/ink"),)),
    "lora": INK_DETAIL,
    "lora_note": INK_DETAIL,
    "mixes": protocol.Mixes(mixes=(GOTHIC,)),
    "mix": GOTHIC,
    "mix_save": GOTHIC,
    "mix_rename": GOTHIC,
    "mix_delete": protocol.Done(),
    "grid": lambda _request: protocol.Dealt(batch=GRID, jobs=(1, 2)),
    "status": STATUS,
    "plan": PLAN,
    "sets": protocol.Sets(sets=(INFO,)),
    "set": protocol.SetDetail(info=INFO, base_prompt="a card", cards=CARDS),
    "themes": protocol.Themes(themes=("moss and copper",), seed=1),
    "doctor": protocol.Doctor(checks=(protocol.Check(name="device", level="ok", message="A CPU."),)),
    "pick": protocol.Done(),
    "cancel": protocol.Cancelled(cancelled=(1,), stopping=(2,)),
    "retry": protocol.Retried(jobs=(1,)),
    "hold": protocol.Held(jobs=(1, 2)),
    "release": protocol.Retried(jobs=(1, 2)),
    "move": protocol.Placed(jobs=(2,)),
    "priority": protocol.Placed(),
    "pause": protocol.Done(),
    "unpause": protocol.Done(),
    "queue": protocol.Queue(jobs=(job(2, priority=10), job(1)), paused=True),
    "take": TAKE_DETAIL,
    "favourite": protocol.Done(),
    "delete": protocol.Deleted(takes=(7, 8)),
    "restore": protocol.Restored(takes=(7,)),
    "trash": protocol.Takes(takes=(TRASHED,)),
    "empty_trash": protocol.Emptied(takes=(8,), bytes=2_000_000),
    "search": protocol.Takes(takes=(FOUND,), before=7),
    "config": CONFIG,
    "config_set": CONFIG,
}


def in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def draw(daemon: FakeDaemon, *bodies: protocol.EventBody) -> threading.Thread:
    """Let things happen as soon as someone has begun to follow and has looked at the jobs."""

    def work() -> None:
        daemon.followed()
        daemon.wait_for(lambda: daemon.count(protocol.ListJobs) > 0)
        daemon.happen(*bodies)

    return in_background(work)


# ---------------------------------------------------------------- dealing


def test_a_deal_prints_a_line_for_each_card_and_ends_with_the_folder(
    daemon: FakeDaemon, deck: Deck, capsys: pytest.CaptureFixture[str]
) -> None:
    thread = draw(daemon, deck.move(1, State.RUNNING), deck.finish(1), deck.finish(2), deck.finish(3))

    assert main(["deal", "zodiac", "--theme", "gold on black", "--steps", "8", "--lora", "Tarot:0.2"]) == 0

    thread.join()
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[:3] == ["1/3 Aries", "2/3 Taurus", "3/3 Gemini"]
    assert lines[3].startswith("3 of 3 cards done in ")
    assert lines[3].endswith(deck.folder)
    assert "\x1b" not in out
    assert err == "Warning: Aries is 83 tokens long.\n"
    request = daemon.last(protocol.Deal)
    assert (request.set, request.theme) == ("zodiac", "gold on black")
    assert request.settings == protocol.Settings(steps=8, mix=(LoraWeight("Tarot", 0.2),))


def test_cards_without_a_picture_are_listed_with_their_sentence(
    daemon: FakeDaemon, deck: Deck, capsys: pytest.CaptureFixture[str]
) -> None:
    thread = draw(daemon, deck.finish(1), deck.move(2, State.FAILED, OOM), deck.move(3, State.HELD))

    assert main(["deal", "zodiac"]) == 1

    thread.join()
    out = capsys.readouterr().out
    assert "  Taurus: failed: The GPU has too little memory.\n  Gemini: held.\n1 of 3 cards done" in out


def test_loading_is_said_while_nothing_can_be_drawn(
    daemon: FakeDaemon, deck: Deck, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        daemon.followed()
        daemon.wait_for(lambda: daemon.count(protocol.ListJobs) > 0)
        daemon.beside(protocol.Worker(phase="loading", detail="starter"))
        daemon.happen(deck.finish(1), deck.finish(2), deck.finish(3))

    thread = in_background(work)
    main(["deal", "zodiac"])

    thread.join()
    assert capsys.readouterr().out.startswith("loading starter …\n1/3 Aries\n")


def test_a_detached_deal_says_how_to_watch_it(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deal", "zodiac", "--detach"]) == 0

    assert f"3 cards queued; imagineer watch {BATCH}\n" in capsys.readouterr().out
    assert daemon.count(protocol.Subscribe) == 0


def test_a_theme_left_to_chance_is_told(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    main(["deal", "zodiac", "--theme", "random", "--detach"])

    assert "Theme: moss and copper\n" in capsys.readouterr().err
    assert daemon.last(protocol.Deal).theme == "moss and copper"


def test_cards_are_chosen_by_number_range_and_name(daemon: FakeDaemon) -> None:
    main(["deal", "zodiac", "--cards", "2-3, ari", "--detach"])

    assert daemon.last(protocol.Deal).cards == (2, 3, 1)


def test_unknown_cards_are_all_told_with_the_nearest_name(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deal", "zodiac", "--cards", "Gemni,7"]) == 2

    assert capsys.readouterr().err.splitlines() == [
        "imagineer: These are no cards to choose.",
        '  There is no card "Gemni". Did you mean "Gemini"?',
        '  "7" is no range of cards from 1 to 3.',
    ]
    assert daemon.count(protocol.Deal) == 0


def test_a_single_prompt_is_followed_like_a_deck(
    daemon: FakeDaemon, deck: Deck, capsys: pytest.CaptureFixture[str]
) -> None:
    thread = draw(daemon, deck.finish(1), deck.finish(2), deck.finish(3))

    assert main(["generate", "a raven king", "-n", "3", "--seed", "7"]) == 0

    thread.join()
    assert "3 of 3 cards done" in capsys.readouterr().out
    assert daemon.last(protocol.Generate).n == 3


def test_a_reroll_waits_for_its_own_jobs_alone(daemon: FakeDaemon, deck: Deck) -> None:
    thread = draw(daemon, deck.finish(1))

    assert main(["reroll", "last", "Aries"]) == 0

    thread.join()
    assert daemon.last(protocol.Reroll).slots == (1,)


def test_a_complete_deck_lacks_nothing(daemon: FakeDaemon, deck: Deck, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers["complete"] = protocol.Dealt(batch=deck.batch(), jobs=())

    assert main(["complete", "last"]) == 0
    assert capsys.readouterr().out == "Nothing is missing.\n"


# ---------------------------------------------------------------- watching


def test_watching_a_finished_batch_prints_the_summary_at_once(
    daemon: FakeDaemon, deck: Deck, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2, 3):
        deck.finish(number)

    assert main(["watch", "last"]) == 0

    assert capsys.readouterr().out == f"3 of 3 cards done: {deck.folder}\n"
    assert daemon.count(protocol.Subscribe) == 0


def test_watching_goes_on_across_a_restart_of_the_daemon(
    daemon: FakeDaemon, deck: Deck, capsys: pytest.CaptureFixture[str]
) -> None:
    deck.finish(1)

    def work() -> None:
        daemon.followed()
        daemon.wait_for(lambda: daemon.count(protocol.ListJobs) > 1)
        daemon.happen(deck.finish(2))
        daemon.restart()
        daemon.followed()
        daemon.happen(deck.finish(3))

    thread = in_background(work)
    assert main(["watch", BATCH]) == 0

    thread.join()
    lines = capsys.readouterr().out.splitlines()
    # The restart may overtake Taurus, which then comes with the events that were missed.
    assert sorted(lines[:3]) == ["2/3 Taurus", "3/3 Gemini", "The daemon is away; waiting for it …"]


def test_watching_where_no_daemon_answers_ends_with_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "last"]) == 3

    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"imagineer: No imagineerd answers on {folder}/ctl.sock: start it with `imagineer start`.\n"


def test_interrupting_leaves_the_batch_and_says_how_to_come_back(daemon: FakeDaemon) -> None:
    command = [sys.executable, "-m", "imagineer_tui", "deal", "zodiac"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ()) as process:
        daemon.followed()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 130
    assert out == f"Batch {BATCH} goes on; imagineer watch {BATCH}\n"
    assert "Traceback" not in err
    assert daemon.count(protocol.Cancel) == 0


def test_on_a_terminal_there_are_bars(daemon: FakeDaemon, deck: Deck) -> None:
    def work() -> None:
        daemon.followed()
        daemon.wait_for(lambda: daemon.count(protocol.ListJobs) > 0)
        daemon.happen(deck.move(1, State.RUNNING))
        daemon.beside(protocol.Tick(job=1, batch=BATCH, slot=1, step=3, steps=4))
        daemon.happen(deck.finish(1), deck.finish(2), deck.finish(3))

    thread = in_background(work)
    shown = on_a_terminal(["deal", "zodiac"])

    thread.join()
    assert "step 3/4" in shown
    assert "1/3" in shown
    assert deck.folder in shown.replace("\r\n", "\n")


def on_a_terminal(arguments: list[str]) -> str:
    """Run the program on a pseudo-terminal and return all that it wrote."""
    master, slave = pty.openpty()
    terminal = {**environ(), "TERM": "xterm"}
    command = [sys.executable, "-m", "imagineer_tui", *arguments]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=terminal):
        os.close(slave)
        shown = b""
        try:
            while part := os.read(master, 4096):
                shown += part
        except OSError:
            pass  # Linux tells the end of a pseudo-terminal so
    os.close(master)
    return shown.decode()


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


# ---------------------------------------------------------------- looking


@pytest.mark.usefixtures("daemon")
def test_a_plan_prints_warnings_first_and_marks_what_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "zodiac", "--cards", "1-2"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Warning: 1 card is over 77 tokens."
    assert '✗ 83/77  cut: "crescent at her feet"; no column: mood' in " ".join("\n".join(lines).split(" " * 40))
    assert "same as card 1" in lines[3] + lines[4]
    assert lines[-1] == "2 cards of Zodiac, 512x720, 25 steps, guidance 0, dpm++, starter: about 0:24."
    assert max(len(line) for line in lines) <= 80


@pytest.mark.usefixtures("daemon")
def test_tables_keep_within_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["sets"], ["batches"], ["jobs"], ["status"], ["search"], ["trash"]):
        assert main(command) == 0
        out = capsys.readouterr().out
        assert max(len(line) for line in out.splitlines()) <= 80, out


@pytest.mark.usefixtures("daemon")
def test_paths_are_never_cropped(deck: Deck, capsys: pytest.CaptureFixture[str]) -> None:
    main(["show", "last"])

    assert deck.folder in capsys.readouterr().out.splitlines()


def test_all_jobs_come_page_by_page(daemon: FakeDaemon, deck: Deck, capsys: pytest.CaptureFixture[str]) -> None:
    def page(request: protocol.ListJobs) -> protocol.Jobs:
        if request.before is None:
            return protocol.Jobs(jobs=(deck.jobs[3],), before=3)
        return protocol.Jobs(jobs=(deck.jobs[2], deck.jobs[1]))

    daemon.answers["jobs"] = page
    assert main(["jobs", "--all", "--json"]) == 0

    assert [job["id"] for job in json.loads(capsys.readouterr().out)["jobs"]] == [3, 2, 1]


def test_jobs_can_be_asked_for_by_state(daemon: FakeDaemon) -> None:
    main(["jobs", "--state", "failed", "--state", "held", "--batch", "last"])

    request = daemon.last(protocol.ListJobs)
    assert (request.states, request.batch) == ((State.FAILED, State.HELD), "last")


def test_a_failed_check_of_the_doctor_ends_with_1(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    check = protocol.Check(name="disk", level="fail", message="The disk is full.", remedy="Make room.")
    daemon.answers["doctor"] = protocol.Doctor(checks=(check,))

    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.startswith("✗ disk: The disk is full.\n  Make room.\n")


@pytest.mark.usefixtures("folder")
def test_for_the_doctor_a_daemon_that_does_not_start_is_a_failed_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "COMMAND", (sys.executable, "-c", "raise SystemExit('No room.')"))

    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("✗ daemon: imagineerd did not start (exit 1)")
    assert "No room." in out


@pytest.mark.usefixtures("daemon")
def test_loras_are_listed_with_what_is_wrong_below(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loras"]) == 0

    head, row, *problems = capsys.readouterr().out.splitlines()
    assert head.split() == ["lora", "base", "rank", "changes", "size", "triggers", "problem"]
    assert row.split() == ["Ink", "sd1", "8-16", "unet+text", "37", "MB", "(ink,", "paper)", "doubtful"]
    assert problems == ["Problem: b/ink: It is passed over.", "Problem: Ink.safetensors: It says SDXL."]


@pytest.mark.usefixtures("daemon")
def test_a_lora_is_shown_with_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lora", "show", "ink"]) == 0

    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert shown["base"] == "sd1: its cross-attention takes 768 inputs"
    assert (shown["rank"], shown["weight"], shown["tags"]) == ("8-16, alpha 8", "0.7", "ink 40, paper 12")
    assert shown["Problem:"] == "Ink.safetensors: It says SDXL."


def test_an_empty_library_says_where_to_put_loras(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers["loras"] = protocol.Loras(loras=(), folder="/loras")

    assert main(["loras"]) == 0
    assert capsys.readouterr().out == "There is no LoRA in /loras.\n"


def test_a_library_of_many_pages_is_listed_as_one(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    def page(request: protocol.ListLoras) -> protocol.Loras:
        last = request.after is not None
        return protocol.Loras(loras=(INK,), folder="/loras", after=None if last else "Ink.safetensors")

    daemon.answers["loras"] = page

    assert main(["loras"]) == 0
    assert capsys.readouterr().out.count("Ink ") == 2
    assert daemon.last(protocol.ListLoras).after == "Ink.safetensors"


def test_a_mix_is_saved_with_its_loras_in_order(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mix", "save", "card-gothic", "Card_Fronts:0.6", "Tarot"]) == 0

    assert daemon.last(protocol.SaveMix) == protocol.SaveMix(
        name="card-gothic", mix=(LoraWeight("Card_Fronts", 0.6), LoraWeight("Tarot", noted=True))
    )
    assert capsys.readouterr().out == "card-gothic: Card_Fronts 0.6 + Tarot 0.2\n"


@pytest.mark.usefixtures("daemon")
def test_mixes_are_listed_renamed_and_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mix"]) == 0
    assert "card-gothic" in capsys.readouterr().out
    assert main(["mix", "rename", "gothic", "card-gothic"]) == 0
    assert main(["mix", "delete", "card-gothic"]) == 0
    assert capsys.readouterr().out.endswith("The mix card-gothic is deleted.\n")


def test_where_no_mix_is_saved_it_is_said_how(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers["mixes"] = protocol.Mixes(mixes=())

    assert main(["mix", "list"]) == 0
    assert capsys.readouterr().out.startswith("No mix is saved: imagineer mix save NAME")


@pytest.mark.usefixtures("deck")
def test_mixes_and_loras_are_one_list_in_the_order_given(daemon: FakeDaemon) -> None:
    assert main(["deal", "zodiac", "--lora", "Ink:0.3", "--mix", "gothic", "--lora", "Gold", "--detach"]) == 0

    assert daemon.last(protocol.Deal).settings.mix == (
        LoraWeight("Ink", 0.3), LoraWeight("gothic", noted=True), LoraWeight("Gold", noted=True),
    )  # fmt: skip


def test_a_plan_hints_at_trigger_words_and_an_option_adds_them(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    cards = tuple(msgspec.structs.replace(card, missing=("ink wash", "paper")) for card in PLAN.cards)
    daemon.answers["plan"] = msgspec.structs.replace(PLAN, cards=cards)

    assert main(["plan", "zodiac", "--trigger"]) == 0

    assert daemon.last(protocol.PlanDeal).settings.add_triggers
    assert 'Hint: these trigger words stand in no prompt or not in all: "ink wash", "paper".' in capsys.readouterr().out


def test_a_grid_s_axes_are_what_has_several_values_in_their_order(daemon: FakeDaemon) -> None:
    command = ["grid", "zodiac", "Taurus", "--lora", "Ink=0,0.5", "--seed", "7", "--steps", "10,20", "--mix", "gothic"]

    assert main([*command, "--lora", "Gold=0.3", "--theme", "ice", "--width", "96", "--detach"]) == 0

    request = daemon.last(protocol.DealGrid)
    assert request.axes == (protocol.LoraAxis(lora="Ink", values=(0.0, 0.5)), protocol.StepsAxis(values=(10, 20)))
    assert (request.set, request.card, request.prompt, request.theme) == ("zodiac", 2, "", "ice")
    assert request.settings == protocol.Settings(
        seed=7, width=96, mix=(LoraWeight("gothic", noted=True), LoraWeight("Gold", 0.3))
    )


def test_a_grid_without_an_axis_is_told_how_to_have_one(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grid", "a fox", "--steps", "10"]) == 2
    assert "give an option several values, such as --steps 10,20" in capsys.readouterr().err
    assert main(["grid", "a", "red", "fox", "--steps", "10,20"]) == 2
    assert "A grid is of one prompt or of one card" in capsys.readouterr().err
    assert daemon.count(protocol.DealGrid) == 0


def test_a_note_names_only_what_was_given(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lora", "note", "ink", "--weight", "0", "--notes", ""]) == 0
    assert daemon.last(protocol.NoteLora) == protocol.NoteLora(lora="ink", weight=0.0, notes="")
    capsys.readouterr()

    assert main(["lora", "note", "ink"]) == 2
    assert "give --trigger, --weight or --notes" in capsys.readouterr().err


@pytest.mark.usefixtures("daemon")
def test_what_is_no_text_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deal", "zodiac", "--theme", "caf\udce9"]) == 2

    assert capsys.readouterr().err == (
        "imagineer: Only UTF-8 text can be sent to imagineerd, and 'caf\\udce9' is none.\n"
    )


@pytest.mark.parametrize("encoding", ["ascii", "ascii:surrogateescape", "latin-1"])
def test_what_an_encoding_lacks_is_shown_as_a_question_mark(daemon: FakeDaemon, encoding: str) -> None:
    star = protocol.SetInfo(id="star", name="太陽", cards=1, width=64, height=96)
    daemon.answers["sets"] = protocol.Sets(sets=(star,))
    command = [sys.executable, "-m", "imagineer_tui", "sets"]
    environ = {**os.environ, "PYTHONIOENCODING": encoding}

    listed = subprocess.run(command, env=environ, capture_output=True, check=True, cwd=ROOT).stdout

    assert re.search(rb"star .* \?\? ", listed)


def test_where_no_daemon_answers_a_deal_starts_one_and_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = str(Path(__file__).parents[1] / "fakes.py")
    monkeypatch.setattr(launch, "COMMAND", (sys.executable, fake, f"{folder}/ctl.sock", f"{folder}/blob.sock"))

    main(["deal", "zodiac"])

    said = capsys.readouterr().err.splitlines()[0]
    pid = int(said.removeprefix("No daemon was running: started imagineerd (pid ").removesuffix(")."))
    os.kill(pid, signal.SIGKILL)


# ---------------------------------------------------------------- steering


def test_jobs_are_cancelled_by_number_and_batches_by_name(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cancel", "1", "2"]) == 0
    assert daemon.last(protocol.Cancel) == protocol.Cancel(jobs=(1, 2))
    assert main(["cancel", "zod"]) == 0
    assert daemon.last(protocol.Cancel) == protocol.Cancel(batch="zod")
    assert main(["retry", "1", "zod"]) == 2

    out, err = capsys.readouterr()
    assert out == "Jobs: 1 cancelled, 1 stopping.\n" * 2
    assert err == "imagineer: Name jobs by their numbers, or one batch.\n"


# ---------------------------------------------------------------- steering the queue

STEERED = [
    (["hold", "1", "2"], protocol.Hold(jobs=(1, 2)), "2 jobs held."),
    (["release", "zod"], protocol.Release(batch="zod"), "2 jobs queued again."),
    (["move", "2", "--top"], protocol.MoveJobs(jobs=(2,), end="top"), "1 job moved; imagineer queue"),
    (["move", "zod", "--bottom"], protocol.MoveJobs(batch="zod", end="bottom"), "1 job moved; imagineer queue"),
    (["move", "3", "2", "--before", "1"], protocol.MoveJobs(jobs=(3, 2), before=1), "1 job moved; imagineer queue"),
    (["priority", "5", "zod"], protocol.SetPriority(priority=5, batch="zod"), "Nothing was to be moved."),
    (["pause"], protocol.Pause(), "The queue is paused; imagineer resume"),
    (["pause", "--now"], protocol.Pause(now=True), "The queue is paused; imagineer resume"),
    (["resume"], protocol.Unpause(), "The queue goes on."),
    (["retry", "--failed"], protocol.RetryJobs(failed=True), "1 job queued again."),
]


@pytest.mark.parametrize(("words", "request_", "line"), STEERED, ids=lambda value: " ".join(value)
                         if isinstance(value, list) else "")  # fmt: skip
def test_the_queue_is_steered(
    daemon: FakeDaemon,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    request_: protocol.Request[Any],
    line: str,
) -> None:
    assert main(words) == 0

    assert daemon.last(type(request_)) == request_
    assert capsys.readouterr().out == f"{line}\n"


def test_the_queue_is_listed_in_its_order(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "--limit", "7"]) == 0

    assert daemon.last(protocol.GetQueue).limit == 7
    said, head, *rows = capsys.readouterr().out.splitlines()
    assert said == "The queue is paused; imagineer resume"
    assert head.split()[:3] == ["job", "state", "priority"]
    assert [row.split()[:3] for row in rows] == [["2", "queued", "10"], ["1", "queued", "0"]]


def test_retry_wants_to_know_what_and_only_once(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert [main(["retry"]), main(["retry", "1", "--failed"])] == [2, 2]

    assert daemon.count(protocol.RetryJobs) == 0
    assert "say --failed" in capsys.readouterr().err


def test_a_deck_is_dealt_to_be_held_with_a_priority(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deal", "zod", "--hold", "--priority", "3"]) == 0

    asked = daemon.last(protocol.Deal)
    assert (asked.hold, asked.priority) == (True, 3)
    assert capsys.readouterr().out.startswith(f"3 cards held; imagineer release {BATCH}\n")


def test_what_was_drawn_before_is_told_and_can_be_drawn_again(
    daemon: FakeDaemon, deck: Deck, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["deal"] = protocol.Dealt(batch=deck.batch(), jobs=(1, 2, 3), cached=2)
    assert main(["deal", "zodiac", "--seed", "7", "--detach"]) == 0
    assert f"3 cards queued, 2 drawn before; imagineer watch {BATCH}\n" in capsys.readouterr().out
    assert not daemon.last(protocol.Deal).fresh

    assert main(["deal", "zodiac", "--seed", "7", "--detach", "--fresh"]) == 0
    assert daemon.last(protocol.Deal).fresh


def test_status_says_that_the_queue_is_paused(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers["status"] = msgspec.structs.replace(STATUS, paused=True)
    assert main(["status"]) == 0

    assert "3 queued, 40 done, paused\n" in capsys.readouterr().out


HOLDS = "import sys; from pathlib import Path; from imagineerd.sockets import lock; lock(Path(sys.argv[1])); input()"


def test_stopping_waits_until_the_daemon_has_left(
    daemon: FakeDaemon, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock_file = folder / "daemon.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(lock_file)], stdin=subprocess.PIPE) as process:
        wait_until(lambda: is_held(lock_file))

        def stop(_: protocol.Stop) -> protocol.Done:
            in_background(process.kill)  # and nobody reaps it
            return protocol.Done()

        daemon.answers |= {"stop": stop}
        assert main(["stop"]) == 0
        assert not is_held(lock_file)

    assert "has stopped; the queue stays." in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_stopping_where_nothing_runs_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stop"]) == 0
    assert capsys.readouterr().out == "No daemon was running.\n"


# ---------------------------------------------------------------- takes


@pytest.mark.usefixtures("daemon")
def test_a_take_is_shown_with_the_command_that_draws_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["take", "1"]) == 0

    out = capsys.readouterr().out
    assert re.search(r"^take +1\*♥$", out, re.MULTILINE)
    assert re.search(r"^mix +Ink 0\.7 \(75% of its layers\)$", out, re.MULTILINE)
    assert "0.125 s a step" in out
    assert "/pictures/zodiac/01.png\n" in out
    again = shlex.split(out.splitlines()[-1])
    options = build_parser().parse_args(again[1:])
    assert (options.prompt, settings_of(options)) == (TAKE_DETAIL.spec.prompt, TAKE_DETAIL.settings)


def test_what_was_typed_is_searched_for(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "gold", "card:The Fool", "is:favourite", "--limit", "5"]) == 0

    assert daemon.last(protocol.Search) == protocol.Search(query='gold card:"The Fool" is:favourite', limit=5)
    out = capsys.readouterr().out
    assert "1*♥" in out
    assert out.endswith("There are more: --all, or --limit N.\n")


@pytest.mark.parametrize(
    ("words", "query"),
    [
        (["fool"], "fool"),
        (["fool -ink"], "fool -ink"),
        (["card:The Fool"], 'card:"The Fool"'),
        (["-card:The Fool", "ink"], '-card:"The Fool" ink'),
        (['card:"The Fool" is:pick'], 'card:"The Fool" is:pick'),
        (["card:Fool set:tarot"], "card:Fool set:tarot"),
        ([], ""),
    ],
)
def test_quotes_that_the_shell_took_come_back(words: list[str], query: str) -> None:
    assert query_of(words) == query


def test_a_search_that_finds_nothing_says_so(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers["search"] = protocol.Takes(takes=())
    assert main(["search", "unicorn"]) == 0

    assert capsys.readouterr().out == "No take is like that.\n"


def test_takes_are_marked_and_unmarked(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["favourite", "7", "9"]) == 0
    assert main(["favourite", "7", "--off"]) == 0

    asked = [request for request in daemon.asked if isinstance(request, protocol.Favourite)]
    assert asked == [protocol.Favourite(takes=(7, 9)), protocol.Favourite(takes=(7,), on=False)]
    assert capsys.readouterr().out == "2 takes marked.\n1 take no longer marked.\n"


def test_a_deletion_says_how_it_is_undone(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["delete", "7", "8"]) == 0
    assert main(["restore", "last"]) == 0

    assert daemon.last(protocol.DeleteTakes) == protocol.DeleteTakes(takes=(7, 8))
    assert daemon.last(protocol.RestoreTakes) == protocol.RestoreTakes(batch="last")
    assert capsys.readouterr().out == "2 takes moved to the trash; imagineer restore 7 8\n1 take restored.\n"


def test_the_trash_is_listed_and_emptied(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trash"]) == 0
    assert daemon.count(protocol.EmptyTrash) == 0
    assert main(["trash", "--empty"]) == 0

    listed, _, emptied = capsys.readouterr().out.rpartition("1 take deleted")
    assert "Aries" in listed
    assert emptied == " for good, 2 MB freed.\n"


def test_to_delete_both_takes_and_a_batch_is_wrong_input(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["delete", "7", "last"]) == 2

    assert daemon.count(protocol.DeleteTakes) == 0
    assert capsys.readouterr().err == "imagineer: Name takes by their numbers, or one batch.\n"


# ---------------------------------------------------------------- the configuration


def test_the_configuration_goes_through_a_daemon_that_answers(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "get", "generation.steps"]) == 0
    assert main(["config", "set", "generation.steps", "25"]) == 0

    assert daemon.last(protocol.SetConfig) == protocol.SetConfig(key="generation.steps", value="25")
    assert capsys.readouterr().out == "25\ngeneration.steps: 25\n"


def test_without_a_daemon_the_configuration_is_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "set", "generation.steps", "30"]) == 0
    assert main(["config", "get", "generation.steps"]) == 0
    assert "steps: 30" in (folder / "config.yaml").read_text()
    assert main(["config", "unset", "generation.steps"]) == 0
    assert main(["config"]) == 0

    out = capsys.readouterr().out
    assert out.startswith("generation.steps: 30\n30\ngeneration.steps: null\n")
    assert "  scheduler: dpm++\n" in out


@pytest.mark.usefixtures("folder")
def test_an_unknown_setting_is_told_with_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "get", "generation.stps"]) == 2
    assert 'Did you mean "generation.steps"?' in capsys.readouterr().err


# ---------------------------------------------------------------- errors and the shell


def test_problems_are_told_one_per_line(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    problems = (Problem("72 is too many", "zodiac.csv", 3), Problem("no name", "zodiac.csv", 4))
    daemon.answers["plan"] = protocol.Error(code="E_INVALID", message="The set cannot be dealt.", problems=problems)

    assert main(["plan", "zodiac"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "imagineer: The set cannot be dealt.",
        "  zodiac.csv, line 3: 72 is too many",
        "  zodiac.csv, line 4: no name",
    ]


def test_what_is_the_daemon_s_fault_ends_with_1(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers["plan"] = protocol.Error(code="E_INTERNAL", message="The daemon failed at this request.")

    assert main(["plan", "zodiac"]) == 1
    assert capsys.readouterr().err == "imagineer: The daemon failed at this request.\n"


@pytest.mark.usefixtures("folder")
def test_a_misspelt_option_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["deal", "zodiac", "--lora", "Tarot:heavy"])

    assert caught.value.code == 2
    assert '"heavy" is no weight: write NAME:0.6' in capsys.readouterr().err


def test_without_a_command_there_is_a_welcome_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("Welcome! Try `imagineer deal zodiac --theme random`")


PRINTING = [
    ["deal", "zodiac", "--detach"], ["generate", "a raven", "--detach"], ["reroll", "last", "1", "--detach"],
    ["complete", "last", "--detach"], ["plan", "zodiac"], ["themes"], ["sets"], ["sets", "zodiac"], ["batches"],
    ["loras"], ["lora", "show", "ink"], ["lora", "note", "ink", "--trigger", "ink wash"],
    ["grid", "a fox", "--steps", "10,20", "--detach"],
    ["mix"], ["mix", "list"], ["mix", "show", "g"], ["mix", "save", "g", "Ink"], ["mix", "rename", "g", "h"],
    ["mix", "delete", "g"], ["take", "7"], ["search", "fool"], ["favourite", "7"], ["delete", "7"], ["restore", "7"],
    ["trash"], ["trash", "--empty"],
    ["show", "last"], ["jobs"], ["pick", "1"], ["cancel", "1"], ["retry", "1"], ["status"], ["doctor"], ["start"],
    ["config"], ["config", "show"], ["config", "get", "generation.steps"], ["config", "set", "generation.steps", "25"],
    ["config", "unset", "generation.steps"], ["queue"], ["hold", "1"], ["release", "1"], ["move", "1", "--top"],
    ["priority", "1", "2"], ["pause"], ["resume"], ["retry", "--failed"], ["deal", "zodiac", "--hold"],
]  # fmt: skip


@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
@pytest.mark.usefixtures("daemon")
def test_json_is_one_document_and_nothing_else(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert main([*command, "--json"]) == 0
    behind = capsys.readouterr().out
    assert main(["--json", *command]) == 0

    assert json.loads(behind) == json.loads(capsys.readouterr().out)


def test_json_of_a_followed_batch_is_the_finished_batch(
    daemon: FakeDaemon, deck: Deck, capsys: pytest.CaptureFixture[str]
) -> None:
    thread = draw(daemon, deck.finish(1), deck.finish(2), deck.finish(3))

    assert main(["deal", "zodiac", "--json"]) == 0

    thread.join()
    assert json.loads(capsys.readouterr().out)["batch"]["states"] == {"done": 3}


def test_every_command_has_its_function() -> None:
    for names in MODULES.values():
        assert [command_of(name).__name__ for name in names] == list(names)


def test_the_completion_script_is_bash(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out

    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert all(word in script for word in ("reroll", "grid", "mix", "rename", "--guidance-scale"))


@pytest.mark.parametrize("module", [*MODULES, "cli", "__main__"])
def test_no_command_loads_anything_heavy(module: str) -> None:
    heavy = ("torch", "textual", "sqlite3", "PIL", "numpy", "asyncio")
    code = f"import sys, imagineer_tui.{module}; print([name for name in {heavy} if name in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ())

    assert found.stdout == "[]\n"
