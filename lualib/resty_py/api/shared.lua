-- ngx.shared: the dictionaries that `lua_shared_dict` declares.
--
-- Follows resty.core.shdict and ngx_http_lua_shdict.c: what is checked, in
-- which order, and what is said of it. A dictionary is a table whose [1] is its
-- zone; its methods are those of one metatable, which code may look into and
-- replace, as lua-resty-core itself does.

local layout = require "resty_py.shm.layout"
local zones = require "resty_py.shm.zone"

local error = error
local floor = math.floor
local format = string.format
local ipairs = ipairs
local select = select
local setmetatable = setmetatable
local tonumber = tonumber
local tostring = tostring
local type = type

local BOOLEAN, LIST, NIL = layout.BOOLEAN, layout.LIST, layout.NIL
local NUMBER, STRING = layout.NUMBER, layout.STRING

local KINDS = {["nil"] = NIL, boolean = BOOLEAN, number = NUMBER,
               string = STRING}

local MAX_KEY = 65535
local MAX_FLAGS, MIN_FLAGS = 2147483647, -2147483648

-- Keys that get_keys gives unless told otherwise.
local KEYS = 1024

local ADD, REPLACE, SAFE = 1, 2, 4

local methods = {}
methods.__index = methods

-- Zones -> what is known of each.
local known = {}

local _M = {}


-- Arguments ------------------------------------------------------------------


-- The zone of a dictionary; blames the caller of a method where it is none.
local function zone_of(dict)
    local zone = type(dict) == "table" and dict[1]
    if not zone or not known[zone] then
        error('bad "zone" argument', 3)
    end
    return zone
end


-- What is wrong with a key that is a string.
local function fault_of(key)
    return #key == 0 and "empty key" or "key too long"
end


-- Returns a key as a string | nil, what is wrong with it.
local function check_key(key)
    if type(key) ~= "string" then
        if key == nil then
            return nil, "nil key"
        end
        key = tostring(key)
    end
    local size = #key
    if size == 0 or size > MAX_KEY then
        return nil, fault_of(key)
    end
    return key
end


local function truncate(number)
    return number < 0 and -floor(-number) or floor(number)
end


-- Milliseconds that C can count: 0, for ever, in place of what it cannot.
--   seconds   a number, or one of FFI's such as 60LL
local function milliseconds(seconds)
    local ms = tonumber(seconds * 1000)
    if ms > 0 and ms < 9.2e18 then
        return floor(ms)
    end
    return 0
end


-- Flags as C's int holds them: it takes true and numbers of FFI as well.
local function check_flags(flags, method)
    local number = flags == true and 1
        or type(flags) ~= "string" and tonumber(flags)
    if not number then
        error(format("bad argument #4 to '%s' (number expected, got %s)",
                     method, type(flags)), 3)
    end
    if number >= MIN_FLAGS and number <= MAX_FLAGS then
        return truncate(number)
    end
    return MIN_FLAGS
end


-- Values ---------------------------------------------------------------------


-- Makes the method that stores under the name `name`.
local function storer(name, operation)
    return function(dict, key, value, exptime, flags)
        local zone = zone_of(dict)
        if not exptime then
            exptime = 0
        elseif exptime < 0 then
            error('bad "exptime" argument', 2)
        end
        local err, forced
        key, err = check_key(key)
        if not key then
            return nil, err
        end
        local kind = KINDS[type(value)]
        if not kind then
            return nil, "bad value type"
        elseif kind == NIL and (operation == ADD or operation == REPLACE
                                or operation == ADD + SAFE)
        then
            return false, "attempt to add or replace nil values", false
        end
        flags = flags and check_flags(flags, name) or 0
        err, forced = zone.store(operation, key, kind, value,
                                 milliseconds(exptime), flags)
        if err then
            return false, err, forced
        end
        return true, nil, forced
    end
end


methods.set = storer("set", 0)
methods.safe_set = storer("safe_set", SAFE)
methods.add = storer("add", ADD)
methods.safe_add = storer("safe_add", ADD + SAFE)
methods.replace = storer("replace", REPLACE)


function methods.delete(dict, key)
    local zone = zone_of(dict)
    local err
    key, err = check_key(key)
    if not key then
        return nil, err
    end
    zone.store(0, key, NIL, nil, 0, 0)
    return true, nil, false
end


function methods.get(dict, key)
    local zone = zone_of(dict)
    local err
    key, err = check_key(key)
    if not key then
        return nil, err
    end
    local kind, value, flags = zone.get(key, false)
    if kind == NIL then
        return nil
    elseif kind == LIST then
        return nil, "value is a list"
    end
    if flags ~= 0 then
        return value, flags
    end
    return value
end


function methods.get_stale(dict, key)
    local zone = zone_of(dict)
    local err
    key, err = check_key(key)
    if not key then
        return nil, err
    end
    local kind, value, flags, expired = zone.get(key, true)
    if kind == NIL then
        return nil
    elseif kind == LIST then
        return nil, "value is a list"
    end
    if flags == 0 then
        flags = nil
    end
    return value, flags, expired
end


-- An argument of incr as a number; blames the caller of incr where it is none.
local function check_number(value, name)
    local number = tonumber(value)
    if not number then
        error(format("bad %s arg: number expected, got %s", name, type(value)),
              3)
    end
    return number
end


-- The same for how long a new number lasts.
local function check_init_ttl(init_ttl, init)
    if init_ttl < 0 then
        error('bad "init_ttl" argument', 3)
    elseif not init then
        error('must provide "init" when providing "init_ttl"', 3)
    end
    return milliseconds(init_ttl)
end


function methods.incr(dict, key, value, init, init_ttl)
    local zone = zone_of(dict)
    local err
    key, err = check_key(key)
    if not key then
        return nil, err
    end
    local by = tonumber(value)
    if not by then
        error("cannot convert 'nil' to 'double'", 2)
    end
    init = init and check_number(init, "init") or nil
    if init_ttl ~= nil then
        init_ttl = check_number(init_ttl, "init_ttl")
        init_ttl = check_init_ttl(init_ttl, init)
    end
    local number, forced
    number, err, forced = zone.incr(key, by, init, init_ttl or 0)
    if err then
        return nil, err
    elseif not init then
        return number
    end
    return number, nil, forced
end


-- Times ----------------------------------------------------------------------


function methods.ttl(dict, key)
    local zone = zone_of(dict)
    local err
    key, err = check_key(key)
    if not key then
        return nil, err
    end
    local left = zone.ttl(key)
    if not left then
        return nil, "not found"
    end
    return left / 1000
end


function methods.expire(dict, key, exptime)
    local zone = zone_of(dict)
    if not exptime then
        error('bad "exptime" argument', 2)
    end
    local err
    key, err = check_key(key)
    if not key then
        return nil, err
    end
    if not zone.expire(key, milliseconds(exptime)) then
        return nil, "not found"
    end
    return true
end


-- Lists ----------------------------------------------------------------------


-- The key of a list, as C's luaL_checklstring takes it | nil, what is wrong.
local function check_list_key(key, method)
    local kind = type(key)
    if kind ~= "string" and kind ~= "number" and kind ~= "nil" then
        error(format("bad argument #1 to '%s' (string expected, got %s)",
                     method, kind), 3)
    end
    return check_key(key)
end


local function check_count(wanted, count)
    if count ~= wanted then
        error(format("expecting %d arguments, but only seen %d", wanted,
                     count), 3)
    end
end


local function pusher(name, left)
    return function(...)
        check_count(3, select("#", ...))
        local dict, key, value = ...
        local zone = zone_of(dict)
        local err
        key, err = check_list_key(key, name)
        if not key then
            return nil, err
        end
        local kind = KINDS[type(value)]
        if kind ~= STRING and kind ~= NUMBER then
            return nil, "bad value type"
        end
        local length = zone.push(key, kind, value, left)
        if not length then
            return nil, "value not a list"
        elseif length > 0 then
            return length
        end
        if length < 0 then
            return false, "no memory"
        end
        return nil, "no memory"
    end
end


methods.lpush = pusher("lpush", true)
methods.rpush = pusher("rpush", false)


local function popper(name, left)
    return function(...)
        check_count(2, select("#", ...))
        local dict, key = ...
        local zone = zone_of(dict)
        local err
        key, err = check_list_key(key, name)
        if not key then
            return nil, err
        end
        local value, is_other = zone.pop(key, left)
        if is_other then
            return nil, "value not a list"
        end
        return value
    end
end


methods.lpop = popper("lpop", true)
methods.rpop = popper("rpop", false)


function methods.llen(...)
    check_count(2, select("#", ...))
    local dict, key = ...
    local zone = zone_of(dict)
    local err
    key, err = check_list_key(key, "llen")
    if not key then
        return nil, err
    end
    local length = zone.llen(key)
    if not length then
        return nil, "value not a list"
    end
    return length
end


-- All of them ----------------------------------------------------------------


function methods.flush_all(dict)
    zone_of(dict).flush_all()
end


-- The zone and the count of flush_expired and get_keys, which C checks.
local function check_sweep(name, default, ...)
    local count = select("#", ...)
    if count ~= 1 and count ~= 2 then
        error(format("expecting 1 or 2 argument(s), but saw %d", count), 3)
    end
    local dict, most = ...
    if type(dict) ~= "table" then
        error(format("bad argument #1 to '%s' (table expected, got %s)", name,
                     type(dict)), 3)
    end
    local zone = dict[1]
    if not known[zone] then
        error("bad user data for the ngx_shm_zone_t pointer", 3)
    end
    if count == 1 then
        return zone, default
    end
    local number = tonumber(most)
    if not number then
        error(format("bad argument #1 to '%s' (number expected, got %s)", name,
                     type(most)), 3)
    end
    return zone, truncate(number)
end


function methods.flush_expired(...)
    local zone, most = check_sweep("flush_expired", 0, ...)
    return zone.flush_expired(most)
end


function methods.get_keys(...)
    local zone, most = check_sweep("get_keys", KEYS, ...)
    return zones.split(zone.keys(most))
end


function methods.capacity(dict)
    return known[zone_of(dict)].capacity
end


function methods.free_space(dict)
    return zone_of(dict).free_space()
end


function _M.install(ngx)
    ngx.shared = {}
    for _, each in ipairs(zones.all()) do
        known[each.zone] = each
        ngx.shared[each.name] = setmetatable({each.zone}, methods)
    end
end


return _M
