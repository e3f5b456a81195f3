"""What the real nginx loads to be OpenResty."""

from __future__ import annotations

from pathlib import Path

from real_nginx import require_nginx

FOLDER = Path("/usr/lib/nginx/modules")

#: In the order of Debian's packages.
NAMES = ("ndk_http", "ngx_http_echo", "ngx_http_headers_more_filter", "ngx_http_lua")


def load_modules() -> str:
    """Return ``TEST_NGINX_LOAD_MODULES``; skip without nginx, fail in CI."""
    require_nginx()
    return " ".join(str(FOLDER / f"{name}_module.so") for name in NAMES)
