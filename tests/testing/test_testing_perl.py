"""The evaluator of Perl, beside the real one where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from resty_py.testing.perl import (
    DieError,
    Interpreter,
    PerlError,
    Regex,
    UnsupportedError,
)

EXPRESSIONS = [
    "1 + 2 * 3",
    "7 / 2",
    "10 / 5",
    "2 ** 10",
    "-7 % 3",
    "'a' . 1 + 2",
    "'ab' x 3",
    "'abc' lt 'abd' ? 'yes' : 'no'",
    "1 <=> 2",
    "'10' == 10.0",
    "0x1f + 010 + 0b11 + 1_000",
    "'don\\'t \\n'",
    "q{a {nested} b}",
    '"tab\\tnew\\nline \\x41\\x{42}\\103 \\$x \\@y"',
    "my $x = 'v'; \"$x ${x}s $x->y @{[ 1 + 1 ]}\"",
    'my @a = (1, 2, 3); "@a $a[1] $#a" . scalar(@a)',
    "my %h = (a => 1, 'b', 2); join ',', map { \"$_=$h{$_}\" } sort keys %h",
    "my $r = [1, [2, 3], { k => 'v' }]; \"$r->[1][0] $r->[2]{k} @{$r->[1]}\"",
    "my $s = ''; for my $i (1..3) { $s .= $i } $s",
    "my $s = ''; for my $c ('a' .. 'e') { $s .= uc $c } $s",
    "my $s = ''; for (my $i = 0; $i < 3; $i++) { $s .= $i } $s",
    'my $i = 1; my $s; while ($i <= 3) { $s .= "X-$i"; $i++; } $s',
    'my @k = (3, 1, 2); @k = sort { $b <=> $a } @k; "@k"',
    'my @k = (\'x-1\'); for my $k (@k) { if ($k =~ /\\d/) { $k .= "=$&" } } "@k"',
    "my $s = 'hello world'; $s =~ s/o/0/g; $s",
    "my $s = 'a-b'; (my $t = $s) =~ s/-/+/; \"$s $t\"",
    "'2012-11' =~ /(\\d+)-(\\d+)/ ? \"$2/$1\" : ''",
    "join '|', 'a1b22' =~ /(\\d+)/g",
    "join('|', split /,/, 'a,b,,c,,')",
    "join('|', grep { $_ % 2 } 1 .. 5)",
    "sprintf('%03d %s %5.2f %x %%', 7, 'a', 3.14159, 255)",
    "join '', (\"a\") x 3, 'b'",
    '("hello " x 2) . "\\n"\n. ("x" x 3)',
    "<<'_EOC_' . 'end';\n$not {in} \\n\n_EOC_\n",
    "my $x = 5; <<EOC;\nx is $x\\t.\nEOC\n",
    "<<~EOC;\n    in\n      more\n    EOC\n",
    "my $x; $x ||= 4; $x //= 5; $x += 1; $x",
    'my ($a, $b) = (1, 2); ($a, $b) = ($b, $a); "$a$b"',
    "sub add { my ($x, $y) = @_; return $x + $y } add(1, 2)",
    "my $f = sub { shift() . '!' }; $f->('a')",
    'my @a; push @a, 1, 2; unshift @a, 0; pop @a; "@a"',
    "unless (0) { 'u' } else { 'e' }",
    "my $n = 0; $n++ while $n < 5; $n",
    "defined $main::nothing ? 1 : 0",
    "join ',', reverse 1 .. 3",
    "substr('hello', 1, 3) . substr('hello', -2)",
    "index('hello', 'l') . rindex('hello', 'l')",
    "lc('ABC') . ucfirst('def') . length('four')",
    'my $v = eval { die "bad\\n"; 1 }; defined $v ? \'ok\' : "died: $@"',
    'chomp(my $line = "text\\n"); $line',
    "my %h; $h{l}[2] = 'x'; join ',', map { defined $_ ? 1 : 0 } @{$h{l}}",
    "pack('nNC', 1, 2, 3) eq \"\\0\\1\\0\\0\\0\\2\\3\" ? 'packed' : 'no'",
    'CORE::join "\\n", map { "Header$_: value-$_" } 1..3',
    '"a.b" =~ /^\\Qa.b\\E$/ ? 1 : 0',
    "my $p = 'a|b'; 'xb' =~ /^x(?:$p)$/ ? 'm' : 'n'",
    "do { my $t = 2; $t * 2 }",
    "(1, 2, 3)[1]",
    "1 ? 2 ? 'a' : 'b' : 'c'",
    "!1 || 'or'",
    "not 0",
    "join '', ('a', 'b',)",
    "qw(a b c)[2]",
]


def evaluate(code, **environment):
    interpreter = Interpreter({}, lambda _module, _arguments: None)
    interpreter.variable("%", "main::ENV").update(environment)
    values = interpreter.evaluate(code)
    return values[0] if values else None


@pytest.fixture(scope="module")
def answers():
    perl = shutil.which("perl")
    if perl is None:
        pytest.skip("needs perl")
    script = (
        "my @codes = split /\\0/, <STDIN>; my @out; $/ = qq{\\n};"
        "for my $code (@codes) {"
        "my @v = eval qq{package main; no strict; no warnings;\n$code};"
        'my $v = $@ ? "died $@" : $v[0]; push @out, unpack("H*", $v);}'
        "print join ',', @out"
    )
    done = subprocess.run(
        [perl, "-0777", "-e", script],
        input="\0".join(EXPRESSIONS),
        text=True,
        capture_output=True,
        check=True,
    )
    words = done.stdout.split(",")
    values = [bytes.fromhex(word).decode("latin-1") for word in words]
    return dict(zip(EXPRESSIONS, values, strict=True))


@pytest.mark.parametrize("code", EXPRESSIONS)
def test_gives_what_perl_gives(code, answers):
    value = evaluate(code)
    assert ("" if value is None else str(value)) == answers[code], json.dumps(code)


def test_regular_expressions_are_values():
    assert evaluate("qr/a\\/b/i") == Regex("a/b", "i")
    assert evaluate("my $x = 'v'; qr{^$x$}") == Regex("^v$")
    assert evaluate("[qr/a/, 'b']") == [Regex("a"), "b"]


def test_the_environment_is_seen_and_set():
    assert evaluate("$ENV{A} . ($ENV{B} ||= 2) . $ENV{B}", A="1") == "122"


def test_lexical_variables_of_a_file_reach_its_sections():
    interpreter = Interpreter({}, lambda *_: None)
    interpreter.run("our $x = 1; my $y = 2; sub z { 3 }")
    assert interpreter.evaluate("$::x . $main::x . $y . z()") == ["1123"]


def test_dying_is_an_error_with_its_text():
    with pytest.raises(DieError, match="no such thing"):
        evaluate("die 'no such thing'")


@pytest.mark.parametrize(
    "code",
    ["tr/a/b/", "no_such_function(1)", "open my $f, '>', 'x'", "$x->no_method", "((("],
)
def test_what_is_not_known_is_said(code):
    with pytest.raises(UnsupportedError):
        evaluate(code)


def test_a_bad_pattern_is_an_error():
    with pytest.raises(PerlError, match="regex"):
        Regex("(").search("a")


def test_matches_have_groups_by_name_and_number():
    match = Regex(r"(?<key>\w+)=(x)?", "").search("--ab=")
    assert (match.group(), match.groups, match.names) == (
        "ab=",
        ["ab", None],
        {"key": 1},
    )
