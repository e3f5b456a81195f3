import pytest
from hypothesis import given
from hypothesis import strategies as st

from resty_py.conf.template import (
    Capture,
    Template,
    TemplateError,
    Variable,
    parse_template,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("abc", ("abc",)),
        ("$a", (Variable("a"),)),
        ("$Host/$1x", (Variable("host"), "/", Capture(1), "x")),
        ("${a}b", (Variable("a"), "b")),
        ("$12", (Capture(1), "2")),
        ("$0", (Variable("0"),)),
        ("${1}", (Variable("1"),)),
        ("a-$b_c9.d", ("a-", Variable("b_c9"), ".d")),
    ],
)
def test_parts(text, parts):
    assert parse_template(text) == Template(parts)


def test_without_captures():
    assert parse_template("$1a", captures=False) == Template((Variable("1a"),))


@pytest.mark.parametrize(
    ("text", "message", "rest"),
    [
        ("a$", "invalid variable name", "$"),
        ("a$-b", "invalid variable name", "$-b"),
        ("${", "invalid variable name", "${"),
        ("${}", "invalid variable name", "${}"),
        ("x${ab", 'the closing bracket in "ab" variable is missing', "${ab"),
        ("${ab-}", 'the closing bracket in "ab" variable is missing', "${ab-}"),
        ("${-}", 'the closing bracket in "" variable is missing', "${-}"),
    ],
)
def test_errors(text, message, rest):
    with pytest.raises(TemplateError) as caught:
        parse_template(text)
    assert (str(caught.value), caught.value.rest) == (message, rest)


def test_constant():
    assert Template().constant == ""
    assert parse_template("a").constant == "a"
    assert parse_template("$a").constant is None
    assert parse_template("a$b").constant is None


def test_variables():
    assert parse_template("$a$1${b}c").variables == ("a", "b")


@given(st.text("ab$1{}_-"))
def test_no_part_is_lost(text):
    try:
        template = parse_template(text)
    except TemplateError:
        return
    written = "".join(
        part
        if isinstance(part, str)
        else f"${part.number}"
        if isinstance(part, Capture)
        else f"${{{part.name}}}"
        for part in template.parts
    )
    assert parse_template(written) == template
