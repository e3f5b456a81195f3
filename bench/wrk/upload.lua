-- POST of 1 MiB with a browser's headers.

-- luacheck: globals wrk

wrk.method = "POST"
wrk.body = string.rep("x", 1048576)
wrk.headers["User-Agent"] =
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
wrk.headers["Accept"] = "*/*"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.headers["Connection"] = "keep-alive"
