"""The same calls of ngx.re on the real OpenResty and on ours, answer by answer."""

from __future__ import annotations

import re

import pytest
from openresty_eval import OpenResty, OurVM
from re_corpus import FAMILIES
from regex_vm import VARIANTS, each_variant, regex_vm

# A thrown error begins with where it was thrown: in lua-resty-core, or at its
# caller's with ours.
_POSITION = re.compile(r'^error: [^"]*?:\d+: ')


@pytest.fixture(scope="module")
def openresty(tmp_path_factory):
    with OpenResty(tmp_path_factory.mktemp("re")) as running:
        answers = {name: running.evaluate(cases) for name, cases in FAMILIES.items()}
    return {name: list(map(normal, lines)) for name, lines in answers.items()}


def normal(line):
    return _POSITION.sub("error: ", line)


@pytest.mark.parametrize("family", FAMILIES)
@each_variant
def test_answers_as_openresty(openresty, variant, family):
    cases = FAMILIES[family]
    answers = OurVM(regex_vm(variant)).evaluate(cases)
    expected = openresty[family]
    assert len(answers) == len(expected) == len(cases)
    differing = [
        f"{case}\n  OpenResty: {theirs}\n  ours:      {ours}"
        for case, theirs, ours in zip(cases, expected, answers, strict=True)
        if theirs != normal(ours)
    ]
    assert not differing, "\n".join(differing[:20])


def test_corpus_reaches_every_kind_of_answer(openresty):
    """A corpus in which nothing matches would agree with anything."""
    lines = [line for answers in openresty.values() for line in answers]
    kinds = {
        "a match": r"\{",
        "no match": r"nil$",
        "an offset": r"\d+ \d+$",
        "a compile error": r"nil .*pcre_compile\(\) failed",
        "a match error": r"nil .*pcre_exec\(\) failed",
        "a bad template": r"nil nil \"failed to compile the replacement template",
        "a thrown error": r"error: ",
    }
    counts = {
        kind: sum(re.match(pattern, line) is not None for line in lines)
        for kind, pattern in kinds.items()
    }
    assert all(count >= 20 for count in counts.values()), counts


def test_every_engine_is_covered():
    assert {variant.half for variant in VARIANTS} == {"ffi", "host"}
