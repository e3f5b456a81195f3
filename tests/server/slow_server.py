"""A configuration whose requests last, for tests of what becomes of them."""

from nginx_command import send

SLOW = """
location / { return 200 "first"; }
location /slow { content_by_lua_block {
    ngx.log(ngx.WARN, "slow begins")
    ngx.sleep(0.5)
    ngx.print("slow, ", ngx.worker.exiting())
} }
location /slower { content_by_lua_block {
    ngx.log(ngx.WARN, "slow begins")
    ngx.sleep(60)
} }
location /endless { content_by_lua_block {
    ngx.log(ngx.WARN, "slow begins")
    while true do end
} }
"""

HOOKS = """
init_by_lua_block { ngx.log(ngx.WARN, "init runs") }
init_worker_by_lua_block { ngx.log(ngx.WARN, "worker begins") }
exit_worker_by_lua_block { ngx.log(ngx.WARN, "worker ends") }
"""


def begin(command, path):
    """Send a request and return its connection once it is being handled."""
    before = command.log.read_text().count("slow begins")
    client = send(command.connect(), path, "Connection: close\r\n")
    command.until_logged("slow begins", before + 1)
    return client


def keep_alive(command):
    """Return a connection that was used and may be again."""
    client = send(command.connect(), "/")
    assert client.recv(65536).endswith(b"first")
    return client


def is_refused(command, port=None):
    try:
        command.connect(port).close()
    except ConnectionRefusedError:
        return True
    return False
