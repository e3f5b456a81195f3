"""An application, served by the real nginx and then by ``resty-py nginx``.

Both get the same files at the same place and listen on the same ports, one
after the other, so that nothing of what they say has to differ. A
:class:`Record` is all that a server did: the bytes of every answer, its access
logs and its error log.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conversation import WAIT, Case
from real_nginx import load_modules, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

APPS = Path(__file__).parent / "apps"

#: No answer takes so long.
PATIENCE = 10.0

#: The time of last change of every file: Fri, 01 Mar 2024 12:00:00 GMT.
MTIME = 1709294400

#: Seconds in which a server logs the request of a client that is gone.
SETTLE = 0.05

_HOST = "127.0.0.1"

# The ports that applications name.
_PORT = re.compile(rb"\b808\d\b")

# Where the real nginx keeps what ours does not need: by default places that
# only its package may write to.
_TEMPORARY = "".join(
    f"{name}_temp_path temp/{name};\n"
    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)


@dataclass(frozen=True)
class Record:
    """What a server did.

    Attributes:
        answers: all bytes of each case, by its name.
        access: the lines of each access log, by its name.
        errors: the error log.
    """

    answers: Mapping[str, bytes]
    access: Mapping[str, list[str]]
    errors: str


@contextlib.contextmanager
def free_ports(names: Sequence[bytes]) -> Iterator[dict[bytes, int]]:
    """Yield a free port for each name, kept from everybody who asks for any.

    A server that sets SO_REUSEADDR can bind beside a socket that does not
    listen.
    """
    with contextlib.ExitStack() as stack:
        ports = {}
        for name in names:
            holder = stack.enter_context(socket.socket())
            # Bound without the option, so that it is nobody else's port.
            holder.bind((_HOST, 0))
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ports[name] = holder.getsockname()[1]
        yield ports


def copy_app(
    name: str,
    prefix: Path,
    ports: Mapping[bytes, int],
    files: Mapping[str, bytes] | None = None,
    links: Mapping[str, str] | None = None,
) -> None:
    """Copy an application to *prefix*, with the ports it may have.

    Args:
        files: more files and what is in them.
        links: symbolic links and what they point to.
    """
    shutil.copytree(APPS / name, prefix)
    for path, data in (files or {}).items():
        (prefix / path).parent.mkdir(parents=True, exist_ok=True)
        (prefix / path).write_bytes(data)
    for path, target in (links or {}).items():
        (prefix / path).symlink_to(target)
    for folder in ("logs", "temp", "conf/local"):
        (prefix / folder).mkdir(parents=True, exist_ok=True)
    for path in prefix.rglob("*"):
        if path.is_symlink():
            continue
        if path.is_file() and path.suffix in (".conf", ".lua"):
            data = path.read_bytes()
            path.write_bytes(_PORT.sub(lambda m: b"%d" % ports[m[0]], data))
        os.utime(path, (MTIME, MTIME))


def ports_of(name: str) -> list[bytes]:
    """Return the ports that an application names."""
    files = sorted((APPS / name).rglob("*.conf"))
    return sorted({port for file in files for port in _PORT.findall(file.read_bytes())})


def nginx_command(nginx: str, prefix: Path) -> list[str]:
    """Return how the real nginx serves *prefix*, and give it what it needs."""
    (prefix / "conf/local/temporary.conf").write_text(_TEMPORARY)
    options = ["-p", str(prefix), "-c", "conf/nginx.conf", "-e", "logs/error.log"]
    return [nginx, *options, "-g", f"{load_modules()}daemon off; master_process off;"]


def our_command(prefix: Path, *options: str) -> list[str]:
    """Return how ours serves *prefix*, or does what more *options* say."""
    command = [sys.executable, "-m", "resty_py", "nginx", "-p", str(prefix)]
    command += ["-c", "conf/nginx.conf", "-e", "logs/error.log"]
    return [*command, "-g", "daemon off; master_process off;", *options]


def exchange(case: Case, port: int) -> bytes:
    """Say what a case says; return all that comes back, and how it ended."""
    answer = b""
    try:
        with socket.create_connection((_HOST, port), PATIENCE) as sock:
            for piece in case.pieces:
                if piece == WAIT:
                    answer += sock.recv(1 << 16)
                else:
                    sock.sendall(piece)
            while data := sock.recv(1 << 16):
                answer += data
    except ConnectionRefusedError:
        answer += b"there is no server"
    except ConnectionError:
        answer += b"\r\nreset"
    except TimeoutError:
        answer += b"\r\nkept open"
    return answer


def record(
    command: list[str],
    prefix: Path,
    ports: Mapping[bytes, int],
    cases: Sequence[Case],
) -> Record:
    """Serve *prefix* and ask all that *cases* say, in their order."""
    with running(command, prefix):
        answers = {
            case.name: exchange(case, ports[b"%d" % case.port]) for case in cases
        }
        time.sleep(SETTLE)
    logs = sorted((prefix / "logs").glob("*.log"))
    access = {
        path.name: path.read_text("latin-1").splitlines()
        for path in logs
        if not path.name.startswith("error")
    }
    log = (prefix / "logs/error.log").read_text("latin-1")
    return Record(answers, access, log)
