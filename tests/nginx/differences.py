"""Where resty-py does not do as nginx, and why: by application and case."""

from __future__ import annotations

_FRESH = "lua_code_cache off: code is read anew, but in the same VM"

DIFFERENCES: dict[str, dict[str, str]] = {
    "hosting": {
        "HEAD / Host: blog.test X_Token: underscored": "header lines are read before "
        "their server is known, as the default one has it",
    },
    "intake": {
        "GET /count :8082 #2": _FRESH,
        "GET /ctx :8082": _FRESH,
        "pipeline: GET /count :8082, GET /count :8082, GET /count :8082": _FRESH,
    },
    "press": {
        "GET /out/joined X-Twice: one X-Twice: two": "as since nginx 1.23, header "
        "lines of one name are one value of a variable",
    },
}
