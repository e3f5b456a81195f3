-- ngx.arg: the arguments of set_by_lua, and what passes a body filter.
--
-- Follows resty.core.param.

local phases = require "resty_py.request.phases"

local check = phases.check
local error = error
local format = string.format
local setmetatable = setmetatable
local text_of = require "resty_py.net.text".text_of
local type = type

local READABLE = {set = true, body_filter = true}
local WRITABLE = {body_filter = true}

local CHUNKS = {string = true, number = true, table = true, ["nil"] = true}

local _M = {}


local function check_key(key, name)
    if type(key) ~= "number" then
        error(format("bad argument #2 to '%s' (number expected, got %s)",
                     name, type(key)), 3)
    end
end


local function index(_, key)
    local r = phases.request()
    if not READABLE[r.phase] then
        error("API disabled in the current context", 2)
    end
    if r.phase == "body_filter" then
        return r.arg[key]
    end
    check_key(key, "?")
    local value = r.arg[key]
    -- An empty argument of set_by_lua is none.
    if value == "" then
        return nil
    end
    return value
end


-- A chunk is text from here on, whatever it was made of.
local function put_chunk(arg, value)
    if not CHUNKS[type(value)] then
        error("bad chunk data type: " .. type(value), 3)
    end
    local text, err = text_of(value == nil and "" or value)
    if not text then
        error("bad argument #3 to '__newindex' (" .. err .. ")", 3)
    end
    arg[1] = text
end


local function newindex(_, key, value)
    local arg = check(WRITABLE).arg
    check_key(key, "__newindex")
    if key == 1 then
        put_chunk(arg, value)
    elseif key == 2 then
        arg[2] = value and true or false
    else
        error("bad index: " .. key, 2)
    end
end


function _M.install(ngx)
    ngx.arg = setmetatable({}, {__index = index, __newindex = newindex})
end


return _M
