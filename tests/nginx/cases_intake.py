"""Conversations with ``apps/intake``: what clients send."""

from conversation import WAIT, chunked, get, head, in_turn, pipeline, post, raw, request

FORM = "Content-Type: application/x-www-form-urlencoded"
LARGE = bytes(range(256)) * 100

BODIES = [
    request_
    for path in ("/body", "/single", "/file", "/buffered")
    for request_ in (
        post(path, b""),
        post(path, b"small"),
        post(path, LARGE[:4096], note="4096 bytes"),
        post(path, LARGE[:4097], note="4097 bytes"),
        post(path, LARGE, note="25600 bytes"),
        chunked(path, b"in ", b"chunks"),
        chunked(path, *[LARGE[:1000]] * 9, note="9 chunks of 1000"),
        chunked(path),
    )
] + [
    get("/body"),
    get("/body", "Content-Length: 0"),
    head("/body"),
    post("/body", b"put", method="PUT"),
    post("/body", b"delete", method="DELETE"),
    post("/body", b"get", method="GET"),
    post("/body", b"old", version="1.0"),
    chunked("/body", b"extended;x=y"[:8], headers=("Trailer: X",)),
    raw(
        "chunk extensions and trailers",
        b"POST /body HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"
        b'Connection: close\r\n\r\n3;a=b\r\nabc\r\n0002 ;c="d"\r\nde\r\n0\r\n'
        b"X-Trailer: yes\r\n\r\n",
    ),
    raw(
        "bad chunk",
        b"POST /body HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ),
    raw(
        "chunk too long",
        b"POST /body HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabcd\r\n0\r\n\r\n",
    ),
    raw(
        "length and chunks",
        b"POST /body HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ),
    raw(
        "body in pieces",
        b"POST /body HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n",
        b"Connection: close\r\n\r\none",
        b"two",
        b"six",
    ),
    post("/needed", b"the body"),
    get("/needed"),
    post("/needed", LARGE[:5000], note="5000 bytes"),
    post("/needed-access", b"no"),
    post("/needed-access", b"yes"),
    post("/discard", b"away"),
    in_turn(post("/discard", b"away"), post("/body", b"next")),
    pipeline(post("/ignored", b"POST /x"), post("/body", b"next")),
    pipeline(post("/ignored-static", b"POST /x"), post("/body", b"next")),
    pipeline(chunked("/ignored", b"POST"), chunked("/body", b"next"), get("/ignored")),
    in_turn(*(post("/body", b"%d" % n) for n in range(3))),
    post("/set-body", b"body"),
    post("/set-body", b""),
    post("/made-body", b"given"),
    post("/body-file", b"given"),
    post("/body-errors", b"given"),
    request("PUT", "/limited-method"),
    post("/limited-method", b"posted"),
    post("/raw", b"a=1", "X-Odd:  spaced", "x-Lower: 1"),
    get("/raw", version="1.0"),
]

LIMITS = [
    post("/small", b"0123456789"),
    post("/small", b"0123456789x"),
    chunked("/small", b"0123456789"),
    chunked("/small", b"01234", b"56789x"),
    post("/small-lua", b"0123456789x"),
    post("/small-own-page", b"0123456789x"),
    post("/small", b"0123456789x", version="1.0"),
    in_turn(post("/small", b"0123456789x"), post("/small", b"fits")),
    post("/body", b"x" * 65536, note="64k"),
    post("/body", b"x" * 65537, note="64k + 1"),
    post("/unlimited", b"x" * 300000, note="300000 bytes"),
    chunked("/unlimited", *[b"x" * 10000] * 30, note="30 chunks of 10000"),
    raw(
        "expects, and may",
        b"POST /continue HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
        b"Expect: 100-continue\r\nConnection: close\r\n\r\n",
        WAIT,
        b"body",
    ),
    raw(
        "expects, and may not",
        b"POST /small HTTP/1.1\r\nHost: t\r\nContent-Length: 40\r\n"
        b"Expect: 100-continue\r\nConnection: close\r\n\r\n",
    ),
    raw(
        "expects, unread",
        b"POST /ignored HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
        b"Expect: 100-continue\r\nConnection: close\r\n\r\n",
    ),
    raw(
        "expects something else",
        b"POST /continue HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
        b"Expect: miracles\r\nConnection: close\r\n\r\nbody",
    ),
]

FIELDS = [
    post("/form", data, FORM)
    for data in (
        b"a=1&b=two+words&c=%41%20%zz",
        b"a=1&a=2&a&a=",
        b"a&b=&=c&&d",
        b"",
        b"=",
        b"a=1;b=2",
        b"a[]=1&a[]=2&b[x]=3",
        b"&".join(b"k%d=%d" % (n, n) for n in range(120)),
    )
] + [
    post("/form?max=2", b"a=1&b=2&c=3", FORM),
    post("/form?max=0", b"&".join(b"k%d=%d" % (n, n) for n in range(120)), FORM),
    post("/form", b"a=" + b"x" * 5000, FORM, note="in a file"),
    get("/form"),
    chunked("/form", b"a=1", b"&b=2"),
    *(
        get(f"/query{args}")
        for args in (
            *("", "?", "?a=1&b=two+words&c=%41%20%zz", "?a=1&a=2&a&a=", "?a&b=&=c&&d"),
            *("?max=2&a=1&b=2", "?max=0&a", "?a%20b=c%20d", "?a=b=c", "?%00=x"),
        )
    ),
    get("/headers"),
    get("/headers?max=3", *[f"X-{n}: {n}" for n in range(4)]),
    get("/headers?max=0", *[f"X-{n}: {n}" for n in range(110)], note="110 headers"),
    get("/headers", *[f"X-{n}: {n}" for n in range(110)], note="110 headers"),
    get("/headers?raw=1", "X-MiXed: 1", "x-mixed: 2", "Accept: a", "accept: b"),
    get("/headers", "X-Empty:", "X-Many: a", "X-Many: b", "X-Spaced:   a b   "),
    post("/socket", b"0123456789"),
    get("/socket"),
    chunked("/socket", b"0123"),
    pipeline(post("/socket", b"01234567"), get("/ignored")),
]


def part(name, data, *headers):
    disposition = b'Content-Disposition: form-data; name="%b"' % name
    return b"\r\n".join([b"--XX", disposition, *headers, b"", data, b""])


MULTIPART = "Content-Type: multipart/form-data; boundary=XX"

UPLOADS = [
    post("/upload", part(b"a", b"1") + b"--XX--\r\n", MULTIPART),
    post(
        "/upload",
        part(b"a", b"1")
        + part(b"file", LARGE, b"Content-Type: image/png")
        + part(b"none", b"")
        + b"--XX--\r\n",
        MULTIPART,
        note="three parts",
    ),
    post("/upload", part(b"a", b"--X\r\n--XY\r\n-"), MULTIPART),
    post("/upload", b"nonsense", MULTIPART),
    post("/upload", b"nonsense", FORM),
    get("/upload", MULTIPART),
]


def small(target, *headers, **more):
    return get(target, *headers, host="t", port=8081, **more)


SMALL = [
    small("/"),
    small("/" + "x" * 300, note="long line"),
    small("/" + "x" * 600, note="too long a line"),
    small("/", "X-Y: " + "y" * 300),
    small("/", "X-Y: " + "y" * 600),
    small("/", *[f"X-{n}: " + "y" * 100 for n in range(4)]),
    small("/", *[f"X-{n}: " + "y" * 100 for n in range(12)]),
    small("/", "X_Y: underscored"),
    small("/", "X Y: spaced"),
    small("/", "X$Y: odd", "X-Y: fine"),
    small("/no-keepalive"),
    raw("no keepalive", small("/no-keepalive").data(), port=8081),
    raw("two requests", small("/1").data() + small("/2").data(), requests=2, port=8081),
    raw(
        "three requests",
        small("/1").data() + small("/2").data() + small("/3").data(),
        requests=2,
        port=8081,
    ),
    in_turn(small("/" + "x" * 200), small("/" + "y" * 200), note="two long lines"),
]

FRESH = [
    get(path, port=8082)
    for path in (
        "/count",
        "/count",
        "/changing",
        "/rewrite-code?v=1",
        "/changing",
        "/rewrite-code?v=2",
        "/changing",
        "/ctx",
        "/booted",
        "/booted",
        "/other-world",
        "/phases",
        "/timer",
        "/nothing",
    )
] + [pipeline(*(get("/count", port=8082) for _ in range(3)))]

CASES = [*BODIES, *LIMITS, *FIELDS, *UPLOADS, *SMALL, *FRESH]
