"""Through ssh: with a stand-in on the path that goes to this machine, and with the real one where there is an sshd."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from house import House, short_folder, wait_until
from ssh_stand_in import install

from imagineer_tui.cli import main
from imagineerd.client import Away, Client, Event, tunnel
from imagineerd.client.tunnel import Tunnel
from imagineerd.errors import DaemonAway, Invalid
from imagineerd.protocol import Snapshot


@pytest.fixture
def machine(faking: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of programs with an ssh; a daemon runs where it goes."""
    folder = short_folder()
    install(folder)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("IMAGINEER_RUNTIME_DIR", str(faking.paths.runtime_dir))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder
    shutil.rmtree(folder)


def left(folder: Path) -> list[str]:
    """Return what tunnels have left behind."""
    return [path.name for path in folder.iterdir() if path.name not in {"ssh", "ssh.pid"}]


def deal_and_fetch(client: Client) -> bytes:
    """Deal a card and return its picture."""
    client.generate("Queen of Spades")
    slot = wait_until(lambda: next((slot for slot in client.batch("last").slots if slot.takes), None))
    return client.picture(slot.takes[0].id)


@pytest.mark.parametrize("host", ["box", "anne@box", "ssh://anne@box:2222", "chatty"])
def test_cards_are_dealt_and_pictures_come_through_it(machine: Path, host: str) -> None:
    with Tunnel(host) as far, Client.connect(far.endpoints) as client:
        assert deal_and_fetch(client).startswith(b"\x89PNG")

    assert left(machine) == []


def test_the_command_line_goes_through_it(machine: Path, capsys: pytest.CaptureFixture[str], faking: House) -> None:
    assert main(["--host", "box", "status"]) == 0
    assert f"pid {faking.pid}" in capsys.readouterr().out

    assert main(["status", "--host", "down"]) == 3
    assert "Connection refused" in capsys.readouterr().err
    assert left(machine) == []


def test_it_ends_with_its_program_however_that_ends(machine: Path) -> None:
    code = "import os; from imagineerd.client.tunnel import Tunnel; Tunnel('box'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], check=False, timeout=60)

    ssh = int((machine / "ssh.pid").read_text())
    wait_until(lambda: not psutil.pid_exists(ssh))


def test_a_tunnel_that_breaks_is_opened_again_and_who_follows_misses_nothing(
    machine: Path, monkeypatch: pytest.MonkeyPatch, faking: House
) -> None:
    monkeypatch.setattr(tunnel, "AGAIN_S", (0.0, 0.05))
    with Tunnel("box") as far, Client.connect(far.endpoints) as client, faking.client() as near:
        events = client.events()
        start = next(events)
        assert isinstance(start, Snapshot)
        ssh = int((machine / "ssh.pid").read_text())
        os.kill(ssh, signal.SIGKILL)
        next(message for message in events if isinstance(message, Away))
        near.generate("Queen of Spades")

        assert next(message.seq for message in events if isinstance(message, Event)) == start.seq + 1
        assert int((machine / "ssh.pid").read_text()) != ssh
        assert client.status().pid == faking.pid

    assert left(machine) == []


def test_a_tunnel_is_closed_also_while_it_is_opened_again(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "AGAIN_S", (60.0,))
    with Tunnel("box"):
        os.kill(int((machine / "ssh.pid").read_text()), signal.SIGKILL)

    assert left(machine) == []


def test_where_no_daemon_runs_that_is_said(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGINEER_RUNTIME_DIR", str(machine))

    with pytest.raises(DaemonAway, match=r"^No imagineerd runs on box: start it there with `imagineer start`\.$"):
        Tunnel("box")
    assert left(machine) == []


def test_what_ssh_says_last_is_told_in_one_harmless_sentence(machine: Path) -> None:
    with pytest.raises(DaemonAway) as caught:
        Tunnel("down")

    said = caught.value.message
    assert said == "ssh does not get to down:  [31mssh: connect to host down port 22: Connection refused."
    assert left(machine) == []


def test_an_ssh_that_may_not_forward_is_told(machine: Path) -> None:
    with pytest.raises(DaemonAway, match=r"^ssh forwards no sockets of firm: mux_client: no master\.$"):
        Tunnel("firm")
    assert left(machine) == []


def test_a_machine_without_ssh_is_told_what_is_missing(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine / "nothing"))

    with pytest.raises(DaemonAway, match=r"install OpenSSH's client\.$"):
        Tunnel("box")


@pytest.mark.parametrize(
    "host", ["", "-oProxyCommand=x", "box; rm -rf", "a\nb", "a\0b", "x" * 300, "ssh://", "ssh://-x"]
)
def test_what_is_no_name_of_a_machine_never_reaches_ssh(machine: Path, host: str) -> None:
    with pytest.raises(Invalid, match="is no machine for ssh"):
        Tunnel(host)

    assert not (machine / "ssh.pid").exists()


# ---------------------------------------------------------------- the real ssh

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def real_machine(faking: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An sshd of our own on this machine, and an ssh that knows it as `box`; skips where that cannot be."""
    if not (SSHD and shutil.which("ssh") and shutil.which("ssh-keygen")):
        pytest.skip("There is no sshd on this machine.")
    folder, port = short_folder(), free_port()
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/user_key.pub\n"
        f"StrictModes no\nUsePAM no\nPidFile none\nSetEnv IMAGINEER_RUNTIME_DIR={faking.paths.runtime_dir}\n"
    )
    (folder / "ssh_config").write_text(
        f"Host box\n HostName 127.0.0.1\n Port {port}\n User {getpass.getuser()}\n IdentityFile {folder}/user_key\n"
        f" StrictHostKeyChecking no\n UserKnownHostsFile {folder}/known_hosts\n BatchMode yes\n"
    )
    (folder / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.PIPE, text=True)
    assert sshd.stderr
    said = sshd.stderr.readline().strip()
    if "listening" not in said:
        pytest.skip(f"sshd does not run here: {said}")
    yield
    sshd.terminate()
    sshd.wait()
    sshd.stderr.close()
    shutil.rmtree(folder)


@pytest.mark.usefixtures("real_machine")
def test_with_the_real_ssh_cards_are_dealt_and_pictures_come() -> None:
    with Tunnel("box") as far, Client.connect(far.endpoints) as client:
        assert deal_and_fetch(client).startswith(b"\x89PNG")
