"""Upstream blocks and the modules that work in them; none is supported yet."""

from __future__ import annotations

from ..table import Module
from .shorthand import (
    HTTP,
    UPSTREAM,
    later,
)

__all__ = ["MODULES"]

MODULES = (
    Module("ngx_http_upstream_module", (
        *later(HTTP, "1", "upstream", inside=UPSTREAM),
        *later(UPSTREAM, "1+", "server"),
    )),
    Module("ngx_http_upstream_keepalive_module", (
        *later(
            UPSTREAM, "1",
            """keepalive keepalive_time keepalive_timeout keepalive_requests""",
        ),
    )),
    Module("ngx_http_upstream_zone_module", (
        *later(UPSTREAM, "1-2", "zone"),
    )),
    Module("ngx_http_upstream_hash_module", (
        *later(UPSTREAM, "1-2", "hash"),
    )),
    Module("ngx_http_upstream_ip_hash_module", (
        *later(UPSTREAM, "0", "ip_hash"),
    )),
    Module("ngx_http_upstream_least_conn_module", (
        *later(UPSTREAM, "0", "least_conn"),
    )),
    Module("ngx_http_upstream_random_module", (
        *later(UPSTREAM, "0-2", "random"),
    )),
)  # fmt: skip
