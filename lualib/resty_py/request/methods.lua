-- Request methods by nginx's bits: ngx.HTTP_GET and its kin.

return {
    [0x2] = "GET", [0x4] = "HEAD", [0x8] = "POST", [0x10] = "PUT",
    [0x20] = "DELETE", [0x40] = "MKCOL", [0x80] = "COPY", [0x100] = "MOVE",
    [0x200] = "OPTIONS", [0x400] = "PROPFIND", [0x800] = "PROPPATCH",
    [0x1000] = "LOCK", [0x2000] = "UNLOCK", [0x4000] = "PATCH",
    [0x8000] = "TRACE",
}
