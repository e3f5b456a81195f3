"""HTTP on the host's side: h11, asked by lualib/resty_py/http."""
