"""The protocol's document is current, and the clients that it shows deal a deck against a real daemon."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from house import ROOT, TESTS, House

from imagineerd import protocol, protocol_doc
from imagineerd.errors import MEANINGS

DOCUMENT = protocol_doc.document()
GOLDEN = json.loads((TESTS / "data" / "protocol" / "messages.json").read_text())
EXAMPLES = TESTS / "examples"
NPM_S = 60
# zeromq carries its binaries in the package: nothing has to be compiled or run to install it.
NPM_INSTALL = (
    *("npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"),
    *("--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--loglevel=error"),
)
KINDS = (*protocol.REQUESTS, *protocol.REPLIES, *protocol.EVENTS, *protocol.BESIDE)


def slug(heading: str) -> str:
    """Return the anchor that GitHub and others give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# ---------------------------------------------------------------- the document


def test_the_committed_document_is_current() -> None:
    committed = (ROOT / "imagineerd" / "PROTOCOL.md").read_text()

    assert committed == DOCUMENT, "Run `python -m imagineerd.protocol_doc > imagineerd/PROTOCOL.md`."


def test_every_kind_has_its_place_in_the_conversation_and_only_one() -> None:
    told = [kind for chapter in protocol_doc.CHAPTERS for kind in chapter.kinds]

    assert sorted(told) == sorted(KINDS), "Name the kind in a chapter of imagineerd/protocol_doc.py."


def test_every_golden_message_stands_in_it_byte_for_byte() -> None:
    shown = [
        re.sub(r"\s", "", block)
        for block in re.findall(r"^```text\n(head .*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
    ]

    assert sorted(shown) == sorted(f"head{message['head']}body{message['body']}" for message in GOLDEN)


def test_every_example_in_json_is_the_golden_one() -> None:
    blocks = re.findall(r"^```json\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
    shown = [json.dumps(json.loads(block)) for block in blocks]

    assert sorted(shown) == sorted(json.dumps(message["json"]) for message in GOLDEN)


def test_every_link_leads_to_a_heading() -> None:
    anchors = [slug(heading) for heading in re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE)]

    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#([^)]+)\)", DOCUMENT)) <= set(anchors)


@pytest.mark.parametrize("code", MEANINGS)
def test_every_error_is_told_with_its_meaning(code: str) -> None:
    assert re.search(rf"^\| `{code}` \| {re.escape(MEANINGS[code])} \| `(no|same|later)` \|$", DOCUMENT, re.MULTILINE)


def test_it_is_printed_by_its_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "imagineerd.protocol_doc"], cwd=ROOT, capture_output=True, check=True, timeout=60
    )

    assert run.stdout.decode() == DOCUMENT


# ---------------------------------------------------------------- the clients it shows


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Node client and its packages, installed once; skips where that cannot be."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node and npm are not on this machine.")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "deal_zodiac.mjs"):
        shutil.copy(EXAMPLES / name, folder)
    try:
        run = subprocess.run(NPM_INSTALL, cwd=folder, check=False, capture_output=True, text=True, timeout=NPM_S)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm has not installed the client's packages within {NPM_S} seconds.")
    if run.returncode:
        pytest.skip(f"npm cannot install the client's packages here: {run.stderr.partition(chr(10))[0]}")
    return folder


def pictures_of(command: list[str], house: House, folder: Path) -> list[bytes]:
    """Run a client in a folder, knowing no more than where the sockets are; return the pictures that it saved."""
    environ = {"PATH": os.environ["PATH"], "IMAGINEER_RUNTIME_DIR": str(house.paths.runtime_dir)}
    run = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return [path.read_bytes() for path in sorted(folder.glob("*.png"))]


def drawn(house: House) -> list[bytes]:
    """Return the pictures of the newest batch as the daemon keeps them."""
    with house.client() as client:
        return [client.picture(slot.takes[0].id) for slot in client.batch("last").slots]


def test_the_python_client_deals_follows_and_saves(faking: House, tmp_path: Path) -> None:
    saved = pictures_of([sys.executable, "-P", str(EXAMPLES / "deal_zodiac.py")], faking, tmp_path)

    assert len(saved) == 12
    assert saved == drawn(faking)


def test_the_node_client_deals_follows_and_saves(faking: House, node_folder: Path) -> None:
    saved = pictures_of(["node", "deal_zodiac.mjs"], faking, node_folder)

    assert len(saved) == 12
    assert saved == drawn(faking)


@pytest.mark.parametrize("client", ["deal_zodiac.py", "deal_zodiac.mjs"])
def test_a_client_needs_no_more_than_thirty_lines_and_nothing_of_ours(client: str) -> None:
    source = (EXAMPLES / client).read_text()

    assert sum(bool(line.strip()) for line in source.splitlines()) <= 30
    assert not re.search(r"\bimport.*imagineer", source)
    assert source in DOCUMENT
