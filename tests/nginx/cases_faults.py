"""Conversations with ``apps/faults``: errors and their pages."""

from conversation import get, head, in_turn, pipeline, post, raw, request

OWN_PAGES = [
    get(path)
    for path in (
        "/",
        "/nothing",
        "/forbidden",
        "/unavailable",
        "/said",
        "/errors/404.html",
        "/errors/nothing.html",
        *(f"/lua-exit?code={code}" for code in (200, 204, 304, 403, 404, 429, 500)),
        *(f"/lua-exit?code={code}" for code in (501, 502, 503, 504, 505, 507, 444)),
        "/lua-status?code=404",
        "/lua-status?code=500",
        "/lua-status-empty",
        "/lua-error",
        "/lua-error-table",
        "/lua-error-object",
        "/lua-error-nil",
        "/lua-error-deep",
        "/lua-error-caught",
        "/lua-error-late",
        "/lua-error-rewrite",
        "/lua-error-access",
        "/lua-error-set",
        "/lua-error-log",
        "/lua-thread",
        "/lua-syntax",
        "/lua-missing",
        "/lua-missing-access",
        "/lua-require",
        "/lua-404",
        "/lua-cookie",
    )
] + [
    head("/nothing"),
    head("/lua-error"),
    post("/nothing", b"a=1"),
    post("/lua-error", b"a=1"),
    post("/index.html", b"a=1"),
    get("/nothing", version="1.0"),
    get("/lua-error", version="1.0"),
    get("/lua-error-late", version="1.0"),
    get("/nothing", "If-None-Match: *"),
    get("/nothing", "Range: bytes=0-3"),
    request("FOO", "/"),
    pipeline(get("/nothing"), get("/lua-error"), get("/lua-404"), get("/")),
    in_turn(post("/lua-error", b"x" * 3000), get("/"), note="body of a failed one"),
]

FORMS = (
    [
        get(path, port=8081)
        for path in (
            "/",
            "/index.html",
            "/nothing?a=b",
            "/errors/",
            "/gone",
            "/gone-plain",
            "/denied",
            "/login",
            "/login-lua",
            "/teapot",
            "/teapot-status",
            "/with-args?x=y",
            "/to-lua?x=y",
            "/to-lua-any?x=y",
            "/handler",
            "/variable",
            "/missing-page",
            "/loop",
            "/once/x",
            "/recursive/x",
            "/recursive/again/x",
            "/recursive/flat/x",
            "/replaced/x",
            "/posted",
            "/static-post.txt",
            "/two-pages",
            "/ok-page",
            "/exec",
            "/internal-only",
            "/to-internal",
            "/exec-to/500",
            "/by-status/500",
        )
    ]
    + [
        post(path, b"a=1", port=8081)
        for path in (
            "/nothing",
            "/denied",
            "/with-args",
            "/to-lua",
            "/posted",
            "/static-post.txt",
            "/too-large",
            "/login-lua",
        )
    ]
    + [
        post("/too-large", b"a" * 11, port=8081),
        in_turn(
            post("/too-large", b"a" * 11, port=8081),
            get("/", port=8081),
            note="too large, kept",
        ),
        head("/nothing", port=8081),
        head("/denied", port=8081),
        head("/to-lua", port=8081),
        head("/ok-page", port=8081),
        get("/nothing", version="1.0", port=8081),
        request("DELETE", "/posted", port=8081),
        pipeline(
            get("/nothing", port=8081),
            get("/denied", port=8081),
            get("/with-args", port=8081),
            get("/gone", port=8081),
        ),
    ]
)

BARE = (
    [
        get(f"/{code}", port=8082)
        for code in (
            *(
                300,
                301,
                302,
                303,
                307,
                308,
                400,
                401,
                402,
                403,
                405,
                406,
                408,
                409,
                410,
            ),
            *(
                411,
                412,
                413,
                414,
                415,
                416,
                417,
                421,
                422,
                426,
                429,
                431,
                451,
                494,
                495,
            ),
            *(496, 497, 499, 500, 501, 502, 503, 504, 505, 507, 599),
        )
    ]
    + [
        get(f"/return-{what}", port=8082)
        for what in ("400", "444", "499", "text", "empty", "empty-text", "204", "304")
    ]
    + [
        get("/return-299", port=8082),
        get("/return-999", port=8082),
        get("/return-type", port=8082),
        head("/return-text", port=8082),
        head("/return-400", port=8082),
        get("/return-empty", version="1.0", port=8082),
        post("/return-204", b"a=1", port=8082),
        raw("bad request line", b"GET\r\n\r\n", port=8082),
        raw("bad version", b"GET / HTTP/3.0\r\nHost: t\r\n\r\n", port=8082),
        raw("bad method", b"get / HTTP/1.1\r\nHost: t\r\n\r\n", port=8082),
        raw("bad header", b"GET / HTTP/1.1\r\nHost: t\r\nno colon\r\n\r\n", port=8082),
        raw(
            "bad length",
            b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: x\r\n\r\n",
            port=8082,
        ),
        raw(
            "unknown coding",
            b"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n",
            port=8082,
        ),
    ]
)

CASES = [*OWN_PAGES, *FORMS, *BARE]
