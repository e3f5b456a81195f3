"""A fraction is cut off where an integer is wanted, as in Lua 5.1."""

import pytest


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("string.rep('-', 2.5)", b"--"),
        ("('-'):rep(2.9)", b"--"),
        ("string.rep('2.5', 2)", b"2.52.5"),
        ("string.char(65.7, 66, 67.2)", b"ABC"),
        ("string.char()", b""),
        ("string.sub('hello', 2.0, 4.0)", b"ell"),
        ("os.date('!%Y-%m-%d %H:%M:%S', 86399.9)", b"1970-01-01 23:59:59"),
        ("os.date('!*t', 3.7).sec", 3),
        ("os.date('!%S', -0.5)", b"00"),
        ("os.difftime(5, 3)", 2),
        ("os.difftime(5)", 5),
        ("math.random(1.9, 1.9) < 2.8", True),
        ("math.random(1.5) <= 2", True),
    ],
)
def test_call(vm, call, value):
    assert vm.run(f"return {call}".encode()) == value


@pytest.mark.parametrize(("field", "value"), [("day", 2.5), ("sec", 1.9)])
def test_time_of_fractional_fields(vm, field, value):
    assert (
        vm.run(
            b"""
        local field, value = ...
        local function at(x)
            return os.time {year = 2020, month = 1, day = field == "day" and x or 1,
                            hour = 0, sec = field == "sec" and x or 0}
        end
        return at(value) - at(math.floor(value))
        """,
            field.encode(),
            value,
        )
        == 0
    )


def test_random_with_and_without_arguments(vm):
    assert vm.run(
        b"""
        for i = 1, 200 do
            local unit, six, range = math.random(), math.random(6), math.random(3, 5)
            assert(unit >= 0 and unit < 1)
            assert(six >= 1 and six <= 6 and six % 1 == 0)
            assert(range >= 3 and range <= 5 and range % 1 == 0)
        end
        return true
        """
    )


def test_randomseed_with_a_fraction(vm):
    assert vm.run(
        b"""
        local function row()
            math.randomseed(1234567.89)
            return math.random(1e6), math.random(1e6)
        end
        local a, b = row()
        local c, d = row()
        return a == c and b == d
        """
    )


def test_time_leaves_its_argument_alone(vm):
    assert vm.run(
        b"""
        local fields = {year = 2020, month = 14, day = 1}
        os.time(fields)
        return fields.year, fields.month, fields.hour
        """
    ) == (2020, 14, None)


def test_time_without_fields_is_now(vm):
    assert vm.run(b"return math.abs(os.time() - os.time(os.date('*t'))) <= 1")


def test_date_formats_are_kept(vm):
    assert vm.run(b"return os.date('!%H:%M', 3600), type(os.date())") == (
        b"01:00",
        b"string",
    )
