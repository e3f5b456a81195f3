-- What compresses the body of a response: r.deflater.
--
--   new(r, level, window, memory)   of a request; zlib's numbers
--   deflater:write(data)    takes it; returns what is ready, "" where that is
--                           less than a buffer
--   deflater:flush()        returns all of what was written
--   deflater:finish()       returns the rest
--   deflater.taken, deflater.given   bytes in and out so far
--
-- It is closed with the request where it was not finished.

local deflate = require "resty_py.native".deflate

local hold = require "resty_py.request".hold
local setmetatable = setmetatable

-- Bytes that leave together where nobody asks for less: gzip_buffers.
local BUFFER = 4096

local Deflater = {}
Deflater.__index = Deflater

local _M = {}


-- Returns what is ready, and what was before.
local function give(self, data)
    data = self.held .. data
    self.held = ""
    self.given = self.given + #data
    return data
end


function Deflater:write(data)
    self.taken = self.taken + #data
    self.is_behind = true
    data = deflate.write(self.stream, data)
    if #self.held + #data >= BUFFER then
        return give(self, data)
    end
    self.held = self.held .. data
    return ""
end


function Deflater:flush()
    if not self.is_behind then
        return ""
    end
    self.is_behind = false
    return give(self, deflate.flush(self.stream))
end


function Deflater:finish()
    local stream = self.stream
    self.stream = nil
    return stream and give(self, deflate.finish(stream)) or ""
end


function Deflater:release()
    if self.stream then
        deflate.close(self.stream)
        self.stream = nil
    end
end


function _M.new(r, level, window, memory)
    local self = setmetatable({
        stream = deflate.open(level, window, memory),
        taken = 0,
        given = 0,
        held = "",
        is_behind = false,
    }, Deflater)
    hold(r, self)
    return self
end


return _M
