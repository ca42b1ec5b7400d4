"""Pictures over the wire: named by their takes, checked against their hashes, never by a path."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import zmq
from house import House, wait_until

from imagineerd import protocol
from imagineerd.client import Client
from imagineerd.errors import Invalid, NotFound
from imagineerd.protocol import BlobGet, BlobInfo, BlobStat, Chunk, Take, encode


@pytest.fixture
def client(faking: House) -> Iterator[Client]:
    with faking.client() as client:
        yield client


@pytest.fixture
def take(client: Client) -> Take:
    """A take of a picture of some size, and its folder as `folder_of` says."""
    settings = protocol.Settings(width=512, height=512, steps=1)
    batch = client.generate("a fox", settings=settings).batch.id
    return wait_until(lambda: client.batch(batch).slots[0].takes)[0]


class Line:
    """The blob socket, spoken to by hand."""

    def __init__(self, house: House) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.RCVTIMEO, 10_000)
        self.socket.connect(f"ipc://{house.paths.blob_socket}")
        self.ask(protocol.Hello())

    def ask(self, request: protocol.Request[protocol.Body]) -> tuple[protocol.Body | None, list[bytes]]:
        self.socket.send_multipart(encode(request, rid=1))
        head, body, *blobs = self.socket.recv_multipart()
        return protocol.decode_from_daemon(protocol.decode_head(head).kind, body), blobs


@pytest.fixture
def line(faking: House) -> Iterator[Line]:
    line = Line(faking)
    yield line
    line.context.destroy(linger=0)


def path_of(client: Client, take: Take) -> Path:
    return Path(client.batch(take.batch).batch.folder) / take.file


def test_a_picture_comes_as_it_lies_on_disk(client: Client, take: Take) -> None:
    content = client.picture(take.id)

    assert content == path_of(client, take).read_bytes()
    assert hashlib.sha256(content).hexdigest() == take.sha256


def test_a_thumbnail_comes_from_beside_it(client: Client, take: Take) -> None:
    assert client.picture(take.id, "thumb") == b"a small picture"


def test_what_a_file_is_can_be_asked(client: Client, line: Line, take: Take) -> None:
    full, _ = line.ask(BlobStat(take=take.id))
    thumb, _ = line.ask(BlobStat(take=take.id, variant="thumb"))

    path = path_of(client, take)
    assert full == BlobInfo(name=take.file, media="image/png", bytes=take.bytes, sha256=take.sha256, path=str(path))
    assert isinstance(thumb, BlobInfo)
    assert (thumb.media, Path(thumb.path).parent.name) == ("image/jpeg", ".thumbs")


def test_a_chunk_is_the_part_that_was_asked_for(client: Client, line: Line, take: Take) -> None:
    chunk, (part,) = line.ask(BlobGet(take=take.id, offset=10, length=100))

    assert chunk == Chunk(offset=10, length=100, total=take.bytes)
    assert part == path_of(client, take).read_bytes()[10:110]


def test_the_last_chunk_is_as_short_as_it_must_be(line: Line, take: Take) -> None:
    chunk, (part,) = line.ask(BlobGet(take=take.id, offset=take.bytes - 5))

    assert chunk == Chunk(offset=take.bytes - 5, length=5, total=take.bytes)
    assert len(part) == 5


def test_beyond_the_end_there_is_nothing(line: Line, take: Take) -> None:
    error, _ = line.ask(BlobGet(take=take.id, offset=take.bytes + 1))

    assert isinstance(error, protocol.Error)
    assert (error.code, error.field) == (Invalid.code, "$.offset")


def test_a_take_that_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound):
        client.picture(10**6)


def test_a_file_that_is_gone_is_not_found_and_told_by_its_name_alone(client: Client, take: Take) -> None:
    path_of(client, take).unlink()

    with pytest.raises(NotFound, match=take.file) as caught:
        client.picture(take.id)
    assert str(path_of(client, take).parent) not in caught.value.message


def test_control_is_not_served_here(line: Line) -> None:
    line.socket.send_multipart(encode(protocol.GetStatus(), rid=1))
    head, body = line.socket.recv_multipart()

    error = protocol.decode_from_daemon(protocol.decode_head(head).kind, body)
    assert isinstance(error, protocol.Error)
    assert error.code == "E_UNKNOWN_KIND"


def test_one_who_asks_for_chunks_and_never_reads_costs_little(
    client: Client, faking: House, line: Line, take: Take
) -> None:
    path = path_of(client, take)
    path.write_bytes(bytes(protocol.MAX_CHUNK))
    line.socket.setsockopt(zmq.SNDTIMEO, 10_000)
    daemon = psutil.Process(faking.pid)
    before = daemon.memory_info().rss
    for _ in range(10):
        for _ in range(protocol.MAX_INFLIGHT):
            line.socket.send_multipart(encode(BlobGet(take=take.id), rid=1))
        client.status()
    wait_until(lambda: "does not read" in faking.log())

    # What was asked for is 640 MB.
    assert daemon.memory_info().rss - before < 150e6
