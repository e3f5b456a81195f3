"""Conversations with ``apps/portal``: subrequests."""

from urllib.parse import quote

from conversation import chunked, get, head, in_turn, pipeline, post


def fetch(uri, method="GET"):
    return get(f"/fetch?uri={quote(uri, safe='')}&method={method}")


FETCHED = [
    fetch(uri)
    for uri in (
        "/show",
        "/show?a=b",
        "/parts/head.html",
        "/parts/nothing.html",
        "/parts/",
        "/parts",
        *(f"/status/{code}" for code in (200, 201, 204, 301, 304, 404, 500, 503)),
        *(f"/exit/{code}" for code in (200, 204, 403, 404, 444, 500, 502)),
        "/return/5",
        "/fails",
        "/fails-late",
        "/moved",
        "/to-other",
        "/execs",
        "/named-error",
        "/headers",
        "/echoed",
        "/filtered",
        "/sleepy?t=3",
        "/guarded",
        "/denied",
        "/rewritten",
        "/big",
        "/empty",
        "/nothing",
        "/nested?depth=3",
        "/fetch?uri=/return/6",
    )
] + [
    fetch("/headers", "HEAD"),
    fetch("/parts/head.html", "HEAD"),
    fetch("/parts/head.html", "POST"),
    fetch("/return/5", "HEAD"),
    fetch("/big", "HEAD"),
    fetch("/show", "DELETE"),
    fetch("/echoed", "POST"),
]

PAGES = [
    get("/"),
    head("/"),
    get("/", version="1.0"),
    get("/", "If-Modified-Since: Fri, 01 Mar 2024 12:00:00 GMT", "Range: bytes=0-4"),
    get("/parts/head.html"),
    get("/options"),
    get("/options", "X-Test: inherited", "Content-Type: text/x"),
    post("/options", b"the body"),
    get("/multi?uris=/return/1,/return/2,/return/3"),
    get("/multi?uris=/show,/nothing,/parts/head.html,/sleepy%3Ft%3D2,/fails"),
    get("/multi?uris=/return/1"),
    get("/multi-slow"),
    get("/nested?depth=1"),
    get("/nested?depth=5"),
    get("/too-deep"),
    get("/ctx"),
    get("/ctx-part"),
    get("/ctx-exec"),
    get("/ctx-redirect"),
    get("/ctx-named"),
    get("/ctx-error"),
    get("/vars"),
    get("/vars?a=b"),
    get("/vars-part"),
    get("/in-access"),
    get("/in-rewrite"),
    get("/after-output"),
    get("/after-output", version="1.0"),
    get("/in-thread"),
    get("/guarded"),
    get("/denied"),
    get("/bad"),
    get("/show?a=b", "X-Test: direct"),
    post("/show", b"direct body"),
    post("/proxy-body", b"body of main"),
    post("/proxy-body?forward=yes", b"body of main"),
    post("/proxy-body?forward=yes", b"y" * 20000, note="20000 bytes"),
    chunked("/proxy-body?forward=yes", b"chunked ", b"body"),
    post("/unread-body", b"not read yet"),
    get("/unread-body"),
    pipeline(get("/"), get("/in-thread"), get("/nested?depth=2"), get("/ctx")),
    in_turn(
        post("/proxy-body?forward=yes", b"one"),
        post("/unread-body", b"two"),
        get("/multi-slow"),
        note="bodies",
    ),
]

CASES = [*FETCHED, *PAGES]
