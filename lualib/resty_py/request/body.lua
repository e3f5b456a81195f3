-- The request body: reading, keeping, discarding.
--
-- r.body_state is one of
--
--   none        the request has no body
--   unread      it has one, and nothing has touched it
--   reading     a light thread reads it, or will: what of it has come may be
--               in r.body_data
--   sent        all of it has gone on as it came (modules/proxy/sender.lua)
--   read        all of it is in r.body_data or r.body_file
--   socket      ngx.req.socket has it
--   discarded   it is read off the connection and thrown away
--
-- r.received counts its bytes as they came, framing included.
--
-- A body of client_body_buffer_size or more, or a quarter more where its
-- length is told, goes to a file in client_body_temp_path, which goes when
-- the request ends. nginx does not count what comes together with the head.
--
-- Follows ngx_http_request_body.c.

local chunked = require "resty_py.http.chunked"
local clock = require "resty_py.clock"
local files = require "resty_py.native".files
local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"

local concat = table.concat
local format = string.format
local min = math.min
local setmetatable = setmetatable
local tostring = tostring

-- Bytes of a body read at once.
local READ_SIZE = 65536

-- The limit of a sink that keeps all in its file.
local NO_MEMORY = -1

local CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"

local _M = {}


-- Where a body goes while it comes in ---------------------------------------


local Sink = {}
Sink.__index = Sink


-- limit: bytes that are kept in memory.
local function new_sink(r, limit)
    return setmetatable({pieces = {}, n = 0, size = 0, file = nil,
                         path = nil, request = r, limit = limit,
                         folder = r.settings.client_body_temp_path}, Sink)
end


local function memory_limit(r)
    local size = r.settings.client_body_buffer_size
    return (r.head.chunked and size or size + size / 4) - 1
end


function Sink:spill()
    local fd, path = files.create_temporary(self.folder)
    if not fd then
        return nil, path
    end
    self.file, self.path = fd, path
    log.request(self.request, self.limit < 0 and log.NOTICE or log.WARN,
                "a client request body is buffered to a temporary file "
                .. path)
    local ok, err = files.write(fd, concat(self.pieces, "", 1, self.n))
    self.pieces, self.n = {}, 0
    return ok, err
end


function Sink:put(data)
    self.size = self.size + #data
    if self.file then
        return files.write(self.file, data)
    end
    self.n = self.n + 1
    self.pieces[self.n] = data
    if self.size > self.limit then
        return self:spill()
    end
    return true
end


-- Puts what came in where the request keeps it.
--   stays   whether a file of it may outlive the request
function Sink:settle(r, stays)
    if self.file then
        files.close(self.file)
        r.body_file = self.path
        r.body_file_owned = not stays
            or r.settings.client_body_in_file_only ~= "on"
    elseif self.size > 0 then
        r.body_data = concat(self.pieces, "", 1, self.n)
    end
    r.body_state = "read"
end


function Sink:drop()
    if self.file then
        files.close(self.file)
        files.remove(self.path)
    end
end


_M.new_sink = new_sink


-- Taking it off the connection ----------------------------------------------


-- Answers Expect: 100-continue, once, before the body is awaited: even where
-- it has come already, as nginx does, but never inside the response.
local function invite(r)
    if r.expecting then
        r.expecting = nil
        if r.sent == 0 then
            r.sent = r.sent + #CONTINUE
            r.downstream:send(CONTINUE)
        end
    end
end


_M.invite = invite


-- Logs what is wrong with the body, to whom it goes as it comes included.
local function complain(r, level, text)
    if r.body_receiver then
        text = text .. " while sending request to upstream"
    end
    return log.request(r, level, text)
end


-- Returns bytes as they come, still framed | nil, err.
--   timeout   seconds; nil: nothing is waited for, the error is "again"
local function next_bytes(r, max, timeout)
    local connection = r.connection
    local data, err
    if not connection:is_drained() then
        data = connection:take(max)
    elseif timeout then
        data, err = connection:read_some(max, timeout)
    else
        data, err = connection:read_now(max)
    end
    if data then
        r.received = r.received + #data
    end
    return data, err
end


local function read_counted(r, put, timeout)
    local data, err = next_bytes(r, min(r.body_left, READ_SIZE), timeout)
    if not data then
        return nil, err
    end
    r.body_left = r.body_left - #data
    return put(data)
end


-- Whether a chunked body may be as long as it says so far, the rest of the
-- chunk at hand included; logs where it may not.
--   last   the bytes of the last piece that came
local function is_admitted(r, state, last, most)
    local announced = state.received + state.left
    if most == 0 or announced <= most then
        return true
    end
    local chunk = last + state.left
    complain(r, log.ERR, format("client intended to send too large chunked "
             .. "body: %d+%d bytes", announced - chunk, chunk))
    return false
end


local function put_all(put, pieces, n)
    for i = 1, n do
        local ok, err = put(pieces[i])
        if not ok then
            return nil, err
        end
    end
    return true
end


-- most: bytes that it may have, 0: any number.
local function read_chunks(r, put, timeout, most)
    local state = r.chunk_state or chunked.new()
    r.chunk_state = state
    local data, err = next_bytes(r, READ_SIZE, timeout)
    if not data then
        return nil, err
    end
    local used, pieces, n = chunked.feed(state, data, 1)
    if not used then
        return nil, "invalid"
    end
    if used <= #data then
        r.connection:unread(data, used)
        r.received = r.received - (#data - used + 1)
    end
    if not is_admitted(r, state, n > 0 and #pieces[n] or 0, most) then
        return nil, "too large"
    end
    return put_all(put, pieces, n)
end


-- Whether all of it has been taken off the connection.
local function is_whole(r)
    local state = r.chunk_state
    if r.head.chunked then
        return state ~= nil and state.done
    end
    return r.body_left <= 0
end


_M.is_whole = is_whole


local function read_all(r, put, timeout, most)
    local read = r.head.chunked and read_chunks or read_counted
    while not is_whole(r) do
        local ok, err = read(r, put, timeout, most or 0)
        if not ok then
            return nil, err
        end
    end
    return true
end


-- Takes what comes next, at least a byte of it as it is framed.
--   timeout   as next_bytes takes it
-- Returns data, which may be "" | nil, err.
function _M.take(r, timeout)
    local read = r.head.chunked and read_chunks or read_counted
    local pieces, n = {}, 0
    local ok, err = read(r, function(data)
        n = n + 1
        pieces[n] = data
        return true
    end, timeout, r.settings.client_max_body_size)
    if not ok then
        return nil, err
    end
    return concat(pieces, "", 1, n)
end


local FAILURES = {
    timeout = {408},
    closed = {400, log.INFO, "client prematurely closed connection"},
    invalid = {400, log.ERR, "client sent invalid chunked body"},
    ["too large"] = {413},
}


-- Returns {code, level, text}: what to end the request with, and the line of
-- the log.
local function failure_of(r, err)
    local code = r.connection.code
    return FAILURES[err]
        or code and {400, log.INFO, log.failed_call("recv", err, code)}
        or {500, log.CRIT, "reading the request body failed: " .. err}
end


local function log_failure(r, failure)
    if failure[2] then
        complain(r, failure[2], failure[3])
    end
end


-- Notes that reading has failed; what is left of the body is thrown away.
-- Returns nil, the code to end the request with.
local function fail(r, err)
    local failure = failure_of(r, err)
    r.body_state = "discarded"
    r.keepalive = false
    if err == "closed" or r.connection.code
        or r.headers_sent and (err == "timeout" or not r.body_receiver)
    then
        -- Nobody is there to read an error page, or it is too late for one:
        -- the response must not look whole. An upstream's is broken off.
        r.downstream.failed = err
    end
    log_failure(r, failure)
    return nil, failure[1]
end


_M.fail = fail


local function read_into_sink(r, stays, in_file)
    r.body_state = "reading"
    invite(r)
    local sink = new_sink(r, in_file and NO_MEMORY or memory_limit(r))
    r.body_sink = sink
    local settings = r.settings
    local ok, err = read_all(r, function(data)
        return sink:put(data)
    end, settings.client_body_timeout, settings.client_max_body_size)
    if ok and in_file and not sink.file then
        ok, err = sink:spill()
    end
    r.body_sink = nil
    if not ok then
        sink:drop()
        return fail(r, err)
    end
    sink:settle(r, stays)
    return true
end


-- Reads the whole body in the current light thread, once.
--   stays   whether client_body_in_file_only may keep its file: Lua does not
--           let it
-- Returns true | nil, the code to end the request with.
function _M.read(r, stays)
    local in_file = r.settings.client_body_in_file_only ~= "off"
    if r.body_state == "none" and not (in_file and r.head.content_length) then
        r.body_state = "read"
        return true
    elseif r.body_state ~= "unread" and r.body_state ~= "none" then
        return true
    end
    return read_into_sink(r, stays, in_file)
end


-- After the response --------------------------------------------------------


local function ignore()
    return true
end


local function discard_rest(r)
    local settings = r.settings
    local limit = clock.mono + settings.lingering_time
    return read_all(r, function()
        return clock.mono < limit or nil, "timeout"
    end, settings.lingering_timeout)
end


-- Says why a body could not be thrown away: not of one that its client ended.
local function log_discarding(r, err)
    if err ~= "closed" then
        log_failure(r, failure_of(r, err))
    end
end


local function discarded(thread, ok, result, err)
    local r = thread.request
    r.body_state = "discarded"
    -- It has been logged: what comes now is no line of its log phase.
    r.phase = "content"
    if ok and not result then
        log_discarding(r, err)
    end
    return r.downstream:finish(ok and result and r.keepalive, false)
end


local function has_rest(r)
    if r.body_state == "none"
        or r.body_state == "read" and not r.body_socket
    then
        return false
    end
    return not is_whole(r)
end


-- Ends the body socket: what it left unread is the body's rest again.
local function take_over_socket(r)
    local socket = r.body_socket
    r.connection:take_buffer()
    r.body_left = socket.left
    r.connection:put_back(r.beyond_body)
    r.beyond_body = nil
    socket.connection = nil
end


-- Takes what is left of the body off the connection and lets the downstream
-- go on: with the next request, lingering, or closed.
function _M.leave(r)
    if r.beyond_body then
        take_over_socket(r)
    end
    if not has_rest(r) then
        return r.downstream:finish(r.keepalive, r.linger)
    elseif not r.keepalive then
        return r.downstream:finish(false, true)
    end
    scheduler.start(r, nil, discarded, discard_rest, r)
end


local function discarder_ended(thread, ok, result, err)
    local r = thread.request
    r.discarder = nil
    if ok and result then
        r.body_state = "none"
        return
    end
    r.keepalive = false
    r.body_is_invalid = err == "invalid"
    if ok then
        log_discarding(r, err)
        r.downstream.failed = r.connection.code and err or r.downstream.failed
    else
        log.request(r, log.CRIT, "discarding the request body failed: "
                    .. tostring(result))
    end
end


-- Whoever is last removes the file.
local function let_go(owner, file)
    owner.users = owner.users - 1
    if owner.users == 0 then
        files.remove(file)
    end
end


-- Throws the body away: what has come at once, the rest while the handler
-- goes on. Returns true, even if the client leaves | nil where it is no valid
-- body.
function _M.discard(r)
    if r.body_state ~= "unread" then
        return true
    end
    r.body_state = "discarded"
    invite(r)
    local thread = scheduler.start(r, nil, discarder_ended, read_all, r,
                                   ignore, r.settings.client_body_timeout)
    if thread.dead then
        return not r.body_is_invalid or nil
    end
    r.discarder = thread
    return true
end


-- Shares the file that the body is in, if it goes with the request.
-- Returns f(), which whoever has a share calls once it needs the file no more |
-- nil.
function _M.share_file(r)
    local owner = r.body_file and r.body_file_owned
    if not owner then
        return nil
    elseif owner == true then
        owner = {users = 1}
        r.body_file_owned = owner
    end
    local file = r.body_file
    owner.users = owner.users + 1
    return function() return let_go(owner, file) end
end


-- Removes the file that the body is in, if it is the request's own.
function _M.drop_file(r)
    local owner = r.body_file and r.body_file_owned
    if owner == true then
        files.remove(r.body_file)
    elseif owner then
        return let_go(owner, r.body_file)
    end
end


-- Frees what the request's body holds.
function _M.clean_up(r)
    if r.discarder then
        scheduler.kill(r.discarder)
        r.discarder = nil
    end
    if r.body_sink then
        r.body_sink:drop()
        r.body_sink = nil
    end
    _M.drop_file(r)
end


return _M
