"""A stand-in for the labeler: an image of busybox alone, whose `claude` answers in the CLI's own envelope.

How it behaves is said by a word in the prompt, or by the prompt file of that name.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Final

import docker
import pytest

from imagineerd.worker.labeler_image import FOLDER

IMAGE: Final = "imagineer-stand-in:latest"
BUSYBOX: Final = Path("/bin/busybox")
APPLETS: Final = (
    *("sh", "cat", "cp", "mkdir", "sleep", "ls", "id", "grep", "echo", "yes", "head", "dd", "kill", "wget", "touch"),
    *("mount", "find", "sed", "tr", "wc", "env", "sync", "true", "sort", "seq", "date"),
)
CLAUDE: Final = Path(__file__).with_name("claude")

DOCKERFILE: Final = """\
FROM scratch
ADD root.tar /
LABEL imagineer.labeler=1
ENV PATH=/bin
WORKDIR /images
ENTRYPOINT ["/bin/start"]
CMD ["claude", "--version"]
"""


def build_stand_in(socket: Path) -> str:
    """Build the image in the engine at this socket; return its name. Skips where there is no static busybox."""
    if not BUSYBOX.exists() or BUSYBOX.read_bytes()[:4] != b"\x7fELF":
        pytest.skip("There is no static busybox: install Debian's busybox-static, as .ci/run does.")
    client = docker.DockerClient(base_url=f"unix://{socket}")
    try:
        client.images.build(fileobj=_context(), custom_context=True, tag=IMAGE, rm=True)
    finally:
        client.close()
    return IMAGE


def _context() -> io.BytesIO:
    return packed({"Dockerfile": DOCKERFILE.encode(), "root.tar": _root().getvalue()})


def _root() -> io.BytesIO:
    files = {
        "bin/busybox": BUSYBOX.read_bytes(),
        "bin/claude": CLAUDE.read_bytes(),
        "bin/start": (FOLDER / "start").read_bytes(),
    }
    folders = ("home/node", "tmp", "images", "run", "proc", "dev", "etc")
    return packed(files, folders, {f"bin/{name}": "busybox" for name in APPLETS})


def packed(files: dict[str, bytes], folders: tuple[str, ...] = (), links: dict[str, str] | None = None) -> io.BytesIO:
    """Return a tar of executable files, empty folders and links."""
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as tar:
        for name in folders:
            member = tarfile.TarInfo(name)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    tape.seek(0)
    return tape
