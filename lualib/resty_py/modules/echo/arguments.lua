-- Arguments of the echo module's directives.
--
--   compile(given, run)   given: array of templates. Returns a step: {run =,
--                         option =, args = array of f(r)}
--   evaluate(step, r)     array of texts
--   line(step, texts)     what echo prints of them
--
-- Options are what begins with "-" before anything else, and has no variables;
-- "--" ends them.
--
-- Follows ngx_http_echo_eval_cmd_args and ngx_http_echo_exec_echo.

local template = require "resty_py.program.template"

local compile = template.compile
local concat = table.concat
local constant = template.constant
local find = string.find
local ipairs = ipairs
local sub = string.sub

local _M = {}


function _M.compile(given, run)
    local step = {run = run, option = nil, args = {}}
    local may_be_option = true
    for _, parts in ipairs(given) do
        local text = may_be_option and constant(parts) or ""
        may_be_option = find(text, "^%-[^-]") ~= nil
        if may_be_option then
            step.option = step.option or sub(text, 2)
        elseif not find(text, "^%-%-") then
            step.args[#step.args + 1] = compile(parts)
        end
    end
    return step
end


function _M.evaluate(step, r)
    local args, texts = step.args, {}
    for i = 1, #args do
        texts[i] = args[i](r)
    end
    return texts
end


function _M.line(step, texts)
    return concat(texts, " ") .. (step.option == "n" and "" or "\n")
end


return _M
