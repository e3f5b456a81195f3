"""Suites for tests: a ``.t`` file's text as blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resty_py.testing.suite import Block, Suite

if TYPE_CHECKING:
    from pathlib import Path

PLACES = {"html_dir": "/prefix/html", "server_root": "/prefix"}


def suite_of(folder: Path, text: str, **environment: str) -> Suite:
    path = folder / "some.t"
    path.write_bytes(text.encode())
    return Suite(path, environment, PLACES, 1.027001)


def block_of(folder: Path, sections: str, code: str = "") -> Block:
    text = f"{code}\nrun_tests();\n__DATA__\n\n=== TEST 1: some\n{sections}"
    return suite_of(folder, text).blocks[0]
