-- What unpacks the compressed body of a response: r.inflater.
--
--   new(r, most)             of a request; gives `most` bytes at once
--   inflater:write(data)     takes it; returns what is ready, whether there is
--                            more, which write("") gives
--                            | nil, false, zlib's code where it is broken
--   inflater:is_complete()   whether it may end here
--
-- It is closed with the request.

local inflate = require "resty_py.native".inflate

local hold = require "resty_py.request".hold
local setmetatable = setmetatable

local Inflater = {}
Inflater.__index = Inflater

local _M = {}


function Inflater:write(data)
    return inflate.write(self.stream, data, self.most)
end


function Inflater:is_complete()
    return inflate.is_complete(self.stream)
end


function Inflater:release()
    inflate.close(self.stream)
end


function _M.new(r, most)
    local self = setmetatable({stream = inflate.open(), most = most}, Inflater)
    hold(r, self)
    return self
end


return _M
