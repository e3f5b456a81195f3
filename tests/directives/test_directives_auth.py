"""Who has a password: the auth_basic module, and how long a refusal takes."""

from __future__ import annotations

import base64

import pytest
from conversation import Case as Talk
from conversation import get, post, raw, request
from directive_pair import SHUT, Pair, case, sleep

PASSWORD = "open sesame"

#: Users whose password it is, by how it is stored: made by openssl and Python.
STORED = {
    "plain": "{PLAIN}open sesame",
    "sha": "{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=",
    "ssha": "{SSHA}hN5uxFJUEWCPg56kk42tnVCdJ61zYWx0",
    "apr1": "$apr1$saltsalt$HIDXe7D36X22w1CH4M1cQ.",
    "des": "ab/G8gtZdMwak",
    "md5": "$1$saltsalt$Yo6tRKYGO/jWyb1etwHDS/",
    "sha256": "$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC",
    "sha512": "$6$saltsalt$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90"
    "yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1",
    "bcrypt": "$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW",
}

#: What is no password of anybody's, or hardly one.
ODD = {
    "empty": "", "unknown": "$9$x", "star": "*", "star0": "*0", "star1": "*1",
    "letter": "a", "bad_ssha": "{SSHA}!!!!", "short_ssha": "{SSHA}MFnz6C4V",
    "bare_ssha": "{SSHA}W8r/fyL/UzygmbNAjq2HbA67qac=", "bad_sha": "{SHA}",
    "lower": "{plain}open sesame", "no_salt": "$apr1$",
    "long_salt": "$apr1$saltsaltsalt$x", "nothing": "{PLAIN}",
    "nul": "{PLAIN}open sesame\0more",
}  # fmt: skip

USERS = "# users:\n\n#hidden:{PLAIN}open sesame\n" + "".join(
    f"{name}:{stored}:a comment\n" for name, stored in (STORED | ODD).items()
)

#: Lines that are read in some way of nginx's own.
LINES = (
    "jo\njoe:{PLAIN}open sesame\njoe:{PLAIN}other\n\rcr:{PLAIN}open sesame\n"
    "crlf:{PLAIN}open sesame\r\njoe\n\njoey:{PLAIN}open sesame\nno colon\n"
    " space:{PLAIN}open sesame\n:{PLAIN}open sesame\na b:{PLAIN}open sesame\n"
    "two\nlines:{PLAIN}open sesame\nlast:{PLAIN}open sesame"
)
NAMES = (
    "jo", "joe", "cr", "crlf", "joey", "space", " space", "a b", "no colon",
    "two\nlines", "lines", "last", "#x", "las", "lastly",
)  # fmt: skip

FILE = "auth_basic_user_file users;"
BASIC = f"auth_basic closed; {FILE}"


def encode(text: str) -> str:
    return base64.b64encode(text.encode("latin-1")).decode()


def says(user: str, password: str = PASSWORD) -> str:
    """Return the header of a user."""
    return f"Authorization: Basic {encode(f'{user}:{password}')}"


def closed(more="", *talks):
    """Return a case of a location that asks for a password."""
    return case(
        f"location / {{ {BASIC} {more} echo $remote_user; }}",
        *(talks or ("/", get("/", says("plain")), get("/", says("plain", "x")))),
    )


HEADERS = (
    "basic {}", "BASIC {}", "Basic  {}", "Basic{}", "Basic", "Basic ", "Bearer {}",
    "Basic {}=", "Basic {}!", "Basic {} ", "Basic\t{}", "Basic {}, Basic x", "Basic x",
    *("Basic " + encode(text)
      for text in ("plain", ":open sesame", ":", "plain:open sesame\0more",
                   "plain:open sesame:")),
)  # fmt: skip

CASES = {
    "asks": closed(),
    "comment": closed("", get("/", says("#hidden"))),
    **{
        f"stored_{name}": closed(
            "", get("/", says(name)), get("/", says(name, "open sesamE")),
            get("/", says(name, "")),
        )
        for name in STORED | ODD
    },
    "headers": closed("", *(
        get("/", "Authorization: " + text.format(encode("plain:open sesame")))
        for text in HEADERS
    )),
    "twice": closed("", get("/", says("plain"), says("plain"))),
    "lines": case(
        "location / { auth_basic x; auth_basic_user_file lines; echo $remote_user; }",
        *(get("/", says(name)) for name in NAMES),
    ),
    "off": case(f"{BASIC} location / {{ auth_basic off; echo ok; }}"),
    "off_by_variable": case(
        f"set $realm $arg_r; location / {{ auth_basic $realm; {FILE} echo ok; }}",
        "/?r=off", "/?r=OFF", "/?r=a%20\"b\"", "/",
    ),
    "no_file": case("auth_basic closed; location / { echo ok; }"),
    "no_realm": case(f"{FILE} location / {{ echo ok; }}"),
    "inherited": case(f"{BASIC} location / {{ echo ok; }}"),
    "file_of_a_variable": case(
        "location / { auth_basic x; auth_basic_user_file PREFIX/conf/$arg_f; echo ok; }"
        " location /rel { auth_basic x; auth_basic_user_file $arg_f; echo ok; }",
        *(get(target, says("plain"))
          for target in ("/?f=users", "/?f=none", "/", "/?f=users/x", "/rel?f=users")),
    ),
    "no_such_file": case(
        "location / { auth_basic x; auth_basic_user_file none; echo ok; }",
        "/", get("/", says("plain")),
    ),
    "satisfy_any": closed(
        "satisfy any; deny all;", "/", get("/", says("plain")),
        get("/", says("plain", "x")),
    ),
    "satisfy_any_allowed": closed("satisfy any; allow all;"),
    "satisfy_all": closed("satisfy all; deny all;"),
    "satisfy_any_no_file": case(
        "location / { satisfy any; deny all; auth_basic x; auth_basic_user_file none;"
        " echo ok; }", "/", get("/", says("plain")),
    ),
    "satisfy_any_error": case(
        "location / { satisfy any; deny all; auth_basic x;"
        " auth_basic_user_file users/x; echo ok; }", "/", get("/", says("plain")),
    ),
    **{
        f"satisfy_{mode}_asks_{status}": closed(
            f"satisfy {mode}; auth_request /auth; }}"
            f" location /auth {{ add_header WWW-Authenticate Other always;"
            f" return {status}; "
        )
        for mode in ("any", "all") for status in (204, 401, 403, 500)
    },
    **{
        f"satisfy_{mode}_lua_{name}": closed(
            f"satisfy {mode}; access_by_lua_block {{ {code} }}"
        )
        for mode in ("any", "all")
        for name, code in (("ok", "ngx.exit(ngx.OK)"), ("403", "ngx.exit(403)"),
                           ("log", f"ngx.log(ngx.ERR, ngx.var.remote_user, ' {mode}')"))
    },
    "error_page": closed("error_page 401 /e; } location /e { echo e;"),
    "error_page_protected": closed("error_page 401 /e;"),
    "limit_except": case(
        f"location / {{ limit_except GET {{ {BASIC} }} echo ok; }}", "/",
        post("/", b"x"), request("PUT", "/", says("plain")),
    ),
    "subrequest": case(
        f"location / {{ content_by_lua_block {{ local res ="
        f" ngx.location.capture('/in') ngx.say(res.status, res.body) }} }}"
        f" location /in {{ {BASIC} echo in; }}",
    ),
    "body": closed("", post("/", b"hello"), post("/", b"hello", says("plain"))),
    "logged": closed(
        "access_log logs/NAME.log combined;", "/", get("/", says("plain")),
        get("/", says("x\"y")), get("/", says("plain", "x")),
    ),
    "level": case(
        f"location / {{ {BASIC} echo ok; }}", "/", get("/", "Authorization: x"),
        level="info",
    ),
    "rewritten_realm": case(
        "set $who you; location / { set $who me;"
        f" auth_basic \"closed to $who\"; {FILE} return 200 ok; }}"
        f" location /in {{ auth_basic \"closed to $who\"; {FILE} }}", "/", "/in",
    ),
}  # fmt: skip

#: A refusal takes a second.
SLOW = "auth_delay 1s; access_log logs/NAME.log times;"

TIMED = {
    "delay": case(f"{SLOW} location / {{ {BASIC} echo ok; }}",
                  "/", get("/", says("plain")), get("/", says("plain", "x"))),
    "delay_any": case(
        f"{SLOW} location / {{ satisfy any; deny all; {BASIC} echo ok; }}", "/"),
    "delay_of_403": case(f"{SLOW} location / {{ deny all; }}", "/"),
    "delay_of_lua": case(
        f"{SLOW} location / {{ access_by_lua_block {{ ngx.exit(401) }} echo ok; }}"),
    "delay_of_request": case(
        f"{SLOW} location / {{ auth_request /auth; }}"
        " location /auth { return 401; }"),
    "delay_page": case(
        f"{SLOW} location / {{ {BASIC} error_page 401 /e; }} location /e {{ echo e; }}"
    ),
    "delay_gone": case(
        f"{SLOW} location / {{ {BASIC} echo ok; }}",
        Talk("gone", (get("/").data(), sleep(0.1), SHUT)),
        Talk("gone", (post("/", b"unread").data(), sleep(0.1), SHUT)),
        raw("gone at once", get("/").data(), SHUT),
        level="info",
    ),
}  # fmt: skip
TIMED = {
    name: case(one.conf, *one.talks, timed=True, level=one.level)
    for name, one in TIMED.items()
}

PAIR = Pair(
    CASES | TIMED,
    http="log_format times '$status';",
    files={"conf/users": USERS, "conf/lines": LINES},
)


@pytest.mark.parametrize("name", CASES | TIMED)
def test_as_nginx_does(name):
    PAIR.check(name)


def test_on_another_flavour():
    for name in CASES | TIMED:
        PAIR.check(name, "lua54")
