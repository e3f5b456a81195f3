-- What OpenResty says of a pattern or a match that failed, in PCRE1's words
-- and numbers.
--
--   compile(code, text, pattern, offset)   string
--     code, text   PCRE2's error code and its own text of it
--     offset       where in the pattern
--   match(code)    string; code: what PCRE2's matcher returned

local sub = string.sub

local TEXT_MAX = 127  -- MAX_ERR_MSG_LEN of lua-resty-core, less its NUL

-- Compile errors whose texts differ.
local TEXTS = {
    [109] = "nothing to repeat",
    [114] = "missing )",
    [118] = "missing ) after comment",
    [122] = "unmatched parentheses",
    [124] = "malformed number or name after (?(",
    [127] = "conditional group contains more than two branches",
    [134] = "character value in \\x{} or \\o{} is too large",
    [137] = "PCRE does not support \\L, \\l, \\N{name}, \\U, or \\u",
    [138] = "number after (?C is > 255",
    [139] = "closing ) for (?C expected",
    [142] = "syntax error in subpattern name (missing terminator)",
    [143] = "two named subpatterns have the same name",
    [144] = "group name must start with a non-digit",
    [147] = "unknown property name after \\P or \\p",
    [148] = "subpattern name is too long (maximum 32 characters)",
    [154] = "DEFINE group contains more than one branch",
    [158] = "(?R or (?[+-]digits must be followed by )",
    [168] = "\\c must be followed by an ASCII character",
    [178] = "digits missing in \\x{} or \\o{}",
}

-- Compile errors that PCRE1 saw this many bytes later.
local SHIFTS = {[137] = -1, [143] = -1, [147] = -1, [150] = -1, [165] = -1,
                [169] = -1, [171] = -1}

-- PCRE2's errors of the UTF-8 check of a pattern or subject.
local UTF8_FIRST, UTF8_LAST = -23, -3
local PCRE1_BAD_UTF8 = -10
local PCRE1_PATTERN_TEXT = "invalid UTF-8 string"

-- Match errors: PCRE2's number -> PCRE1's.
local NUMBERS = {
    [-33] = -24,  -- BADOFFSET
    [-34] = -3,   -- BADOPTION
    [-36] = -11,  -- BADUTFOFFSET
    [-39] = -20,  -- DFA_RECURSE
    [-40] = -17,  -- DFA_UCOND
    [-42] = -16,  -- DFA_UITEM
    [-43] = -19,  -- DFA_WSSIZE
    [-44] = -14,  -- INTERNAL
    [-46] = -27,  -- JIT_STACKLIMIT
    [-47] = -8,   -- MATCHLIMIT
    [-48] = -6,   -- NOMEMORY
    [-52] = -26,  -- RECURSELOOP
    [-53] = -21,  -- RECURSIONLIMIT
}

local _M = {}


local function is_utf8_error(code)
    return code >= UTF8_FIRST and code <= UTF8_LAST
end


function _M.compile(code, text, pattern, offset)
    if is_utf8_error(code) then
        text = PCRE1_PATTERN_TEXT
    end
    local message = "pcre_compile() failed: " .. (TEXTS[code] or text)
        .. ' in "' .. pattern .. '"'
    offset = offset + (SHIFTS[code] or 0)
    if offset < #pattern then
        message = message .. ' at "' .. sub(pattern, offset + 1) .. '"'
    end
    return sub(message, 1, TEXT_MAX)
end


function _M.match(code)
    local number = is_utf8_error(code) and PCRE1_BAD_UTF8 or NUMBERS[code]
        or code
    return "pcre_exec() failed: " .. number
end


return _M
