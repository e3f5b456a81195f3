-- Subrequests whose output waits for its turn in that of their parent.
--
--   start(r, options)    from a light thread: begins one and does not wait for
--                        it; its output takes its place in that of r however
--                        long it takes. Returns nothing | nil, err
--   join(r)              parks until all that start() began are done
--   insert(r, options)   as start(), from a filter: it begins in its turn.
--                        Returns true | nil, err
--   after(r, f)          calls f(r) when all that insert() added are done
--
-- Options are those of subrequest.lua. What waits is in r.postponed: what an
-- unfinished subrequest puts out, and what its parent does behind it.
--
-- Follows ngx_http_postpone_filter_module.c.

local ending = require "resty_py.request.ending"
local response = require "resty_py.http.response"
local scheduler = require "resty_py.scheduler"
local subrequest = require "resty_py.request.subrequest"

local abort = subrequest.abort
local begin_later = subrequest.begin_later
local log_ended = subrequest.log_ended
local make = subrequest.make
local release = subrequest.release
local setmetatable = setmetatable
local wake = scheduler.wake

local ERROR, CLOSE = -1, 444

-- It leans on who leans on this module.
local steps

local _M = {}


-- What of the parent's output waits for its turn: texts, and subrequests.
local Queue = {}
Queue.__index = Queue


local function queue_of(r)
    local queue = r.postponed
    if not queue then
        queue = setmetatable({first = 1, last = 0, request = r}, Queue)
        r.postponed = queue
    end
    return queue
end


function Queue:add(item)
    self.last = self.last + 1
    self[self.last] = item
    return true
end


local function hold(sr, data)
    local pieces = sr.held
    pieces[#pieces + 1] = data
    return true
end


local function put_all(r, pieces)
    for i = 1, #pieces do
        response.put_body(r, pieces[i])
    end
end


-- Puts out what is at the front and complete.
function Queue:drain()
    local r = self.request
    r.postponed = nil
    if r.terminated then
        return self:forget()
    end
    while self.first <= self.last do
        local item = self[self.first]
        if item.waiting and not item.terminated then
            r.postponed = self
            return
        end
        put_all(r, item.held or {item})
        self.first = self.first + 1
    end
    if self.thread then
        wake(self.thread)
    elseif self.over then
        return self.over(r)
    end
end


function Queue:forget()
    self.thread = nil
    for i = self.first, self.last do
        local item = self[i]
        if item.waiting then
            abort(item)
        end
    end
end


local function completed_in_queue(sr, cut)
    release(sr)
    if cut then
        ending.kill_threads(sr.main)
        return ending.cut(sr.main, sr.status == CLOSE and CLOSE or ERROR)
    end
    log_ended(sr)
    local queue = sr.queue
    if sr.parent.postponed == queue and queue[queue.first] == sr then
        return queue:drain()
    end
end


-- Returns the subrequest in its place in the parent's output | nil, err.
local function add_in_queue(r, options)
    local sr, err = make(r, options)
    if not sr then
        return nil, err
    end
    local queue = queue_of(r)
    sr.held = {}
    sr.collect = hold
    sr.waiting = true
    sr.queue = queue
    sr.completed = completed_in_queue
    queue:add(sr)
    return sr
end


local function begin_in_queue(sr)
    steps = steps or require "resty_py.request.steps"
    steps.begin(sr)
    if sr.terminated then
        sr.queue:drain()
    end
end


local function launch(thread, sr)
    scheduler.post(thread)
    return begin_in_queue(sr)
end


function _M.start(r, options)
    local sr, err = add_in_queue(r, options)
    if not sr then
        return nil, err
    end
    scheduler.leave(launch, sr)
    return nil
end


function _M.insert(r, options)
    local sr, err = add_in_queue(r, options)
    if not sr then
        return nil, err
    end
    begin_later(sr, begin_in_queue)
    return true
end


function _M.after(r, f)
    r.postponed.over = f
end


function _M.join(r)
    local queue = r.postponed
    if queue then
        queue.thread = scheduler.current
        scheduler.park(queue)
    end
end


return _M
