-- What an API handler does on most requests: reads arguments and headers,
-- keeps state for the request, sets headers and answers with 1 KB of JSON.

local ITEMS = [[
"items":[
{"id":1001,"name":"Granny Smith","colour":"green","grams":182,"price":"0.42"},
{"id":1002,"name":"Cox's Orange","colour":"orange","grams":155,"price":"0.61"},
{"id":1003,"name":"Golden Russet","colour":"brown","grams":148,"price":"0.58"},
{"id":1004,"name":"Red Delicious","colour":"red","grams":201,"price":"0.39"},
{"id":1005,"name":"Bramley","colour":"green","grams":260,"price":"0.75"},
{"id":1006,"name":"Boskoop","colour":"russet","grams":240,"price":"0.66"},
{"id":1007,"name":"Elstar","colour":"yellow","grams":170,"price":"0.47"},
{"id":1008,"name":"Jonagold","colour":"red","grams":225,"price":"0.52"},
{"id":1009,"name":"Braeburn","colour":"red","grams":190,"price":"0.55"},
{"id":1010,"name":"Rubens","colour":"striped","grams":165,"price":"0.63"},
{"id":1011,"name":"Santana","colour":"red","grams":180,"price":"0.59"},
{"id":1012,"name":"Pinova","colour":"yellow","grams":175,"price":"0.57"},
{"id":1013,"name":"Gravenstein","colour":"yellow","grams":168,"price":"0.70"}
]}
]]

local ctx = ngx.ctx
local args = ngx.req.get_uri_args()
local headers = ngx.req.get_headers()

ctx.user = args.user
ctx.page = tonumber(args.page)
ctx.trace = headers["X-Request-Id"]

local header = ngx.header
header["Content-Type"] = "application/json"
header["Cache-Control"] = "private, max-age=0"
header["X-Request-Id"] = ctx.trace
header["X-Page"] = ctx.page

ngx.print('{"user":"', ctx.user, '","page":', ctx.page, ",\n", ITEMS)
