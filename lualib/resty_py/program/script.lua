-- Scripts of the rewrite module and those that add to them: set, if, return,
-- rewrite, break, set_by_lua and the functions of set-misc.
--
--   compile(given, compile_location)
--                   an array of steps, nil where there is none
--   run(steps, r)   nil where the request goes on | how it ends: a status,
--                   or 0 where the response is complete
--
-- A step is a function of the request; it returns nothing, STOP where the
-- script is over, or how the request ends.
--
-- Rules:
--
-- 1. Steps run in the order of the file, those of an `if` that holds in its
--    place; such an `if` is the location from then on.
-- 2. A regular expression sets the captures for what follows it.
--
-- Follows ngx_http_script.c and ngx_http_rewrite_module.c.

local handler = require "resty_py.program.handler"
local hooks = require "resty_py.request.hooks"
local location = require "resty_py.program.location"
local pattern = require "resty_py.program.pattern"
local redirection = require "resty_py.http.redirection"
local response = require "resty_py.http.response"
local rewrite = require "resty_py.program.rewrite"
local static = require "resty_py.static"
local template = require "resty_py.program.template"
local variables = require "resty_py.request.variables"
local set_misc = require "resty_py.modules.set_misc"

local error = error
local gsub = string.gsub
local invite = require "resty_py.request.body".invite
local ipairs = ipairs
local set_variable = variables.set
local sub = string.sub
local test = rewrite.test

local OK, INTERNAL_SERVER_ERROR = 0, 500

local REDIRECTS = {[301] = true, [302] = true, [303] = true, [307] = true,
                   [308] = true}

-- What ends a script, but not the request.
local STOP = rewrite.STOP

local _M = {}

local compile_step


-- Running -------------------------------------------------------------------


local function run(steps, r)
    for i = 1, #steps do
        local rc = steps[i](r)
        if rc then
            return rc
        end
    end
end


function _M.run(steps, r)
    r.logs_rewrites = r.settings.rewrite_log
    local rc = run(steps, r)
    if rc ~= STOP then
        return rc
    end
end


-- Variables -----------------------------------------------------------------


-- The directive may set what nginx lets be set; the parser has seen to it.
local function put(r, name, value)
    local ok, err = set_variable(r, name, value)
    if not ok then
        error(err, 0)
    end
end


local function compile_set(given)
    local name, value = given.variable, template.compile(given.value)
    return function(r)
        put(r, name, value(r))
    end
end


local function compile_all(given)
    local compiled = {}
    for i, parts in ipairs(given) do
        compiled[i] = template.compile(parts)
    end
    return compiled
end


local function texts_of(templates, r)
    local texts = {}
    for i = 1, #templates do
        texts[i] = templates[i](r)
    end
    return texts
end


local function compile_set_by_lua(given)
    local code, name = handler.compile(given.handler), given.variable
    local args = compile_all(given.args)
    return function(r)
        local chunk = handler.chunk(code, r)
        if not chunk then
            return INTERNAL_SERVER_ERROR
        end
        local ok, value = hooks.run_set(r, chunk, texts_of(args, r))
        if not ok then
            return INTERNAL_SERVER_ERROR
        end
        put(r, name, value)
    end
end


local function compile_set_by_function(given)
    local f, name = set_misc.FUNCTIONS[given["function"]], given.variable
    local args = compile_all(given.args)
    local own = set_misc.takes_own(given["function"], #args)
    return function(r)
        local texts = texts_of(args, r)
        if own then
            texts[#texts + 1] = variables.get(r, name) or ""
        end
        local value = f(r, texts[1], texts[2], texts[3])
        if not value then
            return INTERNAL_SERVER_ERROR
        end
        put(r, name, value)
    end
end


-- Leaving -------------------------------------------------------------------


local function nothing()
    return ""
end


-- Sends a body of the configuration: ngx_http_send_response.
local function send_text(r, status, make_text)
    if r.expecting then
        invite(r)
    end
    r.status = status
    local text = make_text(r)
    if REDIRECTS[status] then
        redirection.set(r, text)
        return status
    end
    r.content_length = #text
    r.content_type = r.content_type or static.type_of(r)
    local code = response.send_headers(r)
    if code then
        return code
    elseif not r.header_only then
        response.write(r, text, true)
    end
    response.finish(r)
    return OK
end


local function compile_return(given)
    local status = given.status
    local text = given.text and template.compile(given.text) or nothing
    if status >= 400 and (not given.text
                          or template.constant(given.text) == "") then
        return function()
            return status
        end
    end
    return function(r)
        return send_text(r, status, text)
    end
end


local function compile_break()
    return function(r)
        if r.uri_changed then
            r.uri_changed, r.uri_rewritten = false, true
        end
        return STOP
    end
end


-- if ------------------------------------------------------------------------


local function is_true(text)
    return text ~= "" and text ~= "0"
end


local function compile_equality(given, subject)
    local value = template.compile(given.value)
    local negated = given.operator == "!="
    return function(r)
        return (subject(r) == value(r)) ~= negated
    end
end


local function compile_match(given, subject)
    local regex = pattern.compile(given.regex)
    local negated = sub(given.operator, 1, 1) == "!"
    return function(r)
        return test(r, regex, subject(r)) ~= negated
    end
end


local FILE_TESTS = {
    ["-f"] = function(kind)
        return kind == "file"
    end,
    ["-d"] = function(kind)
        return kind == "directory"
    end,
    ["-e"] = function(kind)
        return kind == "file" or kind == "directory"
    end,
    ["-x"] = function(_, executable)
        return executable == true
    end,
}


local function compile_file_test(given, subject)
    local negated = sub(given.operator, 1, 1) == "!"
    local holds = FILE_TESTS[gsub(given.operator, "!", "")]
    return function(r)
        return holds(static.test(subject(r), r)) ~= negated
    end
end


local function compile_condition(given)
    local subject = template.compile(given.subject)
    if given.operator == "" then
        return function(r)
            return is_true(subject(r))
        end
    elseif given.regex then
        return compile_match(given, subject)
    elseif given.value then
        return compile_equality(given, subject)
    end
    return compile_file_test(given, subject)
end


local function compile_if(given, compile_location)
    local holds = compile_condition(given.condition)
    local inner = compile_location(given.location)
    return function(r)
        if holds(r) then
            location.enter(r, inner)
            return inner.script and run(inner.script, r)
        end
    end
end


-- Compiling -----------------------------------------------------------------


local COMPILERS = {
    Set = compile_set,
    SetByLua = compile_set_by_lua,
    SetByFunction = compile_set_by_function,
    Return = compile_return,
    Break = compile_break,
    Rewrite = rewrite.compile,
    If = compile_if,
}


function compile_step(given, compile_location)
    return COMPILERS[given.kind](given, compile_location)
end


function _M.compile(given, compile_location)
    local steps = {}
    for i, each in ipairs(given) do
        steps[i] = compile_step(each, compile_location)
    end
    return #steps > 0 and steps or nil
end


return _M
