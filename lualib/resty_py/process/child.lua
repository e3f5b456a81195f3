-- A child process and its pipes: what stands behind a process of ngx.pipe.
--
--   spawn(argv, options)   a child | nil, err
--       options: merge_stderr, buffer_size (bytes), environ (an array | nil)
--
-- Rules:
--
-- 1. A child belongs to the request that spawned it: when that is over, or
--    nobody holds its handle, it is killed. Its exit is seen to either way, so
--    that it is no zombie.
-- 2. Its exit is an event: its pidfd, a descriptor like any other, becomes
--    readable. The child itself is the item that the scheduler runs then.
-- 3. Who has waited for its exit has closed its pipes as well.
--
-- Fields:
--
--   pid              its process
--   stdin, stdout, stderr   streams; stderr is nil where it is merged
--   merged           whether it is
--   dead             it has exited, or is beyond us
--   closed           its pipes are closed, and nothing can be asked of it
--   reason, status   "exit" | "signal" and the code, once it has exited
--   waiter, timer    the light thread that waits for that, and its deadline
--
-- Follows ngx_http_lua_pipe.c; the Python side is resty_py/host/process.py.

local clock = require "resty_py.clock"
local connection = require "resty_py.net.connection"
local deadlines = require "resty_py.scheduler.deadlines"
local log = require "resty_py.log"
local native = require "resty_py.native"
local scheduler = require "resty_py.scheduler"
local stream = require "resty_py.process.stream"

local adopt = connection.adopt
local concat = table.concat
local debug = log.debug
local find = string.find
local format = string.format
local hold = require "resty_py.request".hold
local huge = math.huge
local ipairs = ipairs
local pairs = pairs
local park = scheduler.park
local process = native.process
local setmetatable = setmetatable
local sub = string.sub
local wake = scheduler.wake

local TIMEOUT = scheduler.TIMEOUT

-- Linux's numbers.
local SIGCHLD, SIGKILL = 17, 9

local Child = {}
Child.__index = Child

local _M = {}


-- Ownership -------------------------------------------------------------------


-- The children of a request: it releases them like its cosockets.
local Family = {}
Family.__index = Family


function Family:release()
    self.request.children = nil
    for child in pairs(self.members) do
        child:destroy()
    end
end


local function family_of(r)
    local family = r.children
    if not family then
        family = setmetatable({request = r, members = {}}, Family)
        r.children = family
        hold(r, family)
    end
    return family
end


-- Spawning --------------------------------------------------------------------


local function log_failure(name, call, code, text)
    log.write(log.ERR, format("lua pipe child %s() failed while executing %s "
                              .. "(%d: %s)", call, name, code, text))
end


-- Takes the descriptors over. Returns true | nil, err.
local function open(self, pidfd, chunk, ...)
    local names = {"stdin", "stdout", "stderr"}
    local fds = {...}
    local watch, err = adopt(pidfd)
    self.watch = watch
    for i = 1, 3 do
        if fds[i] then
            local opened, problem = stream.open(fds[i], chunk, names[i],
                                                self.label)
            self[names[i]] = opened
            err = err or problem
        end
    end
    return not err, err
end


-- How lines of level debug name a process: nginx has a pointer to show.
local function label(pid)
    return format("process:%016X pid:%d", pid, pid)
end


-- As execve() sees them: each ends at its first NUL.
local function c_strings(words)
    local strings = {}
    for i, word in ipairs(words) do
        strings[i] = sub(word, 1, (find(word, "\0", 1, true) or 0) - 1)
    end
    return concat(strings, "\0")
end


local function start(argv, options)
    local environ = options.environ
    local pid, pidfd, stdin, stdout, stderr, code, text =
        process.spawn(options.merge_stderr, c_strings(argv),
                      environ and c_strings(environ))
    if pid and code then
        log_failure(argv[1], environ and "execvpe" or "execvp", code, text)
    end
    return pid, pidfd, stdin, stdout, stderr
end


function _M.spawn(argv, options)
    local pid, pidfd, stdin, stdout, stderr = start(argv, options)
    if not pid then
        return nil, pidfd
    end
    local self = setmetatable({
        pid = pid,
        label = label(pid),
        merged = options.merge_stderr,
        dead = false,
        closed = false,
        reason = nil,
        status = nil,
        waiter = nil,
        timer = deadlines.new(),
        family = family_of(scheduler.current.request),
        parked = true,
    }, Child)
    self.family.members[self] = true
    local ok, err = open(self, pidfd, options.buffer_size, stdin, stdout,
                         stderr)
    if not ok then
        self:destroy()
        return nil, err
    end
    self.watch.reader = self
    debug(nil, format("lua pipe spawn %s merge_stderr:%d buffer_size:%d",
                      self.label, self.merged and 1 or 0,
                      options.buffer_size))
    return self
end


-- The exit ------------------------------------------------------------------


-- Run by the scheduler when the process has exited.
function Child:run()
    local reason, status = process.reap(self.pid)
    if not reason then
        self.parked = true
        self.watch.reader = self
        return
    end
    log.write(log.NOTICE, format("signal %d (SIGCHLD) received from %d",
                                 SIGCHLD, self.pid))
    self.dead = true
    self.reason, self.status = reason, status
    self.watch:close()
    if self.waiter then
        wake(self.waiter)
    end
end


local function stop_waiting(self)
    self.waiter = nil
    deadlines.disarm(self.timer)
end


-- Undoes the waiting of a light thread that is killed.
function Child:forget()
    debug(nil, "lua pipe proc wait cleanup")
    stop_waiting(self)
end


-- Parks until the process has exited.
-- Returns whether it has before the timeout, in seconds.
function Child:await_exit(timeout)
    self.waiter = scheduler.current
    deadlines.arm(self.timer, clock.mono + timeout, self.waiter)
    if timeout < huge then
        debug(nil, format("lua pipe add timer for waiting: %d(ms) %s",
                          timeout * 1000, self.label))
    end
    local event = park(self)
    stop_waiting(self)
    return event ~= TIMEOUT
end


-- Closes the pipes: nothing more is asked of the child.
function Child:finalize()
    self.closed = true
    self.family.members[self] = nil
    deadlines.drop(self.timer)
    for _, name in pairs {"stdin", "stdout", "stderr"} do
        if self[name] then
            self[name]:close("closed")
        end
    end
end


-- Ends the process, if that is left to do.
function Child:destroy()
    if self.closed then
        return
    end
    debug(nil, "lua pipe destroy " .. self.label)
    if not self.dead then
        debug(nil, "lua pipe kill " .. self.label)
        self.dead = true
        self:kill(SIGKILL)
    end
    return self:finalize()
end


-- Sends a signal. Returns true | nil, err.
function Child:kill(number)
    return process.kill(self.pid, number)
end


return _M
