-- 1 MiB up, read into memory (client_body_buffer_size is raised for it).

ngx.req.read_body()
ngx.say(#ngx.req.get_body_data())
