-- ngx.pipe: child processes, with their standard input, output and error.
--
--   spawn(args, options?)   args: an array, the program first, or a command
--                           for the shell; returns a process | nil, err
--
-- options:
--
--   merge_stderr    the standard error goes where the output does
--   buffer_size     bytes that are read at once: 4096
--   environ         an array of "name=value", in place of ours
--   write_timeout, stdout_read_timeout, stderr_read_timeout, wait_timeout
--                   milliseconds, 0: for ever; 10000
--
-- A process:
--
--   pid()
--   set_timeouts(write?, stdout_read?, stderr_read?, wait?)
--   write(data)              bytes | nil, err; data: a string, a number or
--                            an array of strings
--   stdout_read_all(), stdout_read_line(), stdout_read_bytes(n),
--   stdout_read_any(max), and the same of stderr
--                            data | nil, err, what was read before
--   shutdown("stdin" | "stdout" | "stderr")   true | nil, err
--   kill(signal)             true | nil, err
--   wait()                   ok, "exit" | "signal", code | nil, err
--
-- Methods are called with a colon. A process is killed when the request that
-- spawned it is over, or when nothing refers to it any more.
--
-- Follows lua-resty-core's module of this name and ngx_http_lua_pipe.c.

local child_process = require "resty_py.process.child"
local phases = require "resty_py.request.phases"
local scheduler = require "resty_py.scheduler"
local stream = require "resty_py.process.stream"

local ceil = math.ceil
local check = phases.check
local concat = table.concat
local error = error
local find = string.find
local floor = math.floor
local format = string.format
local getmetatable = getmetatable
local huge = math.huge
local ipairs = ipairs
local min = math.min
local newproxy = newproxy
local phase_name = phases.name
local post = scheduler.post
local readers = stream.readers
local setmetatable = setmetatable
local tonumber = tonumber
local tostring = tostring
local type = type

local YIELDABLE = phases.YIELDABLE

local MAX_TIMEOUT = 0xffffffff
local DEFAULT_TIMEOUT = 10000
local BUFFER_SIZE = 4096
-- The most bytes that a pipe holds: those of Linux's pipe-max-size.
local PIPE_SIZE = 1048576
local MAX_SIGNAL = 64
local SHELL, SHELL_OPTION = "/bin/sh", "-c"

local TIMEOUTS = {"write_timeout", "stdout_read_timeout",
                  "stderr_read_timeout", "wait_timeout"}

local Process = {}
Process.__index = Process

local _M = {version = require "resty.core.base".version}


-- Checks ----------------------------------------------------------------------


-- An error unless a method was called on a process.
local function check_self(self)
    if type(self) ~= "table" or getmetatable(self) ~= Process then
        error("not a process instance", 3)
    end
end


-- Takes the timeouts that are given; an error for one that is none.
local function set_timeouts(self, ...)
    local given = {...}
    for i = 1, 4 do
        local timeout = given[i]
        if timeout then
            if not (timeout >= 0 and timeout <= MAX_TIMEOUT) then
                error("bad " .. TIMEOUTS[i] .. " option", 3)
            end
            self[TIMEOUTS[i]] = floor(timeout)
        end
    end
end


local function seconds(timeout)
    return timeout > 0 and timeout / 1000 or huge
end


-- Reading ---------------------------------------------------------------------


-- Returns the stream that can be read | nil, err.
local function readable(self, name)
    local child = self.child
    if child.closed then
        return nil, "closed"
    elseif child.merged and name == "stderr" then
        return nil, "merged to stdout"
    elseif not child[name]:is_open() then
        return nil, "closed"
    elseif child[name].reader then
        return nil, "pipe busy reading"
    end
    return child[name]
end


local function read(self, name, reader, argument)
    local opened, err = readable(self, name)
    if not opened then
        return nil, err
    end
    return opened:read(reader, seconds(self[name .. "_read_timeout"]),
                       argument)
end


local function add_readers(name)
    Process[name .. "_read_all"] = function(self)
        check_self(self)
        check(YIELDABLE)
        return read(self, name, readers.all)
    end

    Process[name .. "_read_line"] = function(self)
        check_self(self)
        check(YIELDABLE)
        return read(self, name, readers.line)
    end

    Process[name .. "_read_bytes"] = function(self, length)
        if length ~= length or length < 0 then
            error("bad len argument", 2)
        elseif length == 0 then
            return ""
        end
        check_self(self)
        check(YIELDABLE)
        return read(self, name, readers.bytes, floor(length))
    end

    Process[name .. "_read_any"] = function(self, max)
        max = tonumber(max)
        if not max or max ~= max or max <= 0 then
            error("bad max argument", 2)
        end
        check_self(self)
        check(YIELDABLE)
        return read(self, name, readers.any, ceil(max))
    end
end


add_readers("stdout")
add_readers("stderr")


-- Writing ---------------------------------------------------------------------


local function text_of(data)
    local kind = type(data)
    if kind == "table" then
        return concat(data)
    elseif kind == "string" or kind == "number" then
        return tostring(data)
    end
    error("bad data arg: string, number, or table expected, got " .. kind, 3)
end


function Process:write(data)
    check_self(self)
    check(YIELDABLE)
    data = text_of(data)
    local child = self.child
    if child.closed or not child.stdin:is_open() then
        return nil, "closed"
    elseif child.stdin.writer then
        return nil, "pipe busy writing"
    end
    return child.stdin:write(data, seconds(self.write_timeout))
end


-- The rest --------------------------------------------------------------------


function Process:pid()
    return self._pid
end


function Process:set_timeouts(...)
    check_self(self)
    set_timeouts(self, ...)
end


-- What kill() answers, and how OpenResty says it.
local KILL_ERRORS = {
    ["Invalid argument"] = "invalid signal",
    ["No such process"] = "exited",
}

local DIRECTIONS = {stdin = true, stdout = true, stderr = true}


function Process:shutdown(direction)
    check_self(self)
    local child = self.child
    if not DIRECTIONS[direction] then
        error("bad shutdown arg: " .. tostring(direction), 2)
    elseif child.closed then
        return nil, "closed"
    elseif child.merged and direction == "stderr" then
        return nil, "merged to stdout"
    end
    child[direction]:close(child.dead and "closed" or "aborted")
    return true
end


function Process:kill(signal)
    check_self(self)
    if type(signal) ~= "number" then
        error("bad signal arg: number expected, got " .. tostring(signal), 2)
    end
    local child = self.child
    if child.dead then
        return nil, "exited"
    end
    if not (signal >= 0 and signal <= MAX_SIGNAL) then
        return nil, "invalid signal"
    end
    local ok, err = child:kill(floor(signal))
    if ok then
        return true
    end
    return nil, KILL_ERRORS[err] or err
end


function Process:wait()
    check_self(self)
    check(YIELDABLE)
    local child = self.child
    if child.closed then
        return nil, "exited"
    elseif child.waiter then
        return nil, "pipe busy waiting"
    elseif not child.reason
        and not child:await_exit(seconds(self.wait_timeout))
    then
        return nil, "timeout"
    end
    child:finalize()
    return child.status == 0, child.reason, child.status
end


-- Spawning --------------------------------------------------------------------


-- Returns the arguments as strings | nil, what is wrong with them.
local function arguments(args)
    local kind = type(args)
    if kind == "string" then
        return {SHELL, SHELL_OPTION, args}
    elseif kind ~= "table" then
        return nil, "bad args arg: table expected, got " .. kind
    end
    local argv = {}
    for i, argument in ipairs(args) do
        argv[i] = tostring(argument)
    end
    if not argv[1] then
        return nil, "bad args arg: non-empty table expected"
    end
    return argv
end


-- What is wrong with an environment, or nil.
local function bad_environment(environ)
    if type(environ) ~= "table" then
        return "bad environ option: table expected, got " .. type(environ)
    end
    for i, entry in ipairs(environ) do
        local where = format("bad value at index %d of environ option: ", i)
        if type(entry) ~= "string" then
            return where .. "string expected, got " .. type(entry)
        elseif not find(entry, "=", 2, true) then
            return where .. "'name=[value]' format expected, got '" .. entry
                .. "'"
        end
    end
end


-- Returns the options of a child | nil, what is wrong with them.
local function child_options(options)
    local size = options.buffer_size
    if size then
        size = tonumber(size)
        if not size or size ~= size or size < 1 then
            return nil, "bad buffer_size option"
        end
    end
    local environ = options.environ
    local err = environ and bad_environment(environ)
    if err then
        return nil, err
    end
    return {
        merge_stderr = options.merge_stderr and true or false,
        buffer_size = min(floor(size or BUFFER_SIZE), PIPE_SIZE),
        environ = environ and environ[1] and environ or nil,
    }
end


-- Kills the child once the process is garbage. A finalizer runs anywhere, so
-- that it leaves the work to the scheduler.
local function guard(child)
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = function()
        if not child.closed then
            post({run = function()
                child:destroy()
            end})
        end
    end
    return proxy
end


function _M.spawn(args, options)
    if phase_name() == "init" then
        error("API disabled in the current context", 2)
    end
    local argv, err = arguments(args)
    if not argv then
        error(err, 2)
    end
    options = options or {}
    local wanted
    wanted, err = child_options(options)
    if not wanted then
        error(err, 2)
    end
    local self = setmetatable({}, Process)
    set_timeouts(self, options.write_timeout or DEFAULT_TIMEOUT,
                 options.stdout_read_timeout or DEFAULT_TIMEOUT,
                 options.stderr_read_timeout or DEFAULT_TIMEOUT,
                 options.wait_timeout or DEFAULT_TIMEOUT)
    self.child, err = child_process.spawn(argv, wanted)
    if not self.child then
        return nil, err
    end
    self._pid = self.child.pid
    self.guard = guard(self.child)
    return self
end


return _M
