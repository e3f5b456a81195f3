-- The echo module: a content handler of directives that run one after the
-- other, and text before and after the body of any response.
--
--   prepare(settings)         compiles the directives
--   content(r)                a content handler: the directives of `echo`
--   header_filter(settings)   f(r) | nil: echo_before_body, echo_after_body
--   body_filter(settings)     f(r, data, last) -> data, last | nil: the same
--   variables                 name -> f(r): $echo_it and its kin
--
-- Rules:
--
-- 1. The first output sends the headers: status echo_status, and the type of
--    the URI. There is no Content-Length.
-- 2. A directive that fails after that cuts the connection; before it, its
--    code is answered.
-- 3. Subrequests get the request body, which is read before the first one.
--    Where nothing is output before the first one, the headers go out first.
-- 4. What is added around a body takes its length and its ranges away.
--
-- Fields of r.echo, which a request has once it needs them:
--
--   place       of the directive that runs
--   choices, choice, loop   of echo_foreach_split: texts, the place of $echo_it
--               among them, and the directive's own place
--   counter     $echo_incr
--   begun       what $echo_timer_elapsed counts from, after echo_reset_timer
--   resumed     whether a directive has waited
--   is_opened   whether echo_before_body is out
--
-- Follows ngx_http_echo_handler.c and ngx_http_echo_filter.c.

local arguments = require "resty_py.modules.echo.arguments"
local commands = require "resty_py.modules.echo.commands"
local log = require "resty_py.log"
local output = require "resty_py.modules.echo.output"

local evaluate = arguments.evaluate
local ipairs = ipairs
local join = require "resty_py.request.postponed".join
local line_of = arguments.line

local ERROR, OK, SPECIAL = -1, 0, 300

local _M = {variables = require "resty_py.modules.echo.variables"}


-- The content handler -------------------------------------------------------


-- Returns how the request ends where a directive has ended with `code`.
local function finish(r, state, code)
    if code < SPECIAL or not r.headers_sent then
        return code ~= OK and code or nil
    elseif state.resumed then
        log.request(r, log.ALERT, "header already sent")
    end
    return ERROR
end


function _M.content(r)
    local steps = r.settings.echo
    local state = {place = 1}
    r.echo = state
    while steps[state.place] do
        local step = steps[state.place]
        local code = step.run(r, state, evaluate(step, r), step)
        if code then
            return finish(r, state, code)
        end
        state.place = state.place + 1
    end
    local code = output.open(r)
    join(r)
    return code
end


-- The filters ---------------------------------------------------------------


local function clear_length(r)
    output.clear_length(r)
end


function _M.header_filter(settings)
    return (settings.echo_before_body or settings.echo_after_body)
        and clear_length
end


-- Each line goes out on its own: the client sees its chunk.
-- Returns true | nil, err.
local function put_lines(r, lines, next)
    for i = 1, #lines do
        local text = line_of(lines[i], evaluate(lines[i], r))
        local ok, err = true, nil
        if text ~= "" then
            ok, err = next(r, text, false)
        end
        if not ok then
            return ok, err
        end
    end
    return true
end


local function surround(r, data, last, next)
    local state = r.echo or {}
    r.echo = state
    local before, after = r.settings.echo_before_body,
        r.settings.echo_after_body
    local ok, err = true, nil
    if before and not state.is_opened then
        ok, err = put_lines(r, before, next)
    end
    state.is_opened = true
    if ok and not (after and last) then
        return next(r, data, last)
    end
    if ok and data ~= "" then
        ok, err = next(r, data, false)
    end
    if ok then
        ok, err = put_lines(r, after, next)
    end
    if not ok then
        return ok, err
    end
    return next(r, "", true)
end


function _M.body_filter(settings, next)
    return (settings.echo_before_body or settings.echo_after_body)
        and function(r, data, last)
            return surround(r, data, last, next)
        end
end


-- The configuration ---------------------------------------------------------


local function compile_steps(given)
    local steps, has_output = {}, false
    for _, each in ipairs(given) do
        if commands.IS_SUBREQUEST[each.command] and not has_output then
            steps[#steps + 1] = arguments.compile(each.args, commands.open)
        end
        has_output = has_output or commands.IS_OUTPUT[each.command]
        steps[#steps + 1] = arguments.compile(each.args,
                                              commands.RUN[each.command])
    end
    return steps
end


-- Returns an array of lines | nil where there is none.
local function compile_lines(given)
    if not given or #given == 0 then
        return nil
    end
    local lines = {}
    for i, each in ipairs(given) do
        lines[i] = arguments.compile(each.args)
    end
    return lines
end


function _M.prepare(settings)
    if settings.echo then
        settings.echo = compile_steps(settings.echo)
    end
    settings.echo_before_body = compile_lines(settings.echo_before_body)
    settings.echo_after_body = compile_lines(settings.echo_after_body)
end


return _M
