-- Option letters of ngx.re.*.
--
--   parse(letters)   letters: string | nil | false
--                    {bits = PCRE2's options, once, jit, dfa, duplicates =
--                     booleans, index = {}}; the same table for the same
--                    letters. `index` is the cache's. An error, for the
--                    caller of the caller's caller, for another letter

local error = error
local format = string.format
local pairs = pairs
local sub = string.sub
local type = type

-- PCRE2's names and bits.
local ANCHORED = 0x80000000
local ALLOW_EMPTY_CLASS = 0x00000001
local ALT_BSUX = 0x00000002
local CASELESS = 0x00000008
local DOTALL = 0x00000020
local DUPNAMES = 0x00000040
local EXTENDED = 0x00000080
local MATCH_UNSET_BACKREF = 0x00000200
local MULTILINE = 0x00000400
local UTF = 0x00080000
local MATCH_INVALID_UTF = 0x04000000

-- Letter -> the bits it sets. J: what PCRE1 calls PCRE_JAVASCRIPT_COMPAT.
local BITS = {
    a = {ANCHORED},
    i = {CASELESS},
    m = {MULTILINE},
    s = {DOTALL},
    u = {UTF},
    U = {UTF, MATCH_INVALID_UTF},
    x = {EXTENDED},
    D = {DUPNAMES},
    J = {ALLOW_EMPTY_CLASS, ALT_BSUX, MATCH_UNSET_BACKREF},
    d = {},
    j = {},
    o = {},
}

local LEVEL = 4

local _M = {}

local known = {}


local function letters_of(text)
    if type(text) ~= "string" then
        error("attempt to get length of local 'opts' (a " .. type(text)
              .. " value)", LEVEL + 1)
    end
    local letters = {}
    for i = 1, #text do
        local letter = sub(text, i, i)
        if not BITS[letter] then
            error(format('unknown flag "%s" (flags "%s")', letter, text),
                  LEVEL + 1)
        end
        letters[letter] = true
    end
    return letters
end


local function sum_of_bits(letters)
    local set, sum = {}, 0
    for letter in pairs(letters) do
        for _, bit in pairs(BITS[letter]) do
            set[bit] = true
        end
    end
    if letters.d then
        -- The DFA matcher refuses it.
        set[MATCH_INVALID_UTF] = nil
    end
    for bit in pairs(set) do
        sum = sum + bit
    end
    return sum
end


function _M.parse(text)
    text = text or ""
    local parsed = known[text]
    if not parsed then
        local letters = letters_of(text)
        parsed = {
            bits = sum_of_bits(letters),
            once = letters.o or false,
            jit = letters.j or false,
            dfa = letters.d or false,
            duplicates = letters.D or false,
            index = {},
        }
        known[text] = parsed
    end
    return parsed
end


return _M
