-- Regular expressions: PCRE2 with OpenResty's option letters and texts.
--
--   available           whether there is a library; missing: why there is none
--   compile(pattern, letters)
--                       re | nil, err. Kept where `letters` has an "o"
--                       (cache.lua). A letter that is none and a pattern that
--                       is no string raise an error, which blames the caller
--                       of the function that called compile()
--   match(re, subject, start)
--                       number of groups up to the last that took part
--                       | nil (no match) | nil, err; `start` is an offset, 0
--                       the first byte
--   span(re, group)     offsets of a group's first byte and of the byte after
--                       it, -1 and -1 where it took no part; of the latest
--                       match of all, so to be asked for right away
--   release(re)         frees a re that is not kept; it is not used after
--   limit_jit_stack(size)
--                       true | nil, err
--
--   re.captures         number of capture groups; 0 for the DFA matcher
--   re.names            {name, group, name, group, …}
--   re.duplicates       letter D: names may have several groups
--   re.kept             whether the cache holds it
--
-- Rules:
--
-- 1. An engine has the calls of the library and nothing else; there are two
--    with the same interface: ffi.lua, and host.lua, which asks
--    resty_py/host/regex.py. Numbers in it are PCRE2's.
--      compile(pattern, options, extra, jit, dfa)
--                                re | nil, code, offset of the error
--      match(re, subject, start) what match() above returns | code, negative
--      span(re, group), release(re)
--      message(code)             PCRE2's text
--      limit(n)                  the match limit
--      jit_stack(size)           whether there was memory
--      is_jitted(re)             whether it is machine code; of ffi.lua alone
-- 2. Texts and numbers of errors are those of the OpenResty that lua-resty-core
--    0.1.25 belongs to, which runs PCRE 8.39 (errors.lua). Newer ones run
--    PCRE2, as we do, and show its own: "missing closing parenthesis" for
--    "missing )", -47 for -8.
-- 3. What PCRE1 takes and PCRE2 does not by itself is taken where PCRE2 has a
--    switch for it: a letter after a backslash that means nothing there stands
--    for itself. Other differences stay: "[\d-z]" and "[\R]" are errors, "]"
--    alone is none with J, a pattern may hold NUL bytes, recursion
--    backtracks, a match limit counts other steps.
-- 4. No input is undefined behaviour. Letter U spares OpenResty the check of
--    the subject, and undefines what a malformed one does; here its malformed
--    parts match nothing. The DFA matcher cannot do that, so it checks.
-- 5. A pattern that is not kept is freed after its use and not when Lua's
--    collector comes by, which does not see how large it is. Left to the
--    collector are those dropped from the cache, of iterators that nobody ran
--    to their end, and of replacement functions that raised an error.
--
-- Follows lua-resty-core's regex.lua and ngx_http_lua_regex.c.

local cache = require "resty_py.regex.cache"
local errors = require "resty_py.regex.errors"
local log = require "resty_py.log"
local native = require "resty_py.native"
local options = require "resty_py.regex.options"
local settings = require "resty_py.settings"

local error = error
local find_kept = cache.find
local parse = options.parse
local pcall = pcall
local type = type

-- PCRE2's codes and its extra option for rule 3.
local NO_MATCH = -1
local UNKNOWN_ESCAPE = 103
local BAD_ESCAPE_IS_LITERAL = 0x2

local MATCH_LIMIT = 0       -- lua_regex_match_limit, 0: the library's own
local JIT_STACK_MIN = 32768  -- NGX_LUA_RE_MIN_JIT_STACK_SIZE

local library, missing = native.regex.library()
if not library then
    return {available = false, missing = missing}
end

local half = pcall(require, "ffi") and "ffi" or "host"
local engine = require("resty_py.regex." .. half)
local engine_match = engine.match
local configured = false

local _M = {available = true, span = engine.span}


local function configure()
    local given = settings.main or {}
    local limit = given.lua_regex_match_limit or MATCH_LIMIT
    if limit > 0 then
        engine.limit(limit)
    end
    cache.resize(given.lua_regex_cache_max_entries)
    configured = true
end


local function log_jit(re)
    if log.enabled(log.DEBUG) then
        log.debug(nil, "pcre JIT compiling result: "
                  .. (engine.is_jitted(re) and 1 or 0))
    end
end


local function translate(pattern, parsed)
    local bits, jit, dfa = parsed.bits, parsed.jit, parsed.dfa
    local re, code, offset = engine.compile(pattern, bits, 0, jit, dfa)
    if code == UNKNOWN_ESCAPE then
        re, code, offset = engine.compile(pattern, bits, BAD_ESCAPE_IS_LITERAL,
                                          jit, dfa)
    end
    if not re then
        return nil, errors.compile(code, engine.message(code), pattern, offset)
    end
    re.duplicates = parsed.duplicates
    if jit and engine.is_jitted then
        log_jit(re)
    end
    return re
end


local function compile_anew(pattern, parsed)
    if type(pattern) ~= "string" then
        error("attempt to get length of local 'regex' (a " .. type(pattern)
              .. " value)", 4)
    end
    if not configured then
        configure()
    end
    local re, err = translate(pattern, parsed)
    if re and parsed.once then
        cache.keep(parsed, pattern, re)
    end
    return re, err
end


function _M.compile(pattern, letters)
    local parsed = parse(letters)
    local re = parsed.once and find_kept(parsed, pattern)
    if re then
        return re
    end
    local err
    re, err = compile_anew(pattern, parsed)
    return re, err
end


function _M.match(re, subject, start)
    local count = engine_match(re, subject, start)
    if count > 0 then
        return count
    elseif count == NO_MATCH then
        return nil
    end
    return nil, errors.match(count)
end


function _M.release(re)
    if not re.kept then
        engine.release(re)
    end
end


function _M.limit_jit_stack(size)
    if size < JIT_STACK_MIN then
        size = JIT_STACK_MIN
    end
    if engine.jit_stack(size) then
        return true
    end
    return nil, "pcre jit stack allocation failed"
end


return _M
