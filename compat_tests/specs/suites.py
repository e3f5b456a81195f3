"""The libraries, where their tests come from, and how they are run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from upstream.source import Source

__all__ = ["FLAVOURS", "LIBRARIES", "REFERENCE", "Library"]

FLAVOURS = ("luajit21", "lua51", "lua54")

#: Debian's interpreter, which says what is to be expected.
REFERENCE = "lua5.1"

PROBES = Path(__file__).with_name("probes")

_BUSTED = ("/usr/bin/busted", "-o", "TAP", "--no-coverage")


@dataclass(frozen=True)
class Library:
    """A library and its tests.

    Attributes:
        name: what its author calls it.
        package: Debian's package of it.
        source: its source package, or None: it has a probe.
        folder: where the commands run, within the source.
        environment: variables of the commands.
        commands: the words after ``resty-py run`` of each; one that ends well and
            counts nothing is one test.
    """

    name: str
    package: str
    source: Source | None = None
    folder: str = "."
    environment: tuple[tuple[str, str], ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()

    def place(self) -> Path:
        """Return the folder where the commands run; raises UnavailableError."""
        if self.source is None:
            return PROBES
        return self.source.fetch() / self.folder


def _source(package: str, version: str, sha256: str, kind: str = "gz") -> Source:
    return Source(package, f"{package}_{version}.orig.tar.{kind}", sha256)


def _busted(name: str, package: str, version: str, sha256: str) -> Library:
    source = _source(package, version, sha256)
    return Library(name, package, source, commands=((*_BUSTED, "spec"),))


def _probe(name: str, package: str) -> Library:
    return Library(name, package, commands=((f"{name}_probe.lua",),))


_ALL = (
    _busted(
        "binaryheap",
        "lua-binaryheap",
        "0.4",
        "10b1b6c6f2d22560f512f9896a6672ec5ae0eea1390ff8e662be1d5d9625b438",
    ),
    _busted(
        "inspect",
        "lua-inspect",
        "3.1.1",
        "0292f4960ef0ccb2c7334911981b280f9016c57a29c90c5ff5d3823621f6e0db",
    ),
    _busted(
        "luassert",
        "lua-luassert",
        "1.9.0",
        "1db0fabf1bd87392860375b89a8a37d17b687325c988be0df8c42e7e96e7ed73",
    ),
    _busted(
        "mediator",
        "lua-mediator",
        "1.1.2-0",
        "faf5859fd2081be4e9e4fb8873a2dc65f7eff3fd93d6dd14da65f8e123fcff9b",
    ),
    _busted(
        "say",
        "lua-say",
        "1.4.1",
        "ce07547ca49ef42cc799e2a30b3c65ce77039978e32e7961799a252d61a56486",
    ),
    Library(
        "lpeg",
        "lua-lpeg",
        _source(
            "lua-lpeg",
            "1.0.2",
            "48d66576051b6c78388faad09b70493093264588fcd0f258ddaab1cdd4a15ffe",
        ),
        commands=(("test.lua",),),
    ),
    Library(
        "lua-cjson",
        "lua-cjson",
        _source(
            "lua-cjson",
            "2.1.0+dfsg",
            "94f1fce36742cf00e99c5071b309b9f71e6e7daf60a7151f7bf4ac0a97259ac4",
        ),
        folder="tests",
        # The library itself, not the one that resty-py has of its own.
        environment=(("RESTY_PY_CJSON", "compiled"),),
        commands=(("test.lua",),),
    ),
    Library(
        "luafilesystem",
        "lua-filesystem",
        _source(
            "lua-filesystem",
            "1.8.0",
            "a1b7cf748ef2cdb6d75ebaa82a9c91b383fabc541b96febb1f9de98f06b8c188",
        ),
        folder="tests",
        commands=(("test.lua",),),
    ),
    Library(
        "luasocket",
        "lua-socket",
        Source(
            "lua-socket",
            "luasocket_3.1.0.orig.tar.gz",
            "35a6819789b51d94a52e6cee12f07cb17cf02927438d76c31231db06bbf31f0b",
        ),
        folder="test",
        commands=(("urltest.lua",), ("ltn12test.lua",), ("mimetest.lua",)),
    ),
    Library(
        "lua-uri",
        "lua-uri",
        _source(
            "lua-uri",
            "0.1+20130926+git14fa255d",
            "4f8c73933761beb9e4d9c145adb9e549d929385e12cbf7d19895e24a7603308d",
        ),
        commands=((str(PROBES / "lunit_all.lua"), "test"),),
    ),
    _probe("basexx", "lua-basexx"),
    _probe("dkjson", "lua-dkjson"),
    _probe("lua-messagepack", "lua-messagepack"),
    _probe("lua-zlib", "lua-zlib"),
    _probe("lyaml", "lua-yaml"),
    _probe("penlight", "lua-penlight"),
)

#: All libraries by their names.
LIBRARIES = {
    library.name: library for library in sorted(_ALL, key=lambda one: one.name)
}
