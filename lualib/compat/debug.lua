-- debug: the names that one of 5.1 and 5.2 lacks; and newproxy.
--
--   debug.setmetatable       returns its argument, as 5.2's does
--   debug.getuservalue,      on 5.1 and LuaJIT: getfenv and setfenv, which
--   debug.setuservalue       hold a table per userdata
--   newproxy([meta])         5.2 on, where it is gone
--
-- The one userdata that Lua code can make there is a file's. A proxy is such
-- a userdata, closed, with another metatable or none. It was born to be
-- finalized, so that a __gc set at any time is honoured.

local shim = ...

local assert = assert
local debug = debug
local getmetatable = debug.getmetatable
local open = io.open
local setmetatable = setmetatable

local set = debug.setmetatable

if set({}, nil) == true then
    function debug.setmetatable(value, meta)
        if meta ~= nil then
            shim.expect(meta, "table", 2)
        end
        set(value, meta)
        return value
    end
end


debug.getuservalue = debug.getuservalue or debug.getfenv
debug.setuservalue = debug.setuservalue or debug.setfenv


if _G.newproxy then
    return
end

-- A file that is sure to be there.
local ANY_FILE = shim.folder .. "init.lua"

local proxies = setmetatable({}, {__mode = "k"})


local function new_userdata(meta)
    local file = assert(open(ANY_FILE))
    file:close()
    return set(file, meta)
end


function _G.newproxy(meta)
    local proxy
    if not meta then
        proxy = new_userdata(nil)
    elseif meta == true then
        proxy = new_userdata({})
    elseif proxies[meta] then
        proxy = new_userdata(getmetatable(meta))
    else
        shim.blame(1, "boolean or proxy expected")
    end
    proxies[proxy] = true
    return proxy
end
