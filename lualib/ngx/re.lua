-- ngx.re, the module: split() and opt().
--
-- Follows lua-resty-core's ngx/re.lua. One of its results is not kept: where
-- the first group took no part in a match and another did, it puts the whole
-- subject between two parts; here nothing goes there.

local as_text = require "resty_py.regex.as_text"
local cache = require "resty_py.regex.cache"
local regex = require "resty_py.regex"

if not regex.available then
    error("no support for 'ngx.re' module: " .. regex.missing, 3)
end

local compile = regex.compile
local error = error
local huge = math.huge
local match = regex.match
local release = regex.release
local span = regex.span
local sub = string.sub
local type = type

local _M = {version = "0.1.25"}


-- Looks for the next separator; moves ctx.pos, an offset here, behind it.
-- Returns the index of its first byte, of the byte after it, and its first
-- capture | nil | nil, nil, nil, err.
local function next_separator(re, subject, ctx)
    local start = ctx.pos
    local count, err = match(re, subject, start > 0 and start or 0)
    if not count then
        return nil, nil, nil, err
    end
    local from, to = span(re, 0)
    ctx.pos = to > from and to or to + 1
    if re.captures == 0 then
        return from + 1, to + 1
    end
    local first, last = span(re, 1)
    return from + 1, to + 1, first >= 0 and sub(subject, first + 1, last) or nil
end


-- Puts the parts, but for the last, into res.
-- Returns the number of entries and the index at which the last part begins
-- | nil, err.
local function split_parts(re, subject, ctx, max, res)
    local entries, parts, begin = 0, 1, ctx.pos + 1
    local after_empty
    while parts < max and begin <= #subject do
        local from, to, capture, err = next_separator(re, subject, ctx)
        if err then
            return nil, err
        elseif not from then
            break
        end
        begin = after_empty or begin
        if from == to then
            after_empty = from
        end
        if from > begin or not after_empty then
            parts, entries = parts + 1, entries + 1
            res[entries] = sub(subject, begin, from - 1)
            if capture then
                entries = entries + 1
                res[entries] = capture
            end
            begin = to
        end
    end
    return entries, begin
end


-- Takes empty entries off the end; returns how many are left.
local function trim(res, entries)
    for i = entries, 1, -1 do
        if res[i] ~= "" then
            return i
        end
        res[i] = nil
    end
    return entries
end


-- Splits subject where the pattern matches.
--   opts    option letters
--   ctx     table | nil: ctx.pos is where to begin (1), and where it ended
--   max     most parts; 0: any number, and empty ones at the end are dropped
--   res     table | nil: takes the parts, in place of a new one
-- Returns {part, capture?, part, …} | nil, err.
function _M.split(subject, pattern, opts, ctx, max, res)
    subject = as_text(subject)
    ctx = ctx or {}
    ctx.pos = ctx.pos or 1
    max = max or 0
    res = res or {}
    if type(res) ~= "table" then
        error("res is not a table", 2)
    elseif ctx.pos > #subject then
        res[1] = nil
        return res
    end
    local re, failure = compile(pattern, opts)
    if not re then
        return nil, failure
    end
    ctx.pos = ctx.pos - 1
    local entries, begin = split_parts(re, subject, ctx,
                                       max > 0 and max or huge, res)
    release(re)
    if not entries then
        return nil, begin
    elseif max <= 0 and begin > #subject then
        entries = trim(res, entries)
    else
        entries = entries + 1
        res[entries] = sub(subject, begin)
    end
    res[entries + 1] = nil
    return res
end


-- Sets an option: "jit_stack_size", in bytes, 32K at least.
-- An error for another option, and once a pattern was kept.
function _M.opt(option, value)
    if option ~= "jit_stack_size" then
        error("unrecognized option name", 2)
    elseif not cache.is_empty() then
        error("changing jit stack size is not allowed when some regexs have "
              .. "already been compiled and cached", 2)
    end
    local ok, err = regex.limit_jit_stack(value)
    if not ok then
        error(err, 2)
    end
end


return _M
