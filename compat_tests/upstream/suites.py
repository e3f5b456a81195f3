"""The suites that are run."""

from __future__ import annotations

from typing import Any

from .source import Source
from .suite import Suite

__all__ = ["LIBRARIES", "LUA_NGINX_MODULE", "SUITES"]

LUA_NGINX_MODULE = Suite(
    name="lua-nginx-module",
    source=Source(
        package="libnginx-mod-http-lua",
        tarball="libnginx-mod-http-lua_0.10.23.orig.tar.gz",
        sha256="aabd9907e8b7077c1b4cf4c1d0426e9b10885c5b0bfa87c85c3a97c33c40b503",
    ),
    services=("memcached", "redis"),
    # Nobody is to ask nameservers of the outside.
    environment={"TEST_NGINX_RESOLVER": "127.0.0.1"},
    flavours=("luajit21", "lua51", "lua54"),
    selection=(
        "002-content.t",
        "016-resp-header.t",
        "043-shdict.t",
        "091-coroutine.t",
        "093-uthread-spawn.t",
        "106-timer.t",
    ),
)

#: The flavours that libraries are tried on.
_FLAVOURS = ("luajit21", "lua51", "lua54")


def _source(name: str, version: str, sha256: str) -> Source:
    """Return the source package of a lua-resty library."""
    package = f"lua-nginx-{name}"
    return Source(package, f"{package}_{version}.orig.tar.gz", sha256)


def _library(source: Source, **options: Any) -> Suite:
    name = source.package.replace("lua-nginx-", "lua-resty-")
    options.setdefault("selection", ("sanity.t", "md5.t"))
    return Suite(name=name, source=source, flavours=_FLAVOURS, **options)


_REDIS = _source(
    "redis",
    "0.27",
    "71de123e1262b62e5ffef02c9dec708d5b77dd55cf99175bae2ad6edaaa2fa80",
)

#: Libraries of OpenResty's that bring a suite.
LIBRARIES = (
    _library(
        _source(
            "cookie",
            "0.1.0",
            "d81b33129c6fb5203b571fa4d8394823bf473d8872c0357a1d0f14420b1483bd",
        ),
    ),
    _library(
        _source(
            "dns",
            "0.20",
            "e7d853b6c607045713934801b6483593fce0c0348a1cbb123df2e739d067cfd6",
        ),
        services=("dns",),
    ),
    _library(
        _source(
            "kafka",
            "0.07",
            "25122658754c035c5057594ab9585e726d6e7f33c63591271d687149f77c3e43",
        ),
    ),
    _library(
        _source(
            "memcached",
            "0.14",
            "935d42701db225d6a1b21740ee975f5a2dd8fe7c9c17dbad51558fd6c866c57d",
        ),
        services=("memcached",),
    ),
    _library(
        _REDIS,
        services=("redis",),
    ),
    _library(
        _source(
            "redis-connector",
            "0.06",
            "922416a906b247253c54f3bae48fde0393dfe0a0076060c1d23b7130f7ef25af",
        ),
        services=("redis",),
        libraries=(_REDIS,),
    ),
    _library(
        _source(
            "string",
            "0.11",
            "095615fe94e64615c4a27f4f4475b91c047cf8d10bc2dbde8d5ba6aa625fc5ab",
        ),
    ),
)

#: All suites by their names.
SUITES = {suite.name: suite for suite in (LUA_NGINX_MODULE, *LIBRARIES)}
