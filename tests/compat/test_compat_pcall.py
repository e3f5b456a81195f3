"""Code can yield inside pcall and xpcall on every flavour, 5.1 included."""


def test_values_pass_a_pcall_both_ways(vm):
    assert vm.run(
        b"""
        local co = coroutine.create(function(...)
            return pcall(function(...)
                local a, b, c = coroutine.yield(select("#", ...), ...)
                return a, b, c, nil
            end, ...)
        end)
        local function list(...)
            local texts = {}
            for i = 1, select("#", ...) do
                texts[i] = tostring((select(i, ...)))
            end
            return table.concat(texts, " ")
        end
        return list(coroutine.resume(co, "x", nil, "y")) .. " / "
            .. list(coroutine.resume(co, nil, 2, false)) .. " / "
            .. list(coroutine.resume(co))
        """
    ) == (
        b"true 3 x nil y / true true nil 2 false nil / "
        b"false cannot resume dead coroutine"
    )


def test_many_yields_in_nested_pcalls(vm):
    assert vm.run(
        b"""
        local function nest(depth)
            if depth == 0 then
                local sum = 0
                for i = 1, 1000 do
                    sum = sum + coroutine.yield(i)
                end
                return sum
            end
            return select(2, pcall(nest, depth - 1))
        end
        local next_value = coroutine.wrap(nest)
        local value = next_value(20)
        for i = 1, 999 do
            value = next_value(2)
        end
        return value, next_value(2)
        """
    ) == (1000, 2000)


def test_error_of_any_type_is_the_second_value(vm):
    assert (
        vm.run(
            b"""
        local mark = {}
        local function fail(value)
            return coroutine.wrap(function()
                local ok, problem = pcall(function()
                    coroutine.yield()
                    error(value, 0)
                end)
                return ok == false and problem == value
            end)
        end
        local right = 0
        for _, value in ipairs {"text", 7, true, false, mark, print} do
            local co = fail(value)
            co()
            right = right + (co() and 1 or 0)
        end
        return right
        """
        )
        == 6
    )


def test_error_position_is_the_functions(vm):
    assert vm.run(
        b"""
        return coroutine.wrap(function()
            return pcall(function()
                error("here")
            end)
        end)()
        """,
        name="=user",
    ) == (False, b"user:4: here")


def test_calling_what_cannot_be_called(vm):
    assert vm.run(
        b"""
        return coroutine.wrap(function()
            local ok, problem = pcall(nil)
            local called, value = pcall(setmetatable({}, {
                __call = function(_, x) return x end}), 5)
            return ok, problem, called, value
        end)()
        """
    ) == (False, b"attempt to call a nil value", True, 5)


def test_c_function_can_be_called(vm):
    assert (
        vm.run(
            b"""
        return coroutine.wrap(function()
            return select(2, pcall(string.rep, "ab", 2)),
                (select(2, pcall(coroutine.yield, "out")))
        end)()
        """
        )
        == b"out"
    )


def test_xpcall_passes_arguments_and_yields(vm):
    assert vm.run(
        b"""
        local co = coroutine.wrap(function()
            return xpcall(function(a, b, c)
                return coroutine.yield(a, b, c)
            end, print, 1, nil, 3)
        end)
        local a, b, c = co()
        return a, b, c, co("back")
        """
    ) == (1, None, 3, True, b"back")


def test_xpcall_passes_arguments_outside_a_coroutine(vm):
    assert vm.run(
        b"return xpcall(function(...) return select('#', ...), ... end, print, 1, nil)"
    ) == (True, 2, 1, None)


def test_handler_makes_the_second_value(vm):
    assert vm.run(
        b"""
        local co = coroutine.wrap(function()
            local ok, problem, more = xpcall(function()
                coroutine.yield()
                error("no", 0)
            end, function(text)
                return "handled " .. text, "dropped"
            end)
            return ok, problem, more
        end)
        co()
        return co()
        """
    ) == (False, b"handled no", None)


def test_handler_that_answers_false(vm):
    assert vm.run(
        b"""
        return coroutine.wrap(function()
            return xpcall(error, function() return false end)
        end)()
        """
    ) == (False, False)


def test_failing_handler(vm):
    ok, problem = vm.run(
        b"""
        return coroutine.wrap(function()
            return xpcall(error, function() error("again") end)
        end)()
        """
    )
    assert not ok
    # 5.4 and later call the handler again until the C stack is full.
    assert (
        problem == b"error in error handling"
        or b"again" in problem
        or (b"stack overflow" in problem)
    )


def test_running_and_status_show_the_users_coroutine(vm):
    assert vm.run(
        b"""
        local co
        co = coroutine.create(function()
            local inside = pcall(function()
                assert(coroutine.running() == co)
                assert(coroutine.status(co) == "running")
                local other = coroutine.create(function()
                    assert(coroutine.status(co) == "normal")
                    pcall(function()
                        assert(coroutine.status(co) == "normal")
                    end)
                end)
                assert(coroutine.resume(other))
                coroutine.yield()
            end)
            return inside
        end)
        assert(coroutine.resume(co))
        local parked = coroutine.status(co)
        local _, inside = coroutine.resume(co)
        return parked, inside, coroutine.status(co)
        """
    ) == (b"suspended", True, b"dead")


def test_generator_inside_a_protected_function(vm):
    assert (
        vm.run(
            b"""
        return coroutine.wrap(function()
            local ok, sum = pcall(function()
                local sum = 0
                for value in coroutine.wrap(function()
                    pcall(function()
                        for i = 1, 3 do coroutine.yield(i) end
                    end)
                end) do
                    sum = sum + value
                end
                return sum
            end)
            return sum
        end)()
        """
        )
        == 6
    )


def test_dropped_coroutine_is_collected(vm):
    """A request that is dropped while parked in pcall leaves nothing."""
    assert (
        vm.run(
            b"""
        local kept = setmetatable({}, {__mode = "k"})
        for i = 1, 50 do
            local co = coroutine.create(function()
                pcall(pcall, function() coroutine.yield() end)
            end)
            coroutine.resume(co)
            kept[co] = true
        end
        collectgarbage()
        collectgarbage()
        local count = 0
        for _ in pairs(kept) do count = count + 1 end
        return count
        """
        )
        == 0
    )


def test_protected_call_outside_a_coroutine(vm):
    assert vm.run(b"return pcall(function(...) return ... end, 1, 2)") == (True, 1, 2)
    assert vm.run(b"return pcall(error, 'no')") == (False, b"no")


def test_yield_itself_in_pcall(vm):
    assert (
        vm.run(
            b"""
        local co = coroutine.wrap(function()
            return select(2, pcall(coroutine.yield, "out"))
        end)
        return co() .. " " .. co("in")
        """
        )
        == b"out in"
    )
