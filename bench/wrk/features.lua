-- GET with twenty request headers, Host included, as an API gateway passes
-- them on from a browser.

-- luacheck: globals wrk

local HEADERS = {
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
        .. "Gecko/20100101 Firefox/128.0",
    ["Accept"] = "application/json, text/plain, */*",
    ["Accept-Encoding"] = "gzip, deflate, br",
    ["Accept-Language"] = "en-GB,en;q=0.7,de;q=0.3",
    ["Authorization"] = "Bearer 5f0c8a4be1d94f6f8c1f2b7f0f0d4c55",
    ["Cache-Control"] = "no-cache",
    ["Connection"] = "keep-alive",
    ["Cookie"] = "session=4be1d94f6f8c1f2b; theme=dark; consent=yes",
    ["DNT"] = "1",
    ["Origin"] = "http://shop.example",
    ["Pragma"] = "no-cache",
    ["Referer"] = "http://shop.example/apples?page=6",
    ["Sec-Fetch-Dest"] = "empty",
    ["Sec-Fetch-Mode"] = "cors",
    ["Sec-Fetch-Site"] = "same-origin",
    ["X-Forwarded-For"] = "203.0.113.7",
    ["X-Forwarded-Proto"] = "https",
    ["X-Request-Id"] = "0b54f1c2-7f3d-4a55-9f5e-3a2f6d1c8e90",
    ["X-Requested-With"] = "XMLHttpRequest",
}

for name, value in pairs(HEADERS) do
    wrk.headers[name] = value
end
