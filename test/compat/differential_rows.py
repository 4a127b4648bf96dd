# SPDX-License-Identifier: Apache-2.0
"""What differential.py draws from: configurations, words of the protocol, requests, lines."""
import re

WS = 'websocket { listen: "127.0.0.1:-1", no_tls: true }\n'

PERMISSIONS = '''
authorization { users: [
  {user: u1, password: p, permissions: {publish: {allow: ["foo.>", "a.*", "_INBOX.>"],
    deny: ["foo.bar", "*.secret"]}, subscribe: {allow: ["foo.*", "a.>", "_INBOX.>", "q.> grp"],
    deny: ["foo.secret", "a.b qq"]}}}
  {user: u2, password: p, permissions: {subscribe: ">", publish: {deny: ">"},
    allow_responses: {max: 2, expires: "1m"}}}
  {user: u3, password: p, permissions: {subscribe: {deny: ["foo.>", "> q1"]},
    publish: {allow: ["*", "foo", "foo.*.baz"]}}}
  {user: u4, password: p, permissions: {subscribe: {allow: ["foo q1", "> q.*", "*"]}}}
  {user: u5, password: p}
] }
'''

ACCOUNTS = '''
accounts {
  A { users: [{user: a1, password: p}, {user: a2, password: p, permissions: {publish: "foo.>"}}]
      mappings: { foo: bar, "a.*": "b.$1", "foo.*.*": "baz.$2.$1", "q": [{dest: r, weight: 100%}] }
      limits: { max_subs: 4, max_payload: 64, max_conn: 2 } }
  B { users: [{user: b1, password: p}] , limits: {max_payload: -1} }
  $SYS { users: [{user: s, password: p}] }
}
mappings: { foo: x }
'''


def user(*names, pass_='p'):
    return [{'user': n, 'pass': pass_} for n in names]


CONFIGS = {
    'plain': {'text': '', 'users': [{}]},
    'permissions': {'text': PERMISSIONS,
                    'users': user('u1', 'u1', 'u2', 'u3', 'u4', 'u5') +
                    [{'user': 'u1', 'pass': 'x'}]},
    'accounts': {'text': ACCOUNTS, 'users': user('a1', 'a1', 'a2', 'b1', 's') + [{}]},
    'limits': {'text': 'max_control_line: 64\nmax_payload: 64\nmax_subscriptions: 3\n'
                       'max_subscription_tokens: 3\nmax_connections: 2\n', 'users': [{}]},
    'no-headers': {'text': 'no_header_support: true\n', 'users': [{}]},
    'no-auth-user': {'text': ACCOUNTS + 'no_auth_user: a1\n', 'users': [{}] + user('a1', 'b1')},
    'token': {'text': 'authorization { token: t, timeout: 5 }\n',
              'users': [{'auth_token': 't'}] * 4 + [{}, {'auth_token': 'x'}, {'user': 't'}]},
    'mappings': {'text': 'mappings: { foo: "bar", "foo.*": "{{wildcard(1)}}.x", "a.>": "b.>",'
                         ' "w": [{dest: v, weight: 0}], "foo.*.*": "p.{{partition(3,1)}}.$2" }\n',
                 'users': [{}]},
    'websocket': {'text': WS, 'users': [{}], 'websocket': True},
}

SUBJECTS = [b'foo', b'foo', b'foo.bar', b'foo.baz', b'a.b', b'foo.bar.baz', b'q', b'_INBOX.1',
            b'a', b'bar', b'foo.secret', b'b.x', b'x', b'foo.*', b'>', b'*', b'foo.>', b'a.*',
            b'*.b', b'q.x', b'b.>']
ODD_SUBJECTS = [b'.', b'..', b'foo.', b'.foo', b'foo..bar', b'foo*', b'foo.*bar', b'>foo',
                b'foo.>.x',
                b'f>', b'*.*', b'>.>', b'foo.**', b'\xff\xfe', b'\xc3\xa4', b'"foo"', b'a.b.c.d.e',
                b'$SYS.REQ.USER.INFO', b'$JS.API.INFO', b'$SYS.REQ.SERVER.PING', b'_R_.x',
                b'_GR_.x',
                b'$GR.x', b'$NRG.x', b'foo\\bar', b'{{x}}', b'FOO', b'*' * 3, b'a.' * 20 + b'a',
                b'foo\x01', b'foo\x7f', b'$JS.ACK.x', b'$SYS.>', b'$MQTT.x', b'_S_.x', b"it's"]
REPLIES = [b'_INBOX.1', b'_INBOX.1', b'x', b'a.b', b'foo', b'*', b'_R_.x', b'$JS.ACK.x', b'_GR_.y',
           b'r..x', b'>', b'\xff', b'foo.bar']
HEADERS = [b'NATS/1.0\r\n\r\n', b'NATS/1.0\r\nA: b\r\n\r\n', b'NATS/1.0\r\nA: b\r\nA:c\r\n\r\n',
           b'NATS/1.0 503\r\n\r\n', b'xx', b'', b'\r\n\r\n', b'NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n',
           b'NATS/1.0\r\nA b\r\n\r\n', b'NATS/1.0\r\n']
QUEUES = [b'q1', b'q2', b'grp', b'qq', b'q.x', b'_sys_', b'q*', b'>', b'q..']
SIDS = [b'1', b'1', b'2', b'3', b'4', b'abc', b'0', b'-1', b'99999999999999999999', b'1.5']
MAXIMA = [b'1', b'1', b'2', b'3', b'0', b'-1', b'x', b'99999999999', b'1x', b'+1', b'007']
CONNECTS = [b'{}', b'', b'{', b'null', b'[]', b'"x"', b'{"verbose":"true"}', b'{"verbose":1}',
            b'{"verbose":true}', b'{"Verbose":true}', b'{"protocol":2}', b'{"protocol":-1}',
            b'{"echo":null}', b'{"headers":true,"no_responders":true}', b'{"no_responders":true}',
            b'{"name":"\\u00e4"}', b'{"name":5}', b'{"unknown":[{}]}', b' {"pedantic":true} ',
            b'{"account":"x"}', b'{"tls_required":true}', b'{"nkey":"x","sig":"y"}',
            b'{"jwt":"x"}', b'{"protocol":1.5}', b'{"protocol":1e0}', b'{} x', b'{"echo":false,}']
ODD_LINES = [b'-ERR x\r\n', b'-ERR\r\n', b"-ERR 'x'\r\n", b'+OK x\r\n', b'+\r\n', b'+O\r\n',
             b'INFO {}\r\n', b'INFO\r\n', b'INFO x\r\n', b'MSG foo 1 1\r\nx\r\n', b'P\r\n',
             b'PU\r\n', b'PUB\r\n', b'PUB foo\r\n', b'PUB  \r\n', b'SUB\r\n', b'SUB foo\r\n',
             b'SUB foo q 1 x\r\n', b'UNSUB\r\n', b'UNSUB 1 2 3\r\n', b'PUBx foo 0\r\n\r\n',
             b'PUB foo x y 0\r\n\r\n', b'PUB foo -1\r\n', b'PUB foo 01\r\nx\r\n', b'PUB foo 1x\r\n',
             b'PUB foo 999999999\r\n', b'PUB foo 9999999999\r\n', b'PUB foo 1048577\r\n',
             b'PUB foo 65\r\n' + b'x' * 65 + b'\r\n', b'HPUB foo 5 3\r\nabcde\r\n',
             b'HPUB foo 0 0\r\n\r\n', b'HPUB foo 1\r\n', b'HPUB\r\n', b'HMSG x\r\n', b'RS+ x\r\n',
             b'A+ x\r\n', b'LS+ x\r\n', b'RMSG x 1\r\n', b'PINGPING\r\n', b'PING x\r\n',
             b'PONGx\r\n', b'GET / HTTP/1.1\r\n\r\n', b' PING\r\n', b'\tSUB foo 1\r\n',
             b'PUB\tfoo\t0\r\n\r\n', b'PUB foo 0\n\r\n', b'PUB foo 1\r\nx\n', b'PUB foo 2\r\nx\r\n',
             b'SUB ' + b'x' * 4100 + b' 1\r\n', b'SUB ' + b'y' * 60 + b' 1\r\n',
             b'PUB ' + b'y' * 70 + b' 0\r\n\r\n', b'CONNECT\r\n', b'CONNECTx {}\r\n', b'\x00\r\n',
             b'PING\n', b'CONNECT{}\r\n', b'SUB\x00foo 1\r\n']
ODD_BYTES = [b' ', b'\r', b'\n', b'\r\n', b'\0', b'\t', b'\xff', b'x', b'0', b'9', b'.', b'*', b'>',
             b'PING\r\n', b'"', b'{', b'-', b'+']

UPGRADE = (b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
           b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n')


def has_nul_subject(sent):
    """Myelin refuses a NUL in the subject of PUB: docs/differences.md."""
    return re.search(rb'(?i)h?pub[ \t]+[^\r\n]*\0', sent) is not None


HTTP = ['/', '/varz', '/connz', '/subsz', '/accountz', '/accstatz', '/healthz', '/routez', '/leafz',
        '/gatewayz', '/jsz', '/nothing', '/connz?subs=1', '/connz?subs=detail', '/connz?subs=x',
        '/connz?sort=x', '/connz?sort=', '/connz?sort=stop', '/connz?sort=reason',
        '/connz?state=closed&sort=stop', '/connz?limit=-1', '/connz?limit=x', '/connz?limit=0',
        '/connz?limit=1', '/connz?offset=1', '/connz?offset=-1', '/connz?offset=x',
        '/connz?offset=99', '/connz?state=x', '/connz?state=any', '/connz?state=ALL',
        '/connz?state=open&sort=stop', '/connz?cid=x', '/connz?cid=0', '/connz?cid=999',
        '/connz?cid=-1', '/connz?auth=x', '/connz?auth=1', '/connz?auth=true', '/connz?auth=TRUE',
        '/connz?auth=t', '/connz?acc=A', '/connz?acc=nope', '/connz?user=a1',
        '/connz?user=a1&auth=1',
        '/connz?filter_subject=foo.bar', '/connz?filter_subject=foo.bar&acc=A',
        '/connz?filter_subject=foo.bar&acc=A&subs=1', '/connz?mqtt_client=x',
        '/connz?sort=cid&sort=x',
        '/connz?sort=cid;limit=1', '/connz?%zz', '/connz?sort=%63id', '/connz?&&&', '/connz?sort',
        '/connz?sort=uptime', '/connz?sort=idle', '/connz?sort=last', '/connz?sort=rtt',
        '/connz?sort=bytes_to', '/connz?sort=pending', '/connz?sort=start', '/connz?sort=subs',
        '/connz?limit=99999999999999999999', '/connz?offset=1.5', '/subsz?subs=1', '/subsz?subs=x',
        '/subsz?limit=1&subs=1', '/subsz?offset=1&subs=1', '/subsz?test=foo.bar',
        '/subsz?test=foo.*', '/subsz?test=x.y&subs=1', '/subsz?acc=A', '/subsz?acc=nope',
        '/subsz?acc=A&subs=1', '/subsz?acc=A&subs=1&test=foo.a', '/subsz?limit=x',
        '/subsz?offset=x',
        '/subscriptionsz', '/subsz?limit=-1&subs=1', '/subsz?limit=0&subs=1', '/accountz?acc=A',
        '/accountz?acc=nope', '/accountz?acc=$G', '/accountz?acc=$SYS', '/accountz?acc=',
        '/accstatz?unused=1', '/accstatz?unused=x', '/accstatz?acc=A', '/accstatz?accounts=A',
        '/accstatz?unused=false', '/healthz?js-enabled=true', '/healthz?js-enabled-only=true',
        '/healthz?js-server-only=true', '/healthz?js-server-only=x', '/healthz?account=A',
        '/healthz?stream=x', '/healthz?details=true', '/healthz?consumer=x', '/jsz?accounts=1',
        '/jsz?acc=A', '/jsz?limit=x', '/routez?subs=1', '/routez?subs=x', '/leafz?subs=1',
        '/leafz?subs=x', '/leafz?acc=A', '/gatewayz?accs=1', '/gatewayz?accs=x',
        '/gatewayz?gw_name=x',
        '/stacksz', '/ipqueuesz', '/raftz', '/expvarz', '/varz/', '//varz', '/VARZ', '/varz?x=y',
        '/./varz', '/../varz', '/varz?callback=f', '/connz?callback=f', '/healthz?callback=f',
        '/connz?callback=', '/subsz?callback=a&sort=x', '/connz/x', '/debug', '/favicon.ico',
        b'POST /varz HTTP/1.0\r\nContent-Length: 0\r\n\r\n', b'HEAD /varz HTTP/1.0\r\n\r\n',
        b'DELETE /connz HTTP/1.0\r\n\r\n', b'OPTIONS /varz HTTP/1.0\r\n\r\n',
        b'GET /varz HTTP/1.1\r\nConnection: close\r\n\r\n', b'GET /varz HTTP/2.0\r\n\r\n',
        b'GET varz HTTP/1.0\r\n\r\n', b'GET  /varz HTTP/1.0\r\n\r\n', b'garbage\r\n\r\n',
        b'get /varz HTTP/1.0\r\n\r\n', b'GET /varz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
        b'GET http://x/healthz HTTP/1.0\r\n\r\n', b'GET /varz HTTP/1.0\r\nBad Header: x\r\n\r\n',
        b'GET /healthz HTTP/1.0\n\n', b'GET /%76arz HTTP/1.0\r\n\r\n', b'GET /varz\r\n\r\n',
        b'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n']

CLI_FILES = {'ok.conf': 'port: -1\nhttp: "127.0.0.1:-1"\n', 'bad.conf': 'port: [\n',
             'unknown.conf': 'nope: 1\n', 'warn.conf': 'port: -1\nhttp_port: "x"\n',
             'users.conf': 'port: -1\nauthorization {users: [{user: a, password: b}]}\n',
             'empty.conf': '', 'pid.txt': 'x\n', 'dup.conf':
             'port: -1\naccounts {A {users: [{user: a, password: b}]},'
             ' B {users: [{user: a, password: c}]}}\n',
             'noauth.conf': 'port: -1\nno_auth_user: zz\n'}


# No -sl without a pid: it would signal whatever server runs on this machine.
def command_lines():
    lines = '''
-nope|--nope|-nope=1|--|x|help|version|start|-v|--version|-version|-h|-help|--help|--help_tls
-v -nope|-p|-p x|-p 99999999999999999999|-p 70000|-p -2|--port|-port=x|-p=|-p ""|-m x|-m|-a
-t|-t -c ok.conf|-t -c bad.conf|-t -c unknown.conf|-t -c none.conf|-t -c warn.conf|-c none.conf
-c bad.conf|-c unknown.conf|-c|-t -c empty.conf|-c .|-t=true -c ok.conf|-t=x|-t=false -t -c ok.conf
-t x|-D=maybe|-D=1 -t -c ok.conf|-DV -t -c ok.conf|-DVX|-VV -t -c ok.conf|-VVV|-T=x
-sl|-sl stop=x|-sl stop=999999999|-sl=stop=pid.txt|-sl reload=none.pid|-sl nope=1|--signal
--signal nope=999999999|-sl reload=99999999999999999999|-sl nope=999999999
--user|--user a -p -1 -a 127.0.0.1|--pass b -p -1 -a 127.0.0.1|--user a --pass b -p -1 -a 127.0.0.1
--auth t -p -1 -a 127.0.0.1|--user a --auth t -p -1 -a 127.0.0.1|-a 127.0.0.1:x -p -1
-t -c dup.conf|-t -c noauth.conf|-c noauth.conf|-c dup.conf|-c ok.conf -a 256.0.0.1 -p -1
-m -1 -ms -1 -a 127.0.0.1 -p -1|-ms 0 -m 0 -p -1 -a 127.0.0.1|-ms -1 -p -1 -a 127.0.0.1
--tls -p -1 -a 127.0.0.1|--tlscert x -p -1 -a 127.0.0.1|--tls --tlscert x -p -1 -a 127.0.0.1
--tls --tlscert x --tlskey y -p -1 -a 127.0.0.1|--tlsverify -p -1 -a 127.0.0.1
-p -1 -a 127.0.0.1 -P none/x|-p -1 -a 127.0.0.1 -l none/x|-p -1 -a 127.0.0.1 --ports_file_dir none
-p -1 -a 127.0.0.1 -n "a b"|--server_name "a b" -p -1 -a 127.0.0.1|-p -1 -a 127.0.0.1 -n ""
--client_advertise x -p -1 -a 127.0.0.1|--client_advertise x:y -p -1 -a 127.0.0.1
-p -1 -a 127.0.0.1 --max_traced_msg_len x|--log_size_limit x|--log_size_limit 1 -t -c ok.conf
--logtime=x|-p -1 -a 127.0.0.1 x y|-p -1 -a 127.0.0.1 -DV|-p -1 -a 127.0.0.1 -T=false
-p -1 -a 127.0.0.1 --config|-c ok.conf extra|-c ok.conf -c bad.conf -t|-c bad.conf -c ok.conf -t
-p=-1 --addr=127.0.0.1|--net 127.0.0.1 --port -1|-=x|---p|-p=1=2|--=|-t -c ok.conf -p 0
-p -1 -a 127.0.0.1 --user "" --pass ""|-t -a 127.0.0.1|-r x -t -c ok.conf|-t -c users.conf
-p -1 -a 127.0.0.1 -D -V -T --logtime_utc|-s=false -t -c ok.conf|-t -c ./ok.conf|-t -t -c ok.conf'''
    import shlex
    result = [(shlex.split(x), {}) for row in lines.strip().split('\n') for x in row.split('|')]
    result += [(['-t', '-c', 'ok.conf'], {'NATS_STARTUP_HEALTHCHECK': 'healthz'}),
               (['-p', '-1', '-a', '127.0.0.1'], {'NATS_LOGGING': 'x'})]
    return result


HELLO = b'CONNECT {"verbose":false,"protocol":1}\r\n'
A1 = b'CONNECT {"verbose":false,"protocol":1,"user":"a","pass":"p"}\r\n'
B1 = b'CONNECT {"verbose":false,"protocol":1,"user":"b","pass":"p"}\r\n'
SUBS = b'SUB foo 1\r\nSUB bar 2\r\nSUB foo q 3\r\n'
SUBS2 = SUBS.replace(b' q ', b' q2 ')     # who of a group gets it is a matter of chance
USERS = 'authorization {users: [{user: a, password: p%s}, {user: b, password: p}]}\n'
TWO = 'accounts {A {users: [{user: a, password: p}]}, B {users: [{user: b, password: p}]}}\n'


def reload_row(before, after, clients=(HELLO + SUBS,), **more):
    return dict(before=before, after=after, clients=list(clients), **more)


PUBS = [b'PUB foo 1\r\nx\r\nPING\r\n', b'PUB bar 70\r\n' + b'y' * 70 + b'\r\nPING\r\n']
RELOAD_VARZ = ('max_connections', 'max_payload', 'max_control_line', 'max_subscriptions',
               'ping_interval', 'ping_max', 'auth_required', 'auth_timeout', 'connections',
               'max_pending', 'write_deadline', 'tls_timeout', 'lame_duck_mode')
RELOADS = {
    'same': reload_row('', ''),
    'comment': reload_row('debug: false\n', '# x\ndebug: false\n'),
    'max_payload': reload_row('', 'max_payload: 64\n', then=PUBS),
    'max_payload-up': reload_row('max_payload: 64\n', 'max_payload: 100\n', then=PUBS),
    'max_subs': reload_row('', 'max_subscriptions: 2\n', then=[b'SUB x 9\r\nPING\r\n']),
    'max_control_line': reload_row('', 'max_control_line: 40\n',
                                   then=[b'SUB ' + b'x' * 50 + b' 9\r\nPING\r\n']),
    'token-on': reload_row('', 'authorization {token: t}\n'),
    'token-change': reload_row('authorization {token: t}\n', 'authorization {token: u}\n',
                               [b'CONNECT {"auth_token":"t","verbose":false}\r\n' + SUBS]),
    'token-off': reload_row('authorization {token: t}\n', '',
                            [b'CONNECT {"auth_token":"t","verbose":false}\r\n' + SUBS]),
    'user-on': reload_row('', USERS % '', [A1 + SUBS]),
    'user-off': reload_row(USERS % '', '', [A1 + SUBS, B1 + SUBS2], then=PUBS),
    'password': reload_row(USERS % '', USERS % 'x', [A1 + SUBS, B1 + SUBS2], then=PUBS),
    'user-gone': reload_row(USERS % '', 'authorization {users: [{user: b, password: p}]}\n',
                            [A1 + SUBS, B1 + SUBS2], then=PUBS),
    'perm-sub': reload_row(USERS % '', USERS % ', permissions: {subscribe: "bar"}',
                           [A1 + SUBS, B1 + SUBS2], then=PUBS),
    'perm-pub': reload_row(USERS % '', USERS % ', permissions: {publish: {deny: "foo"}}',
                           [A1 + SUBS, B1 + SUBS2], then=PUBS),
    'perm-default': reload_row(USERS % '', (USERS % '').replace(
        'users', 'default_permissions: {publish: "bar"}, users'), [A1 + SUBS], then=PUBS),
    'perm-queue': reload_row(USERS % '', USERS % ', permissions: {subscribe: {deny: "foo q"}}',
                             [A1 + SUBS, B1 + SUBS2], then=PUBS),
    'to-accounts': reload_row(USERS % '', TWO, [A1 + SUBS, B1 + SUBS2], then=PUBS),
    'accounts-swap': reload_row(TWO, TWO.replace('user: a', 'user: z').replace(
        'user: b', 'user: a').replace('user: z', 'user: b'), [A1 + SUBS, B1 + SUBS2], then=PUBS),
    'account-gone': reload_row(TWO, 'accounts {A {users: [{user: a, password: p}]}}\n',
                               [A1 + SUBS, B1 + SUBS2], then=PUBS),
    'account-limits': reload_row(TWO, TWO.replace('A {', 'A {limits {max_subs: 1, max_payload: 10,'
                                                  ' max_conn: 1},'), [A1 + SUBS, B1 + SUBS2],
                                 then=PUBS + [b'SUB x 9\r\nPING\r\n']),
    'account-mappings': reload_row(TWO, TWO.replace('A {', 'A {mappings {foo: bar},'),
                                   [A1 + SUBS, B1 + SUBS2], then=PUBS),
    'account-rename': reload_row(TWO, TWO.replace('A {', 'C {'), [A1 + SUBS, B1 + SUBS2],
    then=PUBS),
    'mappings-on': reload_row('', 'mappings {foo: bar}\n', then=PUBS),
    'mappings-off': reload_row('mappings {foo: bar}\n', '', then=PUBS),
    'connections': reload_row('', 'max_connections: 1\n'),
    'connections-0': reload_row('', 'max_connections: 0\n'),
    'name': reload_row('server_name: a\n', 'server_name: b\n'),
    'port': reload_row('', 'port: 4999\n'),
    'host': reload_row('', 'host: "127.0.0.2"\n'),
    'advertise': reload_row('', 'client_advertise: "me:1234"\n'),
    'debug': reload_row('', 'debug: true\n'),
    'ping': reload_row('', 'ping_interval: "1m", ping_max: 5\n'),
    'write_deadline': reload_row('', 'write_deadline: "1s"\n'),
    'max_pending': reload_row('', 'max_pending: 1000000\n'),
    'lame_duck': reload_row('', 'lame_duck_duration: "3m"\n'),
    'no-headers': reload_row('', 'no_header_support: true\n'),
    'syntax': reload_row('', 'port: [\n'),
    'unknown': reload_row('', 'nope: 1\n'),
    'no_auth_user': reload_row(TWO, TWO + 'no_auth_user: a\n', [A1 + SUBS]),
    'no_auth_user-gone': reload_row(TWO + 'no_auth_user: a\n', TWO, [HELLO + SUBS, A1 + SUBS]),
    'no_auth_user-moves': reload_row(TWO + 'no_auth_user: a\n', TWO + 'no_auth_user: b\n',
                                     [HELLO + SUBS, A1 + SUBS], then=PUBS),
    'auth-timeout': reload_row('authorization {token: t, timeout: 2}\n',
                               'authorization {token: t, timeout: 3}\n',
                               [b'CONNECT {"auth_token":"t","verbose":false}\r\n' + SUBS]),
    'sub-tokens': reload_row('', 'max_sub_tokens: 2\n', then=[b'SUB a.b.c 9\r\nPING\r\n']),
    'system_account': reload_row(TWO, TWO + 'system_account: A\n', [B1 + SUBS2]),
    'disable_sublist_cache': reload_row('', 'disable_sublist_cache: true\n'),
    'max_closed': reload_row('', 'max_closed_clients: 2\n'),
    'trace': reload_row('', 'trace: true\n'),
    'logtime': reload_row('', 'logtime: true\n'),
    'no_stall': reload_row('', 'no_fast_producer_stall: true\n'),
    'http-off': reload_row('', 'http_base_path: "/x"\n'),
    'ws-on': reload_row('', WS),
    'ws-change': reload_row(WS, WS.replace('no_tls', 'compression: true, no_tls')),
    'tags': reload_row('', 'server_tags: [a, b]\n'),
    'connect_error_reports': reload_row(
        '', 'connect_error_reports: 5, reconnect_error_reports: 2\n'),
    'max_traced': reload_row('', 'max_traced_msg_len: 10\n'),
}
