-- The state of a receiveuntil iterator: what has been matched and given.
--
-- The pattern is found where it comes first. Rules about the rest, which
-- OpenResty's automaton has and users see:
--
-- 1. Bytes at the end that may begin the pattern are consumed: while it is
--    not known whether they do they belong to the iterator (`held` counts
--    them), not to the socket, and no partial result has them.
-- 2. With a size, a chunk ends as soon as `size` bytes are known not to begin
--    the pattern. Bytes that were thought to and do not become known all at
--    once, so a chunk may be longer.
-- 3. The last chunk, which may be empty, ends where the pattern begins; the
--    next call returns nil, nil, nil and the iterator starts over.
--
-- Follows ngx_http_lua_socket_read_until and ..._compile_pattern.

local byte = string.byte
local concat = table.concat
local find = string.find
local setmetatable = setmetatable
local sub = string.sub

local Until = {}
Until.__index = Until

local _M = {}


-- pattern     not empty
-- inclusive   whether the pattern is given as well
-- fill        function(socket, timeout) that appends to the buffer
function _M.new(pattern, inclusive, fill)
    return setmetatable({
        pattern = pattern,
        inclusive = inclusive,
        fill = fill,
        size = 0,
        held = 0,
        ended = false,
    }, Until)
end


-- Sets how much the next read may give; 0: all up to the pattern.
function Until:want(size)
    self.size = size > 0 and size or 0
    return self
end


-- How long a beginning of the pattern, not all of it, text[from … last] ends
-- with.
local function overlap(pattern, text, from, last)
    local longest = #pattern - 1
    if last - from + 1 < longest then
        longest = last - from + 1
    end
    local final = byte(text, last)
    for length = longest, 1, -1 do
        if byte(pattern, length) == final
            and sub(text, last - length + 1, last) == sub(pattern, 1, length)
        then
            return length
        end
    end
    return 0
end


-- The longest beginning of the pattern, of two bytes or more, that `state`
-- bytes of it and then `char` end with; nil where there is none.
local function recover(pattern, state, char)
    for length = state, 2, -1 do
        if byte(pattern, length) == char
            and sub(pattern, 1, length - 1)
                == sub(pattern, state - length + 2, state)
        then
            return length
        end
    end
end


-- Where the chunk that begins at `position` ends: its size and how many bytes
-- after it are held; nil while that depends on bytes to come.
local function chunk_end(self, buffer, position)
    local pattern, size = self.pattern, self.size
    local last = position + size - 1
    if last > #buffer then
        return nil
    end
    local state = overlap(pattern, buffer, position, last)
    while state > 0 do
        last = last + 1
        local char = byte(buffer, last)
        if not char then
            return nil
        elseif char == byte(pattern, state + 1) then
            state = state + 1
        else
            state = recover(pattern, state, char) or 0
            if state == 0 then
                return last - position, 0
            elseif last - position + 1 - state >= size then
                return last - position + 1 - state, state
            end
        end
    end
    return size, 0
end


-- Takes the data before a match at `first`; the match goes too.
local function take_match(self, connection, first, last)
    local position = connection.position
    connection.position = last + 1
    self.ended = self.size > 0
    return sub(connection.buffer, position, self.inclusive and last
               or first - 1)
end


local function take_chunk(self, connection, size, held)
    local position = connection.position
    self.held = held
    connection.position = position + size + held
    return sub(connection.buffer, position, position + size - 1)
end


-- Takes what is in the buffer but may begin the pattern.
local function take_known(self, connection)
    local buffer, position = connection.buffer, connection.position
    local last = #buffer - overlap(self.pattern, buffer, position, #buffer)
    connection.position = last + 1
    return sub(buffer, position, last)
end


-- Ends a turn that failed. Returns what was known before.
local function give_up(self, connection, pieces, n)
    pieces[n + 1] = take_known(self, connection)
    self.held = #connection:take_buffer()
    return concat(pieces, "", 1, n + 1)
end


-- What of the buffer can be given now: data, true where it is all.
local function take(self, connection)
    local buffer, position = connection.buffer, connection.position
    local first, last = find(buffer, self.pattern, position, true)
    local size = self.size
    if first and (size == 0 or first - position < size) then
        return take_match(self, connection, first, last), true
    elseif size == 0 then
        return take_known(self, connection), false
    end
    local length, held = chunk_end(self, buffer, position)
    if length then
        return take_chunk(self, connection, length, held), true
    elseif #buffer - position + 1 < size then
        -- Less than a chunk: what cannot begin the pattern is not looked at
        -- again.
        local known = take_known(self, connection)
        self.size = size - #known
        return known, false
    end
end


-- The reader: one turn of the iterator.
-- Returns data | nil, err, partial.
function _M.read(socket, timeout, self)
    local connection = socket.connection
    if self.held > 0 then
        connection:unread(sub(self.pattern, 1, self.held), 1)
        self.held = 0
    end
    local pieces, n = {}, 0
    while true do
        local data, is_all = take(self, connection)
        if is_all then
            pieces[n + 1] = data
            return concat(pieces, "", 1, n + 1)
        elseif data and data ~= "" then
            n = n + 1
            pieces[n] = data
        end
        local ok, err = self.fill(socket, timeout)
        if not ok then
            return nil, err, give_up(self, connection, pieces, n)
        end
    end
end


return _M
