#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare how nats-server and myelin judge configuration files.

Usage: config_diff.py PEER MYELIN [--mutations N] [--seed N] [--verbose]

Both run with -t on the same files. They must agree on the verdict and, for a valid file, on the
digest. Where both refuse, the texts should agree as well; those that differ on purpose are in
OWN_WORDS. A development tool: the peer is no part of the tests.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

ACCOUNT_NKEY = 'ADLGEVANYDKDQ6WYXPNBEGVUURXZY4LLLK5BJPOUDN6NGNXLNH4ATPWR'
USER_NKEY = 'UC6NLCN7AS34YOJVCYD4PJ3QB7QGLYG5B5IMBT25VW5K4TNUJODM7BOX'

# Messages of ours that say more than a failed type assertion does, and bounds that the peer
# finds out about later or never.
OWN_WORDS = re.compile(
    r'unsupported type|.min_version. wrong type| must be (a|an) |must be between|can not be negative|is not supported by'
    r'|has an unknown suffix|out of the range|must not contain a NUL|nested deeper'
    r'|got \[\]interface|Expected users field|Expected user entry|Expected permissions'
    r'|Expected account limits|timeout of')

TOP = r'''
port: 4222
port = -1
port 4333
listen: 4333
listen: "127.0.0.1:4333"
listen: 127.0.0.1:4333
listen: "[::1]:4333"
listen: localhost
listen: "a:b"
listen: true
listen: ":4222"
host: foo; port: 4222
net: "0.0.0.0"
PORT: 4222
client_advertise: "me:1"
server_name: "x"
server_name: "has space"
server_name: 5
debug: true
debug: yes
debug: "true"
trace: on; trace_verbose: off
trace_headers: true
logtime: false; logtime_utc: true
log_file: "/tmp/x.log"
logfile: "/tmp/x"; logfile_size_limit: 10MB; logfile_max_num: 3
log_size_limit: 1kb; log_max_num: 2
syslog: true; remote_syslog: "udp://h:1"
pidfile: "/tmp/p"; ports_file_dir: "/tmp"
pid_file: '/tmp/p'
http: 8222
http: "127.0.0.1:8222"
http: "x"
https: 8443
http_port: 8222
monitor_port: 8222; http_base_path: "/nats"
https_port: 8443
max_control_line: 8192
max_control_line: 3000000000
max_payload: 1MB
max_payload: 3GB
max_payload: "1MB"
max_pending: 100m
max_connections: 10
max_conn: 0
max_connections: -1
max_subscriptions: 100
max_subs: -1
max_sub_tokens: 10
max_sub_tokens: 0
max_sub_tokens: 256
max_sub_tokens: 255
max_subscription_tokens: -3
max_closed_clients: 5
max_traced_msg_len: 10
ping_interval: "30s"
ping_interval: 30
ping_interval: "x"
ping_interval: 1m
ping_max: 3
write_deadline: "3s"
write_deadline: 3
write_timeout: close
write_timeout: retry
write_timeout: default
write_timeout: bad
lame_duck_duration: "1m"
lame_duck_duration: "29s"
lame_duck_duration: "30s"
lame_duck_duration: "x"
lame_duck_grace_period: "5s"
lame_duck_grace_period: "-5s"
lame_duck_grace_period: "0s"
no_fast_producer_stall: true
disable_sublist_cache: true
no_sublist_cache: false
no_header_support: true
allow_non_tls: true
no_auth_user: x
system_account: FOO
system: FOO
system_account: 5
no_system_account: true
no_system: true
no_sys_acc: true
connect_error_reports: 5; reconnect_error_reports: 7
server_tags: a
server_tags: ["a", "b"]
server_tags: 5
server_tags: [5 ]
server_metadata {a: b, c: "d"}
server_metadata: 5
feature_flags {a: false}
feature_flags: 5
feature_flags {a: 5}
unknown: 1
x: 1; port: $x
x: 1
authorization { user: a, password: b }
authorization { username: a, pass: b, timeout: 3 }
authorization { token: t, timeout: "3s" }
authorization { token: t, timeout: 0.5 }
authorization { token: t, timeout: true }
authorization { token: t, timeout: "x" }
authorization { token: t, timeout: 61 }
authorization { user: a, password: b, token: t }
authorization { user: a, password: b, users: [{user: x, password: y}] }
authorization { token: t, users: [{user: x, password: y}] }
authorization { users: [{user: x, password: y}, {user: z, password: y}] }
authorization { users: [{user: x, password: y}, {user: x, password: z}] }
authorization { users: [{user: x, password: y, unknown: 1}] }
authorization { users: [{password: y}] }
authorization { users: [] }
authorization { users: [5 ] }
authorization { users: 5 }
authorization { users: [{nkey: USER_NKEY}] }
authorization { users: [{nkey: USER_NKEY}, {nkey: USER_NKEY}] }
authorization { users: [{nkey: bad}] }
authorization { users: [{nkey: USER_NKEY, user: a}] }
authorization { users: [{nkey: USER_NKEY, password: a}] }
authorization { users: [{user: a, password: $2a$11$W2zko751KUvVy59mUTWmpOdWjpEm5qhcCZRd05GjI/sSOT.xtiHyG}] }
authorization { unknown: 1 }
authorization: 5
authorization { users: [{user: x, password: y, permissions: {publish: "foo", subscribe: ["a", "b.>"]}}] }
authorization { users: [{user: x, password: y, permissions: {publish: "foo bar"}}] }
authorization { users: [{user: x, password: y, permissions: {subscribe: "foo bar"}}] }
authorization { users: [{user: x, password: y, permissions: {subscribe: "foo bar baz"}}] }
authorization { users: [{user: x, password: y, permissions: {subscribe: "foo.. bar"}}] }
authorization { users: [{user: x, password: y, permissions: {subscribe: "foo bar..x"}}] }
authorization { users: [{user: x, password: y, permissions: {publish: {allow: "a", deny: ["b", "c"]}}}] }
authorization { users: [{user: x, password: y, permissions: {publish: {alow: "a"}}}] }
authorization { users: [{user: x, password: y, permissions: {publish: 5}}] }
authorization { users: [{user: x, password: y, permissions: {publish: [5 ]}}] }
authorization { users: [{user: x, password: y, permissions: {publish: "a..b"}}] }
authorization { users: [{user: x, password: y, permissions: {pub: "", sub: ">"}}] }
authorization { users: [{user: x, password: y, permissions: {bad: ">"}}] }
authorization { users: [{user: x, password: y, permissions: 5}] }
authorization { users: [{user: x, password: y, permissions: {allow_responses: true}}] }
authorization { users: [{user: x, password: y, permissions: {allow_responses: false}}] }
authorization { users: [{user: x, password: y, permissions: {allow_responses: 5}}] }
authorization { users: [{user: x, password: y, permissions: {allow_responses: {max: 5, expires: "1m"}}}] }
authorization { users: [{user: x, password: y, permissions: {allow_responses: {max: -1, ttl: "-1s"}}}] }
authorization { users: [{user: x, password: y, permissions: {allow_responses: {expires: 5}}}] }
authorization { users: [{user: x, password: y, permissions: {allow_responses: {expires: "x"}}}] }
authorization { users: [{user: x, password: y, permissions: {allow_responses: {bad: 5}}}] }
authorization { users: [{user: x, password: y, allowed_connection_types: ["STANDARD", "websocket"]}] }
authorization { users: [{user: x, password: y, allowed_connection_types: "STANDARD"}] }
authorization { users: [{user: x, password: y, allowed_connection_types: ["BAD"]}] }
authorization { users: [{user: x, password: y, allowed_connection_types: 5}] }
authorization { default_permissions {publish: a}, users: [{user: x, password: y}] }
authorization { P {publish: a}, users: [{user: x, password: y, permissions: $P}] }
authorization { P = {publish: a}, users: [{user: x, password: y, permissions: $Q}] }
accounts { A {users: [{user: a, password: b}]} B {users: [{user: c, password: d}]} }
accounts { A {users: [{user: a, password: b}]} B {users: [{user: a, password: d}]} }
accounts { A {users: [{nkey: USER_NKEY}]} B {users: [{nkey: USER_NKEY}]} }
accounts { $G {users: [{user: a, password: b}]} }
accounts [ A, B ]
accounts [ A, A ]
accounts [ "$G" ]
accounts: 5
accounts { A: 5 }
accounts { A {nkey: ACCOUNT_NKEY} }
accounts { A {nkey: bad} }
accounts { A {nkey: USER_NKEY} }
accounts { A {limits {max_connections: 5, max_subs: 6, max_payload: 7, max_leafs: 1}} }
accounts { A {limits {bad: 5}} }
accounts { A {limits: 5} }
accounts { A {bad: 5} }
accounts { A {default_permissions {publish: x}, users: [{user: a, password: b}]} }
accounts { A {users: [{user: a, password: b}]} } authorization { user: x, password: y }
accounts { A {users: [{user: a, password: b}]} } authorization { token: y }
accounts { A {users: [{user: a, password: b}]} } authorization { users: [{user: a, password: y}] }
accounts { A {users: [{user: a, password: b}]} } system_account: A
accounts { A {mappings {"a": "b"}} }
mappings {"a": "b"}
mappings {"a.*": "b.$1"}
mappings {"a.*": "b.{{wildcard(1)}}"}
mappings {"a.*": "b.{{partition(3,1)}}"}
mappings {"a.*": "b.{{wildcard(2)}}"}
mappings {"a.*": "b.{{bad(1)}}"}
mappings {"a..b": "c"}
mappings {"a": "c..d"}
mappings {"a": [{dest: b, weight: 50}, {dest: c, weight: 50%}]}
mappings {"a": [{dest: b, weight: 60}, {dest: c, weight: 50%}]}
mappings {"a": [{dest: b, weight: 101}]}
mappings {"a": [{dest: b, weight: "101%"}]}
mappings {"a": [{dest: b, weight: -1}]}
mappings {"a": [{dest: b, weight: x}]}
mappings {"a": [{dest: b}]}
mappings {"a": [{dest: b, weight: 50, bad: 1}]}
mappings {"a": [{dest: b, weight: 50}, {dest: b, weight: 50}]}
mappings {"a": {dest: b, weight: 50, cluster: x}}
mappings {"a": 5}
mappings {"a": [5 ]}
maps {"a.>": "b.>"}
mappings {"*": "$1.$1"}
mappings: 5
websocket { port: 8080, no_tls: true }
websocket { listen: "127.0.0.1:8080", no_tls: true, same_origin: true }
websocket { port: 8080, no_tls: true, allowed_origins: ["http://a", "https://b:1"] }
websocket { port: 8080, no_tls: true, allowed_origins: "http://a" }
websocket { port: 8080, no_tls: true, allowed_origins: 5 }
websocket { port: 8080, no_tls: true, handshake_timeout: "3s", compression: true }
websocket { port: 8080, no_tls: true, handshake_timeout: 3 }
websocket { port: 8080, no_tls: true, handshake_timeout: "x" }
websocket { port: 8080, no_tls: true, handshake_timeout: true }
websocket { port: 8080, no_tls: true, authorization { user: a, pass: b, timeout: 2 } }
websocket { port: 8080, no_tls: true, authorization { token: t, bad: 1 } }
websocket { port: 8080, no_tls: true, user_cookie: u, pass_cookie: p, token_cookie: t }
websocket { port: 8080, no_tls: true, headers { "X-A": "b" } }
websocket { port: 8080, no_tls: true, headers { "X-A": 5 } }
websocket { port: 8080, no_tls: true, headers: 5 }
websocket { port: 8080, no_tls: true, ping_interval: "30s" }
websocket { port: 8080, no_tls: true, ping_interval: 30 }
websocket { port: 8080, no_tls: true, bad: 1 }
websocket { port: 8080, no_tls: true, advertise: "a:1", no_auth_user: x }
websocket: 5
ws { port: 8080, no_tls: true }
tls { cert_file: "no.pem", key_file: "no.pem" }
tls { cert_file: 5 }
tls { cert_file: "a.pem" }
tls { key_file: "a.pem" }
tls { verify: 5 }
tls { bad: 5 }
tls: 5
tls { cipher_suites: [] }
tls { cipher_suites: ["TLS_AES_128_GCM_SHA256"] }
tls { cipher_suites: ["BAD"] }
tls { cipher_suites: ["TLS_RSA_WITH_RC4_128_SHA"] }
tls { cipher_suites: ["TLS_RSA_WITH_RC4_128_SHA"], allow_insecure_cipher_suites: true }
tls { curve_preferences: ["X25519"] }
tls { curve_preferences: ["BAD"] }
tls { curve_preferences: [] }
tls { timeout: 2, min_version: "1.3", connection_rate_limit: 5 }
tls { timeout: "x" }
tls { timeout: true }
tls { min_version: "1.1" }
tls { min_version: "9" }
tls { min_version: 1.2 }
tls { connection_rate_limit: "x" }
tls { pinned_certs: ["7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"] }
tls { pinned_certs: ["7f83"] }
tls { pinned_certs: 5 }
tls { handshake_first: true }
tls { handshake_first: auto }
tls { handshake_first: "300ms" }
tls { handshake_first: "bad" }
tls { handshake_first: 5 }
tls { verify_cert_and_check_known_urls: true }
tls { verify_cert_and_check_known_urls: false, insecure: true }
tls { certs: 5 }
tls { certs: [5 ] }
tls { certs: [{cert_file: a}] }
tls { certs: [{bad: a}] }
tls { ca_file: "no.pem" }
{"port": 4222, "accounts": {"A": {"users": [{"user": "a", "password": "b"}]}}}
# only a comment
include "inc.conf"
accounts { include "acc.conf" }
include "missing.conf"
port: $NO_SUCH_VARIABLE
port: $CONFIG_DIFF_PORT
server_tags: $CONFIG_DIFF_TAGS
accounts: $CONFIG_DIFF_MAP
port: [1, 2]
max_payload: 1 000
port: 4222 debug: true
a = 99999999999999999999
'''

MUTATIONS = ['{', '}', '[', ']', '"', "'", '=', ':', ',', ';', '\n', ' ', '#', '/', '(', ')',
             '\\', 'x', 'true', '1', '.', '-', '$', 'k', '\0', 'include ']


def snippets(count, seed):
    """The table, and count random changes of its rows."""
    rows = [r for r in TOP.split('\n') if r]
    rows += ['', 'port: 4222\r\n\r\n debug: true\r\n', 'accounts {\n  A {\n    bad: 1\n  }\n}\n',
             'server_name = (\n x\n)\n', 'port: 4222\n}\n', 'a: 1\nb: $a\nport: $b\n']
    rows = [r.replace('USER_NKEY', USER_NKEY).replace('ACCOUNT_NKEY', ACCOUNT_NKEY) for r in rows]
    rng = random.Random(seed)
    base = list(rows)
    for _ in range(count):
        text = list(rng.choice(base))
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text) + 1)
            if rng.random() < 0.4:
                del text[at:at + 1]
            else:
                text[at:at + rng.randint(0, 1)] = rng.choice(MUTATIONS)
        rows.append(''.join(text))
    return rows


def judge(binary, path, cwd, env):
    """(digest or None, message)"""
    run = subprocess.run([binary, '-t', '-c', path], cwd=cwd, env=env, capture_output=True,
                         timeout=20)
    text = run.stderr.decode('utf-8', 'replace').replace('\0', '\\x00').strip()
    digest = re.search(r' is valid \((sha256:[0-9a-f]{64})\)', text)
    if run.returncode not in (0, 1):
        return None, f'exit code {run.returncode}: {text}'
    if (run.returncode == 0) != bool(digest):
        return None, f'exit code {run.returncode} does not fit: {text}'
    return (digest.group(1) if digest else None), text


# Rows that we accept and the peer does not: its values from the environment lack places.
KINDER = ('server_tags: $CONFIG_DIFF_TAGS', 'accounts: $CONFIG_DIFF_MAP')


def same_lines(a, b):
    """The peer reports errors in the random order of its maps; ours say more exactly where."""
    clean = [sorted(re.sub(r'^(nats-server: )?(t\.conf:\d+:\d+: )?', '', line)
                    for line in t.split('\n') if line) for t in (a, b)]
    return clean[0] == clean[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('peer')
    parser.add_argument('myelin')
    parser.add_argument('--mutations', type=int, default=0)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--verbose', action='store_true')
    args = parser.parse_args()
    env = dict(os.environ, CONFIG_DIFF_PORT='4333', CONFIG_DIFF_TAGS='[a ,b ]',
               CONFIG_DIFF_MAP='{A: {}}')
    counts = {'valid': 0, 'refused': 0, 'own words': 0, 'verdict': 0, 'digest': 0, 'text': 0}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (('inc.conf', 'port: 4444\n'),
                           ('acc.conf', 'A: {users: [{user: u, password: p}]}\n')):
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as f:
                f.write(text)
        for text in snippets(args.mutations, args.seed):
            with open(os.path.join(folder, 't.conf'), 'wb') as f:
                f.write(text.encode('utf-8'))
            theirs, their_text = judge(args.peer, 't.conf', folder, env)
            ours, our_text = judge(os.path.abspath(args.myelin), 't.conf', folder, env)
            if text in KINDER:
                kind = 'valid' if ours else 'verdict'
            elif bool(theirs) != bool(ours):
                kind = 'own words' if OWN_WORDS.search(our_text) and not ours else 'verdict'
            elif theirs:
                kind = 'valid' if theirs == ours else 'digest'
            elif same_lines(their_text, our_text):
                kind = 'refused'
            else:
                kind = 'own words' if OWN_WORDS.search(our_text) else 'text'
            counts[kind] += 1
            if kind in ('verdict', 'digest', 'text') or (args.verbose and kind == 'own words'):
                print(f'--- {kind}: {text!r}\n  peer: {their_text}\n  ours: {our_text}')
    print(', '.join(f'{k}: {v}' for k, v in counts.items()))
    return 1 if counts['verdict'] or counts['digest'] or counts['text'] else 0


if __name__ == '__main__':
    sys.exit(main())
