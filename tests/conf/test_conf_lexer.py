"""The lexer; what nginx says about the same text is in test_conf_differential."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resty_py.conf.errors import ConfError
from resty_py.conf.lexer import BUFFER, Lexer, to_bytes, to_text


def statements(text):
    data = text if isinstance(text, bytes) else text.encode()
    lexer = Lexer(data, "/x/nginx.conf")
    found = [lexer.statement()]
    while found[-1].end:
        found.append(lexer.statement())
    return found


def words(text):
    return [statement.words for statement in statements(text)[:-1]]


def complaint(text):
    with pytest.raises(ConfError) as caught:
        statements(text)
    return caught.value.text


class TestWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a;", [["a"]]),
            ("a b  c\t\nd;e;", [["a", "b", "c", "d"], ["e"]]),
            ("a{}", [["a"], []]),
            ("a 'b c' \"d e\";", [["a", "b c", "d e"]]),
            ("a '';", [["a", ""]]),
            (r"a 'b\'c' b\'c \"b;", [["a", "b'c", "b'c", '"b']]),
            (r"a '\t\r\n\\\w\"';", [["a", '\t\r\n\\\\w"']]),
            (r"a b\;c\{d\ e;", [["a", r"b\;c\{d\ e"]]),
            ("a $b${c}d ${e;", [["a", "$b${c}d", "${e"]]),
            ("a b'c'd\"e\"f;", [["a", "b'c'd\"e\"f"]]),
            ("a#b #c;\nd;", [["a#b", "d"]]),
            ("# a;\nb; # c", [["b"]]),
            ('if ($a = "b") {}', [["if", "($a", "=", "b", ")"], []]),
            ("a }b;", None),
            ("a b};", [["a", "b}"]]),
            ("a\r\nb\r\n;", [["a", "b"]]),
        ],
    )
    def test_words(self, text, expected):
        if expected is None:
            assert 'unexpected "}"' in complaint(text)
        else:
            assert words(text) == expected

    def test_bytes_that_are_no_text_survive(self):
        assert to_bytes(words(b"a \xff\xc3\xa4;")[0][1]) == b"\xff\xc3\xa4"

    @given(st.binary())
    def test_text_and_back(self, data):
        assert to_bytes(to_text(data)) == data

    def test_lines_are_those_of_the_end(self):
        found = statements("a\n b\n;\n\nc 'x\ny' {\n}\n")
        assert [one.line for one in found] == [3, 6, 7, 8]

    @given(st.binary(max_size=200))
    def test_statements_or_one_error(self, data):
        try:
            found = statements(data)
        except ConfError:
            return
        assert found[-1].end == ""

    @given(
        st.lists(st.text("ab;{}# '\"\\$\n\u00e4", min_size=1), min_size=1),
        st.sampled_from("\"'"),
    )
    def test_quoted_words_come_back(self, texts, quote):
        def quoted(text):
            for mark in ("\\", quote):
                text = text.replace(mark, "\\" + mark)
            return f"{quote}{text}{quote}"

        assert words(" ".join(map(quoted, texts)) + ";") == [texts]


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (";", 'unexpected ";" in /x/nginx.conf:1'),
            ("\n{", 'unexpected "{" in /x/nginx.conf:2'),
            ("a\n}", 'unexpected "}" in /x/nginx.conf:2'),
            (
                "a\n",
                'unexpected end of file, expecting ";" or "}" in /x/nginx.conf:2',
            ),
            ("'a'b;", 'unexpected "b" in /x/nginx.conf:1'),
            (
                "\n" + "a" * BUFFER + ";",
                'too long parameter "aaaaaaaaaa..." started in /x/nginx.conf:2',
            ),
            (
                "a '\n\n" + "a" * BUFFER + "';",
                (
                    'too long parameter, probably missing terminating "\'" character '
                    "in /x/nginx.conf:1"
                ),
            ),
        ],
    )
    def test_error(self, text, expected):
        assert complaint(text) == expected

    def test_global_directives(self):
        with pytest.raises(ConfError) as caught:
            Lexer(b"daemon off", "").statement()
        assert caught.value.text == (
            'unexpected end of parameter, expecting ";" in command line'
        )

    def test_global_directives_may_be_long(self):
        text = "a" * 2 * BUFFER
        assert Lexer(f"{text};".encode(), "").statement().words == [text]


def lua(text):
    lexer = Lexer(text.encode() if isinstance(text, str) else text, "/x/nginx.conf")
    lexer.statement()
    return lexer.lua_block(), lexer.line


class TestLuaBlocks:
    @pytest.mark.parametrize(
        "body",
        [
            "",
            " return 1 ",
            " { { } } ",
            " '}' \"}\" '\\'}' ",
            " [[ } ]] [=[ } ]] ]=] ",
            " -- } \n",
            " --[[ } \n } ]] ",
            " --[==[ } ]] } ]==] ",
            " t[t[1]] ",
            " x = 'a\n y = b'\n",
            "\n\n\t\r\n",
        ],
    )
    def test_body_is_exact(self, body):
        assert lua(f"x {{{body}}} y;")[0] == body.encode()

    def test_bytes(self):
        assert lua(b"x { '\xff\x00' }")[0] == b" '\xff\x00' "

    def test_line_goes_on(self):
        assert lua("x\n{\n[[\n]]\n}\n")[1] == 5

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                "x {\n\n",
                (
                    "unexpected end of file, expecting terminating characters for lua "
                    "code block in /x/nginx.conf:1"
                ),
            ),
            (
                "x {\n{ }\n { \n",
                (
                    "unexpected end of file, expecting terminating characters for lua "
                    "code block in /x/nginx.conf:3"
                ),
            ),
            (
                "x {\n [=[ ]] }",
                (
                    'Lua code block missing the closing long bracket "]=]", the '
                    "inlined Lua code may be too long in /x/nginx.conf:2"
                ),
            ),
        ],
    )
    def test_error(self, text, expected):
        with pytest.raises(ConfError) as caught:
            lua(text)
        assert caught.value.text == expected

    def test_long_code_without_marks(self):
        body = " x = 1\n" * BUFFER
        assert lua(f"x {{{body}}}")[0] == body.encode()

    def test_long_bracket_is_limited_by_the_buffer(self):
        with pytest.raises(ConfError, match="missing the closing long bracket"):
            lua("x { [[" + "a" * BUFFER + "]] }")
