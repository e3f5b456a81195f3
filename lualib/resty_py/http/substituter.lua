-- Replaces texts in a stream, whatever pieces it comes in.
--
--   new(patterns, once, value)   patterns: array of texts in lower case, none
--                                of them empty; once: whether each is replaced
--                                but once; value(i): what takes the place of
--                                the i-th
--   substituter:write(data)      takes it; returns what can go on
--   substituter:finish()         returns the rest, as it is
--
-- Rules:
--
-- 1. The first place where a pattern matches counts; there, the first pattern
--    that does. The case of ASCII letters does not matter.
-- 2. What may become a match as more comes waits for it, and so does all behind
--    it. If nothing comes it goes on as it is, though a shorter pattern matched
--    in it.
--
-- Follows ngx_http_sub_parse and ngx_http_sub_match.

local byte = string.byte
local concat = table.concat
local find = string.find
local lower = string.lower
local max = math.max
local setmetatable = setmetatable
local sub = string.sub

local Substituter = {}
Substituter.__index = Substituter

local _M = {}


-- Returns the first place from `from` on where a pattern matches, and its
-- number, or nil. `places`: where each was found last, false: nowhere.
local function find_match(self, text, from, places)
    local patterns = self.patterns
    local best, number
    for i = 1, #patterns do
        local place = not self.used[i] and places[i]
        if place and place < from then
            place = find(text, patterns[i], from, true) or false
            places[i] = place
        end
        if place and (not best or place < best) then
            best, number = place, i
        end
    end
    return best, number
end


-- Whether a pattern begins with all that is from `at` on, and goes on.
local function is_begun(self, text, at, i)
    local pattern = self.patterns[i]
    local size = #text - at + 1
    return not self.used[i] and #pattern > size
        and byte(pattern) == byte(text, at)
        and sub(pattern, 1, size) == sub(text, at)
end


local function search_beginning(self, text, from)
    for at = max(from, #text - self.longest + 2), #text do
        for i = 1, #self.patterns do
            if is_begun(self, text, at, i) then
                return at, i
            end
        end
    end
    return false
end


-- Returns the first place from `from` on where more may make a match, and the
-- number of its pattern, or false. `places.open`: what was found last.
local function find_beginning(self, text, from, places)
    local open, i = places.open, places.begun
    if open == nil or open and (open < from or self.used[i]) then
        open, i = search_beginning(self, text, from)
        places.open, places.begun = open, i
    end
    return open, i
end


-- Puts what takes the place of a match into `out`.
local function replace(self, i, out)
    local value = self.values[i]
    if not value then
        value = self.value(i)
        self.values[i] = value
    end
    out[#out + 1] = value
    if self.once then
        self.used[i] = true
        self.left = self.left - 1
    end
end


-- Returns the place of the next match, and its pattern's number | nil, the
-- place behind what can go on.
local function next_match(self, text, from, places)
    local place, i = find_match(self, text, from, places)
    local open, j = find_beginning(self, text, from, places)
    if place and not (open and (open < place or open == place and j < i)) then
        return place, i
    end
    return nil, open or #text + 1
end


function Substituter:write(data)
    if self.left == 0 then
        return data
    end
    data = self.held .. data
    local text, places = lower(data), {open = nil, begun = nil}
    for i = 1, #self.patterns do
        places[i] = 0
    end
    local out, from = {}, 1
    local place, i = next_match(self, text, from, places)
    while place do
        out[#out + 1] = sub(data, from, place - 1)
        replace(self, i, out)
        from = place + #self.patterns[i]
        place, i = next_match(self, text, from, places)
    end
    out[#out + 1] = sub(data, from, i - 1)
    self.held = sub(data, i)
    return concat(out)
end


function Substituter:finish()
    local held = self.held
    self.held = ""
    return held
end


function _M.new(patterns, once, value)
    local longest = 0
    for i = 1, #patterns do
        longest = max(longest, #patterns[i])
    end
    return setmetatable({
        patterns = patterns,
        longest = longest,
        once = once,
        value = value,
        values = {},
        used = {},
        left = #patterns,
        held = "",
    }, Substituter)
end


return _M
