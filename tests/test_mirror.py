"""The tests mirror the tree: every source file has a test file of the same name at the same place.

What has none is listed here, with the test that stands in for it and the reason.
"""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest
from house import ROOT

ELSEWHERE = {
    # pattern of source files: (the test that stands in, why)
    "*/__init__.py": ("tests/test_imports.py", "a docstring, or names of its parts; what an import costs is tested"),
    "imagineerd/version.py": ("tests/test_main.py", "one line, which --version prints"),
    "imagineerd/answers/labels.py": ("tests/test_labeling.py", "tested with what makes the labels"),
    "imagineerd/answers/terms.py": ("tests/answers/test_steering.py", "who comes first, seen in the queue"),
    "imagineerd/client/asks.py": ("tests/test_requests.py", "one line for each request, each asked of a real daemon"),
    "imagineerd/client/dealer.py": ("tests/client/test_clients.py", "the socket of both clients"),
    "imagineerd/client/following.py": ("tests/client/test_session.py", "a session, tested with the other one"),
    "imagineerd/client/launch.py": (
        "tests/client/test_clients.py",
        "starting a daemon, tested with the client that wants one",
    ),
    "imagineerd/client/remote.py": ("tests/network/test_network.py", "over the network, to a real daemon"),
    "imagineerd/keeper.py": ("tests/test_dispatch.py", "one worker of a lane, tested with the lane"),
    "imagineerd/drawing.py": ("tests/test_dispatch.py", "a worker that draws, tested with its lane"),
    "imagineerd/orders.py": ("tests/test_dispatch.py", "what a worker is told, seen in what it draws"),
    "imagineerd/store/reuse.py": ("tests/test_reuse.py", "which pictures are there, seen in what is not drawn"),
    "imagineerd/settings.py": ("tests/test_config.py", "the table that reading and changing are made from"),
    "imagineerd/fingerprint.py": ("tests/test_models.py", "hashes of model and LoRA files"),
    "imagineerd/starter/*": (
        "tests/starter/test_model.py",
        "the program that trains the model, tested by what it makes",
    ),
    "imagineerd/worker/context.py": ("tests/worker/test_main.py", "what a job may use, seen in the process"),
    "imagineerd/worker/mailbox.py": ("tests/test_dispatch.py", "the link's other end, which the fake worker uses too"),
    "imagineerd/worker/sidecar.py": ("tests/worker/test_outputs.py", "the text that outputs writes"),
    "imagineer_tui/*": ("tests/imagineer_tui/test_cli.py", "the command line, tested as it is typed"),
}
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for package in ("imagineerd", "imagineer_tui")
    for path in (ROOT / package).rglob("*.py")
)


def test_of(source: str) -> Path:
    """Return where the test of a source file belongs. The package `imagineerd` is the root of the tests."""
    path = Path(source)
    folder = path.parent.relative_to("imagineerd") if path.is_relative_to("imagineerd") else path.parent
    return ROOT / "tests" / folder / f"test_{path.stem.strip('_')}.py"


test_of.__test__ = False  # type: ignore[attr-defined]
UNTESTED = [source for source in SOURCES if not test_of(source).exists()]


@pytest.mark.parametrize("source", UNTESTED)
def test_a_source_file_without_a_test_of_its_own_is_listed_with_its_reason(source: str) -> None:
    assert any(fnmatch(source, pattern) for pattern in ELSEWHERE), f"{source} has no {test_of(source)}."


@pytest.mark.parametrize(("pattern", "stand_in"), [(pattern, test) for pattern, (test, _) in ELSEWHERE.items()])
def test_the_list_is_not_older_than_the_tree(pattern: str, stand_in: str) -> None:
    assert (ROOT / stand_in).exists()
    assert any(fnmatch(source, pattern) for source in UNTESTED), f"{pattern} needs no exception any more."
