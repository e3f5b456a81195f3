"""Conversations with ``apps/hosting``: which server answers, and redirects."""

from conversation import get, head, in_turn, pipeline, post, raw


def named(host, target="/", *headers, **more):
    return get(target, *headers, host=host, **more)


NAMES = [
    named(host)
    for host in (
        "unknown.test",
        "localhost",
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]",
        "[::1]:80",
        "exact.apps.test",
        "EXACT.apps.TEST",
        "exact.apps.test.",
        "exact.apps.test:1234",
        "a.apps.test",
        "a.b.apps.test",
        "a.eu.apps.test",
        "eu.apps.test",
        "apps.test",
        "apps.elsewhere.test",
        "apps.a.b.c",
        "mail.example",
        "mail.",
        "shop-1.eu.tenants.test",
        "SHOP.us.tenants.test",
        "shop.asia.tenants.test",
        "v1.crm.test",
        "V22.CRM.test",
        "v333.crm.test",
        "any",
        "any12",
        "company.test",
        "company.example",
        "a.b.company.example",
        "www.company.test",
    )
]

SHOPS = [
    named(host, "/shop")
    for host in (
        "berlin.test",
        "a.berlin.test",
        "london.test",
        "a.london.test",
        "paris.test",
        "paris.",
        "exact.test",
        "EXACT.test",
    )
]

HOSTS = [
    raw("no host in 1.0", b"GET /nohost HTTP/1.0\r\n\r\n"),
    raw("empty host in 1.0", b"GET /nohost HTTP/1.0\r\nHost:\r\n\r\n"),
    raw("no host in 1.1", b"GET /nohost HTTP/1.1\r\nConnection: close\r\n\r\n"),
    raw("two hosts", b"GET /nohost HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    raw("bad host", b"GET /nohost HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    raw("dots in host", b"GET /nohost HTTP/1.1\r\nHost: a..b\r\n\r\n"),
    raw(
        "absolute target",
        b"GET http://exact.apps.test/x?y HTTP/1.1\r\n"
        b"Host: company.test\r\nConnection: close\r\n\r\n",
    ),
    raw(
        "absolute target with port",
        b"GET http://V7.crm.test:99 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ),
    raw("absolute target in 1.0", b"GET http://any3/ HTTP/1.0\r\n\r\n"),
    named("localhost", "/nohost"),
    named("LOCALHOST:80", "/nohost"),
    named("localhost", "/drop"),
    pipeline(named("localhost", "/nohost"), named("localhost", "/drop")),
    pipeline(
        *(named(host) for host in ("any", "company.test", "x.apps.test", "v1.a.test"))
    ),
    named("shop.eu.tenants.test", "/files/a/b.txt"),
    named("shop.eu.tenants.test", "/files/"),
    named("v2.crm.test", "/return"),
    named("any", port=8083),
    named("company.test", port=8083),
    named("unknown.test", port=8082),
    named("unknown.test", port=8081),
    named("blog.test", port=8081),
    named("www.company.test", port=8081),
]

REDIRECTS = [
    named("www.company.test", "/a/b?c=d&e"),
    named("www.company.test", "/a%20b//c/../d"),
    post("/form", b"a=1", host="www.company.test"),
    head("/x", host="www.company.test"),
    *(
        named(host, target, port=port)
        for host, port in (("a.company.example", 8080), ("unknown.test", 8081))
        for target in ("/about", "/docs/about", "/portless/about", "/hosted/about")
    ),
    named("company.test:99", "/hosted/about"),
    raw("directory in 1.0", b"GET /hosted/about HTTP/1.0\r\n\r\n", port=8081),
    named("company.test", "/about?x=1"),
    named("company.test", "/about/"),
    named("company.test", "/moved?from=here"),
    named("company.test", "/moved"),
    named("company.test", "/moved-relative"),
    named("company.test", "/moved-scheme"),
    named("company.test", "/see-other"),
    named("company.test", "/lua"),
    named("company.test", "/lua-header"),
    named("company.test", "/lua-absolute"),
    head("/moved?from=here", host="company.test"),
    raw("redirect in 1.0", b"GET /moved HTTP/1.0\r\nHost: company.test\r\n\r\n"),
    named("company.test", "/data.json"),
    named("company.test", "/LICENSE"),
    named("company.test", "/nothing"),
    post("/index.html", b"x", host="company.test"),
]

# At 8082 this server is the default one, whose settings count before a name does.
SETTINGS = [
    *(
        named("blog.test", target, port=port)
        for port in (8080, 8082)
        for target in ("/a/b", "//a/b", "/a//b", "//", "/x//../y", "/%2f/a")
    ),
    named("blog.test", "/a/./b", port=8082),
    named("blog.test", "/c/../a///b", port=8082),
    head("/", "X_Token: underscored", host="blog.test"),
    named("blog.test", "/", "X_Token: underscored", port=8082),
    named("blog.test", "/", "X-Token: dashed"),
    named("blog.test", "/", "X Token: spaced", "X-Token: dashed"),
    named("blog.test", "/", "X$Token: odd", "X-Token: dashed"),
    named("company.test", "/", "X_Token: dropped"),
    in_turn(*(named("blog.test", f"/{n}") for n in range(3)), note="three requests"),
    pipeline(*(named("blog.test", f"/{n}") for n in range(3)), note="three requests"),
    raw(
        "more than keepalive_requests",
        b"".join(named("blog.test", f"/{n}").data() for n in range(5)),
        requests=3,
    ),
    named("blog.test", "/" + "x" * 700),
    named("blog.test", "/" + "x" * 1100),
    named("blog.test", "/" + "x" * 1100, port=8082),
    named("blog.test", "/", "X-Long: " + "y" * 700),
    named("blog.test", "/", "X-Long: " + "y" * 900, port=8082),
    named("blog.test", "/", "X-Long: " + "y" * 1100, port=8082),
    named("blog.test", "/", *[f"X-{n}: " + "y" * 80 for n in range(20)], port=8082),
]

CASES = [*NAMES, *SHOPS, *HOSTS, *REDIRECTS, *SETTINGS]
