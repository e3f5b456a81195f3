"""math of Lua 5.1, held against Python's, and the base of 5.2's log."""

import math
import random

import pytest

# Functions that some flavour lacks, with arguments for each.
CASES = [
    ("pow", math.pow, [(2, 10), (2.5, -3), (9, 0.5), (-2, 3)]),
    ("log10", math.log10, [(1000,), (0.001,), (2,)]),
    ("atan2", math.atan2, [(1, -1), (-1, -1), (0, -1), (3, 4)]),
    ("cosh", math.cosh, [(0,), (1,), (-3.5,), (710,)]),
    ("sinh", math.sinh, [(0,), (1e-9,), (0.3,), (-1,), (2.5,), (710,)]),
    ("tanh", math.tanh, [(0,), (1e-9,), (0.5,), (-3,), (19,), (50,), (-50,)]),
    ("mod", math.fmod, [(5, 3), (-5, 3), (5.5, 2)]),
    ("log", math.log, [(8, 2), (100, 10), (2.5,), (7, 3)]),
]


@pytest.mark.parametrize(("name", "expected", "rows"), CASES, ids=lambda c: str(c)[:9])
def test_function(vm, name, expected, rows):
    for row in rows:
        result = vm.run(f"return math.{name}(...)".encode(), *row)
        assert result == pytest.approx(expected(*row), rel=1e-14, abs=0)


def test_log_of_a_power_is_exact(vm):
    assert vm.run(b"return math.log(8, 2) == 3 and math.log(1000, 10) == 3")


def doubles():
    generator = random.Random(5)
    yield from (0.0, 1.0, -1.0, 0.5, 5e-324, 2.2250738585072014e-308, 1.7e308)
    for _ in range(200):
        yield math.ldexp(generator.uniform(-1, 1), generator.randint(-1070, 1024))


def test_frexp(vm):
    function = vm.run(b"return math.frexp")
    for number in doubles():
        assert tuple(function(number)) == math.frexp(number)


def test_frexp_of_what_has_no_exponent(vm):
    assert vm.run(b"return (math.frexp(math.huge))") == math.inf
    assert math.isnan(vm.run(b"return (math.frexp(0 / 0))"))


def test_ldexp(vm):
    function = vm.run(b"return math.ldexp")
    for number in doubles():
        fraction, exponent = math.frexp(number)
        assert function(fraction, exponent) == number


@pytest.mark.parametrize("exponent", [-3000, -1100, -1074, -1001, 1000, 1001])
def test_ldexp_rounds_once(vm, exponent):
    for fraction in (0.75, 0.7500000000000001, 1 + 2**-52):
        assert vm.run(b"return math.ldexp(...)", fraction, exponent) == math.ldexp(
            fraction, exponent
        )


def test_ldexp_overflows_to_infinity(vm):
    assert vm.run(b"return math.ldexp(1, 2000)") == math.inf
