"""Cases for ngx.re: Lua expressions that mean the same on any OpenResty.

Hand-written ones reach what the documentation speaks of; generated ones, from a
fixed seed, reach what no list would. Left out is what PCRE1 and PCRE2 disagree
on: ``test_re_engine.py`` has that.
"""

from __future__ import annotations

import random

from openresty_eval import literal

SUBJECTS = [
    b"",
    b"hello, 1234 world",
    b"a\nb\r\nAB aab",
    b"foo=bar&baz=qux",
    b"\xe4\xbd\xa0\xe5\xa5\xbd world",
    b"nul\0byte \xff\xfe",
    b"aaaa",
]

PATTERNS = [
    b"",
    b"a",
    b"a*",
    b"a*?",
    b"(a)|b",
    b"(a)(b)?(c)?",
    b"(a)?(b)?\\w",
    b"(?<first>\\w)(?<second>\\d)?",
    b"(\\w+)=(\\w+)",
    b"^\\w+",
    b"^.*$",
    b"\\b",
    b"$",
    b"(?=o)",
    b"(?<!a)b",
    b"(.)\\1",
    b"[[:upper:]]+",
    b"hello (?# a comment ) world",
    b" a b # comment\n | c",
    b"(?i)AB",
    b".",
    b"\\x00",
    b"\\xff",
    b"(?:(\\d+)|(\\s))+",
    b"(?>a+)b",
    b"(?|(a)|(b))",
]

OPTIONS = [*"joiamsxudU", "", "jo", "ju", "ims", "ajo"]

MALFORMED = [
    b"(abc",
    b"abc)",
    b"[a",
    b"[z-a]",
    b"*a",
    b"a**",
    b"+",
    b"a{2,1}",
    b"a{65536}",
    b"(?z)",
    b"(?<n>a)(?<n>b)",
    b"(?P<n",
    b"(?Px)",
    b"(?C256)",
    b"(?C1",
    b"(?#abc",
    b"(*FOO)",
    b"(*MARK)",
    b"abc\\",
    b"\\c",
    b"\\c\xff",
    b"\\p{",
    b"\\p{Foo}",
    b"\\U",
    b"[a-\\d]",
    b"(?|(?<a>x)|(?<b>y))",
    b"\\k",
    b"[\\N]",
    b"\\x{100}",
    b"\\o{400}",
    b"[[:foo:]]",
    b"[[.x.]",
    b"(?1)",
    b"(?-1)",
    b"(?<=",
    b"(?>a",
    b"x{2}{3}",
    b"(" + b"a" * 200,
    b"a" * 100 + b")" + b"b" * 40,
    b"(?<" + b"n" * 33 + b">a)",
    b'a)b"c',
]

TEMPLATES = [
    b"",
    b"x",
    b"[$0]",
    b"$1",
    b"${1}2",
    b"$12",
    b"$$",
    b"$$1$0$$",
    b"\\0\\1 %1",
    b"$0$1$2$3",
    b"a$",
    b"${",
    b"${1",
    b"${1a}",
    b"${}",
    b"$a",
    b"${name}",
    b"${name",
    b"$-",
    b"${-",
    b"$ 1",
]

REPLACERS = [
    "function(m) return '<' .. m[0] .. '>' end",
    "function(m) return '$0' end",
    "function(m) return m[1] end",
    "function(m) return 12 end",
    "function(m) return nil end",
    "function(m) return true end",
]

# Subject, pattern, template.
REPLACED = [
    (b"hello, 1234 world", b"[0-9]"),
    (b"hello, 1234 world", b"([a-z])([a-z])?"),
    (b"abc", b""),
    (b"abc", b"b*"),
    (b"abc", b"$"),
    (b"a\nb\nc", b"^"),
    (b"", b""),
    (b"", b"x"),
    (b"aXbXc", b"x"),
    (b"abcabc", b"(?=b)"),
    (b"a b  c", b"\\s*"),
    (b"aaaa", b"aa"),
]

SPLIT = [
    (b"a,b,c,d", b","),
    (b",a,,b,,", b","),
    (b"a, b,c ,d", b"\\s*,\\s*"),
    (b"abcd", b""),
    (b"abcd", b"b*"),
    (b"abcd", b"(b)|c"),
    (b"a1b2c3", b"(\\d)"),
    (b"a1b2c3", b"\\d()"),
    (b"", b","),
    (b",,,", b","),
    (b"abc", b"x"),
    (b"a,b", b"$"),
    (b"a,b", b"^"),
    (b"a.b.c", b"."),
    (b"aXbxc", b"x"),
]

# Pieces of generated patterns.
ATOMS = ["a", "b", "c", ".", "[ab]", "[^a]", "\\w", "\\d", "x", "\\b", "^", "$"]
QUANTIFIERS = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "*?", "+?", "??", "++"]
ALPHABET = b"aabbcx1 \n"


def call(name, *arguments):
    return f"ngx.re.{name}({', '.join(arguments)})"


def quoted(text):
    return f'"{text}"'


def match_cases():
    for pattern in PATTERNS:
        for subject in SUBJECTS:
            # What U does to a malformed subject is undefined.
            malformed = b"\xff" in subject
            for options in [o for o in OPTIONS if not ("U" in o and malformed)]:
                yield call("match", literal(subject), literal(pattern), quoted(options))


def option_cases():
    subject = literal(b"aXbx a1 b2")
    named = literal(b"(?<n>a)|(?<n>b)|(?<other>X)")
    for options in ["D", "Dj", "Do", "Di", "DJ", "d", "dj", "dD", "Dx"]:
        yield call("match", subject, named, quoted(options))
        yield call("match", literal(b"b"), named, quoted(options))
        yield call("match", literal(b"zX"), named, quoted(options))
    for options in ["J", "Jj", "uJ", "UJ"]:
        for pattern in rb"\u0061 \U [] [^] (a)?\1X \x6 \x61".split():
            yield call("match", subject, literal(pattern), quoted(options))
    for options in ["H", "jX", "oo", "jojo", " ", "e", "g"]:
        yield call("match", subject, literal(b"a"), quoted(options))
    for options in ["nil", "false", "true", "1"]:
        yield call("match", subject, literal(b"a"), options)


def argument_cases():
    for subject in ["nil", "123", "1.5", "true", "-0.25", "2^53"]:
        for name in ["match", "find"]:
            yield call(name, subject, '"[a-z0-9]+"')
        yield call("gsub", subject, '"[a-z0-9]"', '"<$0>"')
        yield call("sub", '"a"', '"a"', subject)
    for pattern in ["nil", "1", "true"]:
        yield call("match", '"1"', pattern)
        yield call("find", '"1"', pattern)
        yield call("gsub", '"1"', pattern, '"x"')
    yield call("gsub", '"a"', '"a"', "function() end")
    yield call("gsub", '"a"', '"a"', "function() error('mine', 0) end")
    yield "getmetatable(ngx.re)"
    yield "type(ngx.re.gmatch('a', 'a'))"


def error_cases():
    for pattern in MALFORMED:
        for options in ["", "jo", "u"]:
            text = literal(pattern), quoted(options)
            yield call("match", '"x"', *text)
            yield call("find", '"x"', *text)
        yield call("gmatch", '"x"', literal(pattern))
        yield call("sub", '"x"', literal(pattern), '"y"')
        yield call("gsub", '"x"', literal(pattern), "function() end")
    for options in ["u", "uj", "ud"]:
        for subject in [b"\xff", b"a\xc3", b"\xe4\xbd", b"\xf8\x88\x80\x80\x80"]:
            yield call("match", literal(subject), '"."', quoted(options))
            yield call("find", literal(subject), '"a"', quoted(options))
            yield call("gsub", literal(subject), '"a"', '"b"', quoted(options))


def ctx_cases():
    subjects = [b"hello, 1234 world", b"", b"aaa", b"\xe4\xbd\xa0\xe5\xa5\xbd"]
    positions = ["nil", "-3", "0", "1", "2", "2.7", "3", "4", "5", "18", "19"]
    positions += ["100", "1e9"]
    for subject in subjects:
        for pattern in [b"\\w", b"[0-9]+", b"", b"^.", b"(?<=l)o"]:
            for position in positions:
                for options in ["", "a"]:
                    for name in ["match", "find"]:
                        found = call(
                            name,
                            literal(subject),
                            literal(pattern),
                            quoted(options),
                            "c",
                        )
                        yield (
                            f"(function() local c = {{pos = {position}}}; "
                            f"local a, b, e = {found}; return a, b, e, c.pos end)()"
                        )
    yield call("match", '"ab"', '"b"', '""', "{pos = '2'}")


def reuse_cases():
    for pattern in [b"(a)(b)?", b"(?<n>a)|(b)", b"(?<n>b)"]:
        for options in ["", "jo", "D"]:
            found = call(
                "match", '"xab"', literal(pattern), quoted(options), "nil", "res"
            )
            yield (
                "(function() local res = {[0] = 'zero', 'one', 'two', 'three', x = 1};"
                f" local m = {found}; return m == res, m, res end)()"
            )


def find_cases():
    for subject in SUBJECTS:
        for pattern in PATTERNS:
            for nth in ["nil", "0", "1", "2", "3", "-1"]:
                text = literal(subject), literal(pattern), '"jo"', "nil", nth
                yield call("find", *text)
        yield call("find", literal(subject), '"(a)(b)?"', '"d"', "nil", "1")


def gmatch_cases():
    for subject in SUBJECTS:
        for pattern in PATTERNS:
            for options in ["", "jo", "i", "a", "d", "m"]:
                found = call(
                    "gmatch", literal(subject), literal(pattern), quoted(options)
                )
                yield (
                    f"(function() local t, it = {{}}, {found}; "
                    "for m, e in it do t[#t + 1] = m end return t, it() end)()"
                )


def replace_cases():
    for subject, pattern in REPLACED:
        for replacement in [*map(literal, TEMPLATES), *REPLACERS]:
            for name in ["sub", "gsub"]:
                for options in ["", "jo", "i", "m"]:
                    yield call(
                        name,
                        literal(subject),
                        literal(pattern),
                        replacement,
                        quoted(options),
                    )
    chinese = literal(b"\xe4\xbd\xa0\xe5\xa5\xbd")
    for pattern in ["", ".", "\\\\w", ".*"]:
        for options in ["", "u", "j", "d", "ud"]:
            for name in ["sub", "gsub"]:
                yield call(name, chinese, quoted(pattern), '"[$0]"', quoted(options))


def split_cases():
    for subject, pattern in SPLIT:
        for options in ["", "jo", "i"]:
            for max_parts in ["nil", "0", "-1", "1", "2", "3", "10"]:
                for position in ["nil", "-1", "0", "1", "2", "4", "5", "20"]:
                    yield (
                        f"(function() local c = {{pos = {position}}}; local t, e = "
                        f"require('ngx.re').split({literal(subject)}, "
                        f"{literal(pattern)}, {quoted(options)}, c, {max_parts}); "
                        "return t, e, c.pos end)()"
                    )
        yield (
            f"require('ngx.re').split({literal(subject)}, {literal(pattern)}, nil, "
            "nil, nil, {1, 2, 3, 4, 5, 6, 7, 8, 9})"
        )
    yield "require('ngx.re').split('a', '(', nil)"
    yield "require('ngx.re').split('a,b', ',', nil, nil, nil, 'res')"
    yield "require('ngx.re').split(1234, '2')"
    yield "require('ngx.re').opt('foo', 1)"


def pattern_of(rng, depth=2):
    """Return a generated pattern."""
    pieces = []
    for _ in range(rng.randint(1, 3)):
        if depth and rng.random() < 0.4:
            opening = rng.choice(["(", "(", "(?:", "(?=", "(?!", "(?>", "(?i:"])
            atom = opening + pattern_of(rng, depth - 1) + ")"
        else:
            atom = rng.choice(ATOMS)
        is_plain = atom not in ("^", "$", "\\b")
        pieces.append(atom + (rng.choice(QUANTIFIERS) if is_plain else ""))
    if rng.random() < 0.25:
        pieces.insert(rng.randrange(len(pieces) + 1), "|")
    return "".join(pieces)


def generated_cases(count=500):
    rng = random.Random(4711)
    for _ in range(count):
        pattern = literal(pattern_of(rng).encode())
        subject = literal(bytes(rng.choices(ALPHABET, k=rng.randint(0, 12))))
        options = quoted("".join(rng.sample("jimsu", rng.randint(0, 3))))
        yield call("match", subject, pattern, options)
        yield call("find", subject, pattern, options)
        yield call("gsub", subject, pattern, '"<$0|$1>"', options)
        yield call("gsub", subject, pattern, REPLACERS[0], options)


FAMILIES = {
    family.__name__: list(family())
    for family in (
        match_cases,
        option_cases,
        argument_cases,
        error_cases,
        ctx_cases,
        reuse_cases,
        find_cases,
        gmatch_cases,
        replace_cases,
        split_cases,
        generated_cases,
    )
}
