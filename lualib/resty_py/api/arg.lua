-- ngx.arg: the arguments of set_by_lua, and what passes a body filter.
--
-- Follows resty.core.param.

local phases = require "resty_py.request.phases"

local check = phases.check
local error = error
local setmetatable = setmetatable
local type = type

local READABLE = {set = true, body_filter = true}
local WRITABLE = {body_filter = true}

local PIECES = {string = true, number = true}
local CHUNKS = {string = true, number = true, table = true, ["nil"] = true}

local _M = {}


local function index(_, key)
    if type(key) ~= "number" then
        error("bad argument #2 to '?' (number expected, got " .. type(key)
              .. ")", 2)
    end
    local r = phases.request()
    if not READABLE[r.phase] then
        error("API disabled in the current context", 2)
    end
    local value = r.arg[key]
    -- An empty argument of set_by_lua is none.
    if value == "" and r.phase == "set" then
        return nil
    end
    return value
end


-- Returns what cannot be in a chunk, where there is something.
local function find_bad(value)
    local kind = type(value)
    if kind ~= "table" then
        return not PIECES[kind] and kind or nil
    end
    for i = 1, #value do
        local bad = find_bad(value[i])
        if bad then
            return bad
        end
    end
end


local function put_chunk(arg, value)
    if not CHUNKS[type(value)] then
        error("bad chunk data type: " .. type(value), 3)
    end
    local bad = type(value) == "table" and find_bad(value)
    if bad then
        error("bad argument #3 to '__newindex' (bad data type " .. bad
              .. " found)", 3)
    end
    arg[1] = value or ""
end


local function newindex(_, key, value)
    local arg = check(WRITABLE).arg
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
