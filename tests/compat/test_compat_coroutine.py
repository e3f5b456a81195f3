"""coroutine.running's second result and isyieldable, as Lua 5.2 and 5.3."""


def test_running_says_whether_it_is_the_main_thread(vm):
    assert vm.run(
        b"""
        local _, is_main = coroutine.running()
        local co, inside
        co = coroutine.create(function()
            local me, is_main = coroutine.running()
            inside = me == co and is_main
        end)
        coroutine.resume(co)
        return is_main, inside
        """
    ) == (True, False)


def test_isyieldable(vm):
    assert vm.run(
        b"""
        return coroutine.isyieldable(), coroutine.wrap(function()
            return coroutine.isyieldable()
        end)()
        """
    ) == (False, True)


def test_isyieldable_inside_pcall(vm):
    assert vm.run(
        b"""
        return coroutine.wrap(function()
            return select(2, pcall(coroutine.isyieldable))
        end)()
        """
    )
