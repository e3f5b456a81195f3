-- Watching whether a client leaves while its request is served:
-- lua_check_client_abort.
--
-- Rules:
--
-- 1. A watch is an item of the scheduler that the connection wakes when the
--    poller reports its end (connection.lua, `watcher`).
-- 2. What has come from the client and was not read hides its end: a client
--    that has sent a body or the next request, and then closed, has not left.
--    Neither has one that closed together with its request.
-- 3. While the body or a request socket is read, the reader is told instead.
--
-- Follows ngx_http_lua_check_broken_connection.

local log = require "resty_py.log"
local sys = require "resty_py.sys"

local peek = sys.peek
local setmetatable = setmetatable

local LEFT = "client prematurely closed connection"

local Watch = {}
Watch.__index = Watch

local _M = {}


-- Calls gone(r) each time that the client is seen to have left r.
--   note   f(r) -> what the log says of the consequences, or nil
function _M.watch(r, gone, note)
    r.connection.watcher = setmetatable({
        parked = true,
        value = nil,
        request = r,
        gone = gone,
        note = note,
    }, Watch)
end


-- Returns whether nothing more can come, and error and number of recv().
local function has_left(connection)
    local data, err, code = peek(connection.fd)
    if data then
        return data == ""
    end
    return err ~= "again", err, code
end


local function is_read(r)
    local socket = r.raw_socket or r.body_socket
    return r.body_state == "reading" or socket and socket.reading
end


-- Proxied requests go another way in nginx, and have words of their own.
local function describe(self, err, code)
    if self.note then
        return "epoll_wait() reported that " .. LEFT .. self.note(self.request)
    end
    return err and LEFT .. log.error_of(err, code) or LEFT
end


function Watch:run()
    local r = self.request
    if r.terminated or not r.connection.fd then
        return
    end
    self.parked = true
    if is_read(r) then
        return
    end
    local left, err, code = has_left(r.connection)
    if left then
        log.request(r, log.INFO, describe(self, err, code))
        return self.gone(r)
    end
end


return _M
