-- jit.v: tells what LuaJIT's compiler does, a line for each trace.
--
--   on(file), start(file)   string|nil: where to; "-" is standard output, nil
--                           what LUAJIT_VERBOSEFILE names, or standard error
--   off()                   ends it
--
-- A line is one of
--
--   [TRACE   1 a.lua:5 loop]                    a trace and what it links to
--   [TRACE   2 (1/3) a.lua:6 -> 1]              a side trace: of which one, at
--                                               which exit, and where it goes
--   [TRACE --- a.lua:7 -- REASON at a.lua:9]    none has come of it
--   [TRACE flush]                               all of them were dropped
--
-- LuaJIT brings a module of this name of its own along, which is found first; a
-- LuaJIT that comes alone, as in Python's packages, has this one.
--
-- Follows jit/v.lua of LuaJIT 2.1 in what it says, lj_traceerr.h and lj_bc.h in
-- the numbers of reasons and instructions.

local jit = assert(jit, "module jit.v is for LuaJIT")
local util = require "jit.util"

local format = string.format
local funcinfo = util.funcinfo
local getenv = os.getenv
local gmatch = string.gmatch
local gsub = string.gsub
local open = io.open
local package = package
local pairs = pairs
local stderr = io.stderr
local stdout = io.stdout
local tostring = tostring
local traceinfo = util.traceinfo
local type = type

-- From number 0 on.
local REASONS = {
    [0] = "error thrown or hook called during recording", "trace too short",
    "trace too long", "trace too deep", "too many snapshots", "blacklisted",
    "retry recording", "NYI: bytecode %s", "leaving loop in root trace",
    "inner loop in root trace", "loop unroll limit reached",
    "bad argument type", "JIT compilation disabled for function",
    "call unroll limit reached", "down-recursion, restarting",
    "NYI: unsupported variant of FastFunc %s", "NYI: return to lower frame",
    "store with nil or NaN key", "missing metamethod", "looping index lookup",
    "NYI: mixed sparse/dense table", "symbol not in cache",
    "NYI: unsupported C type conversion", "NYI: unsupported C function type",
    "guard would always fail", "too many PHIs", "persistent type instability",
    "failed to allocate mcode memory", "machine code too long",
    "hit mcode limit (retrying)", "too many spill slots",
    "inconsistent register allocation",
    "NYI: cannot assemble IR instruction %s", "NYI: PHI shuffling too complex",
    "NYI: register coalescing too complex",
}

local INSTRUCTIONS, count = {}, 0
for name in gmatch([[
    ISLT ISGE ISLE ISGT ISEQV ISNEV ISEQS ISNES ISEQN ISNEN ISEQP ISNEP ISTC
    ISFC IST ISF ISTYPE ISNUM MOV NOT UNM LEN ADDVN SUBVN MULVN DIVVN MODVN
    ADDNV SUBNV MULNV DIVNV MODNV ADDVV SUBVV MULVV DIVVV MODVV POW CAT KSTR
    KCDATA KSHORT KNUM KPRI KNIL UGET USETV USETS USETN USETP UCLO FNEW TNEW
    TDUP GGET GSET TGETV TGETS TGETB TGETR TSETV TSETS TSETB TSETM TSETR
    CALLM CALL CALLMT CALLT ITERC ITERN VARG ISNEXT RETM RET RET0 RET1 FORI
    JFORI FORL IFORL JFORL ITERL IITERL JITERL LOOP ILOOP JLOOP JMP FUNCF
    IFUNCF JFUNCF FUNCV IFUNCV JFUNCV FUNCC FUNCCW
]], "%u%w*") do
    INSTRUCTIONS[count] = name
    count = count + 1
end

local BYTECODE_REASON = 7
local UNKNOWN = "(?)"

local _M = {}

local output, closes
-- Where the trace that is being recorded begins.
local place, side = "", ""


-- Places ---------------------------------------------------------------------


-- Built-in functions by their number.
local function name_functions()
    local names = {}
    for module, functions in pairs(package.loaded) do
        for name, value in pairs(type(functions) == "table" and functions
                                 or {})
        do
            local id = type(value) == "function" and funcinfo(value).ffid
            if id then
                names[id] = module == "_G" and name or module .. "." .. name
            end
        end
    end
    return names
end


local built_in


local function place_of(func, pc)
    local info = funcinfo(func, pc)
    if info.loc then
        return info.loc
    elseif info.ffid then
        built_in = built_in or name_functions()
        return built_in[info.ffid] or "builtin#" .. info.ffid
    end
    return info.addr and format("C:%x", info.addr) or UNKNOWN
end


local function detail_of(reason, detail)
    if type(detail) == "function" then
        return place_of(detail)
    elseif reason == BYTECODE_REASON then
        return INSTRUCTIONS[detail] or tostring(detail)
    end
    return tostring(detail)
end


local function reason_of(reason, detail)
    if type(reason) ~= "number" then
        return tostring(reason)
    end
    local text = REASONS[reason] or "reason " .. reason
    return (gsub(text, "%%s", (gsub(detail_of(reason, detail), "%%", "%%%%"))))
end


-- Events ---------------------------------------------------------------------


local function say(...)
    output:write(format(...), "\n")
    output:flush()
end


local EVENTS = {}


function EVENTS.start(_, func, pc, parent, exit)
    place = place_of(func, pc)
    side = parent and format("(%d/%s) ", parent,
                             exit == -1 and "stitch" or exit) or ""
end


function EVENTS.abort(_, func, pc, reason, detail)
    local last = place_of(func, pc)
    say("[TRACE --- %s%s -- %s%s]", side, place, reason_of(reason, detail),
        last ~= place and " at " .. last or "")
end


local function link_of(trace, func, pc)
    local info = traceinfo(trace)
    local link, kind = info.link, info.linktype
    if kind == "interpreter" then
        return "-- fallback to interpreter"
    elseif kind == "stitch" then
        return kind .. " " .. place_of(func, pc)
    elseif link == trace or link == 0 then
        return kind
    end
    return kind == "root" and "-> " .. link or "-> " .. link .. " " .. kind
end


function EVENTS.stop(trace, func, pc)
    say("[TRACE %3d %s%s %s]", trace, side, place, link_of(trace, func, pc))
end


function EVENTS.flush()
    say("[TRACE flush]")
end


local function on_trace(what, ...)
    local event = EVENTS[what]
    if event then
        return event(...)
    end
    return say("[TRACE %s]", what)
end


-- Interface ------------------------------------------------------------------


function _M.off()
    jit.attach(on_trace)
    if closes then
        output:close()
    end
    output, closes = nil, nil
end


function _M.on(file)
    if output then
        _M.off()
    end
    file = file or getenv "LUAJIT_VERBOSEFILE"
    if file and file ~= "-" then
        output, closes = assert(open(file, "w")), true
    else
        output = file and stdout or stderr
    end
    jit.attach(on_trace, "trace")
end


_M.start = _M.on

return _M
