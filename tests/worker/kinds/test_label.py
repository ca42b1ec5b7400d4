"""What becomes of a label job, for everything that a labeler may do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from labeler import IMAGE

from imagineerd import link
from imagineerd.worker import containers
from imagineerd.worker.containers import OWNER, Owner
from imagineerd.worker.io import Context
from imagineerd.worker.kinds import label

TOKEN = "a-token-of-many-characters"  # noqa: S105 - nobody's


class Reports:
    """Takes the place of the mailbox: what was said, and which job is cancelled."""

    def __init__(self) -> None:
        self.said: list[link.Message] = []
        self.cancelled_jobs: set[int] = set()

    def send(self, report: link.Message) -> None:
        self.said.append(report)

    def cancelled(self, job: int) -> bool:
        return job in self.cancelled_jobs


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def context(
    docker_socket: Path, tmp_path: Path, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Context]:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{docker_socket}")
    configure = link.Configure(link.Hardware(), owner="a test", scratch=str(tmp_path / "scratch"))
    context = Context(reports, configure)  # type: ignore[arg-type]
    yield context
    assert containers.sweep(docker.from_env(), Owner("a test", set())) == 0


def labelled(context: Context, reports: Reports, text: str, tmp_path: Path, **labeler: Any) -> Any:
    picture = tmp_path / "01_aries.png"
    picture.write_bytes(b"a picture")
    settings: dict[str, Any] = {
        "image": IMAGE, "command": ("claude",), "network": "none", "timeout_s": 60.0, "memory": 2**26, "cpus": 1.0,
        "login_by": "none", "login": "", **labeler,
    }  # fmt: skip
    label.run(link.Label(7, 2, str(picture), text, link.Labeler(**settings)), context)
    (report,) = reports.said
    assert (report.job, report.attempt) == (7, 2)  # type: ignore[attr-defined]
    return report


def test_a_good_answer_is_a_label(context: Context, reports: Reports, tmp_path: Path) -> None:
    report = labelled(context, reports, "Look.", tmp_path)

    assert isinstance(report, link.Labelled)
    assert (report.caption, report.rating, report.tags) == ("A card with a ram.", "SAFE", ("ram", "card"))
    assert report.model == "claude-stand-in"
    assert report.answer.startswith("```json")


def test_an_answer_in_bold_is_one_too(context: Context, reports: Reports, tmp_path: Path) -> None:
    report = labelled(context, reports, "BOLD", tmp_path)

    assert (report.caption, report.rating) == ("A ram, looking left.", "EXPLICIT")


def test_a_labeler_that_chats_on_stderr_is_understood(context: Context, reports: Reports, tmp_path: Path) -> None:
    assert labelled(context, reports, "CHATTY", tmp_path).caption == "A card with a ram."


def test_what_is_meant_for_a_terminal_is_no_part_of_a_label(context: Context, reports: Reports, tmp_path: Path) -> None:
    report = labelled(context, reports, "HOSTILE", tmp_path)

    assert (report.caption, report.tags) == ("]0;mine [2J A ram? [red]=1+1[/red]", ("b]ram", "31mred"))
    assert "ram? " in report.answer  # half of a surrogate pair, which no database takes


def test_garbage_is_asked_for_once_more_and_then_kept(context: Context, reports: Reports, tmp_path: Path) -> None:
    report = labelled(context, reports, "GARBAGE", tmp_path)

    assert isinstance(report, link.Failed)
    assert report.code == "E_LABEL"
    assert "asked 2 times and not understood" in report.message
    assert report.answer == "I would rather talk about the weather."


def test_a_limit_blocks_and_says_until_when(context: Context, reports: Reports, tmp_path: Path) -> None:
    report = labelled(context, reports, "LIMITED", tmp_path)

    assert isinstance(report, link.Blocked)
    assert report.limited
    assert report.until > time.time() - 60
    assert report.message == "The labeler's account has reached its limit: You have hit your usage limit."


def test_an_expired_login_blocks_with_its_remedy(context: Context, reports: Reports, tmp_path: Path) -> None:
    report = labelled(context, reports, "EXPIRED", tmp_path)

    assert isinstance(report, link.Blocked)
    assert not report.limited
    assert "claude setup-token" in report.message


@pytest.mark.parametrize(
    "labeler", [{"image": "nothing:1"}, {"login_by": "file", "login": "/nowhere/credentials"}, {"command": ("clod",)}]
)
def test_what_a_person_has_to_mend_blocks(
    context: Context, reports: Reports, tmp_path: Path, labeler: dict[str, Any]
) -> None:
    assert isinstance(labelled(context, reports, "Look.", tmp_path, **labeler), link.Blocked)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("CRASHING", 'The labeler failed with status 139: "Segmentation fault".'),
        ("TALKATIVE", "The labeler printed more than 1,048,576 bytes and was stopped."),
        ("SLOW", "The labeler gave no answer within 1 seconds (labeling.timeout_s)."),
        ("FORKING", "The labeler gave no answer within 1 seconds (labeling.timeout_s)."),
        ("HUNGRY", "The labeler needed more than 64 MB (labeling.memory_mb)."),
    ],
)
def test_a_labeler_that_fails_fails_its_job(
    context: Context, reports: Reports, tmp_path: Path, text: str, sentence: str
) -> None:
    report = labelled(context, reports, text, tmp_path, timeout_s=1.0 if text in {"SLOW", "FORKING"} else 60.0)

    assert isinstance(report, link.Failed)
    assert (report.code, report.message) == ("E_LABEL", sentence)


def test_a_job_that_was_cancelled_is_stopped(context: Context, reports: Reports, tmp_path: Path) -> None:
    reports.cancelled_jobs.add(7)

    assert isinstance(labelled(context, reports, "SLOW", tmp_path), link.Stopped)


@pytest.mark.parametrize(("blows", "kind"), [(1, link.Labelled), (2, link.Failed)])
def test_a_labeler_that_somebody_ends_is_asked_once_more(
    context: Context, reports: Reports, tmp_path: Path, blows: int, kind: type[link.Message]
) -> None:
    striking = threading.Thread(target=_strike, args=(context.engine(), blows))
    striking.start()

    report = labelled(context, reports, "SLEEPY", tmp_path)

    striking.join()
    assert isinstance(report, kind)
    assert isinstance(report, link.Labelled) or report.message == "The labeler was ended from outside, with status 137."


def _strike(engine: docker.DockerClient, blows: int) -> None:
    struck: set[str] = set()
    while len(struck) < blows:
        for container in engine.containers.list(filters={"label": f"{OWNER}=a test"}, ignore_removed=True):
            if str(container.id) not in struck:
                container.kill()
                struck.add(str(container.id))


def test_a_login_that_the_labeler_tells_is_hidden(context: Context, reports: Reports, tmp_path: Path) -> None:
    file = tmp_path / "login.json"
    file.write_text(f'{{"accessToken": "{TOKEN}"}}')

    report = labelled(context, reports, "THIEF", tmp_path, login_by="file", login=str(file))

    assert report.caption == "accessToken: [login]"
    assert TOKEN not in report.answer


def test_a_picture_that_is_gone_fails_its_job(context: Context, reports: Reports, tmp_path: Path) -> None:
    labeler = link.Labeler(IMAGE, ("claude",), "none", 60.0, 2**26, 1.0, "none")
    label.run(link.Label(7, 2, str(tmp_path / "01.png"), "Look.", labeler), context)

    (report,) = reports.said
    assert isinstance(report, link.Failed)
    assert report.message == "The picture 01.png is gone: it cannot be labelled."
