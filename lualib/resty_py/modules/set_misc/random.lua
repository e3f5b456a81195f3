-- Random numbers and letters from the system's generator.
--
--   below(limit)            number, 0 .. limit - 1; limit up to 2^48
--   letters(alphabet, n)    string of n bytes of `alphabet`, which has 256 at
--                           most

local byte = string.byte
local concat = table.concat
local floor = math.floor
local open = io.open
local sub = string.sub

local BYTES = 256
-- Bytes of a number: what a double holds without loss.
local NUMBER = 6

local _M = {}

local source


local function read(n)
    source = source or open("/dev/urandom", "rb")
    return source:read(n)
end


-- What is left of a whole number of equal shares is drawn anew, so that all
-- answers are as likely.
local function draw(size, limit)
    local range = BYTES ^ size
    local usable = range - range % limit
    local value
    repeat
        local bytes = read(size)
        value = 0
        for i = 1, size do
            value = value * BYTES + byte(bytes, i)
        end
    until value < usable
    return floor(value % limit)
end


function _M.below(limit)
    return draw(NUMBER, limit)
end


function _M.letters(alphabet, n)
    local chosen = {}
    for i = 1, n do
        local at = draw(1, #alphabet) + 1
        chosen[i] = sub(alphabet, at, at)
    end
    return concat(chosen)
end


return _M
