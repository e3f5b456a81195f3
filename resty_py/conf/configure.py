"""What ``configure`` would have been told, had nginx been built like this.

``resty-py nginx -V`` says it, and ``ngx.config.nginx_configure()``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .modules import MODULES
from .table import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .table import Command, Module

__all__ = ["CONF_PATH", "PREFIX", "arguments"]

#: Where things are if the command line does not say: Debian's places.
PREFIX = "/usr/share/nginx/"
CONF_PATH = "/etc/nginx/nginx.conf"

#: Modules that are no part of nginx, and the names of their projects.
ADDED = {
    "ngx_http_lua_module": ("ngx_devel_kit", "lua-nginx-module"),
    "ngx_http_echo_module": ("echo-nginx-module",),
    "ngx_http_headers_more_filter_module": ("headers-more-nginx-module",),
    "ngx_http_set_misc_module": ("set-misc-nginx-module",),
}

#: Modules of nginx that it has only if it is told to.
OPTIONAL = frozenset(
    f"http_{name}_module"
    for name in (
        "addition", "auth_request", "dav", "degradation", "flv", "geoip",
        "gunzip", "gzip_static", "image_filter", "mp4", "perl", "random_index",
        "realip", "secure_link", "slice", "ssl", "stub_status", "sub", "v2", "xslt",
    )
)  # fmt: skip

#: Modules that it has unless it is told otherwise.
DEFAULT = frozenset(
    f"http_{name}_module"
    for name in (
        "access", "auth_basic", "autoindex", "browser", "charset", "empty_gif",
        "fastcgi", "geo", "grpc", "gzip", "limit_conn", "limit_req", "map",
        "memcached", "mirror", "proxy", "referer", "rewrite", "scgi",
        "split_clients", "ssi", "upstream_hash", "upstream_ip_hash",
        "upstream_keepalive", "upstream_least_conn", "upstream_random",
        "upstream_zone", "userid", "uwsgi",
    )
)  # fmt: skip


def short_name(module: Module) -> str:
    """Return a module's name as ``configure`` has it: ``http_gzip_module``."""
    name = module.name.removeprefix("ngx_")
    short = name.replace("_filter_module", "_module")
    return name if name in OPTIONAL else short


def _is_absent(row: Command) -> bool:
    """Tell whether a directive is all that is there of what its module does."""
    return row.status is Status.LATER or row.name.endswith("_temp_path")


def arguments() -> Iterator[str]:
    """Yield what ``configure`` would be given for the modules of our tables."""
    yield f"--prefix={PREFIX.rstrip('/')}"
    yield f"--conf-path={CONF_PATH}"
    yield "--error-log-path=logs/error.log"
    yield "--pid-path=logs/nginx.pid"
    yield "--with-threads"
    for module in MODULES:
        has_it = not all(_is_absent(row) for row in module.commands)
        name = short_name(module)
        if has_it and name in OPTIONAL:
            yield f"--with-{name}"
        elif not has_it and name in DEFAULT:
            yield f"--without-{name}"
        for project in ADDED.get(module.name, ()):
            yield f"--add-module={project}"
