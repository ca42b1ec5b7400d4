"""The client's half of the conversation, frame by frame and without a socket."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd import protocol
from imagineerd.client.following import Away, Event, Following
from imagineerd.client.session import Session
from imagineerd.errors import DaemonAway, Denied, HelloRequired, ProtocolError
from imagineerd.jobs import State

WELCOME = protocol.Welcome(proto=1, daemon="d", epoch="e", boot="b")


def sent(session: Session) -> list[tuple[str, int]]:
    """Take what is to be sent; return kinds and numbers."""
    heads = [protocol.decode_head(frames[0]) for frames in session.outgoing]
    session.outgoing.clear()
    return [(head.kind, head.rid) for head in heads]


def opened(session: Session, welcome: protocol.Welcome = WELCOME) -> Session:
    """Let the session come to its welcome."""
    session.connected()
    _, rid = sent(session)[-1]
    session.receive(protocol.encode(welcome, rid=rid))
    return session


def refusal(code: Any) -> protocol.Error:
    return protocol.Error(code=code, message="No.")


def test_nothing_but_hello_is_sent_before_the_welcome() -> None:
    session = Session()
    session.submit(protocol.GetStatus())
    assert sent(session) == []

    session.connected()
    assert [kind for kind, _ in sent(session)] == ["hello"]


def test_the_welcome_lets_go_what_waited() -> None:
    session = Session()
    rid = session.submit(protocol.GetStatus())
    opened(session)

    assert sent(session) == [("status", rid)]


def test_what_was_unanswered_is_sent_again_on_the_next_connection() -> None:
    session = opened(Session())
    rid = session.submit(protocol.ListSets())
    sent(session)

    session.disconnected()
    opened(session)

    assert sent(session) == [("sets", rid)]


def test_what_was_given_up_is_not() -> None:
    session = opened(Session())
    session.forget(session.submit(protocol.ListSets()))
    session.disconnected()
    opened(session)

    assert sent(session) == []


@pytest.mark.parametrize("request_", [protocol.Stop(), protocol.RetryJobs(jobs=(1,))])
def test_what_must_not_happen_twice_fails_when_the_connection_breaks(request_: Any) -> None:
    session = opened(Session())
    rid = session.submit(request_)

    session.disconnected()

    with pytest.raises(DaemonAway):
        session.outcome(rid)


def test_a_daemon_that_refuses_hello_for_ever_is_given_up() -> None:
    session = opened(Session())
    rid = session.submit(protocol.GetStatus())
    for _ in range(4):
        session.receive(protocol.encode(refusal("E_HELLO"), rid=rid))
        if session.outgoing and sent(session)[-1][0] == "hello":
            opened(session)

    with pytest.raises(HelloRequired):
        session.outcome(rid)


def test_where_hello_failed_every_request_fails_until_the_next_connection() -> None:
    session = Session()
    session.connected()
    session.receive([b"HTTP/1.1 400 Bad Request"])

    with pytest.raises(ProtocolError):
        session.outcome(session.submit(protocol.GetStatus()))

    session.disconnected()
    opened(session)
    rid = session.submit(protocol.GetStatus())
    assert sent(session) == [("status", rid)]


def test_a_reply_that_comes_late_is_nobody_s() -> None:
    session = opened(Session())
    rid = session.submit(protocol.GetStatus())
    session.forget(rid)

    session.receive(protocol.encode(protocol.Done(), rid=rid))

    assert session.outcome(rid) is None


@given(st.lists(st.binary(max_size=40), max_size=3))
def test_no_bytes_can_do_more_than_fail_what_waits(frames: list[bytes]) -> None:
    session = opened(Session())
    rid = session.submit(protocol.GetStatus())

    session.receive(frames)

    with contextlib.suppress(ProtocolError):
        assert session.outcome(rid) is None
    assert session.welcome


def test_unknown_kinds_are_skipped() -> None:
    session = opened(Session())
    rid = session.submit(protocol.GetStatus())

    session.receive([protocol.encode_head(protocol.Head(1, "aurora")), b"\x80"])

    assert session.outcome(rid) is None
    assert session.failure is None


def test_an_event_of_an_unknown_kind_counts_and_is_skipped() -> None:
    following = opened(Following())
    [(_, rid)] = sent(following)
    snapshot = protocol.Snapshot(epoch="e", seq=4, worker=protocol.Worker())
    following.receive(protocol.encode(snapshot, rid=rid))

    following.receive([protocol.encode_head(protocol.Head(1, "aurora", rid, 5)), b"\x80"])

    assert following.mark == protocol.EventMark(epoch="e", seq=5)  # type: ignore[attr-defined]


def follower_at(seq: int) -> Following:
    """Return one who follows from an event on, and has just lost the connection and found it again."""
    following = Following(since=protocol.EventMark(epoch="e", seq=seq))
    opened(following)
    following.disconnected()
    opened(following)
    return following


def test_who_follows_does_not_give_up_over_a_disk_that_is_full_today() -> None:
    following = follower_at(4)
    [(_, rid)] = sent(following)

    following.receive(protocol.encode(protocol.Error(code="E_DISK", message="Full.", retry="later"), rid=rid))
    assert following.failure is None
    following.fell_silent()

    assert [kind for kind, _ in sent(following)] == ["subscribe"]
    assert following.mark == protocol.EventMark(epoch="e", seq=4)


def test_who_follows_gives_up_where_there_is_no_hope() -> None:
    following = follower_at(4)
    [(_, rid)] = sent(following)

    following.receive(protocol.encode(protocol.Error(code="E_DENIED", message="No more."), rid=rid))

    assert isinstance(following.failure, Denied)


# ---------------------------------------------------------------- no gap, whatever happens


class Wire:
    """A daemon of one number line that can lose, repeat and break off."""

    def __init__(self) -> None:
        self.following = Following()
        self.events = 0
        self.rid = 0
        self.following.connected()
        self.answer()

    def answer(self) -> None:
        while self.following.outgoing:
            head_frame, body = self.following.outgoing.popleft()
            head = protocol.decode_head(head_frame)
            request = protocol.decode_request(head.kind, body)
            if isinstance(request, protocol.Hello):
                self.following.receive(protocol.encode(WELCOME, rid=head.rid))
            elif isinstance(request, protocol.Subscribe):
                self.rid = head.rid
                self.start(request.since)

    def start(self, since: protocol.EventMark | None) -> None:
        if since is None:
            self.following.receive(
                protocol.encode(protocol.Snapshot(epoch="e", seq=self.events, worker=protocol.Worker()), rid=self.rid)
            )
            return
        self.following.receive(protocol.encode(protocol.Resume(epoch="e", seq=self.events), rid=self.rid))
        for seq in range(since.seq + 1, self.events + 1):
            self.tell(seq)

    def tell(self, seq: int) -> None:
        moved = protocol.JobMoved(job=seq, batch="b", slot=1, state=State.DONE)
        self.following.receive(protocol.encode(moved, rid=self.rid, seq=seq))

    def do(self, what: str) -> None:
        match what:
            case "happen":
                self.events += 1
                self.tell(self.events)
            case "lose":
                self.events += 1
            case "repeat" if self.events:
                self.tell(self.events)
            case "break":
                self.following.disconnected()
                self.following.connected()
            case "beat":
                self.following.receive(protocol.encode(protocol.Heartbeat(boot="b", seq=self.events)))
            case "hang":
                self.following.fell_silent()
        self.answer()


@given(st.lists(st.sampled_from(["happen", "lose", "repeat", "break", "beat", "hang"]), max_size=30))
def test_numbers_count_up_by_one_whatever_is_lost_repeated_or_broken_off(story: list[str]) -> None:
    wire = Wire()
    for what in [*story, "beat"]:
        wire.do(what)

    handed_on = [message.seq for message in wire.following.inbox if isinstance(message, Event)]
    assert handed_on == list(range(1, wire.events + 1))
    assert list(wire.following.inbox).count(Away()) <= story.count("break") + story.count("hang")
