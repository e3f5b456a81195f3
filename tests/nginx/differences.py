"""Where resty-py does not do as nginx, and why: by application and case."""

from __future__ import annotations

DIFFERENCES: dict[str, dict[str, str]] = {
    "hosting": {
        "HEAD / Host: blog.test X_Token: underscored": "header lines are read before "
        "their server is known, as the default one has it",
    },
    "press": {
        "GET /out/joined X-Twice: one X-Twice: two": "as since nginx 1.23, header "
        "lines of one name are one value of a variable",
    },
}
