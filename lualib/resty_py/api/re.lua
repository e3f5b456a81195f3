-- ngx.re.match, find, gmatch, sub and gsub.
--
--   install(ngx)   makes the table ngx.re; without a library its functions
--                  raise why
--
-- Follows lua-resty-core's regex.lua; patterns, options, their cache and error
-- texts are in resty_py.regex.

local as_text = require "resty_py.regex.as_text"
local log = require "resty_py.log"
local regex = require "resty_py.regex"

local error = error
local floor = math.floor
local setmetatable = setmetatable
local type = type

-- Where no subject ends: an offset is a C int in OpenResty.
local OFFSET_MAX = 2147483647

local _M = {}


local function refusing(missing)
    return setmetatable({}, {
        __index = function(_, name)
            error("no support for 'ngx.re." .. name .. "': " .. missing, 2)
        end,
    })
end


if not regex.available then
    function _M.install(ngx)
        ngx.re = refusing(regex.missing)
    end

    return _M
end


local captures = require "resty_py.regex.captures"
local replace = require "resty_py.regex.replace"
local template = require "resty_py.regex.template"

local collect = captures.collect
local compile = regex.compile
local match = regex.match
local parse_template = template.parse
local release = regex.release
local span = regex.span


-- The offset at which ctx.pos, counted from 1, lets the search begin.
local function start_of(ctx)
    local pos = ctx.pos
    if not pos or pos < 1 then
        return 0
    end
    return pos <= OFFSET_MAX and floor(pos) - 1 or OFFSET_MAX
end


-- Lets the next search begin behind the match.
local function move(ctx, re)
    if ctx then
        local _, to = span(re, 0)
        ctx.pos = to + 1
    end
end


-- What ngx.re.find answers for group `nth` of a match: from, to | nil, nil
-- | nil, nil, err.
local function found(re, nth)
    local group = nth and nth > 0 and floor(nth) or 0
    if group > re.captures then
        return nil, nil, "nth out of bound"
    end
    local from, to = span(re, group)
    if from < 0 then
        return nil, nil
    end
    return from + 1, to
end


local function re_match(subject, pattern, opts, ctx, res)
    local re, err = compile(pattern, opts)
    if not re then
        return nil, err
    end
    subject = as_text(subject)
    local count
    count, err = match(re, subject, ctx and start_of(ctx) or 0)
    if not count then
        release(re)
        if err then
            return nil, err
        end
        return nil
    end
    move(ctx, re)
    res = collect(re, subject, res)
    release(re)
    return res
end


local function re_find(subject, pattern, opts, ctx, nth)
    local re, err = compile(pattern, opts)
    if not re then
        return nil, nil, err
    end
    local count
    count, err = match(re, as_text(subject), ctx and start_of(ctx) or 0)
    if not count then
        release(re)
        if err then
            return nil, nil, err
        end
        return nil
    end
    move(ctx, re)
    local from, to
    from, to, err = found(re, nth)
    release(re)
    if err then
        return nil, nil, err
    end
    return from, to
end


-- gmatch ---------------------------------------------------------------------


local Iterator = {}


local function finish(self)
    release(self.re)
    self.re = nil
end


function Iterator:__call()
    local re, subject = self.re, self.subject
    if not re then
        return nil
    end
    local count, err = match(re, subject, self.start)
    if not count then
        finish(self)
        if err then
            return nil, err
        end
        return nil
    end
    local from, to = span(re, 0)
    self.start = to > from and to or to + 1
    local res = collect(re, subject)
    if self.start > #subject then
        finish(self)
    end
    return res
end


local function re_gmatch(subject, pattern, opts)
    local re, err = compile(pattern, opts)
    if not re then
        return nil, err
    end
    return setmetatable({re = re, subject = as_text(subject), start = 0},
                        Iterator)
end


-- sub and gsub ---------------------------------------------------------------


-- Returns what replace() takes | nil, err.
local function replacement_of(value)
    if type(value) == "function" then
        return value
    end
    local parsed, err, line = parse_template(as_text(value))
    if line then
        log.write(log.ERR, line)
    end
    return parsed, err
end


local function substitute(re, subject, value, global)
    local replacement, failure = replacement_of(value)
    if not replacement then
        release(re)
        return nil, nil, failure
    end
    local result, count, err = replace(re, as_text(subject), replacement,
                                       global)
    release(re)
    if err then
        return nil, nil, err
    end
    return result, count
end


local function re_sub(subject, pattern, value, opts)
    local re, err = compile(pattern, opts)
    if not re then
        return nil, nil, err
    end
    return substitute(re, subject, value, false)
end


local function re_gsub(subject, pattern, value, opts)
    local re, err = compile(pattern, opts)
    if not re then
        return nil, nil, err
    end
    return substitute(re, subject, value, true)
end


function _M.install(ngx)
    ngx.re = {match = re_match, find = re_find, gmatch = re_gmatch,
              sub = re_sub, gsub = re_gsub}
end


return _M
