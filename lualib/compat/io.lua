-- io: write answers the file; formats of read and lines without their star,
-- and lines with formats.
--
--   file:write(…)      returns the file, so that writes can be chained
--   file:read("l")     as "*l"; also "n", "a", "L"
--   file:lines("L")    an iterator by format; 5.1 knows no formats here
--
-- On 5.1, "*L" on something that cannot seek, a pipe, ends the last line
-- with a newline whether or not it had one.

local shim = ...

local getmetatable = debug.getmetatable
local io = io
local jit = jit
local open = io.open
local pcall = pcall
local select = select
local stock_io_lines = io.lines
local sub = string.sub
local type = type
local unpack = unpack

local methods = getmetatable(io.stdout).__index
local stock_lines = methods.lines
local stock_read = methods.read
local stock_seek = methods.seek
local stock_write = methods.write


local function write(file, ...)
    local ok, done, problem, code = pcall(stock_write, file, ...)
    if not ok then
        shim.retell("write", done)
    elseif done then
        return file
    end
    return nil, problem, code
end


local function write_default(...)
    local ok, done, problem, code = pcall(stock_write, io.output(), ...)
    if not ok then
        shim.retell("write", done)
    elseif done then
        return io.output()
    end
    return nil, problem, code
end


if type(io.stdout:write()) ~= "userdata" then
    methods.write = write
    io.write = write_default
end


local is_5_1 = _VERSION == "Lua 5.1"

if jit or not is_5_1 and _VERSION ~= "Lua 5.2" then
    return
end


-- Whether the newline that read took away was one: at the end of the file
-- the last byte tells.
local function ends_in_newline(file)
    if stock_read(file, 0) or not stock_seek(file, "cur", -1) then
        return true
    end
    return stock_read(file, 1) == "\n"
end


local function read_kept_line(file)
    local line, problem, code = stock_read(file, "*l")
    if line and ends_in_newline(file) then
        line = line .. "\n"
    end
    return line, problem, code
end


-- Returns the function that reads by a format, and the format for it.
local function reader_of(format)
    if type(format) == "string" and sub(format, 1, 1) ~= "*" then
        format = "*" .. format
    end
    if is_5_1 and format == "*L" then
        return read_kept_line
    end
    return stock_read, format
end


-- Returns what file:read(formats…) does, as a table and its length; nil and
-- the message where that raises.
local function read_formats(file, formats)
    local results = {}
    for index = 1, formats.n do
        local reader, format = reader_of(formats[index])
        local ok, value, problem, code = pcall(reader, file, format)
        if not ok then
            return nil, value
        end
        results[index] = value
        if value == nil then
            results[index + 1], results[index + 2] = problem, code
            return results, problem and index + 2 or index
        end
    end
    return results, formats.n
end


local function pack_formats(...)
    if select("#", ...) == 0 then
        return {n = 1, "*l"}
    end
    return {n = select("#", ...), ...}
end


local function read(file, ...)
    local results, count = read_formats(file, pack_formats(...))
    if not results then
        shim.retell("read", count)
    end
    return unpack(results, 1, count)
end


local function read_default(...)
    local results, count = read_formats(io.input(), pack_formats(...))
    if not results then
        shim.retell("read", count)
    end
    return unpack(results, 1, count)
end


local function iterator(file, formats, closes)
    return function()
        local results, count = read_formats(file, formats)
        if not results then
            shim.retell("read", count)
        elseif results[1] == nil and closes then
            file:close()
        end
        return unpack(results, 1, count)
    end
end


function methods.lines(file, ...)
    if select("#", ...) == 0 then
        return stock_lines(file)
    end
    return iterator(file, pack_formats(...), false)
end


function io.lines(name, ...)
    if select("#", ...) == 0 then
        local ok, result = pcall(stock_io_lines, name)
        if not ok then
            shim.retell("lines", result)
        end
        return result
    elseif name == nil then
        return iterator(io.input(), pack_formats(...), false)
    end
    local file, problem = open(name)
    if not file then
        shim.blame(1, problem)
    end
    return iterator(file, pack_formats(...), true)
end


methods.read = read
io.read = read_default
