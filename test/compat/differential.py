#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Play the same to nats-server and to myelin, and show where they answer differently.

Usage: differential.py --peer NATS-SERVER --myelin MYELIN [--seed N] [--cases N] [--only PART]

Parts: wire (generated client scripts, per configuration), http (odd requests to the monitoring
port), cli (odd command lines), reload (changed files under live connections). Identities, times
and versions are normalised; what differs on purpose (docs/differences.md) is in EXPECTED. A case
that differs is played again with longer waits before it counts. A development tool: the peer is
no part of the tests. Exit code 1: something differed.
"""
import argparse
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

import differential_rows as rows

OWN_INFO = ('server_id', 'server_name', 'version', 'go', 'host', 'port', 'client_id', 'git_commit',
            'nonce', 'xkey', 'api_lvl')
OWN_KEYS = {'cid', 'port', 'start', 'last_activity', 'stop', 'uptime', 'idle', 'rtt', 'server_id',
            'now', 'version', 'pending_bytes', 'num_cache', 'cache_hit_rate', 'total', 'stalls',
            'num_matches', 'num_inserts', 'num_removes', 'max_fanout', 'avg_fanout',
            'update_time'}
SERVICES = {'imports', 'exports', 'num_subscriptions', 'feature_flags', 'myelin_version'}
COUNTERS = ('connections', 'total_connections', 'in_msgs', 'out_msgs', 'in_bytes', 'out_bytes',
            'slow_consumers', 'stale_connections')


class Server:
    """One of the two, on free ports of 127.0.0.1 in a folder of its own."""

    def __init__(self, binary, config, folder, name):
        self.folder = os.path.join(folder, name)
        os.makedirs(self.folder, exist_ok=True)
        self.conf = os.path.join(self.folder, 't.conf')
        self.log_path = os.path.join(self.folder, 'log')
        self.name = name
        self.write(config)
        self.log = open(self.log_path, 'wb')
        self.process = subprocess.Popen(
            [binary, '-c', 't.conf', '-a', '127.0.0.1', '-p', '-1', '-m', '-1',
             '--ports_file_dir', '.'], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)
        self.ports = self._wait_ports()

    def write(self, config):
        with open(self.conf, 'w', encoding='utf-8') as f:
            f.write(config)

    def _wait_ports(self):
        give_up = time.monotonic() + 10
        while time.monotonic() < give_up:
            for name in os.listdir(self.folder):
                if name.endswith('_%d.ports' % self.process.pid):
                    try:
                        with open(os.path.join(self.folder, name), encoding='utf-8') as f:
                            found = json.load(f)
                        return {k: urllib.parse.urlsplit(v[0]).port for k, v in found.items() if v}
                    except ValueError:
                        pass        # not written to its end yet
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise SystemExit('%s does not start:\n%s' % (self.name, self.log_text()[-2000:]))

    def log_text(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as f:
            return f.read()

    def wait_log(self, pattern, start):
        """The log from start on, once pattern is in it or three seconds have passed."""
        give_up = time.monotonic() + 3
        while True:
            text = self.log_text()[start:]
            if re.search(pattern, text) or time.monotonic() > give_up:
                return text
            time.sleep(0.01)

    def http(self, path, raw=None):
        """(status, headers, body) of a request; raw: these bytes instead of a GET."""
        data = b''
        with socket.create_connection(('127.0.0.1', self.ports['monitoring']), 5) as s:
            try:
                s.sendall(raw or b'GET %s HTTP/1.0\r\n\r\n' % path.encode())
                while True:
                    more = s.recv(65536)
                    if not more:
                        break
                    data += more
            except OSError:
                pass
        head, _, body = data.partition(b'\r\n\r\n')
        lines = head.decode('latin-1').split('\r\n')
        headers = dict((k.lower(), v.strip()) for k, _, v in
                       (line.partition(':') for line in lines[1:]))
        return lines[0], headers, body.decode('utf-8', 'replace')

    def json(self, path):
        try:
            return json.loads(self.http(path)[2])
        except ValueError:
            return {}

    def stop(self):
        self.process.terminate()
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.log.close()
        return code


class Connection:
    """A client's end: sends bytes, collects what comes until it is quiet."""

    def __init__(self, port):
        self.got = b''
        self.closed = False
        self.sock = socket.create_connection(('127.0.0.1', port), 5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local = self.sock.getsockname()[1]

    def receive(self, quiet, until=None):
        """Read until the end, until nothing came for quiet seconds, or until(new bytes)."""
        start = len(self.got)
        while not self.closed:
            self.sock.settimeout(quiet)
            try:
                data = self.sock.recv(1 << 18)
            except TimeoutError:
                return
            except OSError:
                data = b''
            if not data:
                self.closed = True
                return
            self.got += data
            if until and until(self.got[start:]):
                return

    def send(self, data):
        try:
            self.sock.settimeout(5)
            self.sock.sendall(data)
        except OSError:
            pass

    def close(self):
        self.sock.close()


def normal_value(value):
    if isinstance(value, dict):
        own = OWN_KEYS if 'account_name' not in value else OWN_KEYS | {'subscriptions'}
        return {k: ('own' if k in own else normal_value(v)) for k, v in value.items()
                if k not in SERVICES}
    if isinstance(value, list):
        items = [normal_value(v) for v in value if not is_service(v)]
        return sorted(items, key=json.dumps)
    return value


def is_service(value):
    """A subscription of nats-server's own, for the services under $SYS."""
    return isinstance(value, dict) and 'cid' in value and \
        value.get('subject', '').startswith(('$SYS.', '_R_.')) and value['subject'] != '$SYS.>'


def normal_info(match):
    try:
        info = json.loads(match.group(1))
    except ValueError:
        return match.group(0)
    for key in OWN_INFO:
        info.pop(key, None)
    return b'INFO %s\r\n' % json.dumps(info, sort_keys=True).encode()


def normal_stream(data, websocket=False):
    if websocket:
        data = re.sub(rb'\x82(~..)?(?=INFO)', b'<frame>', data, flags=re.S)
        data = re.sub(rb'INFO (\{.*?\})\s*\r\n', normal_info, data)
        return data
    data = re.sub(rb'INFO (\{.*?\}) *\r\n', normal_info, data)
    return data.replace(b'PING\r\n', b'')


def play(server, script, quiet):
    """What a script's connections get, and what monitoring tells of them."""
    conns, result = {}, {}
    port = server.ports['websocket' if script['websocket'] else 'nats']
    before = server.json('/varz')
    for step in script['steps']:
        kind, name = step[0], step[1]
        if kind == 'open':
            conns[name] = Connection(port)
            if not script['websocket']:
                conns[name].receive(1, lambda d: d.endswith(b'\r\n'))
            continue
        c = conns[name]
        pieces = step[2]
        for i, piece in enumerate(pieces):
            c.send(piece)
            if i + 1 < len(pieces):
                time.sleep(0.001)
        c.receive(quiet, step[3])
    for c in conns.values():
        c.receive(quiet)
    for name, c in conns.items():
        result[name] = normal_stream(c.got, script['websocket']), 'closed' if c.closed else 'open'
    connz = server.json('/connz?state=any&subs=detail&auth=1&limit=4096')
    by_port = {x['port']: x for x in connz.get('connections', [])
               if x['cid'] > script['cids'].get(server.name, 0)}
    script['cids'][server.name] = max([x['cid'] for x in connz.get('connections', [])] or [0])
    for name, c in conns.items():
        result['connz ' + name] = normal_value(by_port.get(c.local))
    subs = server.json('/subsz?subs=1&limit=4096')
    result['subsz'] = normal_value(subs.get('subscriptions_list', []))
    for c in conns.values():
        c.close()
    give_up = time.monotonic() + 3
    while True:
        varz = server.json('/varz')
        if varz.get('connections') == 0 or time.monotonic() > give_up:
            break
        time.sleep(0.003)
    result['varz'] = {k: varz.get(k, 0) - (before.get(k, 0) if k != 'connections' else 0)
                      for k in COUNTERS}
    return result


# ---- generating ----

def subject(r):
    if r.random() < 0.75:
        return r.choice(rows.SUBJECTS)
    return r.choice(rows.ODD_SUBJECTS)


def space(r):
    return b' ' if r.random() < 0.85 else r.choice([b'  ', b'\t', b' \t ', b'   '])


def case(r, verb):
    return verb if r.random() < 0.8 else r.choice([verb.lower(), verb.title(), verb.swapcase()])


def line_end(r):
    return b'\r\n' if r.random() < 0.97 else r.choice([b'\n', b' \r\n', b'\r\r\n', b'\t\r\n'])


def payload(r):
    size = r.choice([0, 1, 2, 5, 5, 5, 10, 20, 64, 65])
    return bytes(r.choice(b'abc \r\n\0PING') for _ in range(size))


def sized(r, n):
    return b'%d' % (n if r.random() < 0.97 else max(0, n + r.choice([-1, 1, 2, -2])))


def make_pub(r):
    p = payload(r)
    words = [case(r, b'PUB'), subject(r)]
    if r.random() < 0.35:
        words.append(r.choice(rows.REPLIES))
    words.append(sized(r, len(p)))
    return space(r).join(words) + line_end(r) + p + b'\r\n'


def make_hpub(r):
    h = r.choice(rows.HEADERS)
    p = payload(r)
    words = [case(r, b'HPUB'), subject(r)]
    if r.random() < 0.35:
        words.append(r.choice(rows.REPLIES))
    words += [sized(r, len(h)), sized(r, len(h) + len(p))]
    return space(r).join(words) + line_end(r) + h + p + b'\r\n'


def make_sub(r):
    words = [case(r, b'SUB'), subject(r)]
    if r.random() < 0.3:
        words.append(r.choice(rows.QUEUES))
    words.append(r.choice(rows.SIDS))
    return space(r).join(words) + line_end(r)


def make_unsub(r):
    words = [case(r, b'UNSUB'), r.choice(rows.SIDS)]
    if r.random() < 0.5:
        words.append(r.choice(rows.MAXIMA))
    return space(r).join(words) + line_end(r)


def make_connect(r):
    return b'CONNECT ' + r.choice(rows.CONNECTS) + line_end(r)


def make_command(r, users):
    roll = r.random()
    if roll < 0.36:
        return make_pub(r)
    if roll < 0.46:
        return make_hpub(r)
    if roll < 0.72:
        return make_sub(r)
    if roll < 0.84:
        return make_unsub(r)
    if roll < 0.90:
        return r.choice([b'PING\r\n', b'PONG\r\n', b'ping\r\n', b'PING \r\n', b'+OK\r\n'])
    if roll < 0.93:
        return connect_line(r, users)
    if roll < 0.95:
        return make_connect(r)
    if roll < 0.975:
        return r.choice(rows.ODD_LINES)
    return r.choice([b'\r\n', b'+OK\r\n', b'PING\r\n'])


def mutate(r, data):
    out = bytearray(data)
    for _ in range(r.randint(1, 2)):
        at = r.randrange(len(out) + 1)
        roll = r.random()
        if roll < 0.3:
            del out[at:at + r.randint(1, 3)]
        elif roll < 0.7:
            out[at:at + r.randint(0, 1)] = r.choice(rows.ODD_BYTES)
        elif roll < 0.85:
            out[at:at] = out[max(0, at - 6):at]
        else:
            del out[at:]
    return bytes(out)


def connect_line(r, users):
    fields = {'verbose': r.random() < 0.2, 'pedantic': r.random() < 0.2,
              'headers': r.random() < 0.7, 'protocol': r.choice([0, 1, 1, 1])}
    fields['no_responders'] = fields['headers'] and r.random() < 0.6
    if r.random() < 0.2:
        fields['echo'] = False
    if r.random() < 0.3:
        fields.update(name='n', lang='py', version='1')
    fields.update(r.choice(users))
    return b'CONNECT ' + json.dumps(fields).encode() + b'\r\n'


def split(r, data):
    if r.random() < 0.8 or len(data) < 2:
        return [data]
    cuts = sorted(r.randrange(1, len(data)) for _ in range(r.randint(1, 4)))
    return [data[a:b] for a, b in zip([0] + cuts, cuts + [len(data)]) if a < b]


def frame(r, data):
    mask = bytes(r.randrange(256) for _ in range(4))
    head = b'\x82' if r.random() < 0.95 else r.choice([b'\x81', b'\x02', b'\x80', b'\x89', b'\x8a',
                                                      b'\x83', b'\xc2', b'\x92', b'\x88'])
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b'\xfe' + len(data).to_bytes(2, 'big')
    return head + size + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(data))


PONG_END = (lambda d: d.endswith(b'PONG\r\n'))


def make_script(r, config, index, cids):
    users = config['users']
    websocket = config.get('websocket', False)
    names = 'abc'[:r.choice([1, 2, 2, 3])]
    wrap = (lambda d: frame(r, d)) if websocket else (lambda d: d)
    steps = []
    for n in names:
        steps.append(('open', n))
        if websocket:
            steps.append(('send', n, [rows.UPGRADE], lambda d: b'INFO' in d and d[-1:] == b'\n'))
        if r.random() < 0.97:
            steps.append(('send', n, [wrap(connect_line(r, users) + b'PING\r\n')], None
                          if websocket else (lambda d: b'PONG\r\n' in d)))
    for _ in range(r.randint(2, 7)):
        n = r.choice(names)
        data = b''.join(make_command(r, users) for _ in range(r.randint(1, 4)))
        if r.random() < 0.12:
            data = mutate(r, data)
        pieces = split(r, wrap(data)) + [wrap(b'PING\r\n')]
        steps.append(('send', n, pieces, PONG_END))
    return {'steps': steps, 'websocket': websocket, 'index': index, 'cids': cids}


# ---- comparing ----

def expected(script):
    """Known and kept: see docs/differences.md."""
    sent = b''.join(p for s in script['steps'] if s[0] == 'send' for p in s[2])
    return rows.has_nul_subject(sent)


def differences(theirs, ours):
    """The keys that differ. nats-server does not count what came before an error in one read."""
    keys = [k for k in theirs if theirs[k] != ours[k]]
    if all(v[1] == 'open' for v in theirs.values() if isinstance(v, tuple)):
        return keys
    return [k for k in keys if isinstance(theirs[k], tuple) or
            without_input(theirs[k]) != without_input(ours[k])]


def without_input(value):
    return {k: v for k, v in value.items() if k not in ('in_msgs', 'in_bytes')} \
        if isinstance(value, dict) else value


def compare(pair, script):
    """Play, and again with longer waits while something differs."""
    for quiet in (0.03, 0.15, 0.5):
        theirs, ours = (play(s, script, quiet) for s in pair)
        keys = [] if expected(script) else differences(theirs, ours)
        if not keys or pair[1].process.poll() is not None:
            break
    return theirs, ours, keys


def shrink(pair, script):
    """The script without what the difference does not need."""
    best = script
    for at in range(len(script['steps']) - 1, -1, -1):
        step = best['steps'][at]
        tries = [best['steps'][:at] + best['steps'][at + 1:]]
        if step[0] == 'send' and not script['websocket']:
            whole = b''.join(step[2])
            lines = whole.split(b'\r\n')[:-1]
            tries += [best['steps'][:at] +
                      [('send', step[1], [b'\r\n'.join(lines[:i] + lines[i + 1:]) + b'\r\n'],
                        step[3])] + best['steps'][at + 1:] for i in range(len(lines))]
        if step[0] == 'open':
            tries = []
        for steps in tries:
            again = dict(best, steps=steps)
            if pair[1].process.poll() is None and compare(pair, again)[2]:
                best = again
                break
    return best


def show(script, theirs, ours, keys):
    for step in script['steps']:
        print('   ', step[0], step[1], step[2] if len(step) > 2 else '')
    for k in keys:
        a, b = theirs[k], ours[k]
        if isinstance(a, dict) and isinstance(b, dict):
            a, b = ({x: y for x, y in p.items() if q.get(x) != y} for p, q in ((a, b), (b, a)))
        print('  %s\n    peer: %s\n    ours: %s' % (k, a, b))


def run_wire(args, folder, report):
    for number, (name, config) in enumerate(rows.CONFIGS.items()):
        if args.config and name != args.config:
            continue
        r = random.Random(args.seed * 1000 + number)
        where = os.path.join(folder, name)
        pair = [Server(args.peer, config['text'], where, 'peer'),
                Server(args.myelin, config['text'], where, 'ours')]
        cids, differing = {}, 0
        for index in range(args.cases):
            script = make_script(r, config, index, cids)
            theirs, ours, keys = compare(pair, script)
            if keys:
                differing += 1
                print('--- wire %s seed %d case %d' % (name, args.seed, index), flush=True)
                if args.shrink:
                    script = shrink(pair, script)
                    theirs, ours, keys = compare(pair, script)
                show(script, theirs, ours, keys)
                if pair[1].process.poll() is not None:
                    print('myelin ended: %s' % pair[1].log_text()[-3000:])
                    break
                if differing >= args.stop:
                    break
        codes = [s.stop() for s in pair]
        if codes[0] != codes[1]:
            print('--- wire %s: exit codes %s' % (name, codes))
            differing += 1
        report(name, differing)


def run_http(args, folder, report):
    text = rows.CONFIGS['accounts']['text']
    pair = [Server(args.peer, text, os.path.join(folder, 'http'), 'peer'),
            Server(args.myelin, text, os.path.join(folder, 'http'), 'ours')]
    conns = []
    for s in pair:
        for _ in range(2):
            c = Connection(s.ports['nats'])
            c.send(b'CONNECT {"user":"a1","pass":"p","verbose":false}\r\nSUB foo.* 1\r\nPING\r\n')
            c.receive(2, lambda d: d.endswith(b'PONG\r\n'))
            conns.append(c)
    differing = 0
    for row in rows.HTTP:
        raw = row if isinstance(row, bytes) else None
        answers = [s.http(row, raw) for s in pair]
        seen = [normal_http(a) for a in answers]
        if seen[0] != seen[1]:
            differing += 1
            print('--- http %r\n  peer: %s\n  ours: %s' % (row, *seen_difference(*seen)))
    for c in conns:
        c.close()
    for s in pair:
        s.stop()
    report('http', differing)


def seen_difference(a, b):
    if isinstance(a[2], dict) and isinstance(b[2], dict):
        keys = [k for k in {**a[2], **b[2]} if a[2].get(k, '-') != b[2].get(k, '-')]
        return [(x[0], x[1], {k: x[2].get(k, 'absent') for k in keys}) for x in (a, b)]
    return [str(x)[:600] for x in (a, b)]


OWN_TOP = {'server_id', 'server_name', 'now', 'version', 'start', 'uptime', 'mem', 'cpu', 'cores',
           'gomaxprocs', 'gomemlimit', 'go', 'git_commit', 'port', 'http_port', 'config_load_time',
           'xkey', 'host_id', 'id', 'name', 'system_account', 'trusted_operators_jwt', 'host',
           'slow_consumer_stats', 'stale_connection_stats', 'http_req_stats', 'connect_urls',
           'config_digest', 'num_cache', 'cache_hit_rate', 'leafs', 'leafnodes', 'metadata'}


def normal_http(answer):
    status, headers, body = answer
    keep = {k: headers.get(k) for k in ('content-type', 'access-control-allow-origin', 'allow',
                                        'location')}
    try:
        value = json.loads(body)
    except ValueError:
        return status.split(' ', 1)[-1], keep, body
    if isinstance(value, dict):
        value = {k: ('own' if k in OWN_TOP else normal_value(v)) for k, v in value.items()
                 if k not in SERVICES and k != 'subscriptions'}
    return status.split(' ', 1)[-1], keep, value


def run_cli(args, folder, report):
    differing = 0
    for n, (line, env) in enumerate(rows.command_lines()):
        seen = []
        for name, binary in (('peer', args.peer), ('ours', args.myelin)):
            where = os.path.join(folder, 'cli', name)
            os.makedirs(where, exist_ok=True)
            for file, content in rows.CLI_FILES.items():
                with open(os.path.join(where, file), 'w', encoding='utf-8') as f:
                    f.write(content)
            seen.append(run_line(binary, line, env, where))
        if seen[0] != seen[1]:
            differing += 1
            print('--- cli %s %s\n  peer: %s\n  ours: %s' % (line, env or '', *seen))
    report('cli', differing)


def run_line(binary, line, env, where):
    """Exit code and texts; a line that starts a server: its INFO-level lines, then stopped."""
    process = subprocess.Popen([binary] + line, cwd=where, env=dict(os.environ, **env),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, errors='replace')
    try:
        out, err = process.communicate(timeout=1.2)
        code = process.returncode
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=5)
            code = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            code = 'killed'
    return code, normal_text(out, binary), normal_text(err, binary)


def normal_text(text, binary):
    lines = []
    for line in text.split('\n'):
        line = re.sub(r'^\[\d+\] (\d\S+ \S+ )?', '', line).replace(binary, 'BINARY')
        line = line.replace(os.path.basename(binary) + ':', 'nats-server:')
        if re.search(r'\] +(Version|Myelin|Git|Go build|Name|ID|Node|Starting nats|Using conf|GOMAX'
                     r'|Created system|Cores|Trusted|Host)', line):
            continue
        line = re.sub(r'127\.0\.0\.1:\d+|pid \d+|sha256:\w+', 'X', line)
        lines.append(line)
    return lines


def run_reload(args, folder, report):
    differing = 0
    for name, row in rows.RELOADS.items():
        seen = []
        for who, binary in (('peer', args.peer), ('ours', args.myelin)):
            server = Server(binary, row['before'], os.path.join(folder, 'reload-' + name), who)
            seen.append(play_reload(server, row))
            server.stop()
        keys = differences(*seen)
        if keys:
            differing += 1
            print('--- reload %s' % name)
            for k in keys:
                print('  %s\n    peer: %s\n    ours: %s' % (k, seen[0][k], seen[1][k]))
    report('reload', differing)


def play_reload(server, row):
    conns = []
    for lines in row['clients']:
        c = Connection(server.ports['nats'])
        c.send(lines + b'PING\r\n')
        c.receive(1, lambda d: b'PONG\r\n' in d)
        c.receive(0.05)
        conns.append(c)
    start = len(server.log_text())
    server.write(row['after'])
    server.process.send_signal(signal.SIGHUP)
    log = server.wait_log('Reloaded server|Failed to reload|Unable to reload', start)
    for c in conns:
        c.receive(0.15)
    for lines in row.get('then', [b'PING\r\n']):
        for c in conns:
            c.send(lines)
            c.receive(0.1)
    fresh = Connection(server.ports['nats'])
    fresh.receive(0.15)
    fresh.send(row['clients'][0] + b'PING\r\n')
    fresh.receive(0.15)
    result = {str(i): (sorted(normal_stream(c.got).split(b'\r\n')), c.closed)
              for i, c in enumerate(conns + [fresh])}
    result['log'] = sorted(re.sub(r'^\[\d+\] \S+ \S+ |sha256:\w+|:\d+ - cid:\d+', '', line)
                           for line in log.split('\n') if 'cid:' not in line and
                           not line.endswith(('Reloaded: accounts', 'authorization users',
                                              'config has no values or is empty')))
    connz = server.json('/connz?state=any&subs=1&auth=1&sort=cid')
    result['connz'] = normal_value(connz)
    varz = server.json('/varz')
    result['varz'] = {k: varz.get(k) for k in rows.RELOAD_VARZ}
    for c in conns + [fresh]:
        c.close()
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--peer', required=True)
    parser.add_argument('--myelin', required=True)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--cases', type=int, default=100, help='per configuration')
    parser.add_argument('--only', choices=['wire', 'http', 'cli', 'reload'])
    parser.add_argument('--config', choices=list(rows.CONFIGS), help='for wire')
    parser.add_argument('--stop', type=int, default=20, help='differing cases per configuration')
    parser.add_argument('--shrink', action='store_true', help='drop what a difference needs not')
    args = parser.parse_args()
    args.peer, args.myelin = os.path.abspath(args.peer), os.path.abspath(args.myelin)
    totals = {}
    parts = {'wire': run_wire, 'http': run_http, 'cli': run_cli, 'reload': run_reload}
    with tempfile.TemporaryDirectory() as folder:
        for part, run in parts.items():
            if args.only in (None, part):
                run(args, folder, totals.__setitem__)
    print(', '.join('%s: %d differ' % item for item in totals.items()))
    return 1 if any(totals.values()) else 0


if __name__ == '__main__':
    sys.exit(main())
