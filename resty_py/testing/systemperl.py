"""The system's perl, for what the small evaluator does not know.

A file's code is run once by a perl in which the functions of Test::Nginx only
note their arguments; then the sections with the filter ``eval`` are evaluated
and the block preprocessors called. All that comes back as JSON. Code references
cannot come back: a section that is one has no value.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import dataformat
from .perl import PerlError
from .perl.regex import Regex
from .perl.values import text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["PerlUnavailableError", "Recording", "record"]

#: Seconds that a file's code may take.
PATIENCE = 60.0


class PerlUnavailableError(Exception):
    """No perl could run the file; the text says why."""


@dataclass(frozen=True)
class Recording:
    """What perl made of a file.

    Attributes:
        calls: the functions of Test::Nginx that it called, with arguments.
        environment: the environment afterwards.
        blocks: the values of the sections of each block, by its number.
    """

    calls: list[tuple[str, list[Any]]]
    environment: dict[str, str]
    blocks: dict[int, dict[str, Any]]


def record(
    path: Path,
    source: str,
    places: Mapping[str, str],
    environment: Mapping[str, Any],
    nginx_version: float,
) -> Recording:
    """Run a file by perl.

    Args:
        path: the file.
        source: what is in it.
        places: values of ``html_dir`` and its like.
        environment: the variables that it sees.
        nginx_version: as Test::Nginx has it.

    Raises:
        PerlUnavailableError: there is no perl, or it lacks a module.
        PerlError: the code is no Perl, or died.
    """
    perl = shutil.which("perl")
    if perl is None:
        raise PerlUnavailableError("needs perl, which is not installed")
    code, data, _ = dataformat.split_file(source)
    blocks = dataformat.chosen(dataformat.parse(data))
    job = {
        "path": str(path),
        "code": code,
        "places": {**places, "blocks": str(len(blocks))},
        "version": str(nginx_version),
        "blocks": [_job_of(block) for block in blocks],
    }
    done = subprocess.run(
        [perl, "-e", _SCRIPT],
        input=_literal(job).encode("latin-1", "replace"),
        capture_output=True,
        env={k: text(v) for k, v in environment.items() if v is not None},
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        lacks_module = message.startswith("Can't locate")
        raise (PerlUnavailableError if lacks_module else PerlError)(f"perl: {message}")
    answer = json.loads(done.stdout)
    return Recording(
        [(name, [_decode(one) for one in rest]) for name, *rest in answer["calls"]],
        answer["environment"],
        {
            int(number): {name: _decode(value) for name, value in values.items()}
            for number, values in answer["blocks"].items()
        },
    )


def _job_of(block: dataformat.RawBlock) -> list[Any]:
    """Return a block's sections: those to evaluate as code, the others as text.

    Between the name of a section and its value are ``eval``, ``text``, or filters
    that the file itself has.
    """
    sections: list[list[str]] = []
    for name, section in block.sections.items():
        if name.startswith("stap"):
            continue
        if section.own_filters:
            sections.append([name, *section.own_filters, section.plain])
            continue
        code: list[str] = []

        def note(source: str, code: list[str] = code) -> None:
            code.append(source)

        value = section.value(note) if "eval" in section.filters else None
        if code:
            sections.append([name, "eval", code[0]])
        elif "eval" not in section.filters:
            value = section.value(note)
            sections.append([name, "text", value if isinstance(value, str) else ""])
    return [str(block.number), block.name, sections]


def _literal(value: Any) -> str:
    """Return a value as Perl writes it."""
    if isinstance(value, dict):
        pairs = (f"{_literal(k)} => {_literal(v)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    quoted = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"


def _decode(value: Any) -> Any:
    """Return a value as the evaluator would have it."""
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, dict):
        if set(value) == {"\0regex", "flags"}:
            return Regex(value["\0regex"], value["flags"])
        return {key: _decode(item) for key, item in value.items()}
    return value


_SCRIPT = r"""
package RestyPy::Recorder;

my $job = eval do { local $/; <STDIN> };
our (@calls, @preprocessors);
$Test::Nginx::Util::NginxVersion = $job->{version};

my %setting = (repeat_each => 1, workers => 1, worker_connections => 64,
               log_level => 'debug', timeout => 3, server_name => 'localhost');

sub exported {
    my ($to) = @_;
    no strict 'refs';
    for my $name (keys %{$job->{places}}) {
        my $value = $job->{places}{$name};
        *{"${to}::$name"} = sub { $value };
    }
    for my $name (keys %setting) {
        *{"${to}::$name"} = sub {
            if (@_) { push @calls, [$name, @_]; $setting{$name} = $_[0] }
            $setting{$name};
        };
    }
    for my $name (qw(plan master_on master_process_enabled no_root_location
                     check_accum_error_log no_diff no_long_string no_shuffle
                     run_tests no_nginx_manager env_to_nginx quit_on_failure
                     add_response_body_check add_cleanup_handler filters
                     skip_all)) {
        *{"${to}::$name"} = sub { push @calls, [$name, @_]; '' };
    }
    *{"${to}::add_block_preprocessor"} = sub { push @preprocessors, $_[0] };
    *{"${to}::bail_out"} = sub { die @_ };
}

for my $module (qw(Test/Nginx/Socket.pm Test/Nginx/Socket/Lua.pm
                   Test/Nginx/Util.pm Test/Nginx/Socket/Lua/Stream.pm
                   Test/Nginx/Socket/Lua/Dgram.pm Test/Base.pm)) {
    $INC{$module} = $module;
    (my $package = $module) =~ s{/}{::}g;
    $package =~ s/\.pm$//;
    no strict 'refs';
    *{"${package}::import"} = sub {
        my $class = shift;
        my $to = caller;
        exported($to);
        # What another module is the base of has its functions as well.
        *{"${to}::import"} = \&{"${package}::import"} if "@_" eq '-Base';
        push @calls, ['plan', @_] if @_ > 1;
    };
}

sub RestyPy::Block::AUTOLOAD {
    my $self = shift;
    (my $name = our $AUTOLOAD) =~ s/.*:://;
    return if $name eq 'DESTROY';
    $name = $RestyPy::Block::AUTOLOAD;
    $name =~ s/.*:://;
    return $self->{$name};
}

sub RestyPy::Block::set_value {
    my ($self, $name, $value) = @_;
    $self->{$name} = $value;
}

sub RestyPy::Filter::current_arguments { $_[0]{arguments} }
sub RestyPy::Filter::current_block { $_[0]{block} }

# Returns a value after a filter of the file's own, "name" or "name=arguments".
sub filtered {
    my ($block, $filter, $value) = @_;
    my ($name, $arguments) = split /=/, $filter, 2;
    my $self = bless { arguments => $arguments, block => $block },
               'RestyPy::Filter';
    no strict 'refs';
    return &{"Test::Base::Filter::$name"}($self, $value);
}

sub encode {
    my ($value) = @_;
    return 'null' if !defined $value || ref $value eq 'CODE';
    if (ref $value eq 'ARRAY') {
        return '[' . join(',', map { encode($_) } @$value) . ']';
    }
    if (ref $value eq 'HASH' || ref $value eq 'RestyPy::Block') {
        return '{' . join(',', map { encode("$_") . ':' . encode($value->{$_}) }
                          keys %$value) . '}';
    }
    if (ref $value eq 'Regexp') {
        my ($pattern, $flags) = re::regexp_pattern($value);
        return encode({"\0regex" => $pattern, flags => $flags});
    }
    my $string = "$value";
    utf8::encode($string) if utf8::is_utf8($string);
    $string =~ s/([^ !#-\[\]-~])/sprintf '\u%04x', ord $1/ge;
    return qq{"$string"};
}

unshift @INC, '.', 'lib';
my $prefix = "package main; no strict; no warnings;\n#line 1 \"$job->{path}\"\n";
eval $prefix . $job->{code} . "\n1;" or do { print STDERR $@; exit 1 };

my %blocks;
for my $one (@{$job->{blocks}}) {
    my ($number, $name, $sections) = @$one;
    my $block = bless { name => $name }, 'RestyPy::Block';
    for my $one (@$sections) {
        my ($section, $kind, $text) = @$one;
        if ($kind ne 'eval' && $kind ne 'text') {
            my @filters = @$one[1 .. $#$one - 1];
            my $value = $one->[-1];
            $value = eval { filtered($block, $_, $value) } for @filters;
            $block->{$section} = $@ ? $@ : $value;
        } elsif ($kind eq 'eval') {
            my @values = eval "package main; no strict; no warnings;\n$text";
            $block->{$section} = $@ ? $@ : $values[0];
        } else {
            $block->{$section} = $text;
        }
    }
    $_->($block) for @preprocessors;
    delete $block->{name};
    $blocks{$number} = $block;
}
print STDOUT encode({ calls => \@calls, environment => {%ENV}, blocks => \%blocks });
"""
