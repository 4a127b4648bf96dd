#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The monitoring port from outside: pages, options, errors, HTTPS, metrics, and its bounds.

    python3 test/compat/test_monitor.py --server build/myelin [--only TEXT] [--promtool PATH]

Starts servers on free ports. Needs openssl for the HTTPS tests and promtool (Debian's package
prometheus; tools/deps unpacks it) for the check of the metrics: without it that test fails."""
import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import traceback

import monitor_jetstream                    # adds its tests
from monitor_support import (DEADLINE_S, TESTS, Client, JsClient, Server, names, read_metrics, test,
                             until)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


# ---- pages ----

VARZ = '''server_id server_name version myelin_version proto go host port max_connections
    ping_interval ping_max http_host http_port http_base_path https_port auth_timeout
    max_control_line max_payload max_pending cluster gateway leaf mqtt websocket jetstream
    tls_timeout write_deadline start now uptime mem cores gomaxprocs cpu connections
    total_connections routes remotes leafnodes in_msgs in_bytes in_client_msgs in_client_bytes
    out_msgs out_bytes out_client_msgs out_client_bytes slow_consumers stale_connections
    stalled_clients subscriptions http_req_stats config_load_time config_digest system_account
    slow_consumer_stats stale_connection_stats disk_io_wait_stats'''.split()


@test
def varz(binary):
    with Server(binary) as s:
        v = s.json('/varz')
        assert list(v) == VARZ, list(v)
        assert v['max_payload'] == 1048576 and v['ping_interval'] == 120000000000
        assert v['connections'] == 0 and v['mem'] > 1 << 20 and v['cores'] >= 1
        assert v['http_req_stats'] == {'/varz': 1}, v['http_req_stats']
        assert v['slow_consumer_stats'] == dict.fromkeys(
            ['clients', 'routes', 'gateways', 'leafs'], 0)
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z', v['now']), v['now']
        c = Client(s, 'SUB a 1\r\nSUB b q 2\r\nPUB a 3\r\nxyz\r\n')
        v = s.json('/varz')
        assert (v['connections'], v['total_connections'], v['subscriptions']) == (1, 1, 2), v
        assert (v['in_msgs'], v['in_bytes'], v['out_msgs'], v['out_bytes']) == (1, 3, 1, 3), v
        c.close()
        until(lambda: s.json('/varz')['connections'] == 0, 'client gone')


@test
def varz_configured(binary):
    config = '''server_tags: ["x:1", "y"]
        server_metadata: {zone: "b", area: "a<"}
        max_subscriptions: 7
        write_timeout: close
        authorization { user: u, password: secretpw, timeout: 3.5 }
        websocket { listen: "127.0.0.1:-1", no_tls: true, compression: true, same_origin: true }
        '''
    with Server(binary, config) as s:
        v = s.json('/varz')
        assert v['tags'] == ['x:1', 'y'] and list(v['metadata']) == ['area', 'zone'], v
        assert v['max_subscriptions'] == 7 and v['write_timeout'] == 'close', v
        assert v['auth_required'] is True and v['auth_timeout'] == 3.5, v
        ws = v['websocket']
        assert ws['no_tls'] and ws['compression'] and ws['same_origin'] and ws['port'] > 0, ws
        assert v['config_digest'].startswith('sha256:'), v
        for path in '/varz', '/connz?auth=1', '/debug/vars', '/metrics', '/accountz?acc=$G':
            assert 'secretpw' not in s.request(path).body, path


CONNZ = '''cid kind type ip port start last_activity rtt uptime idle pending_bytes in_msgs out_msgs
    in_bytes out_bytes subscriptions name lang version'''.split()


@test
def connz(binary):
    with Server(binary) as s:
        empty = s.json('/connz')
        assert list(empty) == ['server_id', 'now', 'num_connections', 'total', 'offset', 'limit',
                               'connections'], list(empty)
        assert empty['connections'] == [] and empty['limit'] == 1024
        c = Client(s, 'SUB foo 1\r\nUNSUB 1 5\r\nSUB bar.* q 2\r\nPUB foo 2\r\nhi\r\n',
                   name='<&>', lang='py', version='1.0')
        one = s.json('/connz')['connections'][0]
        assert list(one) == CONNZ, list(one)
        assert (one['kind'], one['type'], one['ip'], one['name']) == ('Client', 'nats',
                                                                      '127.0.0.1', '<&>')
        assert one['port'] == c.socket.getsockname()[1]
        assert (one['in_msgs'], one['in_bytes'], one['out_msgs'], one['out_bytes']) == (1, 2, 1, 2)
        assert '\\u003c\\u0026\\u003e' in s.request('/connz').body
        subs = s.json('/connz?subs=1&auth=1')['connections'][0]
        assert sorted(subs['subscriptions_list']) == ['bar.*', 'foo']
        assert subs['name_tag'] == '$G' and 'account' not in subs
        detail = s.json('/connz?subs=detail')['connections'][0]['subscriptions_list_detail']
        detail.sort(key=lambda d: d['sid'])
        assert detail == [{'subject': 'foo', 'sid': '1', 'msgs': 1, 'max': 5, 'cid': one['cid']},
                          {'subject': 'bar.*', 'qgroup': 'q', 'sid': '2', 'msgs': 0,
                           'cid': one['cid']}], detail
        c.close()
        closed = until(lambda: s.json('/connz?state=closed&subs=detail')['connections'],
                       'closed connection')[0]
        assert closed['reason'] == 'Client Closed' and closed['stop'] >= closed['start'], closed
        assert closed['subscriptions_list_detail'][0]['account'] == '$G', closed


@test
def connz_sort_and_page(binary):
    with Server(binary) as s:
        clients = [Client(s, name=f'c{i}') for i in range(6)]
        for i, c in enumerate(clients):         # the later, the more
            c.send(f'SUB s{i} 1\r\n' + ''.join(f'SUB t{i}.{j} {j + 2}\r\n' for j in range(i)))
            c.send(f'PUB none {i}\r\n{"x" * i}\r\n' * (i + 1))
            c.sync()
        clients[2].send('PUB s0 4\r\nabcd\r\n' * 3 + 'PUB s1 100\r\n' + 'y' * 100 + '\r\n')
        clients[2].sync()
        until(lambda: sum(c['out_msgs'] for c in s.json('/connz')['connections']) == 4, 'delivery')

        def order(query):
            return names(s.json('/connz?' + query)['connections'])
        up = [f'c{i}' for i in range(6)]
        assert order('') == order('sort=cid') == order('sort=start') == up
        assert order('sort=subs') == up[::-1]
        assert order('sort=uptime') == up[::-1], order('sort=uptime')
        assert order('sort=msgs_to')[:2] == ['c0', 'c1']
        assert order('sort=bytes_to')[:2] == ['c1', 'c0']
        assert order('sort=msgs_from')[0] == 'c2', order('sort=msgs_from')
        assert order('sort=bytes_from')[0] == 'c2'
        assert order('sort=last')[0] == order('sort=idle')[-1]
        for sort in 'pending', 'rtt', 'idle':
            assert sorted(order('sort=' + sort)) == up, sort
        assert order('limit=2') == ['c0', 'c1'] and order('offset=4') == ['c4', 'c5']
        assert order('offset=1&limit=2&sort=subs') == ['c4', 'c3']
        huge = 9223372036854775807
        page = s.json(f'/connz?offset={huge}&limit={huge}')
        assert (page['num_connections'], page['total'], page['offset']) == (0, 6, huge), page
        assert s.json('/connz?offset=-3&limit=-3')['num_connections'] == 6
        cid = s.json('/connz')['connections'][3]['cid']
        one = s.json(f'/connz?cid={cid}&subs=1')
        assert names(one['connections']) == ['c3'] and one['limit'] == 1 and one['total'] == 6
        assert s.json('/connz?cid=99999')['connections'] == []
        clients[0].close()
        clients[5].close()
        until(lambda: s.json('/connz?state=closed')['total'] == 2, 'two closed')
        assert order('state=closed&sort=stop')[-1:] in (['c0'], ['c5'])
        reasons = names(s.json('/connz?state=closed&sort=reason')['connections'], 'reason')
        assert reasons == sorted(reasons) and len(reasons) == 2, reasons
        assert sorted(order('state=any')) == up and s.json('/connz?state=ALL')['total'] == 6
        first = s.json('/connz?state=closed')['connections'][0]['cid']
        assert names(s.json(f'/connz?state=all&cid={first}')['connections']) == ['c0']
        assert s.json(f'/connz?cid={first}')['connections'] == []


@test
def connz_accounts(binary):
    config = '''accounts {
        A { users: [{user: a, password: pa}] }
        B { users: [{user: b, password: pb}, {user: c, password: pc}] } }
        '''
    with Server(binary, config) as s:
        clients = [Client(s, user=u, **{'pass': 'p' + u}, name=u) for u in 'abc']
        assert names(s.json('/connz?acc=B')['connections']) == ['b', 'c']
        assert s.json('/connz?acc=B')['total'] == 2
        assert names(s.json('/connz?user=c')['connections']) == ['c']
        one = s.json('/connz?user=c&auth=1')['connections'][0]
        assert (one['authorized_user'], one['account'], one['name_tag']) == ('c', 'B', 'B'), one
        assert s.json('/connz?mqtt_client=x')['connections'] == []
        none = s.json('/connz?acc=nope')
        assert none['connections'] is None and none['server_id'] == '' and none['total'] == 0
        clients[1].close()
        until(lambda: s.json('/connz?state=closed&acc=B')['total'] == 1, 'closed in B')
        assert s.json('/connz?state=closed&acc=A')['total'] == 0
        assert s.json('/connz?state=closed&user=a')['connections'] == []


@test
def subsz(binary):
    config = 'accounts { A { users: [{user: a, password: p}] } }\nno_auth_user: a\n'
    with Server(binary, config) as s:
        clients = [Client(s, ''.join(f'SUB x.{i}.{j} {j}\r\n' for j in range(10)))
                   for i in range(30)]
        clients[0].send('SUB x.*.3 q 50\r\nUNSUB 50 4\r\n')
        clients[0].sync()
        z = s.json('/subsz')
        assert list(z) == '''server_id now num_subscriptions num_cache num_inserts num_removes
            num_matches cache_hit_rate max_fanout avg_fanout total offset limit'''.split(), list(z)
        assert (z['num_subscriptions'], z['num_inserts'], z['total']) == (301, 301, 0), z
        assert list(s.json('/subscriptionsz')) == list(z)
        every = s.json('/subsz?subs=1')['subscriptions_list']
        assert len(every) == 301 and s.json('/subsz?subs=1')['total'] == 301
        paged = []
        for offset in range(0, 301, 7):
            page = s.json(f'/subsz?subs=1&offset={offset}&limit=7')
            assert page['total'] == 301
            paged += page['subscriptions_list']
        assert sorted(map(str, paged)) == sorted(map(str, every))
        assert 'subscriptions_list' not in s.json('/subsz?subs=1&offset=301')
        assert 'subscriptions_list' not in s.json('/subsz?subs=1&offset=9223372036854775807')
        hit = s.json('/subsz?subs=1&test=x.7.3')
        assert sorted(d['subject'] for d in hit['subscriptions_list']) == ['x.*.3', 'x.7.3'], hit
        wild = next(d for d in hit['subscriptions_list'] if 'qgroup' in d)
        assert list(wild) == ['account', 'account_tag', 'subject', 'qgroup', 'sid', 'msgs', 'max',
                              'cid'] and wild['max'] == 4, wild
        assert s.json('/subsz?subs=1&test=x.7.3&limit=1')['total'] == 2
        assert s.json('/subsz?subs=1&acc=$G')['total'] == 0
        assert s.json('/subsz?acc=A')['num_subscriptions'] == 301
        s.refused('/subsz?test=foo.*', 'invalid test subject, must be valid publish subject: foo.*')


@test
def accounts(binary):
    config = '''accounts { A { users: [{user: a, password: p}], mappings: {x: y} } , B {} }
        mappings { m: [{destination: n, weight: 30%}] }
        no_auth_user: a
        '''
    with Server(binary, config) as s:
        z = s.json('/accountz')
        assert sorted(z['accounts']) == ['$G', '$SYS', 'A', 'B'] and z['system_account'] == '$SYS'
        assert s.json('/accstatz')['account_statz'] == []
        c = Client(s, 'SUB y 1\r\nPUB x 2\r\nhi\r\n')
        a = s.json('/accountz?acc=A')['account_detail']
        assert (a['client_connections'], a['subscriptions'], a['expired']) == (1, 1, False), a
        assert a['mappings'] == {'x': [{'subject': 'y', 'weight': 100}]}, a
        assert a['sublist_stats']['num_subscriptions'] == 1, a
        assert s.json('/accountz?acc=$SYS')['account_detail']['is_system'] is True
        assert s.json('/accountz?acc=$G')['account_detail']['mappings']['m'][0]['weight'] == 30
        s.refused('/accountz?acc=zz', 'Account zz does not exist')
        stat, = s.json('/accstatz')['account_statz']
        assert list(stat) == '''acc name conns leafnodes total_conns num_subscriptions sent received
            slow_consumers'''.split(), list(stat)
        assert (stat['acc'], stat['conns']) == ('A', 1), stat
        assert (stat['received']['msgs'], stat['sent']['bytes']) == (1, 2), stat
        assert stat['sent']['routes'] == {'msgs': 0, 'bytes': 0}
        assert len(s.json('/accstatz?unused=1')['account_statz']) == 4
        c.close()


@test
def parts_not_there(binary):
    with Server(binary, 'server_name: me\n') as s:
        r = s.json('/routez')
        assert list(r) == ['server_id', 'server_name', 'now', 'num_routes', 'routes'], r
        assert r['server_name'] == 'me' and r['routes'] == []
        assert s.json('/leafz')['leafs'] == [] and s.json('/leafz')['leafnodes'] == 0
        g = s.json('/gatewayz')
        assert g['outbound_gateways'] == {} and g['inbound_gateways'] == {}
        j = s.json('/jsz')
        assert j['disabled'] is True and j['config'] == {'max_memory': 0, 'max_storage': 0}, j
        s.refused('/jsz?leader-only=1', 'filtered response: not leader')
        assert s.json('/ipqueuesz') == {}
        s.refused('/raftz', 'No Raft nodes registered', 404)
        v = s.request('/debug/vars')
        assert v.status == 200 and json.loads(v.body)['memstats']['Sys'] > 0
        assert 'cmdline' not in v.body


@test
def healthz(binary):
    with Server(binary) as s:
        assert s.request('/healthz').body == '{"status":"ok"}'
        for query in ('details=1', 'js-enabled-only=1', 'js-server-only=1', 'js-enabled=true',
                      'js-meta-only=1', 'account=nope'):
            assert s.json('/healthz?' + query) == {'status': 'ok'}, query
        assert s.json('/healthz?stream=a', 400) == {
            'status': 'error', 'error': '"account" must not be empty when checking stream health'}
        assert s.json('/healthz?consumer=c&details=1', 400) == {
            'status': 'error', 'errors': [{
                'type': 'BAD_REQUEST',
                'error': '"stream" must not be empty when checking consumer health'}]}


@test
def bad_options(binary):
    def number(kind, name, function, value, why='invalid syntax'):
        return f"Error decoding {kind} for '{name}': strconv.{function}: parsing \"{value}\": {why}"
    with Server(binary) as s:
        for path, name in (('connz', 'auth'), ('connz', 'subs'), ('subsz', 'subs'),
                           ('accstatz', 'unused'), ('routez', 'subs'), ('gatewayz', 'accs'),
                           ('leafz', 'subs'), ('jsz', 'streams'), ('ipqueuesz', 'all'),
                           ('healthz', 'js-enabled'), ('healthz', 'details')):
            s.refused(f'/{path}?{name}=x', number('boolean', name, 'ParseBool', 'x'))
        s.refused('/connz?offset=x', number('int', 'offset', 'Atoi', 'x'))
        s.refused('/subsz?limit=99999999999999999999',
                  number('int', 'limit', 'Atoi', '99999999999999999999', 'value out of range'))
        s.refused('/connz?cid=-1', number('uint64', 'cid', 'ParseUint', '-1'))
        s.refused('/connz?state=foo', 'Error decoding state for foo')
        s.refused('/connz?sort=foo', 'invalid sorting option: foo')
        s.refused('/connz?sort=stop', 'sort by stop only valid on closed connections')
        s.refused('/connz?auth=%22%00', number('boolean', 'auth', 'ParseBool', '\\"\\x00'))
        assert s.json('/connz?limit=%zz&limit=3')['limit'] == 3
        assert s.json('/connz?limit=%2B3')['limit'] == 3


# ---- HTTP ----

@test
def http_paths_and_methods(binary):
    with Server(binary) as s:
        root = s.request('/')
        assert root.status == 200 and root.getheader('Content-Type') == 'text/html; charset=utf-8'
        for link in re.findall(r'href="\.(/[^"]*)"', root.body):
            assert s.request(link).status == (404 if link == '/raftz' else 200), link
        for path in '/nope', '/varz/', '/VARZ', '/stacksz', '/var%zz':
            r = s.request(path)
            assert r.status in (404, 400), path
        s.refused('/nope', '404 page not found\n', 404)
        assert s.request('/%76arz').status == 200
        for method in 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH':
            assert s.request('/healthz', method).body == '{"status":"ok"}', method
        head = s.request('/healthz', 'HEAD')
        assert head.body == '' and head.getheader('Content-Length') == '15', head.getheaders()
        assert head.getheader('Content-Type') == 'application/json'


@test
def http_base_path(binary):
    with Server(binary, 'http_base_path: "/mon/"\n') as s:
        assert s.request('/mon/varz').status == 200
        assert json.loads(s.request('/mon/varz').body)['http_base_path'] == '/mon'
        assert '"./mon/varz"' in s.request('/mon').body
        for path in '/varz', '/', '/mon/', '/monvarz', '/mon/mon/varz':
            assert s.request(path).status == 404, path


@test
def http_keeps_connections(binary):
    with Server(binary) as s:
        c = http.client.HTTPConnection('127.0.0.1', s.http_port, timeout=DEADLINE_S)
        for _ in range(50):
            c.request('GET', '/healthz')
            assert c.getresponse().read() == b'{"status":"ok"}'
        c.close()
        raw = socket.create_connection(('127.0.0.1', s.http_port), DEADLINE_S)
        raw.sendall(b'GET /healthz HTTP/1.0\r\n\r\n')
        answer = b''
        while chunk := raw.recv(4096):
            answer += chunk
        assert answer.startswith(b'HTTP/1.0 200') and answer.endswith(b'{"status":"ok"}'), answer


@test
def http_large_requests(binary):
    with Server(binary) as s:
        assert s.request('/healthz?x=' + 'y' * 30000).status == 200
        for junk in (b'GET /healthz?x=' + b'y' * 200000 + b' HTTP/1.1\r\n\r\n',
                     b'GET /healthz HTTP/1.1\r\n' + b'A: b\r\n' * 50000 + b'\r\n',
                     b'POST /healthz HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n',
                     b'\0\0\0\0\r\n\r\n', b'garbage\r\n\r\n'):
            raw = socket.create_connection(('127.0.0.1', s.http_port), DEADLINE_S)
            try:
                raw.sendall(junk)
                answer = raw.recv(4096)
            except ConnectionError:
                answer = b''
            assert not answer.startswith(b'HTTP/1.1 200'), junk[:40]
            raw.close()
        assert s.request('/healthz').status == 200


@test
def http_slow_clients_hold_up_nobody(binary):
    with Server(binary) as s:
        slow = []
        for _ in range(300):
            raw = socket.create_connection(('127.0.0.1', s.http_port), DEADLINE_S)
            raw.sendall(b'GET /varz HTTP/1.1\r\nX: ')
            slow.append(raw)
        for _ in range(5):
            assert s.request('/healthz').status == 200
        fds = len(os.listdir(f'/proc/{s.process.pid}/fd'))
        assert fds < 64 * 2 + 40, f'{fds} descriptors'
        for raw in slow:
            raw.settimeout(DEADLINE_S)
        end = time.monotonic() + 20             # the last of them: a request has 5 seconds
        for raw in slow:
            try:
                while time.monotonic() < end and raw.recv(4096):
                    pass
            except ConnectionError:
                pass
            assert time.monotonic() < end
            raw.close()
        until(lambda: len(os.listdir(f'/proc/{s.process.pid}/fd')) < 40, 'descriptors given back')


@test
def http_many_connections_listed(binary):
    with Server(binary) as s:
        clients = [Client(s, 'SUB a 1\r\n') for _ in range(700)]
        z = s.json('/connz?subs=1&limit=600')
        assert (z['num_connections'], z['total']) == (600, 700), z['total']
        assert len({c['cid'] for c in z['connections']}) == 600
        assert s.json('/subsz?subs=1&test=a')['total'] == 700
        for c in clients:
            c.close()


# ---- HTTPS ----

def make_certificate(folder, name):
    key, cert = f'{folder}/{name}.key', f'{folder}/{name}.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-subj',
                    f'/CN={name}', '-days', '30', '-addext', 'subjectAltName=IP:127.0.0.1'],
                   check=True, stderr=subprocess.DEVNULL)
    return cert, key


def https_get(server, path, cert):
    context = ssl.create_default_context(cafile=cert)
    c = http.client.HTTPSConnection('127.0.0.1', server.http_port, timeout=DEADLINE_S,
                                    context=context)
    c.request('GET', path)
    r = c.getresponse()
    body = r.read().decode()
    c.close()
    return r.status, body


@test
def https(binary):
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(folder, 'one')
        other, other_key = make_certificate(folder, 'two')
        config = 'tls {{ cert_file: "{}", key_file: "{}", ca_file: "{}", verify: true }}\n'
        with Server(binary, config.format(cert, key, cert), https=True) as s:
            for _ in range(10):                 # without a client certificate
                status, body = https_get(s, '/varz', cert)
                assert status == 200
            v = json.loads(body)
            assert v['tls_required'] and v['tls_verify'] and v['http_port'] == 0, v
            assert v['tls_cert_not_after'] > v['now'] and v['tls_timeout'] == 2, v
            plain = socket.create_connection(('127.0.0.1', s.http_port), DEADLINE_S)
            plain.sendall(b'GET /varz HTTP/1.1\r\n\r\n')
            assert not plain.recv(4096).startswith(b'HTTP/1.1 200')
            plain.close()
            s.reload(config.format(other, other_key, cert))
            until(lambda: 'Reloaded server configuration' in s.log_text(), 'reload')
            assert https_get(s, '/healthz', other)[0] == 200    # the new certificate


@test
def tls_connections(binary):
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(folder, 'one')
        config = (f'tls {{ cert_file: "{cert}", key_file: "{key}", ca_file: "{cert}", '
                  'verify: true }\n')
        with Server(binary, config) as s:
            raw = socket.create_connection(('127.0.0.1', s.port), DEADLINE_S)
            assert raw.recv(4096).startswith(b'INFO ')
            context = ssl.create_default_context(cafile=cert)
            context.load_cert_chain(cert, key)
            tls = context.wrap_socket(raw, server_hostname='127.0.0.1')
            tls.sendall(b'CONNECT {"verbose":false}\r\nPING\r\n')
            assert b'PONG' in tls.recv(4096) + tls.recv(4096)
            one = s.json('/connz?auth=1')['connections'][0]
            assert one['tls_version'] == '1.3', one
            assert one['tls_cipher_suite'].startswith('TLS_'), one
            peer, = one['tls_peer_certs']
            assert peer['subject'] == 'CN=one' and len(peer['cert_sha256']) == 64, peer
            assert 'tls_peer_certs' not in s.json('/connz')['connections'][0]
            tls.close()


# ---- metrics ----

@test
def metrics(binary):
    with Server(binary) as s:
        c = Client(s, 'SUB a 1\r\nPUB a 5\r\nhello\r\n')
        r = s.request('/metrics')
        assert r.getheader('Content-Type') == 'text/plain; version=0.0.4; charset=utf-8'
        m = read_metrics(r.body)
        account = 'account="$G"'
        for key, value in {
                ('nats_connections', ''): 1, ('nats_connections_opened_total', ''): 1,
                ('nats_connections_closed_total', ''): 0, ('nats_subscriptions', ''): 1,
                ('nats_received_messages_total', ''): 1, ('nats_received_bytes_total', ''): 5,
                ('nats_sent_messages_total', ''): 1, ('nats_sent_bytes_total', ''): 5,
                ('nats_account_connections', account): 1, ('nats_account_sent_bytes_total',
                                                           account): 5,
                ('nats_slow_consumers_total', 'reason="pending_bytes"'): 0,
                ('nats_http_requests_total', 'endpoint="/metrics"'): 1,
                ('nats_config_last_reload_successful', ''): 1}.items():
            assert m[key] == value, (key, m.get(key))
        assert m['process_resident_memory_bytes', ''] > 1 << 20
        assert m['process_cpu_seconds_total', ''] > 0
        assert abs(m['process_start_time_seconds', ''] - time.time()) < 60
        o = s.request('/metrics', headers={'Accept': 'application/openmetrics-text'})
        assert o.getheader('Content-Type').startswith('application/openmetrics-text; version=1.0.0')
        assert read_metrics(o.body, True).keys() == m.keys()
        c.close()
        until(lambda: read_metrics(s.request('/metrics').body)['nats_connections_closed_total', '']
              == 1, 'connection counted as closed')
        s.reload('no_such_option: 1\n')
        until(lambda: read_metrics(s.request('/metrics').body)[
            'nats_config_reloads_total', 'result="failure"'] == 1, 'failed reload')
        assert read_metrics(s.request('/metrics').body)[
            'nats_config_last_reload_successful', ''] == 0
        s.reload('debug: true\n')
        until(lambda: read_metrics(s.request('/metrics').body)[
            'nats_config_last_reload_successful', ''] == 1, 'good reload')


@test
def metrics_bound_accounts(binary):
    many = ''.join(f'A{i} {{ users: [{{user: u{i}, password: p}}] }}\n' for i in range(150))
    with Server(binary, f'accounts {{ {many} other {{}} }}\n') as s:
        clients = [Client(s, user=f'u{i}', **{'pass': 'p'}) for i in (0, 148, 149)]
        m = read_metrics(s.request('/metrics').body)
        series = {k[1]: v for k, v in m.items() if k[0] == 'nats_account_connections'}
        assert len(series) == 101, len(series)
        assert series['account="other"'] == 2 and series['account="A0"'] == 1, series
        for c in clients:
            c.close()


@test
def metrics_pass_promtool(binary):
    found = PROMTOOL or shutil.which('promtool', path=f'{ROOT}/.cache/tools/bin:'
                                     + os.environ['PATH'])
    assert found, 'no promtool: run tools/deps test'
    with Server(binary, monitor_jetstream.JETSTREAM) as s:
        c = JsClient(s)
        c.make_assets()
        p = subprocess.run([found, 'check', 'metrics'], input=s.request('/metrics').body.encode(),
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert p.returncode == 0 and not p.stdout, p.stdout.decode()
        c.close()


# ---- life ----

@test
def stops_with_requests_under_way(binary):
    s = Server(binary)
    open_ones = []
    for text in b'', b'GET /varz HTTP/1.1\r\n', b'GET /varz HTTP/1.1\r\n\r\n' * 20:
        raw = socket.create_connection(('127.0.0.1', s.http_port), DEADLINE_S)
        raw.sendall(text)
        open_ones.append(raw)
    s.stop()
    for raw in open_ones:
        raw.close()


@test
def port_in_use(binary):
    with Server(binary) as s:
        p = subprocess.run([binary, '-a', '127.0.0.1', '-p', '-1', '-m', str(s.http_port)],
                           stderr=subprocess.PIPE, timeout=DEADLINE_S)
        assert p.returncode == 1 and b'monitor port' in p.stderr, p.stderr


def main():
    global PROMTOOL
    parser = argparse.ArgumentParser()
    parser.add_argument('--server', required=True)
    parser.add_argument('--only', default='')
    parser.add_argument('--promtool')
    given = parser.parse_args()
    PROMTOOL = given.promtool
    binary = str(pathlib.Path(given.server).resolve())
    passed = failed = 0
    for function in TESTS:
        if given.only not in function.__name__:
            continue
        try:
            function(binary)
            passed += 1
        except Exception:
            failed += 1
            print(f'FAILED {function.__name__}')
            traceback.print_exc(file=sys.stdout)
    print(f'{passed} passed, {failed} failed')
    return failed != 0 or passed == 0


if __name__ == '__main__':
    sys.exit(main())
