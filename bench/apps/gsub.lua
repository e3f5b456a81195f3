-- ngx.re.gsub on 1 KiB, a hundred times: 37 replacements in each.

local N = 100
local SUBJECT = ("lorem ipsum dolor sit amet "):rep(37)

local gsub = ngx.re.gsub
local select = select
local count
for _ = 1, N do
    count = select(2, gsub(SUBJECT, [[d(ol)or]], "[$1]", "jo"))
end
ngx.say(count)
