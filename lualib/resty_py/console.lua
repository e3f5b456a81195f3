-- The console: one script that runs in a timer, and then the worker ends.
--
--   install()      makes ngx a console's: output goes to stdout, exit ends
--                  the process
--   start(script)  begins to run it, in a timer of no delay
--
-- Fields of a script:
--
--   inline   source text that runs first, or nil
--   file     path of the file that runs then, or nil
--   args     what it is given; arg[1] and on
--   words    all words of the command line before those
--   jit      "off", "v" or "dump": what `-j` says, or nil
--
-- Rules:
--
-- 1. What is printed goes through C's stdout, as io.write does, so both come
--    out in the order of their calls; what is logged goes to stderr at once.
-- 2. An error that nobody catches is written to stderr with its traceback and
--    ends the process at once, with code 1.
-- 3. When the script has ended, the worker ends gracefully: pending timers
--    run prematurely, light threads that were spawned go on to their end.
--
-- Follows the command `resty` of OpenResty.

local output = require "resty_py.api.output"
local settings = require "resty_py.settings"
local timer = require "resty_py.scheduler.timer"

local assert = assert
local debug = debug
local exit = os.exit
local find = string.find
local io = io
local ipairs = ipairs
local jit = jit
local join = output.join
local loadstring = loadstring or load
local match = string.match
local min = math.min
local native = require "resty_py.native"
local pcall = pcall
local rawset = rawset
local require = require
local sub = string.sub
local tostring = tostring
local unpack = unpack or table.unpack  -- luacheck: ignore 143
local xpcall = xpcall

local FAILED = 1

-- How many values a script is given: less than what Lua's stack takes (8000).
local MAX_VALUES = 4096

local INLINE = "=(command line -e)"

local _M = {}


-- The API ---------------------------------------------------------------------


-- What ngx.print and its kin answer: 1 | nil, err.
local function answer(ok, err)
    if not ok then
        return nil, err
    end
    return 1
end


local function print_(...)
    return answer(io.stdout:write(join("print", ...)))
end


local function say(...)
    return answer(io.stdout:write(join("say", ...), "\n"))
end


local function flush()
    return answer(io.stdout:flush())
end


local function eof()
    return true
end


function _M.install()
    local ngx = ngx
    ngx.config.is_console = true
    ngx.orig_print, ngx.orig_say, ngx.orig_exit = ngx.print, ngx.say, ngx.exit
    ngx.print, ngx.say, ngx.flush, ngx.eof = print_, say, flush, eof
    ngx.exit = exit
    _G.print = say
end


-- Errors ----------------------------------------------------------------------


local function fail(text)
    io.stdout:flush()
    io.stderr:write("ERROR: ", text, "\n")
    exit(FAILED)
end


-- Where this file begins in a traceback.
local OWN = "\n\t" .. debug.getinfo(1, "S").short_src .. ":"


-- Takes the console's own frames out of a traceback.
local function cut(trace)
    local at = find(trace, OWN, 1, true)
    return match(at and sub(trace, 1, at - 1) or trace, "^\n?(.*)$")
end


local function text_of(err)
    local ok, text = pcall(tostring, err)
    return ok and text or "error object is not a string"
end


-- The message handler: nothing that it would return to is left to run.
local function report(err)
    if err == nil then
        return exit(FAILED)
    end
    return fail(text_of(err) .. "\n" .. cut(debug.traceback("", 2)))
end


-- Scripts ---------------------------------------------------------------------


local function read(path)
    local file, err = io.open(path, "rb")
    if not file then
        return nil, "cannot open " .. err
    end
    local source
    source, err = file:read("*a")
    file:close()
    if not source then
        return nil, "cannot read " .. path .. ": " .. (err or "")
    elseif sub(source, 1, 1) == "#" then
        source = sub(source, find(source, "\n", 1, true) or #source + 1)
    end
    return source
end


local function load_file(path)
    local source, err = read(path)
    if not source then
        return nil, err
    end
    return loadstring(source, "@" .. path)
end


-- The functions of both are called by these names, which tracebacks show.
local function run(script, inline_gen, file_gen)
    local args = script.args
    local count = min(#args, MAX_VALUES)
    if inline_gen then
        inline_gen(unpack(args, 1, count))
    end
    if file_gen then
        file_gen(unpack(args, 1, count))
    end
    -- No tail call: the frame of what it calls last stays above this one.
    return nil
end


local function compiled(chunk, err)
    return chunk or fail(err)
end


-- As the interpreters of Lua make it: the script is arg[0].
local function make_arg(script)
    local arg = {[0] = script.file or "(command line -e)"}
    for i, word in ipairs(script.words) do
        arg[i - 1 - #script.words] = word
    end
    for i, word in ipairs(script.args) do
        arg[i] = word
    end
    return arg
end


local function main(_, script)
    local inline_gen = script.inline
        and compiled(loadstring(script.inline, INLINE))
    local file_gen = script.file and compiled(load_file(script.file))
    local ok, err = xpcall(function()
        run(script, inline_gen, file_gen)
    end, report)
    if not ok then
        -- Lua calls no handler where memory is short, or the handler failed.
        fail(text_of(err))
    end
    io.stdout:flush()
    native.worker.quit()
end


-- The compiler ----------------------------------------------------------------


local JIT = {
    off = function()
        jit.off()
    end,
    v = function()
        require("jit.v").on()
    end,
    dump = function()
        require("jit.dump").on()
    end,
}


-- Returns true | nil, why the option cannot be obeyed.
local function configure_jit(option)
    if not jit then
        return nil, "-j needs LuaJIT, and this is " .. _VERSION
    end
    local ok, err = pcall(JIT[option])
    if not ok then
        return nil, "-j " .. option .. " needs the module jit." .. option
                    .. " of this very LuaJIT ("
                    .. match(err, "^[^\n]-:%d+: ([^\n]-):?\n")
                    .. ")"
    end
    return true
end


-- Returns true | nil, why it cannot run.
function _M.start(script)
    if script.jit then
        local ok, err = configure_jit(script.jit)
        if not ok then
            return nil, err
        end
    end
    rawset(_G, "arg", make_arg(script))
    assert(timer.add(0, false, settings.main, nil, main, script))
    return true
end


return _M
