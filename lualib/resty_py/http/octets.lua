-- What bytes a string is made of.
--
-- Under LuaJIT a loop over the bytes is compiled, and several times faster
-- than a pattern, which is not; in the other flavours it is the other way
-- round. So each question has two answers that say the same. (Of patterns, one
-- run of good bytes is three times faster than the search for a bad one.)

local byte = string.byte
local find = string.find

local TAB, SPACE, QUOTE, BACKSLASH, TILDE, DEL = byte('\t "\\~\127', 1, 6)

local interpreted = {}
local compiled = {}


-- Whether all bytes are printable ASCII but for the space: 33 to 126.
function interpreted.are_visible(text)
    return find(text, "^[!-~]*$") ~= nil
end


function compiled.are_visible(text)
    for i = 1, #text do
        local code = byte(text, i)
        if code <= SPACE or code > TILDE then
            return false
        end
    end
    return true
end


-- Whether no byte is a control character, but perhaps a tab.
function interpreted.are_text(text)
    return find(text, "^[\t\32-\126\128-\255]*$") ~= nil
end


function compiled.are_text(text)
    for i = 1, #text do
        local code = byte(text, i)
        if code < SPACE and code ~= TAB or code == DEL then
            return false
        end
    end
    return true
end


-- Whether all bytes are printable ASCII, and none a quote or a backslash: 32
-- to 126 but for 34 and 92.
function interpreted.are_plain(text)
    return find(text, "^[]-~ !#-[]*$") ~= nil
end


function compiled.are_plain(text)
    for i = 1, #text do
        local code = byte(text, i)
        if code < SPACE or code > TILDE or code == QUOTE or code == BACKSLASH
        then
            return false
        end
    end
    return true
end


return rawget(_G, "jit") and compiled or interpreted
