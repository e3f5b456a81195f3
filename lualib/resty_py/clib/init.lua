-- ffi.C as libraries for OpenResty expect it: with what nginx has linked in.
--
--   install()   puts a table in the place of ffi.C, and declares types that
--               lua-resty-core does; without FFI it lets require "ffi" say who
--               has it
--
-- nginx's process holds OpenSSL and nginx's own functions, so that code which
-- runs in it calls them by ffi.C. Here ffi.C is asked first; what it does not
-- find is looked for
--
--   1. among nginx's functions, written in Lua (nginx.lua, ssl.lua);
--   2. in libcrypto and libssl, which are loaded for all at that moment;
--   3. among OpenSSL's former names of functions (openssl.lua).
--
-- A function that was found stays in the table, so that calls cost what they
-- cost with ffi.C. Variables and constants are read anew each time. The
-- runtime's own modules keep the stock ffi.C, as they are loaded before.

local error = error
local find = string.find
local getregistry = debug.getregistry
local gsub = string.gsub
local ipairs = ipairs
local pcall = pcall
local rawset = rawset
local require = require
local setmetatable = setmetatable
local tostring = tostring
local type = type

-- What the dynamic linker knows, newest first; of one version, both.
local LIBRARIES = {
    {"libcrypto.so.3", "libssl.so.3"},
    {"libcrypto.so.1.1", "libssl.so.1.1"},
}

local FUNCTION = "^ctype<.*%(%)"

local TYPES = [[
typedef struct { size_t len; const unsigned char *data; } ngx_str_t;
typedef struct { int len; const unsigned char *data; } ngx_http_lua_ffi_str_t;
typedef struct ngx_http_request_s ngx_http_request_t;
typedef unsigned char u_char;
]]

local _M = {}


local function load_pair(ffi, names)
    for _, name in ipairs(names) do
        if not pcall(ffi.load, name, true) then
            return false
        end
    end
    return true
end


-- Loads OpenSSL for all, as far as it is there.
local function load_openssl(ffi)
    for _, names in ipairs(LIBRARIES) do
        if load_pair(ffi, names) then
            return
        end
    end
end


-- What stock ffi.C says, without the place, which is ours.
local function plain(err)
    return (gsub(tostring(err), "^%S+:%d+: ", ""))
end


-- What is said of a symbol that is nowhere.
local function complaint(name, err)
    if find(tostring(name), "^ngx_") then
        return "resty-py has nothing in place of nginx's symbol '" .. name
            .. "'"
    end
    return plain(err)
end


local function proxy(ffi)
    local C = ffi.C
    local typeof = ffi.typeof
    local is_loaded = false


    local function get(name)
        return C[name]
    end


    local function set(name, value)
        C[name] = value
    end


    -- Returns whether it was found, and the value | the error.
    local function look(name)
        local ok, value = pcall(get, name)
        if ok or is_loaded or not find(value, "undefined symbol", 1, true)
        then
            return ok, value
        end
        is_loaded = true
        load_openssl(ffi)
        return pcall(get, name)
    end


    local function replacement(name)
        return require("resty_py.clib.nginx")[name]
            or require("resty_py.clib.ssl")[name]
            or require("resty_py.clib.openssl").find(name)
    end


    local function index(self, name)
        local ok, value = look(name)
        if not ok then
            local err = value
            value = replacement(name)
            if not value then
                error(complaint(name, err), 2)
            end
        elseif type(value) ~= "cdata"
            or not find(tostring(typeof(value)), FUNCTION)
        then
            return value
        end
        rawset(self, name, value)
        return value
    end


    return setmetatable({}, {
        __index = index,
        __newindex = function(_, name, value)
            local ok, err = pcall(set, name, value)
            if not ok then
                error(plain(err), 2)
            end
        end,
    })
end


-- Says of the module ffi, where it is not found, who has it.
local function explain(name)
    if name == "ffi" then
        return "\n\tno FFI in " .. _VERSION .. ": LuaJIT has it "
            .. "(--lua luajit21)"
    end
end


function _M.install()
    local has_ffi, ffi = pcall(require, "ffi")
    if not has_ffi then
        local searchers = package.searchers
        searchers[#searchers + 1] = explain
    elseif type(ffi.C) == "userdata" then
        ffi.C = proxy(ffi)
        ffi.cdef(TYPES)
        getregistry().ngx_lua_ctx_tables = setmetatable({}, {__mode = "v"})
    end
end


return _M
