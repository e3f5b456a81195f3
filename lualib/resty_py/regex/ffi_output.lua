-- The text that ngx.re.sub and ngx.re.gsub build, by LuaJIT's FFI: bytes are
-- copied from the subject without becoming strings in between.
--
-- The same interface as host_output.lua:
--
--   take()             an empty output, the caller's own until give()
--   give(output)       hands it back; one that is not is left to the collector
--   append(output, s, from, to)
--                      adds bytes of s: offsets of the first and after the last
--   text(output)       string

local ffi = require "ffi"

local cast = ffi.cast
local copy = ffi.copy
local ffi_string = ffi.string
local new = ffi.new

local BYTES, SOURCE = ffi.typeof("char[?]"), ffi.typeof("const char *")
local FIRST_SIZE = 4096     -- get_string_buf_size() of lua-resty-core
local KEPT_SIZE = 1048576   -- what is larger is not held between uses

local _M = {}

local spare


function _M.take()
    local output = spare
    spare = nil
    if output then
        output.length = 0
        return output
    end
    return {memory = new(BYTES, FIRST_SIZE), size = FIRST_SIZE, length = 0}
end


function _M.give(output)
    if output.size <= KEPT_SIZE then
        spare = output
    end
end


local function grow(output, needed)
    local size = output.size * 2
    if size < needed then
        size = needed
    end
    local memory = new(BYTES, size)
    copy(memory, output.memory, output.length)
    output.memory, output.size = memory, size
end


function _M.append(output, s, from, to)
    if to <= from then
        return
    end
    local length = output.length
    local needed = length + to - from
    if needed > output.size then
        grow(output, needed)
    end
    copy(output.memory + length, cast(SOURCE, s) + from, to - from)
    output.length = needed
end


function _M.text(output)
    return ffi_string(output.memory, output.length)
end


return _M
