"""Conversations with ``apps/report``: variables, maps and logs."""

from conversation import chunked, get, head, in_turn, pipeline, post, raw, request

ODD = 'X-Odd: a"b\\c\x01\x7f\xfc end'

VARIABLES = [
    get("/vars/request"),
    get("/vars/request?a=b&c=%20d"),
    get("/vars/request?", host="REPORT.test:99"),
    get("/vars/./request//../request?x"),
    get("/vars/%72equest"),
    post("/vars/request", b"a=1", "Content-Type: text/x; charset=y"),
    get("/vars/request", "Authorization: Basic YW5uOng="),
    get("/vars/request", version="1.0"),
    head("/vars/request"),
    request("OPTIONS", "/vars/request"),
    raw(
        "absolute target",
        b"GET http://report.test/vars/request?x HTTP/1.1\r\nHost: other\r\n"
        b"Connection: close\r\n\r\n",
    ),
    get("/vars/server"),
    get("/vars/server", host="alias.report.test"),
    pipeline(get("/vars/server"), get("/vars/server"), get("/vars/server")),
    get("/vars/files"),
    get("/vars/alias/a.txt"),
    get("/vars/alias/b/c.txt"),
    get("/vars/headers"),
    get(
        "/vars/headers",
        *("User-Agent: tests/1", "Referer: /from", "X-Odd: 1", "Cookie: a=1; b=2"),
        *("Via: 1.1 a", "X-Forwarded-For: 1.2.3.4", "Cookie: A=3"),
    ),
    get(
        "/vars/headers",
        *("X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8"),
        *("Cookie: a", "Cookie:b=;a=2"),
    ),
    get("/vars/args?a=1&b=2&a=3&empty="),
    get("/vars/args?A=1&a_b=2&a-b=3&empty"),
    get("/vars/args?xa=1&b=%3D%26&a"),
    get("/vars/looks"),
    get("/vars/sent?one=1"),
    get("/vars/sent", version="1.0"),
    in_turn(get("/vars/sent"), get("/vars/sent")),
    post("/vars/body", b"the body"),
    post("/vars/body", b""),
    get("/vars/body"),
    post("/vars/body", b"b" * 20000, note="20000 bytes"),
    chunked("/vars/body", b"in ", b"chunks"),
    get("/vars/lua"),
    get("/vars/lua?a=1"),
]

AGENTS = ("curl/8.1", "CURL", "Mozilla/5.0 (X)", "mozilla", "", "other")

MAPS = [
    *(get("/maps/x", f"User-Agent: {agent}") for agent in AGENTS),
    *(
        get(f"/maps/x?{args}")
        for args in (
            *("", "a=1", "b=1", "a=1&b=1", "a=x&b=y", "a=x&b=", "a=2", "to=home"),
            *("to=chain", "to=else", "to="),
        )
    ),
    *(
        get("/maps/x?to=chain&area=51", host=host)
        for host in ("report.test", "a.b.report.test", "a.north.test", "north.test",
                     "south.any", "plain.test", "PLAIN.TEST")
    ),
    get("/maps/direct"),
    get("/maps/a.txt"),
    get("/maps/a.TXT"),
    get("/volatile"),
    get("/unused-captures", "User-Agent: tool/12"),
    get("/unused-captures", "User-Agent: tool"),
]  # fmt: skip

LOGS = [
    get("/", ODD),
    get("/nothing", ODD, "Referer: http://a/\"'", 'User-Agent: "quoted" \\'),
    get("/nothing?a=\x01\"\\", ODD),
    get("/vars/request", ODD, "Cookie: a=x\"y"),
    get("/vars/request", "X-Odd: \xe4\xf6\xfc <tag> / \x1b[1m", "User-Agent: curl"),
    get("/vars/request", "X-Odd: 0"),
    get("/vars/request", "X-Odd:"),
    *(get(f"/log/{name}") for name in ("off", "own", "two", "by/ann", "by/bob")),
    *(get(f"/log/{name}", ODD) for name in ("own", "two", "by/ann", "times")),
    get("/log/if"),
    get("/log/if?quiet=1"),
    get("/log/part"),
    get("/log/subrequests"),
    get("/log/redirected"),
    get("/log/lua"),
    get("/log/broken"),
    get("/log/by/no-one"),
    head("/log/own"),
    post("/log/own", b"a=1"),
    post("/log/own", b"x" * 9000, note="9000 bytes"),
    pipeline(get("/log/own"), get("/log/two"), get("/log/own")),
    raw("garbage", b"\x16\x03\x01 nonsense\r\n\r\n"),
    raw("no version", b"GET /log/own\r\n\r\n"),
    raw("bad host", b"GET /log/own HTTP/1.1\r\nHost: a/b\r\n\r\n"),
]  # fmt: skip

REGEXES = [get("/re"), get("/re?text=aaa%20bbb"), get("/re?text=")]

CASES = [*VARIABLES, *MAPS, *LOGS, *REGEXES]
