"""What lua-resty-redis is asked to do, and what it must say.

What is expected is what Redis documents for the command, as the library's
documentation turns it into Lua values; the real OpenResty says it too.
"""

from __future__ import annotations

from compat_case import Case

__all__ = ["COMMANDS", "CONNECT"]

#: Comes first in every case: a client `red` that is connected.
CONNECT = """\
local say = ...
local redis = require "resty.redis"
local PORT = tonumber(os.getenv("REDIS_PORT"))
local function connected(options)
    local red = redis:new()
    red:set_timeout(5000)
    assert(red:connect("127.0.0.1", PORT, options))
    return red
end
local red = connected()
"""


COMMANDS = [
    Case(
        "status",
        """
        say(red:set("k", "v"))
        say(red:get("k"))
        """,
        ('"OK"', '"v"'),
    ),
    Case(
        "null",
        """
        local value, err = red:get("nothing")
        say(value, err, value == ngx.null)
        say(red:blpop("nothing", "0.01"))
        """,
        ("null nil true", "null"),
    ),
    Case(
        "integer",
        """
        say(red:incr("n"), red:incrby("n", 41), red:decr("n"))
        say(red:exists("n"), red:del("n"), red:exists("n"), red:llen("n"))
        say(math.type and math.type(red:incr("n")) or "integer")
        """,
        ("1 42 41", "1 1 0 0", '"integer"'),
    ),
    Case(
        "error_reply",
        """
        red:set("word", "abc")
        say(red:incr("word"))
        say(red:lpush("word", 1))
        say(red:get("word"))
        """,
        (
            'false "ERR value is not an integer or out of range"',
            'false "WRONGTYPE Operation against a key holding the wrong kind of value"',
            '"abc"',
        ),
    ),
    Case(
        "unknown_command",
        """
        say(red:no_such_thing("a"))
        """,
        (
            (
                "false \"ERR unknown command 'no_such_thing', "
                "with args beginning with: 'a' \""
            ),
        ),
    ),
    Case(
        "argument_types",
        """
        say(red:mset("a", 1, "b", true, "c", ""))
        say(red:mget("a", "b", "c", "d"))
        """,
        ('"OK"', '{"1", "true", "", null}'),
    ),
    Case(
        "binary",
        r"""
        local bytes = {}
        for i = 0, 255 do
            bytes[i + 1] = string.char(i)
        end
        local value = table.concat(bytes) .. "\r\n$-1\r\n*0\r\n\0"
        say(red:set("\0\r\nkey", value))
        say(red:get("\0\r\nkey") == value, #red:get("\0\r\nkey"))
        say(red:keys("*"))
        """,
        ('"OK"', "true 268", '{"\\x00\\x0d\\x0akey"}'),
    ),
    Case(
        "large",
        """
        local value = ("0123456789abcdef"):rep(65536)
        say(red:set("large", value), red:strlen("large"))
        say(red:get("large") == value)
        """,
        ('"OK" 1048576', "true"),
    ),
    Case(
        "nested_arrays",
        """
        say(red:eval("return {1, {'a', {2, {}}}, false, 'z'}", 0))
        say(red:eval("return {redis.error_reply('ERR no')}", 0))
        """,
        ('{1, {"a", {2, {}}}, null, "z"}', '{{false, "ERR no"}}'),
    ),
    Case(
        "script",
        """
        local sha = red:script("load", "return {KEYS[1], ARGV[1]}")
        say(red:evalsha(sha, 1, "key", "argument"))
        """,
        ('{"key", "argument"}',),
    ),
    Case(
        "hashes",
        """
        say(red:hmset("h1", {a = 1, b = 2}))
        say(red:hmset("h2", "a", 1, "b", 2))
        say(red:array_to_hash(red:hgetall("h1")))
        say(red:hgetall("h2"), red:hmget("h2", "a", "c"))
        """,
        ('"OK"', '"OK"', '{a = "1", b = "2"}', '{"a", "1", "b", "2"} {"1", null}'),
    ),
    Case(
        "pipeline",
        """
        red:set("word", "abc")
        red:init_pipeline()
        say(red:set("n", 5))
        red:incr("n")
        red:incr("word")
        red:get("nothing")
        red:lrange("nothing", 0, -1)
        say(red:commit_pipeline())
        say(red:get("n"))
        """,
        (
            "",
            (
                '{"OK", 6, {false, "ERR value is not an integer or out of range"}, '
                "null, {}}"
            ),
            '"6"',
        ),
    ),
    Case(
        "pipeline_of_a_thousand",
        """
        red:init_pipeline(2000)
        for i = 1, 1000 do
            red:set("k" .. i, ("x"):rep(i))
            red:strlen("k" .. i)
        end
        local answers, sum = red:commit_pipeline(), 0
        for i = 2, #answers, 2 do
            sum = sum + answers[i]
        end
        say(#answers, sum)
        """,
        ("2000 500500",),
    ),
    Case(
        "pipeline_cancelled",
        """
        red:init_pipeline()
        red:incr("n")
        red:cancel_pipeline()
        say(red:get("n"))
        say(red:commit_pipeline())
        """,
        ("null", 'nil "no pipeline"'),
    ),
    Case(
        "transaction",
        """
        say(red:multi())
        say(red:set("a", 1), red:incr("a"))
        say(red:exec())
        red:multi()
        red:set("a", 100)
        say(red:discard(), red:get("a"))
        """,
        ('"OK"', '"QUEUED" "QUEUED"', '{"OK", 2}', '"OK" "2"'),
    ),
    Case(
        "transaction_with_an_error",
        """
        red:set("word", "abc")
        red:multi()
        red:incr("word")
        red:get("word")
        say(red:exec())
        red:multi()
        say(red:get())
        say(red:exec())
        """,
        (
            '{{false, "ERR value is not an integer or out of range"}, "abc"}',
            "false \"ERR wrong number of arguments for 'get' command\"",
            'false "EXECABORT Transaction discarded because of previous errors."',
        ),
    ),
    Case(
        "watched_key_changes",
        """
        local other = connected()
        red:watch("a")
        other:set("a", 1)
        red:multi()
        red:set("a", 2)
        say(red:exec())
        say(red:get("a"))
        """,
        ("null", '"1"'),
    ),
    Case(
        "subscribe",
        """
        local other = connected()
        say(red:subscribe("dog"))
        say(red:psubscribe("c*"))
        say(other:publish("dog", "bow"), other:publish("cat", "mew"))
        say(red:read_reply())
        say(red:read_reply())
        say(red:set_keepalive())
        say(red:unsubscribe("dog"))
        say(red:punsubscribe())
        say(red:read_reply())
        say(red:set_keepalive())
        """,
        (
            '{"subscribe", "dog", 1}',
            '{"psubscribe", "c*", 2}',
            "1 1",
            '{"message", "dog", "bow"} nil',
            '{"pmessage", "c*", "cat", "mew"} nil',
            'nil "subscribed state"',
            '{"unsubscribe", "dog", 1} nil',
            '{"punsubscribe", "c*", 0} nil',
            'nil "not subscribed"',
            "1",
        ),
    ),
]
