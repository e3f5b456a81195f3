-- PCRE2 by LuaJIT's FFI: an engine of resty_py.regex (see init.lua).
--
-- C names are private aliases (resty_py_pcre2_*), so that a library's own
-- `ffi.cdef` cannot clash with them.
--
-- Offsets are size_t in C, and a 64-bit number would be a cdata each. They are
-- read as the int32_t that is their low half: no subject is that long, and the
-- mark of a group that took no part, all bits set, becomes -1.

local ffi = require "ffi"
local native = require "resty_py.native"

local C = ffi.load((native.regex.library()))
local band = bit.band
local ffi_string = ffi.string
local gc = ffi.gc
local new = ffi.new
local tonumber = tonumber

ffi.cdef [[
typedef struct resty_py_pcre2_code resty_py_pcre2_code;
typedef struct resty_py_pcre2_data resty_py_pcre2_data;
typedef struct resty_py_pcre2_context resty_py_pcre2_context;
typedef struct resty_py_pcre2_stack resty_py_pcre2_stack;

resty_py_pcre2_code *resty_py_pcre2_compile(const char *, size_t, uint32_t,
    int *, size_t *, void *) __asm__("pcre2_compile_8");
void *resty_py_pcre2_compile_context(void *)
    __asm__("pcre2_compile_context_create_8");
int resty_py_pcre2_set_extra(void *, uint32_t)
    __asm__("pcre2_set_compile_extra_options_8");
void resty_py_pcre2_code_free(resty_py_pcre2_code *)
    __asm__("pcre2_code_free_8");
int resty_py_pcre2_jit_compile(resty_py_pcre2_code *, uint32_t)
    __asm__("pcre2_jit_compile_8");
int resty_py_pcre2_info(const resty_py_pcre2_code *, uint32_t, void *)
    __asm__("pcre2_pattern_info_8");
int resty_py_pcre2_message(int, char *, size_t)
    __asm__("pcre2_get_error_message_8");
resty_py_pcre2_context *resty_py_pcre2_context_create(void *)
    __asm__("pcre2_match_context_create_8");
int resty_py_pcre2_set_match_limit(resty_py_pcre2_context *, uint32_t)
    __asm__("pcre2_set_match_limit_8");
resty_py_pcre2_stack *resty_py_pcre2_stack_create(size_t, size_t, void *)
    __asm__("pcre2_jit_stack_create_8");
void resty_py_pcre2_stack_assign(resty_py_pcre2_context *, void *,
    resty_py_pcre2_stack *) __asm__("pcre2_jit_stack_assign_8");
void resty_py_pcre2_stack_free(resty_py_pcre2_stack *)
    __asm__("pcre2_jit_stack_free_8");
resty_py_pcre2_data *resty_py_pcre2_data_create(uint32_t, void *)
    __asm__("pcre2_match_data_create_8");
void resty_py_pcre2_data_free(resty_py_pcre2_data *)
    __asm__("pcre2_match_data_free_8");
int32_t *resty_py_pcre2_offsets(resty_py_pcre2_data *)
    __asm__("pcre2_get_ovector_pointer_8");
int resty_py_pcre2_match(const resty_py_pcre2_code *, const char *, size_t,
    size_t, uint32_t, resty_py_pcre2_data *, resty_py_pcre2_context *)
    __asm__("pcre2_match_8");
int resty_py_pcre2_jit_match(const resty_py_pcre2_code *, const char *, size_t,
    size_t, uint32_t, resty_py_pcre2_data *, resty_py_pcre2_context *)
    __asm__("pcre2_jit_match_8");
int resty_py_pcre2_dfa_match(const resty_py_pcre2_code *, const char *, size_t,
    size_t, uint32_t, resty_py_pcre2_data *, resty_py_pcre2_context *, int *,
    size_t) __asm__("pcre2_dfa_match_8");
]]

local JIT_COMPLETE = 1
local UTF = 0x00080000
local INFO_OPTIONS = 0
local INFO_CAPTURE_COUNT, INFO_JIT_SIZE, INFO_NAME_COUNT = 4, 10, 17
local INFO_NAME_ENTRY_SIZE, INFO_NAME_TABLE = 18, 19
local MESSAGE_SIZE = 256

local DFA_WORKSPACE = 100    -- NGX_LUA_RE_DFA_MODE_WORKSPACE_COUNT
local JIT_STACK_MIN = 32768  -- NGX_LUA_RE_MIN_JIT_STACK_SIZE

-- Groups, and the whole match, that the match data shared by all patterns
-- have room for; a pattern with more brings its own.
local SHARED_GROUPS = 32

-- int32_t halves of a size_t, and the low one's place.
local HALVES = ffi.sizeof("size_t") / 4
local LOW = ffi.abi("be") and HALVES - 1 or 0
local PAIR = 2 * HALVES

local code, offset = new("int[1]"), new("size_t[1]")
local number, pointer = new("uint32_t[1]"), new("const uint8_t *[1]")
local jit_size = new("size_t[1]")
local workspace = new("int[?]", DFA_WORKSPACE)

local context = C.resty_py_pcre2_context_create(nil)
local extra_context = C.resty_py_pcre2_compile_context(nil)

local _M = {}


local function new_data(groups)
    local data = gc(C.resty_py_pcre2_data_create(groups, nil),
                    C.resty_py_pcre2_data_free)
    return {data = data, offsets = C.resty_py_pcre2_offsets(data) + LOW}
end


local shared = new_data(SHARED_GROUPS)


-- Compiling ------------------------------------------------------------------


local function info(handle, what)
    C.resty_py_pcre2_info(handle, what, number)
    return number[0]
end


local function read_names(handle)
    local names = {}
    C.resty_py_pcre2_info(handle, INFO_NAME_TABLE, pointer)
    local entry = pointer[0]
    local length = info(handle, INFO_NAME_ENTRY_SIZE)
    for i = 1, info(handle, INFO_NAME_COUNT) do
        names[2 * i - 1] = ffi_string(entry + 2)
        names[2 * i] = entry[0] * 256 + entry[1]
        entry = entry + length
    end
    return names
end


local function has_code(handle)
    C.resty_py_pcre2_info(handle, INFO_JIT_SIZE, jit_size)
    return jit_size[0] ~= 0
end


-- Whether its machine code may be called without pcre2_match's checks: of the
-- start, which match() looks at, and of UTF-8.
local function is_direct(handle)
    return has_code(handle) and band(info(handle, INFO_OPTIONS), UTF) == 0
end


local function record(handle, dfa)
    local captures = info(handle, INFO_CAPTURE_COUNT)
    local space = captures < SHARED_GROUPS and shared or new_data(captures + 1)
    return {
        handle = handle,
        data = space.data,
        offsets = space.offsets,
        dfa = dfa,
        direct = is_direct(handle),
        captures = dfa and 0 or captures,
        names = dfa and {} or read_names(handle),
    }
end


function _M.compile(pattern, options, extra, jit, dfa)
    C.resty_py_pcre2_set_extra(extra_context, extra)
    local handle = C.resty_py_pcre2_compile(pattern, #pattern, options, code,
                                            offset, extra_context)
    if handle == nil then
        return nil, code[0], tonumber(offset[0])
    end
    if jit then
        -- Where the JIT compiler refuses, the interpreter serves.
        C.resty_py_pcre2_jit_compile(handle, JIT_COMPLETE)
    end
    return record(gc(handle, C.resty_py_pcre2_code_free), dfa)
end


function _M.is_jitted(re)
    return has_code(re.handle)
end


function _M.release(re)
    C.resty_py_pcre2_code_free(gc(re.handle, nil))
    re.handle = nil
end


-- Matching -------------------------------------------------------------------


local function dfa_match(re, subject, start)
    local count = C.resty_py_pcre2_dfa_match(re.handle, subject, #subject,
                                             start, 0, re.data, nil, workspace,
                                             DFA_WORKSPACE)
    return count >= 0 and 1 or count
end


function _M.match(re, subject, start)
    if re.dfa then
        return dfa_match(re, subject, start)
    elseif re.direct and start <= #subject then
        return C.resty_py_pcre2_jit_match(re.handle, subject, #subject, start,
                                          0, re.data, context)
    end
    return C.resty_py_pcre2_match(re.handle, subject, #subject, start, 0,
                                  re.data, context)
end


function _M.span(re, group)
    local offsets, i = re.offsets, group * PAIR
    return offsets[i], offsets[i + HALVES]
end


-- Limits and texts -----------------------------------------------------------


function _M.message(error_code)
    local buffer = new("char[?]", MESSAGE_SIZE)
    C.resty_py_pcre2_message(error_code, buffer, MESSAGE_SIZE)
    return ffi_string(buffer)
end


function _M.limit(n)
    C.resty_py_pcre2_set_match_limit(context, n)
end


local jit_stack


function _M.jit_stack(size)
    local stack = C.resty_py_pcre2_stack_create(JIT_STACK_MIN, size, nil)
    if stack == nil then
        return false
    end
    C.resty_py_pcre2_stack_assign(context, nil, stack)
    if jit_stack then
        C.resty_py_pcre2_stack_free(jit_stack)
    end
    jit_stack = stack
    return true
end


return _M
