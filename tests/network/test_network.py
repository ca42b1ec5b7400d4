"""A real daemon on a TCP address, and clients of other machines: what they may, and when it ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import TESTS, House, short_folder, wait_until

from imagineer_tui.cli import main
from imagineerd import protocol
from imagineerd.client import Away, Client, Endpoints, Event
from imagineerd.client.remote import over_network
from imagineerd.errors import DaemonAway, Denied, NotFound, ProtocolError
from imagineerd.network.key_files import draw
from imagineerd.network.keys import (
    AuthorizedKey,
    authorize,
    client_pair,
    daemon_pair,
    new_client_pair,
    parse_address,
    revoke,
    trust,
)
from imagineerd.protocol import Role


def free_ports() -> int:
    """Return a port that is free, with the next one."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = int(first.getsockname()[1])
            try:
                socket.create_server(("127.0.0.1", port + 1)).close()
            except (OSError, OverflowError):
                continue
            return port


class Far:
    """A house whose daemon listens on a TCP address, and the keys of a client elsewhere."""

    def __init__(self) -> None:
        self.port = free_ports()
        self.address = parse_address(f"tcp://127.0.0.1:{self.port}")
        self.house = House(short_folder()).with_fake_worker(listen=f"{{tcp: '127.0.0.1:{self.port}'}}")
        self.there = self.house.paths.keys_dir
        self.here = self.house.root / "elsewhere" / "keys"
        self.mine = new_client_pair(self.here)
        trust(self.here, self.address, daemon_pair(self.there).public)

    def admit(self, role: Role) -> None:
        """Authorize the client's key in a role, and wait until that counts."""
        authorize(self.there, AuthorizedKey("laptop", role, self.mine.public))
        with self.client() as client:
            wait_until(lambda: client.ask(protocol.Hello()).role == role)

    @property
    def endpoints(self) -> Endpoints:
        return over_network(self.here, str(self.address))

    def client(self) -> Client:
        return Client.connect(self.endpoints, timeout=10)


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    far = Far()
    far.house.start()
    yield far
    far.house.close()


def body_of(message: object) -> object:
    """Return the body of an event, None of anything else."""
    return message.body if isinstance(message, Event) else None


def refused(client: Client) -> bool:
    """Say whether a request is refused for the key."""
    try:
        client.status()
    except Denied:
        return True
    return False


# ---------------------------------------------------------------- roles


def test_a_viewer_looks_and_deals_nothing(far: Far) -> None:
    far.admit("viewer")

    with far.client() as client:
        welcome = client.hello()
        assert (welcome.role, welcome.key, welcome.uid) == ("viewer", "laptop", -1)
        assert client.status().pid == far.house.pid
        with pytest.raises(
            Denied, match=r'^"deal" takes the role operator, and the key "laptop" has the role viewer\.$'
        ):
            client.deal("zodiac")
        with pytest.raises(Denied):
            client.stop()
        assert client.batches().batches == ()


def test_an_operator_deals_follows_and_gets_the_pictures(far: Far) -> None:
    far.admit("operator")

    with far.client() as client:
        events = client.events()
        assert isinstance(next(events), protocol.Snapshot)
        client.generate("Queen of Spades")
        take = next(body.take for body in map(body_of, events) if isinstance(body, protocol.TakeAdded))
        assert client.picture(take.id).startswith(b"\x89PNG")
        with pytest.raises(Denied):
            client.set_config("generation.steps", "4")


def test_an_admin_configures(far: Far) -> None:
    far.admit("admin")

    with far.client() as client:
        assert client.set_config("generation.steps", "4").values["generation"]["steps"] == 4


def test_two_keys_do_not_share_their_idempotency_keys(far: Far) -> None:
    far.admit("operator")

    with far.client() as client, far.house.client() as owner:
        mine = client.generate("Queen of Spades", idem="the same")
        theirs = owner.generate("Queen of Hearts", idem="the same")

    assert mine.batch.id != theirs.batch.id


# ---------------------------------------------------------------- revoked


def test_a_revoked_key_is_refused_on_the_connection_that_it_has(far: Far) -> None:
    far.admit("viewer")

    with far.client() as client:
        assert not refused(client)
        revoke(far.there, "laptop")

        wait_until(lambda: refused(client), seconds=10)


def test_who_follows_with_a_revoked_key_is_told_and_hears_nothing_more(far: Far) -> None:
    far.admit("viewer")

    with far.client() as client:
        events = client.events()
        assert isinstance(next(events), protocol.Snapshot)
        revoke(far.there, "laptop")

        with pytest.raises(Denied, match="not authorized any more"):
            wait_until(lambda: isinstance(next(events), Away))
    assert "A client came in." in far.house.log()


def test_a_role_that_is_lowered_counts_on_the_connection_that_stands(far: Far) -> None:
    far.admit("operator")

    with far.client() as client:
        client.generate("Queen of Spades")
        authorize(far.there, AuthorizedKey("laptop", "viewer", far.mine.public))
        wait_until(lambda: client.ask(protocol.Hello()).role == "viewer")

        with pytest.raises(Denied):
            client.generate("Queen of Spades")


# ---------------------------------------------------------------- no way in


def test_a_key_that_is_not_authorized_is_refused_at_once(far: Far) -> None:
    stranger = draw()
    endpoints = far.endpoints
    assert endpoints.curve
    curve = endpoints.curve._replace(public=stranger.public, secret=stranger.secret)

    with pytest.raises(Denied, match="does not let this key in: have it authorized there"):
        Client.connect(endpoints._replace(curve=curve))
    wait_until(lambda: stranger.public in far.house.log())


def test_a_daemon_with_another_key_than_the_trusted_one_is_not_spoken_to(far: Far) -> None:
    far.admit("viewer")
    endpoints = far.endpoints
    assert endpoints.curve

    with pytest.raises(DaemonAway, match="hangs up: is the key that is trusted here the one that it has"):
        Client.connect(endpoints._replace(curve=endpoints.curve._replace(server=draw().public)))


def test_a_client_without_curve_is_refused_at_once(far: Far) -> None:
    with pytest.raises((ProtocolError, DaemonAway)):  # by who of the two hangs up first
        Client.connect(Endpoints(str(far.address), far.address.blob, where="there"))


def test_where_nobody_listens_that_is_said(far: Far) -> None:
    nowhere = parse_address(f"tcp://127.0.0.1:{free_ports()}")
    trust(far.here, nowhere, draw().public)

    with pytest.raises(DaemonAway, match=f"^No imagineerd answers on {nowhere}: start it there"):
        Client.connect(over_network(far.here, str(nowhere)))


def test_a_daemon_that_is_not_known_is_not_connected_to(far: Far) -> None:
    with pytest.raises(NotFound, match=r"imagineer keys trust tcp://127\.0\.0\.1:1 'KEY'"):
        over_network(far.here, "127.0.0.1:1")


# ---------------------------------------------------------------- starting


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda far: (far.there / "daemon.key_secret").chmod(0o640), "chmod go="),
        (lambda far: (far.there / "daemon.key_secret").write_text("no key"), "holds no secret key"),
    ],
)
def test_a_daemon_whose_key_others_could_have_read_does_not_start(spoil: object, sentence: str) -> None:
    far = Far()
    spoil(far)  # type: ignore[operator]

    done = far.house.run()

    assert done.returncode != 0
    assert sentence in done.stderr
    far.house.close()


def test_a_daemon_whose_address_is_taken_does_not_start(far: Far) -> None:
    other = House(short_folder()).configured(listen=f"{{tcp: '127.0.0.1:{far.port}'}}")

    done = other.run()

    assert done.returncode == 2
    sentence = f"Nothing can listen on tcp://127.0.0.1:{far.port} (Address already in use): change listen.tcp."
    assert sentence in done.stderr
    other.close()


# ---------------------------------------------------------------- the command line and the document


@pytest.fixture
def there(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the daemon's machine."""
    for name in ("HOME", "XDG_CONFIG_HOME", "IMAGINEER_DATA_DIR", "IMAGINEER_RUNTIME_DIR"):
        monkeypatch.setenv(name, far.house.environ[name])


@pytest.mark.usefixtures("there")
def test_what_keys_print_can_be_typed_on_the_other_machine(
    far: Far, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def typed() -> list[str]:
        """Return the command that was printed, as a shell reads it."""
        line = capsys.readouterr().out.splitlines()[1].strip()
        shell = ["sh", "-c", f'for word in {line}; do echo "$word"; done']
        words = subprocess.run(shell, capture_output=True, text=True, check=True)
        return words.stdout.split("\n")[1:-1]

    data = far.house.root / "another" / "data"
    monkeypatch.setenv("IMAGINEER_DATA_DIR", str(data))
    assert main(["keys", "new"]) == 0
    authorizing = typed()
    monkeypatch.setenv("IMAGINEER_DATA_DIR", far.house.environ["IMAGINEER_DATA_DIR"])
    assert main([*authorizing]) == 0
    trusting = typed()
    assert main(["keys", "list"]) == 0
    assert client_pair(data / "keys").public in capsys.readouterr().out

    monkeypatch.setenv("IMAGINEER_DATA_DIR", str(data))
    assert main([*trusting]) == 0
    assert main(["--connect", str(far.address), "status"]) == 0
    assert f"pid {far.house.pid}" in capsys.readouterr().out
    assert main(["--connect", str(far.address), "config", "set", "generation.steps", "9"]) == 1
    assert '"config_set" takes the role admin' in capsys.readouterr().err


def test_the_client_of_the_document_comes_in_and_fetches_a_picture(far: Far, tmp_path: Path) -> None:
    far.admit("viewer")
    with far.house.client() as owner:
        owner.generate("Queen of Spades")
        wait_until(lambda: owner.batch("last").slots[0].takes)
    environ = {
        "PATH": os.environ["PATH"],
        "DAEMON": f"127.0.0.1:{far.port}",
        "DAEMON_KEY": str(far.here / "daemons" / f"127.0.0.1_{far.port}.key"),
        "MY_KEY": str(far.here / "client.key_secret"),
    }
    program = TESTS / "examples" / "look_from_afar.py"

    command = [sys.executable, program]
    run = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)

    assert run.stdout.startswith("I may come in as viewer.")
    assert [path.read_bytes()[:4] for path in tmp_path.iterdir()] == [b"\x89PNG"]
