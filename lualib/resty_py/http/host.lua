-- The host that a client names, in its Host header or its request target,
-- as nginx makes $host of it (ngx_http_validate_host).

local byte = string.byte
local find = string.find
local gsub = string.gsub
local lower = string.lower
local sub = string.sub

local DOT, BRACKET = byte("."), byte("[")

local _M = {}


-- Where the name ends: before the port's colon, or after an IP literal.
local function name_end(text)
    if byte(text, 1) == BRACKET then
        return find(text, "]", 1, true) or #text
    end
    return (find(text, ":", 1, true) or #text + 1) - 1
end


-- The last dot counts wherever it is: a dot behind the port keeps the one
-- that ends the name.
local function without_last_dot(text, last)
    if byte(text, last) == DOT and not find(text, ".", last + 1, true) then
        return last - 1
    end
    return last
end


-- Returns `text` in lower case, without port and without the dot at its end,
-- or nil where no host can be read in it.
function _M.normalize(text)
    if find(text, "..", 1, true)
       or find(text, "[^!-.0-~\128-\255]") then
        return nil
    end
    local last = without_last_dot(text, name_end(text))
    if last < 1 then
        return nil
    end
    return (gsub(sub(text, 1, last), "[A-Z]+", lower))
end


return _M
