"""Conversations with ``apps/api``: rewriting, captures, locations."""

from conversation import get, head, pipeline, post, raw, request

OLD = [
    get(path)
    for path in (
        "/old/users",
        "/old/users?a=b",
        "/older/users",
        "/older/users?a=b",
        "/older/users/7?a=b",
        "/oldest/users?a=b",
        "/oldest/a%20b",
        "/moved/thing",
        "/moved/thing/?a=b",
        "/moved/a%20b",
        "/d/2024-03",
        "/d/24-3",
        "/v1/users?stop=now",
        "/v1/users?a=1&stop=later",
        "/v1/users?nostop=now",
        "/mode",
        "/mode?debug=1",
        "/mode?debug=0",
        "/mode?debug=",
        "/override",
    )
] + [
    get("/override", "X-Method-Override: PUT"),
    get("/override", "X-Method-Override: PUTS"),
    request("TRACE", "/mode"),
    get("/versioned"),
    get("/versioned", "Accept: application/vnd.api.v12+json"),
    get("/versioned", "Accept: application/vnd.api.vx+json"),
    post("/old/users", b"a=1"),
    head("/oldest/users"),
]

RESOURCES = [
    get(path)
    for path in (
        "/v1/users/7",
        "/v1/users/7/",
        "/v1/users/7/posts/3?x=1",
        "/v1/users/7?",
        "/v1/users/7?a",
        "/v1/users/x",
        "/v1/users",
        "/v1/users?",
        "/v1/users?a=b&c",
        "/v1/Users",
        "/v1/",
        "/v2/report.json",
        "/V2/Report.XML",
        "/v2/a/b.json?x=y",
        "/v2/report.txt",
        "/archive/2024/03/",
        "/archive/2024/03/?old=1",
        "/archive/2024/x",
        "/render/direct",
    )
] + [
    post("/v1/users/7", b"a=1"),
    request("DELETE", "/v1/users/7"),
    head("/v1/users/7"),
    get("/v1/users/7", version="1.0"),
]

REWRITES = [
    get(path)
    for path in (
        "/chain/one",
        "/chain/two",
        "/chain/three",
        "/chain/end",
        "/chain/other",
        "/loop",
        "/break/x",
        "/break",
        "/encoded/redirect/a%20b%3Fc%25",
        "/encoded/redirect/%C3%BC?x=1",
        "/encoded/args/a%20b%26c",
        "/encoded/args/x?y=z",
        "/encoded/args/a%3Bb%2Bc%22%3C%25",
        "/encoded/redirect/a%3Bb%2Bc%22%3C%26%7E",
        "/encoded/path/a%20b%3F%23",
        "/encoded/full/a%20b?x=y",
        "/encoded/scheme/a%20b?z",
        "/encoded/none/x?y=z",
        "/encoded/other",
        "/empty-rewrite",
        "/empty-rewrite/v1/users",
        "/captures/a/b/c",
        "/captures/a/b",
        "/order",
    )
]

IFS = (
    [
        get(f"/if/?{args}")
        for args in (
            "",
            "a=0",
            "a=1",
            "a=x",
            "a=00",
            "b=Bee",
            "b=bee",
            "b=x",
            "f=/hidden.txt",
            "f=/folder",
            "f=/nothing",
            "f=/run.sh",
        )
    ]
    + [
        get(f"/if-content/?{args}")
        for args in (
            "",
            "c=lua",
            "c=header",
            "c=break",
            "c=echo",
            "c=lua&d=also",
            "d=also",
        )
    ]
    + [get("/if-file/run.sh"), get("/if-file/run.sh?hide=1"), get("/if-file/x?hide=0")]
)

LUA = [
    get(f"/lua/{path}")
    for path in (
        "set-uri",
        "set-uri?q=1",
        "jump",
        "jump?q=1",
        "args",
        "args?a=9",
        "exec",
        "exec?q=1",
        "exec-table",
        "exec-query",
        "exec-named",
        "exec-named?q=1",
        "exec-nowhere",
        "exec-unsafe",
        "exec-late",
        "exec-access",
        "redirect?to=/there",
        "redirect?to=/there&code=301",
        "redirect?to=there&code=303",
        "redirect?to=//other.test&code=307",
        "redirect?to=/there&code=308",
        "redirect?to=/there&code=304",
        "redirect?to=/there&code=200",
        "redirect?to=",
        "redirect",
        "method",
        "headers",
        "nothing",
    )
] + [
    get("/lua/headers", "User-Agent: test", "X-One: 0", "X-many: x", "Accept: */*"),
    post("/lua/exec", b"a=1"),
    post("/lua/method", b"a=1"),
    head("/lua/exec"),
    get("/lua/exec-late", version="1.0"),
    get("/lua/exec", version="1.0"),
    pipeline(get("/lua/exec"), get("/lua/jump"), get("/lua/redirect?to=/x"), get("/")),
]

PICKS = [
    get(path)
    for path in (
        "/",
        "/nothing",
        "/pick/exact",
        "/pick/exact/",
        "/pick/exactly",
        "/pick",
        "/pick/",
        "/pick/longer/x",
        "/pick/longer",
        "/pick/longer/x.first",
        "/pick/hard/x.first",
        "/pick/a.first",
        "/pick/afirst",
        "/pick/a.FIRST",
        "/pick/a.case",
        "/pick/../pick/exact",
        "/PICK/exact",
        "/with%20space/x",
        "/braces/12",
        "/braces/1234",
        "/nest/x",
        "/nest/a/x",
        "/nest/a/x.deep",
        "/nest/a/x.x",
        "/nest/b.x",
        "/nest/b.deep",
        "/b.deep",
    )
] + [
    raw("no path", b"GET ?a=b HTTP/1.1\r\nHost: t\r\n\r\n"),
    raw("no path, absolute", b"GET http://t?a=b HTTP/1.1\r\nHost: t\r\n"
        b"Connection: close\r\n\r\n"),
    raw("options *", b"OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n"),
]  # fmt: skip

CASES = [*OLD, *RESOURCES, *REWRITES, *IFS, *LUA, *PICKS]
