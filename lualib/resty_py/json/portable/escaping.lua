-- Escapes by a pattern; see json/escape.lua.

local find = string.find
local gsub = string.gsub


return function(set, codes)
    return function(s)
        if find(s, set) then
            return (gsub(s, set, codes))
        end
        return s
    end
end
