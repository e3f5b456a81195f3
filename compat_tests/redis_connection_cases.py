"""What becomes of a connection of lua-resty-redis, and who may use it.

What is expected is what the documentation of OpenResty's cosockets says; the
real OpenResty says it too. A case begins with ``redis_cases.CONNECT``.
"""

from __future__ import annotations

from compat_case import Case

__all__ = ["CONNECTIONS"]

CONNECTIONS = [
    Case(
        "subscriber_may_wait_again",
        """
        local other = connected()
        red:subscribe("dog")
        red:set_timeout(20)
        say(red:read_reply())
        other:publish("dog", "bow")
        red:set_timeout(5000)
        say(red:read_reply())
        """,
        ('nil "timeout"', '{"message", "dog", "bow"} nil'),
    ),
    Case(
        "subscriber_and_publisher_in_threads",
        """
        red:subscribe("dog")
        local listener = ngx.thread.spawn(function()
            for _ = 1, 3 do
                say(red:read_reply())
            end
        end)
        local speaker = ngx.thread.spawn(function()
            local other = connected()
            for i = 1, 3 do
                other:publish("dog", i)
            end
        end)
        say(ngx.thread.wait(speaker), ngx.thread.wait(listener))
        """,
        (
            '{"message", "dog", "1"} nil',
            '{"message", "dog", "2"} nil',
            '{"message", "dog", "3"} nil',
            "true true",
        ),
    ),
    Case(
        "command_times_out",
        """
        red:set_timeout(20)
        say(red:blpop("nothing", 0))
        say(red:get("k"))
        say(red:set_keepalive())
        """,
        ('nil "timeout"', 'nil "closed"', 'nil "closed"'),
    ),
    Case(
        "close",
        """
        say(red:close())
        say(red:close())
        say(red:get("k"))
        say(red:get_reused_times())
        say(red:connect("127.0.0.1", PORT))
        say(red:ping())
        """,
        ("1", 'nil "closed"', 'nil "closed"', 'nil "closed"', "1", '"PONG"'),
    ),
    Case(
        "quit",
        """
        say(red:quit())
        say(red:close())
        """,
        ('"OK"', "1"),
    ),
    Case(
        "nobody_listens",
        """
        local lost = redis:new()
        say(lost:connect("127.0.0.1", 1))
        say(lost:get("k"))
        say(lost:connect("unix:/nowhere/redis.sock"))
        say(lost:connect("127.0.0.1", 70000))
        """,
        (
            'nil "connection refused"',
            'nil "closed"',
            'nil "no such file or directory"',
            'nil "bad port number: 70000"',
        ),
    ),
    Case(
        "keepalive",
        """
        local options = {pool = "keepalive"}
        local one = connected(options)
        say(one:get_reused_times(), one:set_keepalive(10000, 100))
        say(one:get("k"))
        say(one:set_keepalive())
        for _ = 1, 3 do
            local next = connected(options)
            say(next:get_reused_times(), next:ping(), next:set_keepalive())
        end
        """,
        (
            "0 1",
            'nil "closed"',
            'nil "closed"',
            '1 "PONG" 1',
            '2 "PONG" 1',
            '3 "PONG" 1',
        ),
    ),
    Case(
        "keepalive_with_unread_data",
        """
        local one, other = connected({pool = "unread"}), connected()
        one:subscribe("dog")
        one:unsubscribe("dog")
        one._sock:send("PING\\r\\nPING\\r\\n")
        one._sock:receive()
        say(one:set_keepalive())
        """,
        ('nil "unread data in buffer"',),
    ),
    Case(
        "keepalive_ends",
        """
        local options = {pool = "ends"}
        say(connected(options):set_keepalive(1, 10))
        ngx.sleep(0.05)
        say(connected(options):get_reused_times())
        """,
        ("1", "0"),
    ),
    Case(
        "pool_is_full",
        """
        local clients = {}
        for i = 1, 3 do
            clients[i] = connected({pool = "full"})
            clients[i]:client("setname", "number" .. i)
        end
        for i = 1, 3 do
            say(clients[i]:set_keepalive(10000, 2))
        end
        for i = 1, 3 do
            clients[i] = connected({pool = "full"})
            say(clients[i]:get_reused_times(), clients[i]:client("getname"))
        end
        """,
        ("1", "1", "1", '1 "number3"', '1 "number2"', "0 null"),
    ),
    Case(
        "backlog",
        """
        local options = {pool = "backlog", pool_size = 1, backlog = 1}
        local one = connected(options)
        local waiting = ngx.thread.spawn(function()
            local two = connected(options)
            say("two", two:get_reused_times())
            two:close()
        end)
        local refused = redis:new()
        say(refused:connect("127.0.0.1", PORT, options))
        say(one:set_keepalive())
        ngx.thread.wait(waiting)
        """,
        ('nil "too many waiting connect operations"', "1", '"two" 1'),
    ),
    Case(
        "select",
        """
        red:set("k", "zero")
        say(red:select(1), red:get("k"))
        red:set("k", "one")
        say(red:select(0), red:get("k"))
        say(red:select(99))
        """,
        ('"OK" null', '"OK" "zero"', 'false "ERR DB index is out of range"'),
    ),
    Case(
        "auth",
        """
        say(red:auth("a word"))
        say(red:config("set", "requirepass", "secret"))
        local other = connected({pool = "auth"})
        say(other:get("k"))
        say(other:auth("wrong"))
        say(other:auth("secret"), other:get("k"))
        say(red:config("set", "requirepass", ""))
        """,
        (
            (
                'false "ERR AUTH <password> called without any password configured for '
                'the default user. Are you sure your configuration is correct?"'
            ),
            '"OK"',
            'false "NOAUTH Authentication required."',
            'false "WRONGPASS invalid username-password pair or user is disabled."',
            '"OK" null',
            '"OK"',
        ),
    ),
    Case(
        "not_a_client",
        """
        say(pcall(redis.set_timeout, {}, 1))
        say(redis.connect({}, "127.0.0.1", PORT))
        say(redis.get({}, "k"))
        say(redis.commit_pipeline({_reqs = {}}))
        """,
        (
            'false "not initialized"',
            'nil "not initialized"',
            'nil "not initialized"',
            'nil "not initialized"',
        ),
    ),
    Case(
        "threads_in_parallel",
        """
        local function wait_for(key)
            local own = connected()
            local answer = own:blpop(key, 5)
            own:close()
            return answer[2]
        end
        local one = ngx.thread.spawn(wait_for, "one")
        local two = ngx.thread.spawn(wait_for, "two")
        red:rpush("two", "b")
        red:rpush("one", "a")
        say(ngx.thread.wait(two))
        say(ngx.thread.wait(one))
        """,
        ('true "b"', 'true "a"'),
    ),
    Case(
        "two_threads_read_at_once",
        """
        red:set_timeout(50)
        local one = ngx.thread.spawn(function()
            say(red:blpop("nothing", 0))
        end)
        say(red:get("k"))
        ngx.thread.wait(one)
        """,
        ('nil "socket busy reading"', 'nil "timeout"'),
    ),
    Case(
        "coroutines_take_turns",
        """
        local co = coroutine.wrap(function()
            for i = 1, 3 do
                coroutine.yield(red:incr("n"), i)
            end
        end)
        say(co())
        say(co())
        say(red:get("n"))
        say(co())
        """,
        ("1 1", "2 2", '"2"', "3 3"),
    ),
    Case(
        "pcall_across_a_command",
        """
        say(pcall(red.incr, red, "n"))
        say(pcall(function()
            red:incr("n")
            error({code = red:get("n")})
        end))
        say(select(2, xpcall(function()
            red:incr("n")
            local nothing = nil
            return nothing.field
        end, function() return "handled " .. type(red) end)))
        say(red:get("n"))
        """,
        ("true 1", 'false {code = "2"}', '"handled table"', '"3"'),
    ),
]
