"""Pieces of http blocks whose modules tell clients apart, good and bad."""

from __future__ import annotations

CLIENTS = [
    # realip
    (
        "set_real_ip_from 10.0.0.0/8; set_real_ip_from unix:; set_real_ip_from ::1; "
        "real_ip_header X-Forwarded-For; real_ip_recursive on;"
    ),
    "set_real_ip_from 10.0.0.1/8;",
    "set_real_ip_from 10.0.0.0/33;",
    "set_real_ip_from localhost;",
    "set_real_ip_from no.such.invalid;",
    "set_real_ip_from '';",
    "set_real_ip_from all;",
    "set_real_ip_from unix:/a;",
    "real_ip_header X; real_ip_header Y;",
    "real_ip_header '';",
    "real_ip_header proxy_protocol;",
    "real_ip_recursive maybe;",
    "real_ip_recursive on; real_ip_recursive on;",
    # geo
    "geo $a { default 0; 127.0.0.0/8 1; ::1 2; 10.1.0.0/16 3; }",
    "geo $remote_addr $a { }",
    "geo $a { default 0; default 1; }",
    "geo $a { 10.0.0.0/8 1; 10.0.0.0/8 2; 10.1.0.0/16 3; 10.0.0.0/16 3; }",
    "geo $a { 10.0.0.0/16 1; 10.0.0.0/8 2; 10.0.0.0/8 3; }",
    "geo $a { 10.0.0.1/8 1; }",
    "geo $a { 10.0.0.0/33 1; }",
    "geo $a { all 1; }",
    "geo $a { unix: 1; }",
    "geo $a { delete 10.0.0.0/8; }",
    (
        "geo $a { 10.0.0.0/8 1; delete 10.0.0.0/8; delete 10.0.0.0/8; delete "
        "10.0.0.1/8; delete x; }"
    ),
    "geo $a { 255.255.255.255 1; 0.0.0.0/0 2; default 3; ::/0 4; }",
    "geo $a { ::1 1; ::1 2; ::1/128 3; }",
    "geo $a { x; }",
    "geo $a { 1.1.1.1 1 2; }",
    "geo a { }",
    "geo $ { }",
    "geo $a b { }",
    "geo a $b { }",
    "geo $remote_addr { }",
    "geo $nope $b { }",
    "geo $a $b $c { }",
    "geo { }",
    "geo $a;",
    "geo $a { proxy 10.0.0.0/8; proxy_recursive; proxy 1.1.1.1/8; proxy x; }",
    "geo $a { proxy ::1; proxy 255.255.255.255; proxy_recursive; proxy_recursive; }",
    "geo $a { proxy unix:; }",
    "geo $a { include geo.conf; include nowhere; }",
    "geo $a { include; }",
    "geo $a { include a b; }",
    "geo $a { 1.1.1.1 { } }",
    "geo $a { 1.1.1.1 $uri; }",
    (
        "geo $a { ranges; default 1; 10.0.0.0-10.0.0.255 2; delete "
        "10.0.0.0-10.0.0.255; delete 10.0.0.0-10.0.0.255; }"
    ),
    "geo $a { default 1; ranges; }",
    "geo $a { ranges; ranges; default 1; default 2; }",
    (
        "geo $a { ranges; 10.0.0.0-10.0.255.255 1; 10.0.1.0-10.0.1.255 2; "
        "10.0.1.128-10.0.2.0 3; }"
    ),
    (
        "geo $a { ranges; 10.0.0.0-10.2.255.255 1; 10.0.1.0-10.1.5.5 2; "
        "10.0.0.0-10.2.255.255 1; }"
    ),
    "geo $a { ranges; 10.0.0.0/8 1; }",
    "geo $a { ranges; 10.0.0.1-10.0.0.0 1; }",
    "geo $a { ranges; 10.0.0.0-10.0.0.0 1; 10.0.0.0-10.0.0.0 2; }",
    "geo $a { ranges; ::1-::2 1; }",
    "geo $a { ranges; 10.1.128.0-10.1.255.255 1; 10.1.0.0-10.1.128.5 1; }",
    (
        "geo $a { ranges; 10.1.0.0-10.1.0.5 1; 10.1.0.0-10.1.0.2 2; delete "
        "10.1.0.0-10.1.0.5; }"
    ),
    (
        "geo $a { ranges; 10.1.0.0-10.3.0.5 1; 10.2.0.0-10.2.0.2 2; delete "
        "10.1.0.0-10.3.0.5; }"
    ),
    "geo $a { default 0; } geo $a { default 1; }",
    "geo $a { default; }",
    "geo $a { delete; }",
    "geo $a { ranges; delete; }",
    "geo $a { ranges x; }",
    # split_clients
    'split_clients $remote_addr $v { 0.5% .one; 2% .two; * ""; }',
    "split_clients $remote_addr v { * a; }",
    "split_clients $remote_addr $ { * a; }",
    "split_clients $nope $v { * a; }",
    "split_clients a $v { }",
    "split_clients a $v { 50% a; 60% b; }",
    "split_clients a $v { 50% a;\n* b;\n10% c;\n}",
    "split_clients a $v { * a; * b; }",
    "split_clients a $v { 100% a; * b; }",
    "split_clients a $v { 100.01% a; }",
    "split_clients a $v { 0% a; }",
    "split_clients a $v { 0.001% a; }",
    "split_clients a $v { 50 a; }",
    "split_clients a $v { % a; }",
    "split_clients a $v { x% a; }",
    "split_clients a $v { 1.5.5% a; }",
    "split_clients a $v { .5% a; 5.% b; 0.25% c; 01% d; }",
    "split_clients a $v { -5% a; }",
    "split_clients a $v { 50% a b c; }",
    "split_clients a $v { 50% $uri; }",
    "split_clients a $v { default x; }",
    "split_clients a $v { '' x; }",
    "split_clients a $uri { * a; }",
    "split_clients a$ $v { * a; }",
    "split_clients a $v { * a {} }",
    "split_clients a $v { 99999999999999999999% a; }",
]
