-- Subrequests: requests that a request makes of its own server.
--
--   capture(r, list)    from a light thread: runs the subrequests of all
--                       options in `list` and parks until they are done;
--                       returns an array of them
--                       | nil, err where one cannot be made
--   run(r, options)     the same for one whose output goes out in that of r
--   detach(r, options, f)   begins one in its turn that nobody waits for, not
--                       even the end of r, and whose output is thrown away;
--                       f(), where there is one, is called when it has ended
--   detached            how many of these there are
--
-- For those whose output waits for its turn (postponed.lua):
--
--   make(r, options)    a new one | nil, err
--   begin_later(sr, f)  has f(sr) called in its turn, unless it has ended
--   release(sr), log_ended(sr)   it has come to its end, and is logged
--   abort(sr)           ends one that nobody waits for any more
--
-- Options:
--
--   uri, args, method   method: "GET" where it is nil
--   headers, content_length   header lines in place of the parent's, and the
--                       length that they tell, or nil
--   body, body_file     a body of its own
--   forward_body        the parent's body, where there is none of its own
--   vars                variables (r.vars); those of the parent where
--                       share_vars is true
--   ctx                 its ngx.ctx
--   header_only         whether nobody wants its body
--
-- Rules:
--
-- 1. A subrequest is a request with a parent. It has the connection, and what
--    was read of the head; its headers are its own. Its variables are those
--    of its parent where share_vars says so.
-- 2. It runs the phases of a request, but for access; it is logged where
--    log_subrequest is on.
-- 3. One that is captured keeps its body, and passes no filter but those of
--    Lua. An error status of it is told to its parent and makes no page.
-- 4. When its parent ends, or the thread that waits for it, it ends as well,
--    unless it was detached.
-- 5. They begin when the threads of their parent that can go on have done so.
-- 6. They nest NGX_HTTP_MAX_SUBREQUESTS deep, and a client's request has
--    MAX_LIVE of them at once.
--
-- Follows ngx_http_subrequest and ngx_http_lua_subrequest.c.

local ending = require "resty_py.request.ending"
local log = require "resty_py.log"
local remote = require "resty_py.request.remote"
local request = require "resty_py.request"
local response = require "resty_py.http.response"
local scheduler = require "resty_py.scheduler"

local concat = table.concat
local copy_head = require "resty_py.http.meaning".copy
local format = string.format
local setmetatable = setmetatable
local type_of = require "resty_py.static.mime".type_of
local wake = scheduler.wake

-- NGX_HTTP_MAX_SUBREQUESTS and one.
local MAX_DEPTH = 51
-- What nginx's counter of references to a request lets it have.
local MAX_LIVE = 64534

local ERROR, INTERNAL_SERVER_ERROR = -1, 500

-- It leans on this module itself.
local steps

local _M = {detached = 0}


-- Making ---------------------------------------------------------------------


-- The parent's head, whose header lines can be changed on their own.
local function own_head(r, options)
    local head = copy_head(r.head)
    if options.headers then
        head.fields = options.headers
        head.content_length = options.content_length
        head.chunked = nil
    end
    return head
end


local function give_body(sr, r, options)
    sr.expecting = nil
    sr.body_state = "none"
    if options.body or options.body_file then
        sr.body_data = options.body ~= "" and options.body or nil
        sr.body_file = options.body_file
        sr.body_state = "read"
    elseif options.forward_body and r.body_state == "read" then
        sr.body_data, sr.body_file = r.body_data, r.body_file
        sr.body_state = "read"
    end
end


local function new(r, options)
    local sr = request.new(r.downstream, own_head(r, options), r.server)
    sr.parent = r
    sr.main = r.main or r
    sr.main.live = (sr.main.live or 0) + 1
    sr.depth = (r.depth or MAX_DEPTH) - 1
    sr.internal = true
    sr.method = options.method or "GET"
    sr.uri = options.uri
    sr.args = options.args
    sr.ctx = options.ctx
    sr.header_only = options.header_only
    if options.share_vars then
        r.vars = r.vars or {}
        sr.vars = r.vars
    else
        sr.vars = options.vars
    end
    give_body(sr, r, options)
    return sr
end


-- by: whose it is, as the log has it.
local function make(r, options, by)
    if (r.depth or MAX_DEPTH) == 0 then
        log.request(r, log.ERR, format(
            '%ssubrequests cycle while processing "%s"', by or "",
            options.uri))
        return nil, "failed to issue subrequest: -1"
    elseif ((r.main or r).live or 0) >= MAX_LIVE then
        log.request(r, log.CRIT, format(
            'request reference counter overflow while processing "%s"',
            options.uri))
        return nil, "failed to issue subrequest: -1"
    end
    return new(r, options)
end


-- Ending ---------------------------------------------------------------------


local function log_ended(sr)
    if sr.settings.log_subrequest then
        ending.conclude(sr)
    end
end


local function release(sr)
    local main = sr.main
    main.live = main.live - 1
end


-- Ends one that nobody waits for any more.
local function abort(sr)
    if not sr.terminated then
        sr.terminated = true
        release(sr)
        ending.kill_threads(sr)
        ending.close_sockets(sr)
    end
end


-- What it answered: its status where it has one, else what it ended with.
local function settle(sr, rc)
    if sr.status == 0 then
        sr.status = rc == ERROR and INTERNAL_SERVER_ERROR or rc
    end
end


-- A number of subrequests that a light thread waits for.
local Group = {is_subrequests = true}
Group.__index = Group


local function new_group(r)
    return setmetatable({request = r, left = 0, thread = nil}, Group)
end


-- How many groups the request waits for.
local function count(r, change)
    local pending = (r.pending or 0) + change
    r.pending = pending > 0 and pending or nil
end


function Group:forget()
    self.thread = nil
    for i = 1, #self do
        abort(self[i])
    end
    count(self.request, -1)
end


function Group:ended()
    self.left = self.left - 1
    if self.left == 0 then
        count(self.request, -1)
        if self.thread then
            wake(self.thread)
        end
    end
end


local function give_type(sr)
    if not sr.content_type and sr.settings.lua_use_default_type then
        sr.content_type = type_of(sr)
    end
end


-- 408, 444 and 499 cut the connection, whoever says it; but nginx forgets the
-- code of a subrequest of which Lua has set headers.
local function cuts_main(sr)
    return sr.cut_by and sr.cut_by > 0 and not sr.has_lua_headers
end


local function cut_main(sr)
    ending.kill_threads(sr.main)
    return ending.cut(sr.main, sr.cut_by)
end


local function completed_in_group(sr, cut)
    release(sr)
    sr.is_cut = cut
    if cut and cuts_main(sr) then
        return cut_main(sr)
    elseif cut then
        settle(sr, sr.cut_by or ERROR)
        give_type(sr)
    end
    log_ended(sr)
    return sr.group:ended()
end


local function add(group, sr)
    group[#group + 1] = sr
    group.left = group.left + 1
    sr.group = group
    sr.completed = completed_in_group
end


-- Starts the subrequests of a group from the i-th on.
local function start(group, i)
    local sr = group[i]
    if not sr then
        return
    elseif not sr.terminated then
        steps.begin(sr)
    end
    return start(group, i + 1)
end


-- Starts the groups from the i-th on.
local function start_groups(starting, i)
    local group = starting[i]
    if group then
        start(group, 1)
        return start_groups(starting, i + 1)
    end
end


-- Groups of a request that are to start, in order: an item of the scheduler.
local Starting = {}
Starting.__index = Starting


function Starting:run()
    local r = self.request
    -- A thread that has spawned another goes on first.
    if r.spawner and not r.spawner.dead then
        return scheduler.post(self)
    end
    r.starting = nil
    steps = steps or require "resty_py.request.steps"
    return start_groups(self, 1)
end


-- Posts a group, once the thread has left its coroutine.
local function begin(thread, group)
    local r = group.request
    thread.parked = true
    thread.owner = group
    group.thread = thread
    local starting = r.starting
    if starting then
        starting[#starting + 1] = group
    else
        starting = setmetatable({group, request = r}, Starting)
        r.starting = starting
        scheduler.post(starting)
    end
end


local function wait(r, group)
    count(r, 1)
    scheduler.leave(begin, group)
    return group
end


-- Captured -------------------------------------------------------------------


local function keep(sr, data)
    local pieces = sr.captured
    pieces[#pieces + 1] = data
    return true
end


-- Lua's header filters see the code, whatever the status is.
local function send_headers(sr, code)
    local status = sr.status
    sr.err_status = code
    sr.last_modified = nil
    sr.allow_ranges = false
    response.send_headers(sr)
    sr.status = status
end


-- Stands for the special response of a captured subrequest: a header block
-- and no body. Where Lua has set headers, nginx sends none; what a header
-- filter has asked for, nginx sends as to a client.
local function refuse(sr, code)
    settle(sr, code)
    if sr.filtered and not sr.headers_sent then
        response.send_special(sr, code)
    elseif not (sr.headers_sent or sr.has_lua_headers) then
        send_headers(sr, code)
    end
    give_type(sr)
    return ending.complete(sr, false)
end


-- Adds the subrequests of the options from the i-th on.
-- Returns the group | nil, err.
local function add_captured(group, list, i)
    local options = list[i]
    if not options then
        return group
    end
    local r = group.request
    local sr, err = make(r, options, "lua ")
    if not sr then
        return nil, err
    end
    sr.world = r.world
    sr.captured = {}
    sr.collect = keep
    sr.refuse = refuse
    add(group, sr)
    return add_captured(group, list, i + 1)
end


function _M.capture(r, list)
    local group, err = add_captured(new_group(r), list, 1)
    if not group then
        return nil, err
    end
    return wait(r, group)
end


-- Returns the body that was captured.
function _M.body(sr)
    return concat(sr.captured)
end


-- In the parent's output -----------------------------------------------------


local function pass(sr, data)
    return response.put_body(sr.parent, data)
end


function _M.run(r, options)
    local sr, err = make(r, options)
    if not sr then
        return nil, err
    end
    sr.collect = pass
    local group = new_group(r)
    add(group, sr)
    wait(r, group)
    if sr.is_cut then
        return nil, "subrequest aborted"
    end
    return nil
end


-- On their own ----------------------------------------------------------------


-- One that begins when it is its turn: an item of the scheduler.
local Next = {}
Next.__index = Next


function Next:run()
    if not self.subrequest.terminated then
        return self.begin(self.subrequest)
    end
end


local function begin_later(sr, how)
    scheduler.post(setmetatable({subrequest = sr, begin = how}, Next))
end


local function drop()
    return true
end


local function completed_alone(sr)
    release(sr)
    _M.detached = _M.detached - 1
    log_ended(sr)
    if sr.ended then
        return sr.ended()
    end
end


local function begin_alone(sr)
    steps = steps or require "resty_py.request.steps"
    return steps.begin(sr)
end


function _M.detach(r, options, f)
    local sr, err = make(r, options)
    if not sr then
        return nil, err
    end
    sr.downstream = remote.keep(r)
    sr.captured = {}
    sr.collect = drop
    sr.header_only = true
    sr.completed = completed_alone
    sr.ended = f
    _M.detached = _M.detached + 1
    begin_later(sr, begin_alone)
    return true
end


_M.abort = abort
_M.begin_later = begin_later
_M.log_ended = log_ended
_M.make = make
_M.release = release

return _M
