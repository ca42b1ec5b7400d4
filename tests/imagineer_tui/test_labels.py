"""The commands of labels against a daemon that answers from a script."""

from __future__ import annotations

import csv
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fakes import BATCH, Deck, FakeDaemon, take

from imagineer_tui.cli import main
from imagineerd import protocol
from imagineerd.jobs import JobError, State
from imagineerd.protocol import JobMoved, Label, LabelChanged, LabelerBuilt

RAM = Label(id=5, caption="A ram.", rating="SAFE", tags=("ram", "gold"), model="m", prompt="default", job=11)
GOAT = msgspec.structs.replace(RAM, id=6, caption="A goat.", person="1000")
TAGS = Label(id=7, tags=("ram",))
HISTORY = protocol.Labels(
    take=1, current=6, labels=(GOAT, RAM, Label(id=4, prompt="default", answer="\x1b[2JHm.\u202e\n"))
)
ERROR = JobError("E_LABEL", "It was not understood.")


def detail(*labels: Label | None) -> protocol.BatchDetail:
    deck = Deck("/pictures")
    slots = tuple(
        protocol.Slot(
            index=number,
            name=f"Card {number}",
            state=State.DONE,
            takes=(msgspec.structs.replace(take(number), file=f"../{number:02}.png", label=label),),
        )
        for number, label in enumerate(labels, 1)
    )
    return protocol.BatchDetail(batch=deck.batch(), slots=slots)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough for a socket's."""
    with tempfile.TemporaryDirectory(prefix="im-") as name:
        yield Path(name)


@pytest.fixture
def daemon(short: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDaemon]:
    for name in ("HOME", "IMAGINEER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(short))
    monkeypatch.setenv("COLUMNS", "80")
    answers: dict[str, Any] = {
        "label": protocol.Labeling(jobs=(11, 12)),
        "labels": HISTORY,
        "label_edit": protocol.TakeLabel(take=1, label=GOAT),
        "label_restore": protocol.TakeLabel(take=1, label=RAM),
        "label_prompts": protocol.LabelPrompts(names=("default", "mine"), folder="/labels"),
        "labeler_build": protocol.Done(),
        "batch": detail(RAM, None, TAGS),
    }
    with FakeDaemon(short, answers) as daemon:
        daemon.pictures.update({number: f"picture {number}".encode() for number in (1, 2, 3)})
        yield daemon


def meanwhile(daemon: FakeDaemon, kind: type[protocol.Request[Any]], *bodies: protocol.EventBody) -> threading.Thread:
    """Let things happen once something was asked for."""

    def work() -> None:
        daemon.followed()
        daemon.wait_for(lambda: daemon.count(kind) > 0)
        daemon.happen(*bodies)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def moved(job: int, state: State, error: JobError | None = None) -> JobMoved:
    return JobMoved(job=job, batch=BATCH, slot=1, state=state, error=error, kind="label")


def changed(label: Label, number: int = 1) -> LabelChanged:
    return LabelChanged(batch=BATCH, slot=number, take=number, label=label)


def test_labels_are_told_as_they_come_and_a_failure_is_an_exit_code(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    thread = meanwhile(
        daemon,
        protocol.LabelTakes,
        changed(RAM),
        moved(11, State.DONE),
        changed(msgspec.structs.replace(RAM, job=99), 3),  # somebody else's
        moved(12, State.FAILED, ERROR),
    )

    assert main(["label", "last", "--prompt", "mine", "--force"]) == 1

    thread.join()
    out, err = capsys.readouterr()
    assert out == "1 of 2 takes labelled.\n"
    assert err.splitlines() == ["1/2 take 1: SAFE A ram. [ram, gold]", "2/2 job 12: failed: It was not understood."]
    asked = daemon.last(protocol.LabelTakes)
    assert (asked.batch, asked.takes, asked.prompt, asked.force) == ("last", (), "mine", True)


def test_takes_are_named_by_numbers_and_need_not_be_waited_for(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label", "7", "9", "--detach"]) == 0

    assert capsys.readouterr().out == "2 takes to be labelled.\n"
    assert daemon.last(protocol.LabelTakes).takes == (7, 9)


def test_the_labels_of_a_batch_and_of_a_take_are_shown(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labels", "show", "last"]) == 0
    shown = capsys.readouterr().out
    assert main(["labels", "show", "1"]) == 0
    history = capsys.readouterr().out.splitlines()

    assert "A ram." in shown
    assert daemon.count(protocol.GetBatch) == 1
    assert [line[:4] for line in history[::2]] == ["* 6 ", "  5 ", "  4 "]
    assert history[1].strip() == "SAFE A goat. [ram, gold]"
    assert history[5].strip() == "not understood: [2JHm."


def test_a_label_is_edited_and_restored(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labels", "edit", "1", "--caption", "A goat.", "--rating", "none", "--tags", "a, b,"]) == 0
    edit = daemon.last(protocol.EditLabel)
    assert (edit.take, edit.caption, edit.rating, edit.tags) == (1, "A goat.", "", ("a", "b"))

    assert main(["labels", "restore", "1"]) == 0
    assert daemon.last(protocol.RestoreLabel).label == 5
    assert main(["labels", "restore", "1", "4"]) == 0
    assert daemon.last(protocol.RestoreLabel).label == 4
    assert capsys.readouterr().out.splitlines()[-1] == "Take 1: SAFE A ram. [ram, gold]"
    assert main(["labels", "edit", "1"]) == 2


def test_the_prompts_are_listed(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labels", "prompts"]) == 0

    assert capsys.readouterr().out.splitlines() == ["default", "mine", "Your own: /labels/NAME.txt"]
    assert daemon.count(protocol.ListLabelPrompts) == 1


@pytest.mark.parametrize(("error", "code"), [(None, 0), (JobError("E_LABEL", "There is no npm."), 1)])
def test_a_build_is_followed_to_its_end(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str], error: JobError | None, code: int
) -> None:
    thread = meanwhile(daemon, protocol.BuildLabeler, LabelerBuilt(image="labeler:1", error=error))

    assert main(["labels", "build", "--base", "node:24-slim"]) == code

    thread.join()
    assert capsys.readouterr().out == ("There is no npm.\n" if error else "The image labeler:1 is built.\n")
    assert daemon.last(protocol.BuildLabeler).base == "node:24-slim"


EXPORTS: dict[str, Callable[[Path], object]] = {
    "kohya": lambda folder: {path.name: path.read_text() for path in folder.iterdir()},
    "jsonl": lambda folder: [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()],
    "csv": lambda folder: list(csv.DictReader((folder / "labels.csv").open())),
}


@pytest.mark.usefixtures("daemon")
def test_captions_lie_beside_their_pictures_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"

    assert main(["labels", "export", "last", "--to", str(folder)]) == 0

    assert EXPORTS["kohya"](folder) == {
        "01.png": "picture 1",
        "01.txt": "A ram.\n",
        "03.png": "picture 3",
        "03.txt": "ram\n",
    }
    assert capsys.readouterr().out == f"2 takes (29 B) written to {folder}; 1 take without a label left out.\n"


@pytest.mark.usefixtures("daemon")
def test_a_data_set_names_its_pictures(tmp_path: Path) -> None:
    assert main(["labels", "export", "last", "--format", "jsonl", "--to", str(tmp_path)]) == 0

    rows = EXPORTS["jsonl"](tmp_path)
    assert [(row["file_name"], row["text"], row["tags"]) for row in rows] == [  # type: ignore[attr-defined]
        ("01.png", "A ram.", ["ram", "gold"]),
        ("03.png", "ram", ["ram"]),
    ]
    assert (tmp_path / "03.png").read_text() == "picture 3"


@pytest.mark.usefixtures("daemon")
def test_a_table_is_a_table_alone(tmp_path: Path) -> None:
    assert main(["labels", "export", "last", "--format", "csv", "--to", str(tmp_path)]) == 0

    assert [row["tags"] for row in EXPORTS["csv"](tmp_path)] == ["ram, gold", "ram"]  # type: ignore[attr-defined]
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_a_batch_without_labels_is_not_exported(daemon: FakeDaemon, tmp_path: Path) -> None:
    daemon.answers["batch"] = detail(None)

    assert main(["labels", "export", "last", "--to", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
