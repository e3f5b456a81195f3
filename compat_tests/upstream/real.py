"""What the suites want of a server: what the real nginx loads, and OpenSSL."""

from __future__ import annotations

from pathlib import Path

__all__ = ["COMMAND", "modules", "openssl"]

COMMAND = "nginx"

_MODULES = Path("/usr/lib/nginx/modules")

#: In the order of Debian's packages.
_NAMES = ("ndk_http", "ngx_http_echo", "ngx_http_headers_more_filter", "ngx_http_lua")

#: The certificates of the suites have short keys.
_OPENSSL = """\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = level
[level]
CipherString = DEFAULT:@SECLEVEL=0
"""


def openssl(folder: Path) -> dict[str, str]:
    """Return the variables by which OpenSSL takes the suites' certificates.

    Args:
        folder: for the file that they name.
    """
    conf = folder / "openssl.cnf"
    conf.write_text(_OPENSSL)
    return {"OPENSSL_CONF": str(conf)}


def modules() -> dict[str, str]:
    """Return the variables by which the real nginx loads what it needs."""
    paths = " ".join(str(_MODULES / f"{name}_module.so") for name in _NAMES)
    return {"TEST_NGINX_LOAD_MODULES": paths}
