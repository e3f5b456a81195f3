-- ngx.print, ngx.say, ngx.send_headers, ngx.flush, ngx.eof.
--
--   join(name, ...)   what ngx.print(...) would print; an error for who called
--                     the API function `name`
--
-- Follows ngx_http_lua_output.c: the order of the refusals, and what each
-- kind of argument becomes.

local log = require "resty_py.log"
local phases = require "resty_py.request.phases"
local response = require "resty_py.http.response"
local scalar = require "resty_py.api.scalar"

local can_yield = coroutine.isyieldable
local check = phases.check
local concat = table.concat
local error = error
local format = string.format
local select = select
local open = response.open
local to_text = scalar.to_text
local type = type
local write = response.write

local OUTPUT = phases.OUTPUT

local EXPECTED = "string, number, boolean, nil, ngx.null, or array table "
    .. "expected, but got "

-- The largest index that an array may have: nginx counts in a C int.
local MAX_INDEX = 2 ^ 31 - 1

local append


local function array_length(array)
    local n = 0
    for key in next, array do
        if type(key) ~= "number" or key <= 0 or key > MAX_INDEX
           or key % 1 ~= 0
        then
            return nil
        elseif key > n then
            n = key
        end
    end
    return n
end


-- Append what print and say are given to `pieces`, of which there are n.
-- Return the new n | nil, what is wrong with the value.


local function append_array(pieces, n, array)
    local length = array_length(array)
    if not length then
        return nil, "non-array table found"
    end
    local err
    for i = 1, length do
        n, err = append(pieces, n, array[i], true)
        if not n then
            return nil, err
        end
    end
    return n
end


function append(pieces, n, value, nested)
    local text = to_text(value)
    if text then
        pieces[n + 1] = text
        return n + 1
    elseif type(value) == "table" then
        return append_array(pieces, n, value)
    elseif nested then
        return nil, format("bad data type %s found", type(value))
    end
    return nil, EXPECTED .. type(value)
end


-- Puts a text in the place of the i-th of n values. Returns whether it has one.
local function to_text_at(values, i, n)
    if i > n then
        return true
    end
    local text = to_text(values[i])
    values[i] = text
    return text
end


-- Puts texts in the places of n values, up to one that has none. Returns
-- whether all have. No loop runs for a few: LuaJIT would compile it first, and
-- leave what is around it to its interpreter.
local function to_texts(values, n)
    for i = 7, n do
        if not to_text_at(values, i, n) then
            return false
        end
    end
    return to_text_at(values, 1, n) and to_text_at(values, 2, n)
        and to_text_at(values, 3, n) and to_text_at(values, 4, n)
        and to_text_at(values, 5, n) and to_text_at(values, 6, n)
end


-- Joins arguments of print and say into one string; an error for who called
-- the API function `name`.
local function join(name, ...)
    local given = select("#", ...)
    local pieces, n = {...}, 0
    if to_texts(pieces, given) then
        return concat(pieces, "", 1, given)
    end
    for i = 1, given do
        local count, err = append(pieces, n, (select(i, ...)), false)
        if not count then
            error(format("bad argument #%d to '%s' (%s)", i, name, err), 3)
        end
        n = count
    end
    return concat(pieces, "", 1, n)
end


local function refusal(r)
    if r.raw_socket then
        return "raw request socket acquired"
    elseif r.header_only and r.headers_sent then
        return "header only"
    elseif r.eof then
        return "seen eof"
    end
end


-- Waits until the client has taken some of what is unsent already.
local function push_back(r)
    if can_yield and not can_yield() then
        return true
    end
    return r.downstream:push_back(r.settings.output_low_water)
end


local function put_out(r, data)
    if not r.headers_sent and not open(r) then
        return nil, "nginx output filter error"
    end
    if data == "" then
        return 1
    elseif r.header_only then
        r.eof = true
        return response.flush(r) and 1
    end
    local ok = not r.downstream.failed and write(r, data)
    if ok and r.downstream.pending and r.downstream:is_congested() then
        ok = push_back(r)
    end
    if not ok then
        return nil, "nginx output filter error"
    end
    return 1
end


local function output(r, data)
    local err = refusal(r)
    if err then
        return nil, err
    end
    return put_out(r, data)
end


local function print_(...)
    local r = check(OUTPUT)
    local first = ...
    if type(first) == "string" and select("#", ...) == 1 then
        return output(r, first)
    end
    return output(r, join("print", ...))
end


local function say(...)
    local r = check(OUTPUT)
    local first = ...
    if type(first) == "string" and select("#", ...) == 1 then
        return output(r, first .. "\n")
    end
    return output(r, join("say", ...) .. "\n")
end


local function send_headers_()
    local r = check(OUTPUT)
    if r.headers_sent or r.raw_socket then
        return 1
    end
    r.is_streamed = true
    if not open(r) then
        return nil, "nginx output filter error"
    end
    return 1
end


-- Sends what has collected; with `wait`, until the client has it all.
local function flush(...)
    local r = check(OUTPUT)
    if select("#", ...) > 1 then
        error("attempt to pass " .. select("#", ...)
              .. " arguments, but accepted 0 or 1", 2)
    elseif select("#", ...) == 1 and type((...)) ~= "boolean" then
        error("bad argument #1 to 'flush' (boolean expected, got "
              .. type((...)) .. ")", 2)
    end
    local err = refusal(r)
    if err then
        return nil, err
    elseif r.buffering then
        log.debug(r, "lua http 1.0 buffering makes ngx.flush() a no-op")
        return nil, "buffering"
    elseif not r.headers_sent then
        return nil, "nothing to flush"
    elseif not write(r, "") then
        return nil, "nginx output filter error"
    end
    local ok
    ok, err = response.flush(r)
    if ok and (...) and r.downstream.pending then
        ok, err = r.downstream:push_back(0)
    end
    if not ok then
        return nil, err == "timeout" and err or "client aborted"
    end
    return 1
end


local function eof(...)
    local r = check(OUTPUT)
    if select("#", ...) > 0 then
        error("no argument is expected", 2)
    end
    if r.raw_socket then
        return nil, "raw request socket acquired"
    elseif r.eof then
        return nil, "seen eof"
    end
    local ok, err = response.finish(r)
    if not ok and err ~= response.POSTPONED then
        return nil, "nginx output filter error"
    end
    return 1
end


local _M = {join = join}


function _M.install(ngx)
    ngx.print = print_
    ngx.say = say
    ngx.send_headers = send_headers_
    ngx.flush = flush
    ngx.eof = eof
end


return _M
