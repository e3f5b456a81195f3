"""Asks the real ``nginx -t`` and ``resty_py.conf.load`` about the same file."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from real_nginx import load_modules

from resty_py.conf.errors import ConfError, UnsupportedError
from resty_py.conf.loader import load

if TYPE_CHECKING:
    from pathlib import Path

WRAPPERS = {
    "main": "%s",
    "events": "events {\n%s\n}",
    "http": "events {}\nhttp {\n%s\n}",
    "server": "events {}\nhttp {\nserver {\nlisten unix:s.sock;\n%s\n}\n}",
    "location": "events {}\nhttp {\nserver {\nlisten unix:s.sock;\n"
    "location /a {\n%s\n}\n}\n}",
}

# What nginx says about this machine, not about the file.
_ABOUT_MACHINE = re.compile(
    r"still could not bind|could not build optimal|bind\(\) to|mkdir\(\) "
    r"|SSL_|\.so\" failed|test failed|test is successful|syntax is ok"
)


def wrap(context: str, text: str) -> str:
    """Return a whole configuration with *text* in the *context*."""
    return WRAPPERS[context] % text


class Checker:
    """Writes configurations to a folder and has both programs look at them."""

    def __init__(self, folder: Path, nginx: str) -> None:
        self.folder = folder
        self.path = folder / "nginx.conf"
        self._nginx = nginx
        self._globals = f"{load_modules()} pid {folder}/t.pid; "

    def write(self, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        self.path.write_bytes(data)

    def nginx(self, extra: str = "") -> tuple[bool, list[str]]:
        """Return whether nginx takes the file, and what it says about it."""
        command = [
            self._nginx, "-t", "-p", str(self.folder), "-c", str(self.path),
            "-e", str(self.folder / "error.log"), "-g", self._globals + extra,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, timeout=20, check=False)
        text = done.stderr.decode("utf-8", "surrogateescape")
        lines = [line for line in text.split("\n") if line.startswith("nginx: ")]
        about_file = [line for line in lines if not _ABOUT_MACHINE.search(line)]
        return done.returncode == 0, about_file

    def ours(self, extra: str = "") -> tuple[bool, list[str]]:
        """Return the same of ours; UnsupportedError is for the caller."""
        try:
            config = load(self.path, self.folder, self._globals + extra)
        except UnsupportedError:
            raise
        except ConfError as exc:
            return False, [*map(str, exc.notices), str(exc)]
        return True, [str(notice) for notice in config.notices]
