-- Errors about arguments, worded and placed as the C library's are.
--
-- Each of these is called by a shim function that the user called; none may
-- be called in tail position, for the frames between are counted.
--
--   shim.blame(position, problem [, depth])
--       raises "bad argument #position to 'name' (problem)"
--   shim.expect(value, kind, position [, depth])
--       raises "... (kind expected, got type)" unless type(value) is kind
--   shim.retell(name, message)
--       raises what a stock function said under pcall, where it knows
--       neither its name nor its caller's line
--
-- depth is how many functions stand between; none if it is left out.

local shim = ...

local error = error
local getinfo = shim.getinfo
local gsub = string.gsub
local type = type

-- The shim function's frame, seen from raise: raise, blame or expect, it.
local SHIM_FUNCTION = 3


local function raise(position, problem, depth)
    local frame = SHIM_FUNCTION + (depth or 0)
    local info = getinfo(frame, "n")
    local name = info.name or "?"
    if info.namewhat == "method" then
        position = position - 1
    end
    local text = "bad argument #" .. position .. " to '" .. name .. "'"
    if position == 0 then
        text = "calling '" .. name .. "' on bad self"
    end
    error(text .. " (" .. problem .. ")", frame + 1)
end


function shim.blame(position, problem, depth)
    raise(position, problem, depth)
end


function shim.expect(value, kind, position, depth)
    if type(value) ~= kind then
        raise(position, kind .. " expected, got " .. type(value), depth)
    end
end


function shim.retell(name, message)
    if type(message) == "string" then
        message = gsub(message, "to '[^']*' %(", "to '" .. name .. "' (", 1)
    end
    error(message, SHIM_FUNCTION)
end
