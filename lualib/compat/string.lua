-- string: 5.0's gfind, and 5.2's separator of rep.

local shim = ...

local pcall = pcall
local rep = string.rep
local string = string
local tonumber = tonumber

string.gfind = string.gfind or string.gmatch


if rep("a", 2, ",") ~= "a,a" then
    function string.rep(text, count, separator)
        local ok, result = pcall(rep, text, count)
        if not ok then
            shim.retell("rep", result)
        elseif separator == nil or tonumber(count) < 2 then
            return result
        end
        return rep(text .. separator, count - 1) .. text
    end
end
