from types import SimpleNamespace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from imagineerd import protocol
from imagineerd.events import Events
from imagineerd.protocol import decode_head


def stored(seq):
    return SimpleNamespace(seq=seq, kind="job_moved", body=msgspec.msgpack.encode({"seq": seq}))


class Pipe:
    """A client's pipe as the server sees it: it takes messages until it is full or gone."""

    def __init__(self):
        self.frames = []
        self.full = False
        self.gone = False

    def send(self, _client, frames):
        if self.gone:
            raise KeyError(_client)
        if not self.full:
            self.frames.append(frames)
        return not self.full

    def seqs(self):
        return [decode_head(frames[0]).seq for frames in self.frames if decode_head(frames[0]).seq]

    def kinds(self):
        return [decode_head(frames[0]).kind for frames in self.frames]


def followed():
    pipe = Pipe()
    events = Events(pipe.send)
    events.complete(events.begin(b"a", 5.0), 0)
    return pipe, events


def test_a_subscriber_gets_each_event_once_and_in_order():
    pipe, events = followed()

    events.announce([stored(1), stored(2)])
    events.announce([stored(3)])

    assert pipe.seqs() == [1, 2, 3]


def test_what_is_committed_while_the_snapshot_is_read_follows_it():
    pipe = Pipe()
    events = Events(pipe.send)
    subscriber = events.begin(b"a", 5.0)

    events.announce([stored(7), stored(8)])
    events.complete(subscriber, 7)

    assert pipe.seqs() == [8]


def test_a_resume_replays_what_was_missed_and_nothing_twice():
    pipe = Pipe()
    events = Events(pipe.send)
    subscriber = events.begin(b"a", 5.0)

    events.announce([stored(6)])
    events.complete(subscriber, 3, [stored(4), stored(5), stored(6)])

    assert pipe.seqs() == [4, 5, 6]


def test_one_who_does_not_read_is_sent_nothing_more_until_a_new_snapshot():
    pipe, events = followed()
    pipe.full = True
    events.announce([stored(1)])
    pipe.full = False
    events.announce([stored(2)])

    (lagging,) = events.laggards()
    events.begin_again(lagging)
    events.announce([stored(3)])
    events.complete(lagging, 2)

    assert pipe.seqs() == [3]
    assert not events.laggards()


def test_one_who_is_gone_is_forgotten():
    pipe, events = followed()
    pipe.gone = True

    events.announce([stored(1)])

    assert not events.subscribers


def test_ticks_of_a_job_come_no_faster_than_asked_but_the_last_always_comes():
    now = [0.0]
    pipe = Pipe()
    events = Events(pipe.send, lambda: now[0])
    events.complete(events.begin(b"a", ticks_hz=4.0), 0)
    for step in range(1, 21):
        events.beside(protocol.Tick(job=1, batch="b", slot=1, step=step, steps=20))
        now[0] += 1 / 16

    steps = [msgspec.msgpack.decode(frames[1])["step"] for frames in pipe.frames]
    assert steps == [1, 5, 9, 13, 17, 20]


@given(st.lists(st.sampled_from(["event", "full", "free", "resync"]), max_size=60))
def test_whatever_happens_no_event_is_missed_between_snapshots(script):
    pipe, events = followed()
    snapshots, seq = [0], 0
    for act in script:
        if act == "event":
            seq += 1
            events.announce([stored(seq)])
        elif act == "resync":
            for lagging in events.laggards():
                events.begin_again(lagging)
                events.complete(lagging, seq)
                snapshots.append(seq)
        else:
            pipe.full = act == "full"

    known = 0
    for number in pipe.seqs():
        assert number == known + 1 or number - 1 in snapshots
        known = number
