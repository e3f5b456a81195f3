-- resty.core.utils: a helper for header names.

local base = require "resty.core.base"

local find = string.find
local gsub = string.gsub
local sub = string.sub

local _M = {version = base.version}


-- Replaces each byte `wanted` of s; only first bytes count.
function _M.str_replace_char(s, wanted, replacement)
    if not find(s, wanted, 1, true) then
        return s
    end
    local pattern = gsub(sub(wanted, 1, 1), "%W", "%%%0")
    replacement = gsub(sub(replacement, 1, 1), "%%", "%%%%")
    return (gsub(s, pattern, replacement))
end


return _M
