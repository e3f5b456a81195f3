# The client: answers, errors and time limits.

use Test::Nginx::Socket::Lua;

repeat_each(2);

plan tests => repeat_each() * (blocks() * 3 + 5);

our $HttpConfig = <<'_EOC_';
    lua_package_path "lib/?.lua;$TEST_NGINX_HTML_DIR/?.lua;;";
    lua_socket_log_errors off;
_EOC_

add_block_preprocessor(sub {
    my $block = shift;

    if (!defined $block->http_config) {
        $block->set_value("http_config", $::HttpConfig);
    }

    if (!defined $block->request) {
        $block->set_value("request", "GET /t");
    }

    if (!defined $block->error_log && !defined $block->no_error_log) {
        $block->set_value("no_error_log", "[error]");
    }
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: an answer
--- config
    location = /t {
        content_by_lua_block {
            local ask = require "ask"
            ngx.say(ask.ask("how are you?", { port = 19841 }))
        }
    }
--- tcp_listen: 19841
--- tcp_query_len: 13
--- tcp_reply eval: "fine\n"
--- response_body
fine



=== TEST 2: what is asked
--- config
    location = /t {
        content_by_lua_block {
            local ask = require "ask"
            ngx.say(ask.ask(ngx.var.arg_q, { port = 19842 }))
        }
    }
--- request
GET /t?q=time
--- tcp_listen: 19842
--- tcp_query eval: "time\n"
--- tcp_reply eval
"12:" . "0" x 2 . "\r\n"
--- response_body
12:00



=== TEST 3: nobody listens
--- config
    location = /t {
        content_by_lua_block {
            local ask = require "ask"
            ngx.say(ask.ask("hello?", { port = $TEST_NGINX_RAND_PORT_1 }))
        }
    }
--- response_body
nilcannot connect: connection refused



=== TEST 4: no answer in time
--- config
    location = /t {
        content_by_lua_block {
            local ask = require "ask"
            ngx.say(ask.ask("hello?", { port = 19843, timeout = 50 }))
        }
    }
--- tcp_listen: 19843
--- tcp_query_len: 7
--- tcp_reply_delay: 1
--- tcp_reply: late
--- response_body
nilno answer: timeout
--- error_log eval
qr/\[warn\] .*? asked hello\?: no answer: timeout/



=== TEST 5: the answer is cut
--- config
    location = /t {
        content_by_lua_block {
            local ask = require "ask"
            ngx.say(ask.ask("hello?", { port = 19844 }))
        }
    }
--- tcp_listen: 19844
--- tcp_query_len: 7
--- tcp_reply: hel
--- response_body
nilno answer: closed
--- error_log
asked hello?: no answer: closed



=== TEST 6: two lines are no question
--- config
    location = /t {
        content_by_lua_block {
            local ask = require "ask"
            ngx.say(ask.ask("one\ntwo"))
        }
    }
--- response_body
nila question is one line



=== TEST 7: options from init_by_lua
--- http_config eval
"$::HttpConfig
    init_by_lua_block {
        require('ask').configure { port = 19845, timeout = 500 }
    }
"
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(require("ask").ask("who?"))
        }
    }
--- tcp_listen: 19845
--- tcp_query_len: 5
--- tcp_reply eval
["m", "e\n"]
--- response_body
me



=== TEST 8: a module among the user's files
--- config
    location = /t {
        content_by_lua_block {
            ngx.say(require("polite").ask("milk"))
        }
    }
--- user_files
>>> polite.lua
local ask = require "ask"

return {
    ask = function (what)
        return ask.ask(what .. ", please", { port = 19846 })
    end,
}
--- tcp_listen: 19846
--- tcp_query eval: "milk, please\n"
--- tcp_reply eval: "here\n"
--- response_body
here



=== TEST 9: the server does not start with an error in init_by_lua
--- http_config eval
"$::HttpConfig
    init_by_lua_block {
        require('ask').configure(nil)
    }
"
--- config
    location = /t {
        return 200;
    }
--- must_die
--- error_log
init_by_lua error:
