-- receiveuntil: iterators, chunks, what is left over.


-- case: until_pattern
local s = open()
s:send("say hello--endworld--end--endtail\n")
local read = s:receiveuntil("--end")
for _ = 1, 3 do show(read()) end
settle()
s:settimeout(20)
show(read())
show(read())
for _, text in ipairs {"-", "-en"} do
    s:send("say " .. text .. "\n")
    settle()
    show(read())
end
s:settimeout(5000)
s:send("say dmore\n")
show(read())
show(s:receiveany(10))
s:settimeout(20)
s:send("say ab--e\n")
settle()
show(read())
show(s:receiveany(1))
s:settimeout(5000)
s:send("say nd\n")
show(read())
s:send("say z--end\nclose\n")
for _ = 1, 3 do show(read()) end


-- case: until_closed
local s = open()
s:send("say hello--en\nclose\n")
settle()
local read = s:receiveuntil("--end")
show(read())
show(read())
s:connect("127.0.0.1", PORT.puppet)
s:send("say hello--en\nclose\n")
settle()
for _ = 1, 3 do show(read(3)) end


-- case: until_inclusive
local s = open()
s:send("say hello--endworld--end\n")
local read = s:receiveuntil("--end", {inclusive = true})
show(read())
for _ = 1, 3 do show(read(3)) end


-- case: until_arguments
local s = open()
for _, arguments in ipairs {
    "'x', {inclusive = 1}", "'x', {inclusive = 'yes'}", "'x', 1", "'x', nil", "",
    "''", "{}", "nil", "true", "'a', {}, 1", "12", "'x', {}",
    "'x', {inclusive = false}",
} do
    attempt("(...):receiveuntil(" .. arguments .. ")", s)
end
s:send("say a12b\n")
show(s:receiveuntil(12)())


-- case: until_iterator_arguments
local s = open()
s:send("say ab-cdefgh-ijkl-mnop-\n")
local read = s:receiveuntil("-")
for _, value in ipairs {{1, 2}, {nil, n = 1}, {{}}, {"x"}, {true}} do
    show(pcall(function()
        local x, y = read(unpack(value, 1, value.n or #value))
        return x, y
    end))
end
show(read("2"))
show(read(-1))
show(read(0))
show(read(1.9))


-- case: until_chunks
local function cut(text, pattern, size, inclusive)
    local s = open()
    s:send("say " .. text .. "\nclose\n")
    settle()
    local read = s:receiveuntil(pattern, {inclusive = inclusive})
    show(text, pattern, size, inclusive)
    for _ = 1, 14 do
        local data, err, partial = read(size)
        show(data, err, partial)
        if err == "closed" then break end
    end
end
cut("hello--endworld", "--end", 5)
cut("hello--endworld", "--end", 3)
cut("ab--eXYZ--end", "--end", 3)
cut("ab--eXYZ--end", "--end", 2)
cut("ab-cd-ef--gh", "--", 1)
cut("aabaabaaabaab!", "aabaaa", 2)
cut("ababababc", "ababc", 1)
cut("ababababc", "ababc", 2)
cut("ababababc", "ababc", 3, true)
cut("xxxx", "ab", 2)
cut("--end", "--end", 1)
cut("abcdef", "f", 5)
cut("abcdef", "f", 6)
cut("aaaaaab", "ab", 2)


-- case: until_random_chunks
-- The same pseudo-random texts on both sides.
local seed = 42
local function random(n)
    seed = (seed * 1103 + 12345) % 65536
    return seed % n + 1
end
local function word(letters, most)
    local pieces = {}
    for i = 1, random(most) do
        local at = random(#letters)
        pieces[i] = letters:sub(at, at)
    end
    return table.concat(pieces)
end
local s = open()
for _ = 1, 150 do
    local text, pattern, size = word("aab", 30), word("aab", 5), random(6) - 1
    s:send("drip " .. text .. pattern .. "\n")
    local read, pieces = s:receiveuntil(pattern), {}
    local given = 0
    repeat
        local data = read(size)
        pieces[#pieces + 1] = data or "nil"
        given = given + (data and #data or 0)
    until not data or size == 0
    ngx.say(text, " ", pattern, " ", size, " ", table.concat(pieces, "|"))
    local rest = #text - given
    show(rest > 0 and s:receive(rest))
end
