"""Conversations with ``apps/press``: what goes out, and with which headers."""

from conversation import chunked, get, head, in_turn, pipeline, post, request


def echo(name, **more):
    return get(f"/echo-{name}", **more)


ECHO = [
    get("/echo"),
    head("/echo"),
    get("/echo", version="1.0"),
    post("/echo", b"a=1"),
    request("DELETE", "/echo"),
    *map(echo, ("many", "n", "nothing", "dashes", "quotes", "empty", "duplicate")),
    echo("vars?a=1&b=2"),
    get("/echo-vars?a=%20", "X: here"),
    *map(echo, ("duplicate-var?n=3", "duplicate-var?n=x", "duplicate-var")),
    *map(echo, ("status", "created", "around", "sleep", "flush", "reset", "incr")),
    echo("around", version="1.0"),
    get("/around.txt"),
    head("/around.txt"),
    get("/around.txt", "Range: bytes=0-4"),
    get("/around.txt", version="1.0"),
    get("/around-empty"),
    get("/around-error"),
    get("/around-lua"),
    *map(echo, ("it?list=a,b,c", "it?list=,a,,b", "it?list=", "it", "it-words")),
    get("/echo-headers", "X-One: 1", "x-TWO:2", "X-Empty:"),
    echo("names?a=b"),
    head("/echo-names"),
    post("/echo-body", b"the body"),
    post("/echo-body", b""),
    get("/echo-body"),
    chunked("/echo-body", b"in ", b"chunks"),
    post("/echo-body", b"z" * 20000, note="20000 bytes"),
    post("/echo-body-unread", b"unread"),
    post("/echo-body-var", b"twice"),
    *map(echo, ("exec", "exec?q=1", "exec-args?q=1", "exec-both", "exec-named?q=1")),
    post("/echo-exec", b"a=1"),
    *map(echo, ("location", "async", "subrequest?x=7", "subrequest-async")),
    *map(echo, ("subrequest-file", "if", "if?x=1")),
    post("/echo-subrequest", b"of main"),
    head("/echo-location"),
    echo("location", version="1.0"),
    pipeline(echo("sleep"), echo("location"), echo("async"), echo("n")),
    in_turn(post("/echo-body", b"one"), post("/echo-body", b"two"), get("/echo")),
]

ADD = [
    get(f"/add/{name}")
    for name in (
        *("ok", "created", "moved", "none", "not-found", "error", "replaced", "etag"),
        *("lines.txt", "no-modified", "lua", "nothing"),
    )
] + [
    get("/add/lines.txt", "If-Modified-Since: Fri, 01 Mar 2024 12:00:00 GMT"),
    get("/add/lines.txt", "Range: bytes=0-4"),
    head("/add/lines.txt"),
    head("/add/error"),
]

MORE = (
    [
        get(f"/more/{name}")
        for name in (
            *("plain", "own", "clear", "wild", "standard", "no-server", "no-type"),
            *(
                "length",
                "location",
                "exit",
                "empty",
                "twice",
                "file.txt",
                "if",
                "if?x=1",
            ),
            *(f"status?s={code}" for code in (200, 404, 500, 503)),
            *(f"type?t={kind}" for kind in ("text/html", "text/css;x=1", "text/plain")),
            *("type?t=application/json", "both?s=404&t=text/plain"),
            *("both?s=404&t=text/html", "both?s=200&t=text/plain", "nothing"),
        )
    ]
    + [
        get(f"/input/{name}", "X-Old: old", "X-Other: other", "User-Agent: tests")
        for name in ("plain", "clear", "wild", "replace", "standard", "lua")
    ]
    + [
        get("/input/plain"),
        get("/input/replace"),
        get("/input/clear", "X-Old: 1", "X-Old: 2"),
        post("/input/type", b"x", "Content-Type: text/plain"),
        post("/input/type", b"x", "Content-Type: text/html"),
        head("/more/plain"),
        head("/more/length"),
    ]
)

OUT = [
    get(f"/out/{name}", version=version)
    for version in ("1.1", "1.0")
    for name in (
        *("big", "pieces", "length", "none", "eof", "unchunked", "unbuffered"),
        *("types", "headers"),
    )
] + [
    get("/out/no-default-type"),
    get("/out/underscores"),
    get("/out/charset"),
    get("/out/limited"),
    get("/out/limit-rate"),
    get("/out/joined", "X-Twice: one", "X-Twice: two"),
    head("/out/big"),
    head("/out/length"),
    head("/out/unchunked"),
    pipeline(get("/out/big"), get("/out/eof"), head("/out/length"), get("/out/types")),
    in_turn(get("/out/none"), get("/out/length"), get("/out/unchunked")),
]

CASES = [*ECHO, *ADD, *MORE, *OUT]
