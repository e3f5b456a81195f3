"""Source packages of Debian: where upstream's suites come from.

A suite is never kept in this project: it is downloaded by apt, checked and
unpacked into the user's cache. Rules:

1. apt reads lists of its own, made of the machine's archives with ``deb`` turned
   into ``deb-src``, and keeps what it fetches in the cache: nothing below /etc or
   /var is touched, and nobody needs to be root.
2. A tarball counts only with the SHA-256 that is written here. Debian's revision
   of the package may change; upstream's tarball may not.
3. Archives are at times out of reach, so apt is asked several times. What then
   is still missing is an :class:`UnavailableError`: a visible skip, and a failure
   where ``CI=true``.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Source", "UnavailableError", "cache_folder"]

_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))

#: An archive of Debian's, whatever its host.
_ARCHIVE = re.compile(r"\S+://\S+/debian(?:-security)?/?(?=\s|$)")

#: Seconds before each try.
_TRIES = (0, 5, 20, 60)
_PATIENCE = 300


class UnavailableError(Exception):
    """A source package cannot be had here; the text says why."""


def cache_folder() -> Path:
    """Return the folder of the user's cache that is this project's."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "resty-py" / "upstream"


@dataclass(frozen=True)
class Source:
    """A source package.

    Attributes:
        package: its name in Debian.
        tarball: upstream's tarball in it.
        sha256: of the tarball.
    """

    package: str
    tarball: str
    sha256: str

    def fetch(self) -> Path:
        """Return the folder of the unpacked tarball; download what is missing.

        Raises:
            UnavailableError: it cannot be had here.
        """
        cache = cache_folder()
        folder = cache / "trees" / f"{self.package}-{self.sha256[:12]}"
        with _locked(cache):
            if not folder.exists():
                tarball = cache / "tarballs" / self.tarball
                if not self._is_right(tarball):
                    self._download(tarball.parent)
                _unpack(tarball, folder)
        (tree,) = folder.iterdir()
        return tree

    def _is_right(self, tarball: Path) -> bool:
        if not tarball.exists():
            return False
        return hashlib.sha256(tarball.read_bytes()).hexdigest() == self.sha256

    def _download(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        error = ""
        for pause in _TRIES:
            time.sleep(pause)
            error = _apt_get_source(self.package, folder)
            if self._is_right(folder / self.tarball):
                return
        where = f"{self.tarball} of Debian's source package {self.package}"
        raise UnavailableError(f"{where}: {error or 'another version or digest'}")


def _unpack(tarball: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    unpacked = Path(tempfile.mkdtemp(dir=folder.parent))
    with tarfile.open(tarball) as archive:
        # Its digest is known; releases of Python before 3.11.4 have no filters.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(unpacked, **safely)
    if len(list(unpacked.iterdir())) != 1:
        raise UnavailableError(f"{tarball} does not have one folder")
    unpacked.chmod(0o755)
    unpacked.rename(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from downloading at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# apt -------------------------------------------------------------------------


def _apt_get_source(package: str, folder: Path) -> str:
    """Download a source package into a folder; return what went wrong, if any."""
    if shutil.which("apt-get") is None:
        return "there is no apt-get"
    home = cache_folder() / "apt"
    (home / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (home / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    lists = home / "sources.list"
    lists.write_text("".join(_source_lists()))
    options = [
        f"-oDir::Etc::sourcelist={lists}",
        "-oDir::Etc::sourceparts=-",
        f"-oDir::State::lists={home / 'lists'}",
        f"-oDir::Cache={home / 'cache'}",
        "-oAcquire::Retries=5",
        "-oAPT::Sandbox::User=",
    ]
    error = _run(["apt-get", *options, "update", "-q"], folder)
    download = ["source", "-q", "--download-only", package]
    return _run(["apt-get", *options, *download], folder) or error


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "apt-get does not end"
    return done.stderr.strip() if done.returncode else ""


def _source_lists() -> Iterator[str]:
    """Yield the lines of the source archives that belong to Debian's archives."""
    for path in _list_files():
        text = path.read_text()
        if path.suffix == ".sources":
            yield from _from_paragraphs(text)
        else:
            yield from _from_lines(text)


def _list_files() -> Iterable[Path]:
    main, parts = _SOURCES
    found = sorted(parts.iterdir()) if parts.is_dir() else []
    usable = [path for path in found if path.suffix in (".list", ".sources")]
    return [main, *usable] if main.exists() else usable


def _from_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("deb ") and _ARCHIVE.search(line):
            yield f"deb-src{line.removeprefix('deb')}\n"


def _from_paragraphs(text: str) -> Iterator[str]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", paragraph, re.MULTILINE))
        key = fields.get("Signed-By", "")
        option = f"[signed-by={key}] " if key.startswith("/") else ""
        for archive in _ARCHIVE.findall(fields.get("URIs", "")):
            for release in fields.get("Suites", "").split():
                components = fields.get("Components", "")
                yield f"deb-src {option}{archive} {release} {components}\n"
