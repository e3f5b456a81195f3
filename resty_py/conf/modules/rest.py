"""Other modules of nginx that are not supported yet."""

from __future__ import annotations

from ..table import Module
from .shorthand import (
    HTTP,
    LIMIT_EXCEPT,
    LOCAL,
    LOCATION,
    later,
)

__all__ = ["MODULES"]

MODULES = (
    Module("ngx_http_browser_module", (
        *later(LOCAL, "1-2", "modern_browser"),
        *later(LOCAL, "1+", "ancient_browser"),
        *later(LOCAL, "1", "modern_browser_value ancient_browser_value"),
    )),
    Module("ngx_http_dav_module", (
        *later(LOCAL, "1+", "dav_methods"),
        *later(LOCAL, "1", "create_full_put_path min_delete_depth"),
        *later(LOCAL, "1-3", "dav_access"),
    )),
    Module("ngx_http_degradation_module", (
        *later(HTTP, "1", "degradation"),
        *later(LOCAL, "1", "degrade"),
    )),
    Module("ngx_http_geoip_module", (
        *later(HTTP, "1-2", "geoip_country geoip_org geoip_city"),
        *later(HTTP, "1", "geoip_proxy geoip_proxy_recursive"),
    )),
    Module("ngx_http_perl_module", (
        *later(HTTP, "1", "perl_modules perl_require"),
        *later(LOCATION | LIMIT_EXCEPT, "1", "perl"),
        *later(HTTP, "2", "perl_set"),
    )),
    Module("ngx_http_userid_filter_module", (
        *later(
            LOCAL, "1",
            """userid userid_service userid_name userid_domain userid_path
            userid_expires userid_p3p userid_mark""",
        ),
        *later(LOCAL, "1-3", "userid_flags"),
    )),
)  # fmt: skip
