# What a page around the client answers: requests of all kinds.

use Test::Nginx::Socket::Lua;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 13);

our $Config = <<'_EOC_';
    location = /hello {
        content_by_lua_block {
            local name = ngx.var.arg_name
            if not name then
                ngx.log(ngx.NOTICE, "nobody is greeted")
                return ngx.exit(400)
            end

            ngx.header["X-Length"] = #name
            ngx.say("hello, ", name)
        }
    }

    location = /body {
        content_by_lua_block {
            ngx.req.read_body()
            ngx.print(ngx.req.get_body_data())
        }
    }

    location = /wait {
        content_by_lua_block {
            ngx.sleep(0.5)
            ngx.log(ngx.WARN, "waited")
            ngx.say("here")
        }
    }
_EOC_

add_block_preprocessor(sub {
    my $block = shift;
    $block->set_value("config", $::Config) if !defined $block->config;
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: a greeting
--- request
GET /hello?name=you
--- response_headers
X-Length: 3
! X-Width
--- response_body
hello, you



=== TEST 2: nobody
--- request
GET /hello
--- error_code: 400
--- response_body_like: 400 Bad Request
--- error_log
nobody is greeted



=== TEST 3: HEAD
--- request
HEAD /hello?name=you
--- response_headers_like
X-Length: \d
--- response_body



=== TEST 4: a body
--- request
POST /body
hello, world
--- response_body chomp
hello, world



=== TEST 5: a chunked body, in pieces
--- raw_request eval
["POST /body HTTP/1.1\r
Host: localhost\r
Connection: close\r
Transfer-Encoding: chunked\r
\r
", "5\r\nhello\r\n", "0\r\n\r\n"]
--- raw_request_middle_delay: 0.02
--- response_body chomp
hello



=== TEST 6: pipelined requests
--- pipelined_requests eval
["GET /hello?name=a", "POST /body\nb", "GET /hello"]
--- error_code eval
[200, 200, 400]
--- response_body_like eval
["^hello, a\n\$", "^b\$", "Bad Request"]



=== TEST 7: two requests on their own connections
--- request eval
["GET /hello?name=" . "ab" x 3, "GET /hello?name=b"]
--- response_body eval
["hello, ababab\n", qr/^hello, [b-d]$/]



=== TEST 8: more headers
--- config
    location = /hello {
        content_by_lua_block {
            ngx.say(ngx.req.get_headers()["X-Name"])
            ngx.say(ngx.req.raw_header())
        }
    }
--- request
GET /hello
--- more_headers
# who it is
X-Name: me
--- response_body eval
"me\nGET /hello HTTP/1.1\r
Host: localhost\r
Connection: close\r
X-Name: me\r
\r

"



=== TEST 9: the client does not wait
--- request
GET /wait
--- timeout: 0.1
--- abort
--- wait: 0.6
--- ignore_response
--- error_log
waited
--- no_error_log
[error]



=== TEST 10: one line of the log for each step
--- config
    location = /steps {
        rewrite_by_lua_block { ngx.log(ngx.INFO, "step 1") }
        access_by_lua_block { ngx.log(ngx.INFO, "step 2") }
        content_by_lua_block { ngx.say("done") }
        log_by_lua_block { ngx.log(ngx.INFO, "step 3") }
    }
--- request
GET /steps
--- response_body
done
--- grep_error_log eval: qr/step \d/
--- grep_error_log_out
step 1
step 2
step 3



=== TEST 11: HTTP 0.9
--- raw_request eval: "GET /hello?name=old\r\n"
--- http09
--- response_body
hello, old



=== TEST 12: a failure is an error in the log
--- config
    location = /t {
        content_by_lua_block {
            error("this goes wrong")
        }
    }
--- request
GET /t
--- error_code: 500
--- response_body_like: 500 Internal Server Error
--- error_log eval
[
    qr/lua entry thread aborted: runtime error: content_by_lua\(nginx\.conf:\d+\):2: this goes wrong/,
    'request: "GET /t HTTP/1.1"',
]
