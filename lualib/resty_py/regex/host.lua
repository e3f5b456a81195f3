-- PCRE2 by host functions: an engine of resty_py.regex (see init.lua) for
-- flavours without FFI. The Python side is resty_py/host/regex.py.

local native = require "resty_py.native"

local regex = native.regex
local dfa_match = regex.dfa_match
local host_compile = regex.compile
local load_subject = regex.load
local match = regex.match

local _M = {
    message = regex.message,
    limit = regex.limit,
    jit_stack = regex.jit_stack,
}

-- The subject that the host has, and the offsets of the latest match.
local loaded = ""
local offsets = {}


-- The compiled pattern as Lua knows it | nil, code, offset.
local function record(captures, ...)
    if not captures then
        return nil, ...
    end
    return {captures = captures, names = {...}, match = match}
end


function _M.compile(pattern, options, extra, jit, dfa)
    local re, code, offset = record(host_compile(pattern, options, extra, jit))
    if not re then
        return nil, code, offset
    end
    re.text, re.options, re.extra, re.jit = pattern, options, extra, jit
    if dfa then
        re.match, re.captures, re.names = dfa_match, 0, {}
    end
    return re
end


-- The host drops what is long unused by itself.
function _M.release()
end


local function keep_offsets(count, ...)
    offsets = {...}
    return count
end


function _M.match(re, subject, start)
    if subject ~= loaded then
        load_subject(subject)
        loaded = subject
    end
    return keep_offsets(re.match(re.text, re.options, re.extra, re.jit, start))
end


function _M.span(_, group)
    local i = 2 * group + 1
    return offsets[i] or -1, offsets[i + 1] or -1
end


return _M
