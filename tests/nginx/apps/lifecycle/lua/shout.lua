local chunk, eof = ngx.arg[1], ngx.arg[2]
ngx.ctx.chunks = (ngx.ctx.chunks or 0) + 1
if chunk ~= "" then
    chunk = chunk:gsub("trace", "TRACE")
end
if eof then
    chunk = chunk .. "that is all\n"
end
ngx.arg[1] = chunk
