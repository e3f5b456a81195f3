-- The state of a receiveuntil iterator: what has been matched and given.
--
-- Bytes that may be the beginning of the pattern stay in the connection's
-- buffer until it is known whether they are. With a size, chunks of that
-- size are given until the pattern is found; the rest before it is the last
-- chunk, after which one call returns nil, nil, nil and the iterator starts
-- over.
--
-- Follows ngx_http_lua_socket_read_until: a chunk is given as soon as `size`
-- bytes have been seen that are not part of a match.

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
        ended = false,
    }, Until)
end


-- Sets how much the next read may give; 0: all up to the pattern.
function Until:want(size)
    self.size = size > 0 and size or 0
    return self
end


local function prefix_at_end(text, from, pattern)
    local longest = #pattern - 1
    local first = #text - longest + 1
    if first < from then
        first = from
    end
    for start = first, #text do
        if sub(text, start) == sub(pattern, 1, #text - start + 1) then
            return start
        end
    end
    return #text + 1
end


-- Takes the data before a match at `first`; the match goes too, and the
-- iterator ends after this where it was asked for chunks.
local function take_match(self, connection, first, last)
    local position = connection.position
    connection.position = last + 1
    self.ended = self.size > 0
    return sub(connection.buffer, position, self.inclusive and last
               or first - 1)
end


local function take_chunk(self, connection)
    local position = connection.position
    connection.position = position + self.size
    return sub(connection.buffer, position, position + self.size - 1)
end


local function take_safe(connection, safe, pieces, n)
    if safe > connection.position then
        n = n + 1
        pieces[n] = sub(connection.buffer, connection.position, safe - 1)
        connection.position = safe
    end
    return n
end


-- The reader: one turn of the iterator.
-- Returns data | nil, err, partial.
function _M.read(socket, timeout, self)
    local connection = socket.connection
    local pieces, n = {}, 0
    local size = self.size
    while true do
        local buffer, position = connection.buffer, connection.position
        local first, last = find(buffer, self.pattern, position, true)
        if first and (size == 0 or first - position <= size) then
            pieces[n + 1] = take_match(self, connection, first, last)
            return concat(pieces, "", 1, n + 1)
        end
        local safe = first or prefix_at_end(buffer, position, self.pattern)
        if size > 0 and safe - position >= size then
            return take_chunk(self, connection)
        elseif size == 0 then
            n = take_safe(connection, safe, pieces, n)
        end
        local ok, err = self.fill(socket, timeout)
        if not ok then
            return nil, err, concat(pieces, "", 1, n)
                .. connection:take_buffer()
        end
    end
end


return _M
