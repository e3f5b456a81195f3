-- The directives of the echo module's content handler.
--
--   RUN             directive -> f(r, state, args, step); args: array of texts.
--                   Returns nil where the next directive follows, or the code
--                   that the request ends with
--   open            such a function: sends the headers
--   IS_OUTPUT       set of those after which the headers are out
--   IS_SUBREQUEST   set of those that make subrequests
--
-- Rules:
--
-- 1. Times have no more than three digits behind the point, and no sign.
-- 2. A number of copies may have "_" between its digits.
-- 3. A loop runs from echo_foreach_split to echo_end, once for each part of
--    its text that is not empty, and not at all without any. There is no loop
--    in a loop.
-- 4. echo_abort_parent is unknown to the handler that runs them.
--
-- Follows ngx_http_echo_echo.c, ngx_http_echo_sleep.c and
-- ngx_http_echo_foreach.c.

local arguments = require "resty_py.modules.echo.arguments"
local body = require "resty_py.request.body"
local clock = require "resty_py.clock"
local deadlines = require "resty_py.scheduler.deadlines"
local log = require "resty_py.log"
local native = require "resty_py.native"
local output = require "resty_py.modules.echo.output"
local scheduler = require "resty_py.scheduler"
local subrequests = require "resty_py.modules.echo.subrequests"

local find = string.find
local floor = math.floor
local gsub = string.gsub
local line_of = arguments.line
local match = string.match
local max = math.max
local open_file = io.open
local pairs = pairs
local put = output.put
local rep = string.rep
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber

local ERROR = -1
local BAD_REQUEST, INTERNAL_SERVER_ERROR = 400, 500

-- Bytes of a body's file, or of copies, that are put out at once.
local PIECE = 65536
-- Copies that a double counts without loss.
local MAX_COPIES = 2 ^ 53

-- What nginx calls the directive: its place among those of the module.
local ABORT_PARENT = "unknown opcode: 17"

local RUN = {}
local _M = {RUN = RUN}


local function fail(r, text, code)
    log.request(r, log.ERR, text)
    return code
end


-- Text ----------------------------------------------------------------------


function _M.open(r)
    return output.open(r)
end


function RUN.echo(r, _, args, step)
    return put(r, line_of(step, args))
end


function RUN.echo_flush(r)
    return output.flush(r)
end


-- Returns how often a text is to be repeated | nil.
local function copies_of(text)
    local digits = gsub(text, "_", "")
    if text == "" or find(digits, "[^0-9]") then
        return nil
    end
    local count = digits == "" and 0 or tonumber(digits)
    return count <= MAX_COPIES and count or nil
end


function RUN.echo_duplicate(r, _, args)
    local text, left = args[2] or "", copies_of(args[1] or "")
    if not left then
        return fail(r, 'invalid size specified: "' .. (args[1] or "") .. '"',
                    INTERNAL_SERVER_ERROR)
    elseif text == "" or left == 0 then
        return output.open(r)
    end
    local most = max(1, floor(PIECE / #text))
    local piece = left > most and rep(text, most)
    local code
    while left > most and not code do
        code = put(r, piece)
        left = r.header_only and 0 or left - most
    end
    return code or put(r, rep(text, left))
end


-- The request body ----------------------------------------------------------


local function put_file(r, path)
    local file = open_file(path, "rb")
    if not file then
        return ERROR
    end
    local code
    repeat
        local data = file:read(PIECE)
        code = data and put(r, data)
    until not data or code or r.header_only
    file:close()
    return code
end


function RUN.echo_request_body(r)
    if r.body_file then
        return put_file(r, r.body_file)
    elseif r.body_data then
        return put(r, r.body_data)
    end
end


function RUN.echo_read_request_body(r, state)
    if r.body_state == "unread" then
        state.resumed = true
    end
    local ok, code = body.read(r, true)
    if not ok then
        return code
    end
end


-- Time ----------------------------------------------------------------------


-- A sleeper is its own deadline and what undoes it.
local Sleeper = {}
Sleeper.__index = Sleeper


function Sleeper:forget()
    deadlines.drop(self)
end


-- Returns seconds | nil where the text is no time.
local function duration(r, args)
    local text = args[1] or ""
    local whole, part = match(text, "^(%d*)%.?(%d*)$")
    if text == "" or not whole or #part > 3 then
        log.request(r, log.ERR, 'invalid sleep duration "' .. text .. '"')
        return nil
    end
    return (tonumber(whole) or 0)
        + (tonumber(part) or 0) / 10 ^ #part
end


function RUN.echo_sleep(r, state, args)
    local seconds = duration(r, args)
    if not seconds then
        return BAD_REQUEST
    end
    state.resumed = true
    local sleeper = setmetatable(deadlines.new(), Sleeper)
    deadlines.arm(sleeper, clock.mono + seconds, scheduler.current)
    scheduler.park(sleeper)
end


-- Nothing else runs meanwhile, in this worker.
function RUN.echo_blocking_sleep(r, _, args)
    local seconds = duration(r, args)
    if not seconds then
        return BAD_REQUEST
    end
    native.clock.sleep(seconds)
    clock.refresh()
end


function RUN.echo_reset_timer(_, state)
    clock.refresh()
    state.begun = clock.mono
end


-- Loops ---------------------------------------------------------------------


local function split(text, delimiter)
    local parts, from = {}, 1
    repeat
        local first, last
        if delimiter ~= "" then
            first, last = find(text, delimiter, from, true)
        end
        local part = sub(text, from, (first or 0) - 1)
        if part ~= "" then
            parts[#parts + 1] = part
        end
        from = last and last + 1
    until not from
    return parts
end


-- Goes to the directive before the loop's end.
local function skip(r, state)
    local steps = r.settings.echo
    while steps[state.place + 1] and
          steps[state.place + 1].run ~= RUN.echo_end
    do
        state.place = state.place + 1
    end
end


function RUN.echo_foreach_split(r, state, args)
    if state.choices then
        return fail(r, "Nested echo_foreach not supported yet.",
                    INTERNAL_SERVER_ERROR)
    elseif not args[2] then
        return fail(r, "echo_foreach should take at least two arguments. (if "
                    .. 'your delimiter starts with "-", preceding it with a '
                    .. '"--".)', INTERNAL_SERVER_ERROR)
    end
    state.choices, state.choice = split(args[2], args[1]), 1
    state.loop = state.place
    if not state.choices[1] then
        skip(r, state)
    end
end


function RUN.echo_end(r, state)
    if not state.choices then
        return fail(r, "Found a echo_end that has no corresponding "
                    .. "echo_foreach before it.", ERROR)
    end
    state.choice = state.choice + 1
    if state.choices[state.choice] then
        state.place = state.loop
    else
        state.choices = nil
    end
end


-- Other requests ------------------------------------------------------------


-- Where the body must be read first the directive begins anew.
local function after_body(run)
    return function(r, state, args, step)
        if not r.parent and (r.body_state == "none"
                             or r.body_state == "unread") then
            local code = RUN.echo_read_request_body(r, state)
            if code then
                return code
            end
            args = arguments.evaluate(step, r)
        end
        return run(r, state, args)
    end
end


for name, run in pairs(subrequests.RUN) do
    RUN[name] = after_body(run)
end


RUN.echo_exec = subrequests.exec


function RUN.echo_abort_parent(r)
    return fail(r, ABORT_PARENT, INTERNAL_SERVER_ERROR)
end


_M.IS_SUBREQUEST = subrequests.RUN
_M.IS_OUTPUT = {
    echo = true, echo_request_body = true, echo_flush = true,
    echo_duplicate = true,
}
for name in pairs(subrequests.RUN) do
    _M.IS_OUTPUT[name] = true
end


return _M
