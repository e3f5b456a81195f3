"""What only the system's perl can do for a suite."""

import shutil

import pytest
from testing_suite import suite_of

pytestmark = pytest.mark.skipif(shutil.which("perl") is None, reason="needs perl")

#: A module of a suite, with functions of Test::Nginx and a filter.
MODULE = """\
package Loud;
use Test::Nginx::Socket::Lua -Base;

sub Test::Base::Filter::loud {
    my ($self, $value) = @_;
    return uc($value) . ($self->current_arguments // '') . $self->current_block->name;
}
1;
"""

SUITE = """\
use lib 't';
use Loud;
repeat_each(3);
run_tests();
__DATA__

=== TEST 1: one
--- response_body loud
text
--- more_headers loud=!
more
--- request
GET /
"""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    (tmp_path / "t").mkdir()
    (tmp_path / "t/Loud.pm").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return suite_of(tmp_path, SUITE)


def test_a_module_is_the_base_of_a_suite(suite):
    assert suite.settings.repeat_each == 3


def test_a_filter_of_the_suite(suite):
    (block,) = suite.blocks
    assert block.text("response_body") == "TEXT\nTEST 1: one"
    assert block.text("more_headers") == "MORE\n!TEST 1: one"
    assert block.text("request") == "GET /\n"
