"""The data format: what Test::Base makes of it."""

from __future__ import annotations

import pytest

from resty_py.testing import dataformat
from resty_py.testing.dataformat import FormatError


def parse(data):
    return dataformat.parse(data)


def value(text, name="a"):
    (block,) = parse(f"=== one\n{text}")
    return block.sections[name].value(lambda code: f"<{code}>")


def test_blocks_have_names_numbers_and_lines():
    blocks = dataformat.parse("\n=== first\n--- a\n1\n===second  \n--- a\n2\n", 10)
    assert [(b.name, b.number, b.line) for b in blocks] == [
        ("first", 1, 12),
        ("second", 2, 15),
    ]


def test_a_file_is_split_at_its_data():
    assert dataformat.split_file("code;\n__DATA__\n=== a\n") == (
        "code;\n",
        "=== a\n",
        2,
    )
    assert dataformat.split_file("code;\n") == ("code;\n", "", 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--- a\none\ntwo\n", "one\ntwo\n"),
        ("--- a\n\n  \none\n\n\n", "one\n"),
        ("--- a\none", "one"),
        ("--- a: one  \n", "one"),
        ("--- a:\none\n", None),
        ("--- a\n--- b\n", ""),
        ("--- a: \n", ""),
        ("--- a\r\none\r\n", "one\n"),
        ("--- a chomp\none\n", "one"),
        ("--- a chop\none\n", "one"),
        ("--- a eval\n1 + 1\n", "<1 + 1\n>"),
        ("--- a eval: 1 + 1\n", "<1 + 1>"),
        ("--- a eval chomp\n1\n", "<1\n>"),
        ("--- a lines\n1\n2\n", ["1\n", "2\n"]),
        ("--- a: b: c\n", "b: c"),
        ("--- (a)\none\n", "one\n"),
        ("--- a\none\n--- a\ntwo\n", "two\n"),
        ("--- a\n---b\n", "---b\n"),
        ("words about it\n--- a\none\n", "one\n"),
    ],
)
def test_values(text, expected):
    if expected is None:
        with pytest.raises(FormatError, match="Extra lines not allowed"):
            value(text)
    else:
        assert value(text) == expected


def test_an_unknown_filter_is_said():
    with pytest.raises(FormatError, match="unknown filter yaml of section a"):
        value("--- a yaml\n1\n")


def test_skip_only_and_last():
    def names(data):
        return [block.name for block in dataformat.chosen(parse(data))]

    assert names("=== 1\n--- a\n=== 2\n--- SKIP\n=== 3\n--- a\n") == ["1", "3"]
    assert names("=== 1\n--- a\n=== 2\n--- ONLY\n=== 3\n--- a\n") == ["2"]
    assert names("=== 1\n--- a\n=== 2\n--- LAST\n=== 3\n--- a\n") == ["1", "2"]
