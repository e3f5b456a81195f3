-- ngx.re and what it is used for.

local function show(...)
    local pieces = {}
    for i = 1, select("#", ...) do
        local value = select(i, ...)
        if type(value) == "table" then
            local items = {}
            for key, item in pairs(value) do
                items[#items + 1] = tostring(key) .. "=" .. tostring(item)
            end
            table.sort(items)
            value = "{" .. table.concat(items, " ") .. "}"
        end
        pieces[i] = tostring(value)
    end
    ngx.say(table.concat(pieces, " "))
end

-- Shows an error without the place in the library where it is raised.
local function attempt(...)
    local ok, result, err = pcall(...)
    show(ok, not ok and result:gsub("^%S+:%d+: ", "") or result, err)
end

local re = ngx.re
local text = ngx.var.arg_text and ngx.unescape_uri(ngx.var.arg_text)
             or "Hello, World 2024-03-01 and 2025-04-02"

show(re.match(text, [[(\d{4})-(\d\d)-(\d\d)]]))
show(re.match(text, [[(?<year>\d{4})-(?<month>\d\d)]], "jo"))
show(re.match(text, "hello"))
show(re.match(text, "HELLO", "i"))
show(re.match(text, "(l+)|(w)", "i"))
show(re.match(text, "^world", "im"))
show(re.match("a\nb", "^b$", "m"))
show(re.match("a\nb", "a.b", "s"))
show(re.match("a b", "a b", "x"))
show(re.match("\195\188ber", "^.ber", "u"))
show(re.match("aXb", "a(?#comment)Xb", "ajo"))
local ctx = {pos = 8}
show(re.match(text, "[A-Za-z]+", "", ctx), ctx.pos)
show(re.match(text, "nothing", "", ctx), ctx.pos)
show(re.find(text, "World"))
show(re.find(text, [[(\d+)-(\d+)]], "jo", nil, 2))
show(re.find(text, "x{3}"))
show(re.sub(text, [[(\d+)-(\d+)]], "$2/$1", "jo"))
show(re.gsub(text, "[lo]", "<$0>"))
show(re.gsub(text, [[(?<d>\d)]], "${1}$$"))
show(re.gsub(text, [[\w+]], function(found) return found[0]:upper() end, "jo"))
show(re.gsub("aaa", "", "-"))
show(re.gsub("abc", "b*", "x"))
for found in re.gmatch(text, [[(\d{4})-(\d\d)]], "jo") do
    show(found[0], found[1], found[2])
end
attempt(re.match, text, "(")
show(re.match(text, "("))
show(re.match(text, "[a"))
show(re.sub(text, "(", "x"))
attempt(re.match, text, "a", "q")
show(re.gsub(text, "a", "$9"))
attempt(re.match)
local split = require("ngx.re").split
show(split("a,b,,c", ","))
show(split("a1b22c", [[\d+]], "jo", nil, 2))
show(split("a-b_c", "([-_])"))
