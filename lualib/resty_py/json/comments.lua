-- Comments in JSON text: /* … */ and // … to the end of the line.
--
--   blank(s)   the text with spaces in their place; one that does not end stays
--
-- A text keeps its length, so that errors name the right character. Follows
-- decode_allow_comment of lua_cjson.c.

local byte = string.byte
local concat = table.concat
local find = string.find
local rep = string.rep
local sub = string.sub

local QUOTE, STAR = 34, 42

local _M = {}


-- The last byte of the string that begins at `pos`.
local function end_of_string(s, pos)
    repeat
        pos = find(s, '["\\]', pos + 1)
        if not pos then
            return #s
        elseif byte(s, pos) == QUOTE then
            return pos
        end
        pos = pos + 1
    until false
end


-- The last byte of the comment that begins at `pos`; nil: it has none, or is
-- no comment.
local function end_of_comment(s, pos)
    if byte(s, pos + 1) == STAR then
        local _, last = find(s, "*/", pos + 2, true)
        return last
    elseif find(s, "^//", pos) then
        return (find(s, "\n", pos, true) or #s + 1) - 1
    end
end


function _M.blank(s)
    local pieces, n, from, pos = {}, 0, 1, find(s, '["/]')
    while pos do
        local last
        if byte(s, pos) == QUOTE then
            last = end_of_string(s, pos)
        else
            last = end_of_comment(s, pos)
            if not last then
                break
            end
            pieces[n + 1] = sub(s, from, pos - 1)
            pieces[n + 2] = rep(" ", last - pos + 1)
            n, from = n + 2, last + 1
        end
        pos = find(s, '["/]', last + 1)
    end
    pieces[n + 1] = sub(s, from)
    return concat(pieces, "", 1, n + 1)
end


return _M
