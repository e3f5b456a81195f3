"""Conversations with ``apps/gate``: who may see what."""

import base64
import hashlib

from conversation import get, head, in_turn, pipeline, post, request


def token(name):
    return f"token={name}.{hashlib.md5(f'salt{name}'.encode()).hexdigest()[:8]}"


def as_(name, target, *headers, **more):
    return get(target, f"Cookie: {token(name)}", *headers, **more)


def basic(text):
    return f"Authorization: Basic {base64.b64encode(text.encode()).decode()}"


FORM = "Content-Type: application/x-www-form-urlencoded"

COOKIES = [
    get("/"),
    get("/members/news.txt?a=b&c=d"),
    get("/", "Cookie: token=nonsense"),
    get("/", "Cookie: token=ann.00000000"),
    get("/", f"Cookie: {token('carl')}"),
    get("/", "Cookie: other=1; " + token("ann") + "; more=2"),
    get("/", "Cookie: other=1", f"Cookie: {token('ann')}"),
    get("/", f"Cookie: TOKEN{token('ann')[5:]}"),
    get("/", f"Cookie: {token('ann')}x"),
    get("/", f"Cookie: xtoken=1;{token('bob')}"),
    as_("ann", "/"),
    as_("bob", "/index.html"),
    as_("bob", "/members/news.txt"),
    as_("bob", "/members/nothing.txt"),
    as_("bob", "/members/news.txt", "X-User: ann"),
    as_("bob", "/members"),
    as_("ann", "/whoami"),
    as_("bob", "/whoami"),
    get("/whoami"),
    get("/admin/x"),
    as_("ann", "/admin/x"),
    as_("bob", "/admin/x"),
    as_("ann", "/admin/x", version="1.0"),
    head("/admin/x"),
    head("/admin/x", f"Cookie: {token('ann')}"),
    head("/"),
    post("/members/news.txt", b"a=1"),
    pipeline(get("/"), as_("ann", "/whoami"), get("/admin/"), as_("ann", "/admin/")),
]

LOGIN = [
    get("/login"),
    get("/login?to=%2Fmembers%2F"),
    post("/login?to=/members/", b"name=ann&password=secret", FORM),
    post("/login", b"name=bob&password=a%3Ab+c", FORM),
    post("/login", b"name=bob&password=wrong", FORM),
    post("/login", b"password=secret", FORM),
    post("/login", b"name=ann&name=bob&password=secret", FORM),
    post("/login", b"", FORM),
    post("/login?to=a&to=b", b"name=ann&password=secret"),
    post("/login?to", b"name=ann&password=secret"),
    get("/logout"),
    in_turn(
        post("/login", b"name=ann&password=secret", FORM),
        as_("ann", "/whoami"),
        get("/logout"),
        get("/whoami"),
        note="a visit",
    ),
]

KEYS = [
    get("/api/status"),
    get("/api/status", "X-Api-Key: k-1"),
    get("/api/status", "X-Api-Key: nonsense"),
    get("/api/nothing", "X-Api-Key: k-1"),
    get("/api/write", "X-Api-Key: k-2"),
    head("/api/write", "X-Api-Key: k-2"),
    post("/api/write", b"a=1", "X-Api-Key: k-2"),
    request("DELETE", "/api/write", "X-Api-Key: k-2"),
    post("/api/write", b"a=1"),
    get("/basic"),
    get("/basic", basic("ann:secret")),
    get("/basic", basic("bob:a:b c")),
    get("/basic", basic("ann:wrong")),
    get("/basic", basic("nobody")),
    get("/basic", basic(":")),
    get("/basic", "Authorization: Basic"),
    get("/basic", "Authorization: Basic ====="),
    get("/basic", "Authorization: basic  " + basic("ann:secret")[21:]),
    get("/basic", "Authorization: Bearer abc"),
]

ENDS = [
    as_("ann", "/internal-only"),
    get("/by-exec"),
    get("/by-exec?user=me"),
    get("/by-named"),
    *(get(f"/status?code={code}&reason=r") for code in (200, 401, 403, 418, 503)),
    *(get(f"/exit?code={code}") for code in (0, 200, 204, 302, 401, 403, 404, 429)),
    *(get(f"/exit?code={code}") for code in (444, 500, 503, -1, -5)),
    get("/exit?code=200", version="1.0"),
    get("/fails"),
    get("/sleeps"),
    get("/captures"),
    get("/captures?pass=secret"),
    get("/captures?pass=other"),
    get("/check"),
    pipeline(get("/sleeps"), get("/captures?pass=secret"), get("/exit?code=401")),
]

RULES = [
    get(path, port=8081)
    for path in (
        *("/open", "/all", "/local", "/network", "/others", "/order", "/six", "/but"),
        *(f"/any/{name}" for name in ("both", "address", "lua", "neither", "401")),
        *(f"/any/{name}" for name in ("ok", "declined", "500", "slow", "none")),
        *(f"/every/{name}" for name in ("both", "address", "lua")),
        *("/inherited", "/content-403", "/early", "/rewritten", "/nothing", "/"),
    )
] + [
    request(method, path, port=8081)
    for path in ("/method", "/method-local")
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE")
]

CASES = [*COOKIES, *LOGIN, *KEYS, *ENDS, *RULES]
