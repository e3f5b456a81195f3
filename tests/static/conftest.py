"""A document root with all that a file system may have in it."""

import os
import socket

import pytest
from static_vm import MTIME


@pytest.fixture(scope="package")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("www")
    files = {
        "a.html": "0123456789",
        "empty.txt": "",
        "noext": "no extension",
        "dir/index.html": "index of dir",
        "bare/page.html": "no index",
        "nested/index.html/page.html": "the index is a directory",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "run.sh").write_text("true")
    (folder / "run.sh").chmod(0o755)
    os.mkfifo(folder / "fifo")
    (folder / "link.html").symlink_to("a.html")
    (folder / "linkdir").symlink_to("dir")
    (folder / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(folder / "sock"))
    for path in folder.rglob("*"):
        os.utime(path, (MTIME, MTIME), follow_symlinks=False)
    return folder
