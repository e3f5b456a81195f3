-- string.format as LuaJIT has it, for PUC Lua.
--
-- What stock versions lack:
--
--   5.1       %s takes strings and numbers only (now: any value, as tostring
--             writes it), and ends at a zero byte
--   5.2       %s ends at a zero byte
--   5.3 on    %d and the like refuse fractions (now: cut off) and numbers
--             beyond 64 bits; %s writes floats as 3.0 (now: 3); %q writes
--             numbers bare; %10s refuses zero bytes
--
-- A format is taken apart once, into a plan; plans are kept. The stock
-- function writes what it writes well; where it raises, or a value is suspect
-- of being written badly, the call is written item by item.

local shim = ...

local ceil = math.ceil
local concat = table.concat
local find = string.find
local floor = math.floor
local format = string.format
local match = string.match
local math_type = math.type
local pcall = pcall
local rep = string.rep
local select = select
local sub = string.sub
local tonumber = tonumber
local tostring = shim.tostring or tostring
local truncate = shim.truncate or function(number) return number end
local type = type

-- Plans kept; formats made up at run time must not fill the memory.
local MAX_PLANS = 500

-- What C makes of a number that is no 64-bit integer.
local OUT_OF_RANGE = math.mininteger or -2 ^ 63

local HEX_IS_UNSIGNED = not pcall(format, "%x", -1)


local function is_number(value)
    return type(value) == "number"
end


local function is_64_bit(number)
    return number >= -2 ^ 63 and number < 2 ^ 63
end


-- By class of conversion: whether the stock function may write `value` badly
-- without a word. A class that is not here has no such values.
local is_suspect = {}

if math_type then
    is_suspect.quoted = is_number

    function is_suspect.text(value)
        return math_type(value) == "float"
    end
else
    function is_suspect.text(value)
        return type(value) == "string" and find(value, "\0", 1, true)
    end
end

if format("%c", 0) == "" then
    function is_suspect.char(value)
        return tonumber(value) == 0
    end
end


-- Writes one value, by class. Raises what the stock function would.
local write = {float = format}


local function pad(spec, text)
    local left, width = match(spec, "^%%(%-?)[+ #0]*(%d*)")
    local missing = (tonumber(width) or 0) - #text
    if missing <= 0 then
        return text
    end
    local blanks = rep(" ", missing)
    return left == "-" and text .. blanks or blanks .. text
end


local function negative_hex(spec, number)
    local high = floor(number / 2 ^ 32) % 2 ^ 32
    local text = format("%x%08x", high, number % 2 ^ 32)
    return pad(spec, find(spec, "X$") and text:upper() or text)
end


function write.integer(spec, value)
    local number = tonumber(value)
    if not number then
        return format(spec, value)
    end
    number = truncate(number)
    if not is_64_bit(number) then
        number = OUT_OF_RANGE
    end
    if HEX_IS_UNSIGNED and number < 0 and find(spec, "[xX]$") then
        return negative_hex(spec, ceil(number))
    end
    return format(spec, number)
end


function write.char(spec, value)
    if tonumber(value) == 0 then
        return pad(spec, "\0")
    end
    return write.integer(spec, value)
end


function write.text(spec, value)
    local text = tostring(value)
    local precision = match(spec, "%.(%d*)")
    if precision then
        text = sub(text, 1, tonumber(precision) or 0)
    end
    return pad(spec, text)
end


function write.quoted(spec, value)
    if is_number(value) then
        value = tostring(value)
    end
    return format(spec, value)
end


local HAS_HEX_FLOAT = pcall(format, "%a", 0)

local CLASSES = {
    a = HAS_HEX_FLOAT and "float", A = HAS_HEX_FLOAT and "float",
    e = "float", E = "float", f = "float",
    g = "float", G = "float",
    d = "integer", i = "integer", o = "integer", u = "integer",
    x = "integer", X = "integer",
    c = "char", q = "quoted", s = "text",
}


-- Enters the next item of a plan: the literal text before the conversion,
-- the conversion, its class, and the test for suspects.
local function add_item(plan, before, spec, class)
    local place = #plan + 1
    local item = {before = before, spec = spec, class = class, place = place,
                  is_suspect = is_suspect[class]}
    plan[place] = item
    if item.is_suspect then
        plan.suspects[#plan.suspects + 1] = item
    end
end


-- Returns the plan of a format: the list of its items, those that need a test
-- (`suspects`), and the text after the last (`tail`). false for a format that
-- the stock function refuses.
local function make_plan(text)
    local plan = {suspects = {}}
    local literal, position = "", 1
    while true do
        local first, last, spec = find(text, "(%%[-+ #0]*%d*%.?%d*.)", position)
        if not first then
            plan.tail = literal .. sub(text, position)
            return not find(text, "%", position, true) and plan
        end
        literal = literal .. sub(text, position, first - 1)
        local class = CLASSES[sub(spec, -1)]
        if spec == "%%" then
            literal = literal .. "%"
        elseif not class or find(spec, "%d%d%d") then
            return false
        else
            add_item(plan, literal, spec, class)
            literal = ""
        end
        position = last + 1
    end
end


local plans = {}
local plan_count = 0


local function plan_of(text)
    local plan = plans[text]
    if plan == nil then
        if plan_count == MAX_PLANS then
            plans, plan_count = {}, 0
        end
        plan = make_plan(text)
        plans[text] = plan
        plan_count = plan_count + 1
    end
    return plan
end


local function has_suspects(suspects, ...)
    for index = 1, #suspects do
        local item = suspects[index]
        if item.is_suspect((select(item.place, ...))) then
            return true
        end
    end
end


-- Writes item by item. Where a value cannot be written: nil, its place and
-- the complaint.
local function write_items(plan, values)
    local pieces = {}
    for index = 1, #plan do
        local item = plan[index]
        local ok, text = pcall(write[item.class], item.spec, values[index])
        if not ok then
            return nil, index, match(text, "%((.*)%)$") or text
        end
        pieces[#pieces + 1] = item.before
        pieces[#pieces + 1] = text
    end
    pieces[#pieces + 1] = plan.tail
    return concat(pieces)
end


function string.format(text, ...)
    local plan = plans[text] or type(text) == "string" and plan_of(text)
    if not plan or not has_suspects(plan.suspects, ...) then
        local ok, result = pcall(format, text, ...)
        if ok then
            return result
        elseif not plan then
            shim.retell("format", result)
        end
    end
    if select("#", ...) < #plan then
        shim.blame(select("#", ...) + 2, "no value")
    end
    local result, place, problem = write_items(plan, {...})
    if not result then
        shim.blame(place + 1, problem)
    end
    return result
end
