-- Waiting for the host: a light thread parks under a token, a Trio task
-- does the work, its completion wakes the thread.
--
--   await(start, …)   calls start(token, …), a host function that begins a
--                     task, parks, and returns what the task answered
--   await_for(owner, start, …)   the same; owner:forget(thread) is called
--                     too when the thread is killed
--   deliver(token, …) called by the worker with a task's answer
--
-- A light thread that is killed meanwhile cancels the task.

local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"

local cancel = native.tasks.cancel
local park = scheduler.park
local select = select
local setmetatable = setmetatable
local unpack = unpack or table.unpack  -- luacheck: ignore 143
local wake = scheduler.wake

local waiting = {}
local last_token = 0

local Task = {}
Task.__index = Task

local _M = {}


function Task:forget(thread)
    waiting[self.token] = nil
    cancel(self.token)
    if self.owner then
        self.owner:forget(thread)
    end
end


local function pack(...)
    return {n = select("#", ...), ...}
end


-- Hands a completion to the thread that awaits it. A token that nobody
-- awaits any more is ignored: its thread was killed.
function _M.deliver(token, ...)
    local task = waiting[token]
    if task then
        waiting[token] = nil
        task.answer = pack(...)
        wake(task.thread)
    end
end


-- Starts a host task and parks until it answers.
function _M.await_for(owner, start, ...)
    last_token = last_token + 1
    local task = setmetatable({
        token = last_token,
        thread = scheduler.current,
        owner = owner,
        answer = nil,
    }, Task)
    waiting[last_token] = task
    local ok, err = start(last_token, ...)
    if not ok then
        waiting[task.token] = nil
        return nil, err
    end
    park(task)
    local answer = task.answer
    return unpack(answer, 1, answer.n)
end


function _M.await(start, ...)
    return _M.await_for(nil, start, ...)
end


return _M
