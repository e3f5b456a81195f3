-- ndk.set_var: the set-misc directives of one argument, as Lua functions.
--
--   install(ndk)   fills the table ndk
--
-- Follows resty.core.ndk.

local phases = require "resty_py.request.phases"
local set_misc = require "resty_py.modules.set_misc"
local text = require "resty_py.codec.text"

local current = phases.request
local error = error
local setmetatable = setmetatable
local tostring = tostring
local type = type

local FUNCTIONS, NDK = set_misc.FUNCTIONS, set_misc.NDK

-- NGX_ERROR, which failing directives return.
local FAILED = "-1"


local function to_text(value)
    if type(value) == "number" then
        return text.number(value)
    end
    return tostring(value)
end


local function find(_, name)
    name = to_text(name)
    local f = NDK[name] and FUNCTIONS[name]
    if not f then
        error('ndk.set_var: directive "' .. name
              .. '" not found or does not use ndk_set_var_value', 2)
    end
    return function(argument)
        local r = current()
        local result = f(r, to_text(argument))
        if not result then
            error("calling directive " .. name .. " failed with code "
                  .. FAILED, 2)
        end
        return result
    end
end


local function refuse()
    error("not allowed", 2)
end


local _M = {}


function _M.install(ndk)
    ndk.set_var = setmetatable({}, {__index = find, __newindex = refuse})
end


return _M
