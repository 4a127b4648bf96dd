#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_snapshot.py - backups and restores, from outside.

    python3 test/compat/test_snapshot.py --server build/myelin [--peer PATH]... [--only TEXT]

Restores the snapshots of real servers in test/data, its own, and damaged ones; kills the server in
the middle. Streams go back and forth between this server and each peer; without --peer these are
nats-server 2.15.1 and 2.11.8, which go install gets. Last line: "N passed, N failed"; exit status 1
when any failed."""
import argparse
import base64
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import toolchain

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DATA = ROOT / 'test' / 'data'
DEADLINE_S = 20
CHUNK = 64 * 1024
PEERS = ('v2.15.1', 'v2.11.8')
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def until(condition, what, seconds=DEADLINE_S):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f'not within {seconds} s: {what}'
        time.sleep(0.01)


class Server:
    """A server with JetStream in a folder of its own."""

    def __init__(self, binary, config=''):
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='snapshot-'))
        self.conf = self.folder / 'server.conf'
        self.conf.write_text(f'jetstream {{ store_dir: "{self.folder}/js" }}\n'
                             f'ports_file_dir: "{self.folder}"\n{config}')
        self.start()

    def start(self):
        with open(self.folder / 'log', 'ab') as log:
            self.process = subprocess.Popen(
                [self.binary, '-a', '127.0.0.1', '-p', '-1', '-c', self.conf],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ports = until(self.read_ports, 'the ports file')
        self.port = int(ports['nats'][0].rsplit(':', 1)[1])

    def read_ports(self):
        assert self.process.poll() is None, self.log()
        for path in self.folder.glob(f'*_{self.process.pid}.ports'):
            try:
                return json.loads(path.read_text())
            except ValueError:
                return None     # not written to its end yet
        return None

    def log(self):
        return (self.folder / 'log').read_text(errors='replace')

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(timeout=DEADLINE_S) in (0, 1), self.log()
        if kind is None:
            shutil.rmtree(self.folder)


class Message:
    def __init__(self, subject, reply, header, body):
        self.subject, self.reply, self.header, self.body = subject, reply, header, body


class Client:
    """A connection that reads messages in order."""

    made = 0

    def __init__(self, port):
        Client.made += 1
        self.prefix = f'ib{Client.made}'
        self.sock = socket.create_connection(('127.0.0.1', port), DEADLINE_S)
        self.rest = b''
        self.count = 0
        self.send(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
                  b'SUB %s.* 1\r\n' % self.prefix.encode())
        self.sync()

    def send(self, data):
        self.sock.sendall(data)

    def more(self):
        got = self.sock.recv(1 << 20)
        assert got, 'the server closed the connection'
        self.rest += got

    def line(self):
        while b'\r\n' not in self.rest:
            self.more()
        line, self.rest = self.rest.split(b'\r\n', 1)
        return line.decode(errors='replace')

    def take(self, size):
        while len(self.rest) < size + 2:
            self.more()
        body, self.rest = self.rest[:size], self.rest[size + 2:]
        return body

    def message(self, seconds=DEADLINE_S):
        """The next message."""
        self.sock.settimeout(seconds)
        while True:
            line = self.line()
            word = line.split(' ')
            if word[0] == 'MSG':
                body = self.take(int(word[-1]))
                return Message(word[1], word[3] if len(word) == 5 else '', b'', body)
            if word[0] == 'HMSG':
                body = self.take(int(word[-1]))
                cut = int(word[-2])
                return Message(word[1], word[3] if len(word) == 6 else '', body[:cut], body[cut:])
            if word[0] == 'PING':
                self.send(b'PONG\r\n')
            assert word[0] != '-ERR', line

    def sync(self):
        self.send(b'PING\r\n')
        while self.line() != 'PONG':
            pass

    def publish(self, subject, body, reply='', header=''):
        if isinstance(body, str):
            body = body.encode()
        if header:
            head = f'NATS/1.0\r\n{header}\r\n\r\n'.encode()
            self.send(f'HPUB {subject} {reply} {len(head)} {len(head) + len(body)}\r\n'.encode() +
                      head + body + b'\r\n')
        else:
            self.send(f'PUB {subject} {reply} {len(body)}\r\n'.encode() + body + b'\r\n')

    def inbox(self):
        self.count += 1
        return f'{self.prefix}.{self.count}'

    def request(self, subject, body=b'', header=''):
        inbox = self.inbox()
        self.publish(subject, body, inbox, header)
        while True:
            m = self.message()
            if m.subject == inbox:
                return m

    def api(self, call, body=''):
        if not isinstance(body, str):
            body = json.dumps(body)
        return json.loads(self.request(f'$JS.API.{call}', body).body)

    def good(self, call, body=''):
        answer = self.api(call, body)
        assert 'error' not in answer, (call, answer)
        return answer


# ---- what a backup tool does ----

def backup(client, stream, **options):
    """(answer of the request, all bytes)."""
    deliver = f'chunks.{client.inbox()}'
    answer = client.good(f'STREAM.SNAPSHOT.{stream}', {'deliver_subject': deliver, **options})
    client.send(f'SUB {deliver} 9\r\n'.encode())
    data = []
    while True:
        m = client.message()
        if not m.body:
            break
        data.append(m.body)
        if m.reply:
            assert re.fullmatch(rf'\$JS\.SNAPSHOT\.ACK\.{stream}\.\w+\.{len(m.body)}\.\d+', m.reply)
            client.publish(m.reply, b'')
    client.send(b'UNSUB 9\r\n')
    client.sync()
    assert not m.header or m.header == b'NATS/1.0 204\r\n\r\n', m.header
    return answer, b''.join(data)


def begin_restore(client, answer):
    name = answer['config']['name']
    got = client.api(f'STREAM.RESTORE.{name}', {'config': answer['config'],
                                                'state': answer.get('state', {})})
    return got


def send_chunks(client, deliver, data, chunk=CHUNK):
    """The error, or None."""
    for at in range(0, len(data), chunk):
        got = client.request(deliver, data[at:at + chunk])
        if got.body:
            return json.loads(got.body)
    return None


def restore(client, answer, data, chunk=CHUNK):
    """The last answer."""
    got = begin_restore(client, answer)
    if 'error' in got:
        return got
    error = send_chunks(client, got['deliver_subject'], data, chunk)
    if error:
        return error
    return json.loads(client.request(got['deliver_subject'], b'').body)


def restored(client, answer, data, chunk=CHUNK):
    got = restore(client, answer, data, chunk)
    assert 'error' not in got, got
    return got


def contents(client, stream):
    """{seq: (subject, header, body, time)} of all messages."""
    state = client.good(f'STREAM.INFO.{stream}')['state']
    out = {}
    for seq in range(state['first_seq'], state['last_seq'] + 1):
        got = client.api(f'STREAM.MSG.GET.{stream}', {'seq': seq})
        if 'error' not in got:
            m = got['message']
            out[seq] = (m['subject'], m.get('hdrs', ''), m.get('data', ''), m['time'])
    return out


def state_of(client, stream):
    state = client.good(f'STREAM.INFO.{stream}', {'deleted_details': True})['state']
    return state


def consumer_facts(client, stream):
    out = {}
    for one in client.good(f'CONSUMER.LIST.{stream}')['consumers']:
        config = {k: v for k, v in one['config'].items() if k not in ('metadata', 'name')}
        pairs = {k: (one[k]['consumer_seq'], one[k]['stream_seq'])
                 for k in ('delivered', 'ack_floor')}
        counts = {k: one[k] for k in ('num_ack_pending', 'num_redelivered', 'num_pending')}
        out[one['name']] = (config, pairs, counts)
    return out


def pull(client, stream, consumer, count):
    """Fetch messages: their reply subjects."""
    inbox = client.inbox()
    client.publish(f'$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}',
                   json.dumps({'batch': count, 'no_wait': True}), inbox)
    return [client.message() for _ in range(count)]


def fill(client, messages=200):
    """A stream with headers, gaps, empty and large messages, and consumers with progress."""
    client.good('STREAM.CREATE.ORDERS', {'name': 'ORDERS', 'subjects': ['orders.>'],
                                         'description': 'with "quotes"', 'max_age': 10**15})
    for i in range(messages):
        header = f'Nats-Msg-Id: id{i}\r\nOther: {i}' if i % 3 == 0 else ''
        body = os.urandom(3000) if i % 10 == 0 else b'' if i % 7 == 0 else f'body {i}'.encode()
        ack = json.loads(client.request(f'orders.{i % 5}', body, header).body)
        assert ack['seq'] == i + 1, ack
    for seq in (1, 2, 9, 50, 51, 52, messages):
        client.good('STREAM.MSG.DELETE.ORDERS', {'seq': seq})
    for name, more in {'work': {}, 'new': {'deliver_policy': 'new'},
                       'some': {'filter_subject': 'orders.1', 'max_deliver': 3}}.items():
        client.good(f'CONSUMER.DURABLE.CREATE.ORDERS.{name}', {
            'stream_name': 'ORDERS',
            'config': {'durable_name': name, 'ack_policy': 'explicit', 'ack_wait': 10**12, **more}})
    got = pull(client, 'ORDERS', 'work', 10)
    for i in (0, 1, 4, 7):
        client.request(got[i].reply, b'+ACK')
    client.request(pull(client, 'ORDERS', 'some', 2)[0].reply, b'-NAK')
    pull(client, 'ORDERS', 'some', 1)


def same(one, other, stream='ORDERS', last=True):
    """Both servers hold the same; last: the time of the last sequence, too, which nats-server does
    not keep when its message is deleted."""
    ours, theirs = state_of(one, stream), state_of(other, stream)
    if not last:
        ours['last_ts'] = theirs['last_ts']
    for key in ('messages', 'bytes', 'first_seq', 'first_ts', 'last_seq', 'last_ts', 'num_deleted',
                'num_subjects', 'deleted', 'consumer_count'):
        assert ours.get(key) == theirs.get(key), (key, ours, theirs)
    assert contents(one, stream) == contents(other, stream)
    ours, theirs = consumer_facts(one, stream), consumer_facts(other, stream)
    assert ours == theirs, f'{ours}\n{theirs}'


# ---- tests ----

ORDERS = {'name': 'ORDERS', 'subjects': ['orders.>']}


def check_fixture(args, name):
    """Both have the same facts; proto's unit tests show them, too."""
    with Server(args.server) as server:
        client = Client(server.port)
        data = (DATA / name).read_bytes()
        got = restored(client, {'config': ORDERS}, data, chunk=100)
        assert got['type'] == 'io.nats.jetstream.api.v1.stream_create_response'
        state = state_of(client, 'ORDERS')
        assert (state['messages'], state['first_seq'], state['last_seq']) == (10, 2, 14), state
        assert state['bytes'] == 2652, state
        assert state['deleted'] == [5, 13, 14], state
        all_of = contents(client, 'ORDERS')
        assert sorted(all_of) == [2, 3, 4, 6, 7, 8, 9, 10, 11, 12]
        subject, header, body, when = all_of[2]
        assert (subject, base64.b64decode(body)) == ('orders.2', b'second')
        assert b'\r\nKind: test\r\n' in base64.b64decode(header)
        assert when == state['first_ts'] and all_of[12][3] <= state['last_ts']
        assert base64.b64decode(all_of[3][2]) == b'repeated text ' * 150
        facts = consumer_facts(client, 'ORDERS')
        config, pairs, counts = facts['worker']
        assert pairs == {'delivered': (6, 8), 'ack_floor': (3, 4)}, pairs
        assert counts == {'num_ack_pending': 3, 'num_redelivered': 0, 'num_pending': 4}, counts
        config, pairs, counts = facts['mailer']
        assert config['filter_subject'] == 'orders.1' and counts['num_pending'] == 1, facts
        got = json.loads(client.request('orders.new', b'x').body)
        assert got['seq'] == 15, got
        return state


@test
def snapshot_of_2_15_1(args):
    check_fixture(args, 'snapshot-2.15.1.arc.s2')


@test
def snapshot_of_2_11_8(args):
    check_fixture(args, 'snapshot-2.11.8.tar.s2')


def check_keys(args, name):
    """A limit of one message per subject removes without a trace in the blocks."""
    keys = {'name': 'KEYS', 'subjects': ['k.>']}
    with Server(args.server) as server:
        client = Client(server.port)
        restored(client, {'config': keys}, (DATA / name).read_bytes(), 100)
        state = state_of(client, 'KEYS')
        assert (state['messages'], state['bytes'], state['first_seq'], state['last_seq']) == (
            5, 263, 7, 13), state
        assert sorted(contents(client, 'KEYS')) == [7, 9, 10, 12, 13]


@test
def keys_of_2_9_25(args):
    """Each block has an index of its own."""
    check_keys(args, 'snapshot-2.9.25.tar.s2')


@test
def keys_of_2_11_8(args):
    """One index, after the blocks."""
    check_keys(args, 'snapshot-2.11.8-deleted.tar.s2')


@test
def round_trip(args):
    """All sizes of chunks and windows; what comes back is what was there, also after a restart."""
    with Server(args.server) as server, Server(args.server) as other:
        client, second = Client(server.port), Client(other.port)
        fill(client)
        for chunk, window in ((0, 0), (1024, 1024), (1024, 10240), (4096, 100), (10**9, 10**9)):
            answer, data = backup(client, 'ORDERS', chunk_size=chunk, window_size=window)
            assert answer['state']['messages'] == 193, answer
            restored(second, answer, data, chunk=7777)
            same(client, second)
            second.good('STREAM.DELETE.ORDERS')
        restored(second, answer, data)
        other.kill()
        other.start()
        second = Client(other.port)
        same(client, second)


@test
def delivery_goes_on(args):
    """A restored consumer delivers what is next; what was pending comes back."""
    with Server(args.server) as server:
        client = Client(server.port)
        fill(client)
        client.good('CONSUMER.DURABLE.CREATE.ORDERS.work', {
            'stream_name': 'ORDERS',
            'config': {'durable_name': 'work', 'ack_policy': 'explicit', 'ack_wait': 10**9}})
        answer, data = backup(client, 'ORDERS')
        client.good('STREAM.DELETE.ORDERS')
        restored(client, answer, data)
        inbox = client.inbox()
        client.publish('$JS.API.CONSUMER.MSG.NEXT.ORDERS.work',
                       json.dumps({'batch': 189, 'expires': 10**10}), inbox)
        got = [client.message() for _ in range(189)]
        seqs = {int(m.reply.split('.')[5]): int(m.reply.split('.')[4]) for m in got}
        assert len(seqs) == 189, len(seqs)
        assert sorted(s for s, n in seqs.items() if n == 2) == [5, 6, 8, 10, 12, 13], seqs
        assert all(s > 13 for s, n in seqs.items() if n == 1), seqs


@test
def without_consumers(args):
    with Server(args.server) as server:
        client = Client(server.port)
        fill(client)
        answer, data = backup(client, 'ORDERS', no_consumers=True)
        client.good('STREAM.DELETE.ORDERS')
        restored(client, answer, data)
        assert consumer_facts(client, 'ORDERS') == {}


@test
def large(args):
    """Many windows, while messages come and go: those of the beginning, but for the removed."""
    with Server(args.server) as server:
        client = Client(server.port)
        client.good('STREAM.CREATE.BIG', {'name': 'BIG', 'subjects': ['big']})
        for i in range(400):
            client.publish('big', os.urandom(65536), client.inbox())
        for i in range(400):
            assert b'error' not in client.message().body
        writer = Client(server.port)
        answer, data = backup(client, 'BIG', chunk_size=65536, window_size=131072)
        assert len(data) > 400 * 65536
        writer.good('STREAM.PURGE.BIG')
        client.good('STREAM.DELETE.BIG')
        restored(client, answer, data, chunk=500000)
        state = state_of(client, 'BIG')
        assert (state['messages'], state['last_seq']) == (400, 400), state


@test
def removed_while_sent(args):
    """What goes while a snapshot waits for acknowledgements is left out; the rest is whole."""
    with Server(args.server) as server:
        client, writer = Client(server.port), Client(server.port)
        client.good('STREAM.CREATE.BIG', {'name': 'BIG', 'subjects': ['big']})
        for i in range(40):
            client.request('big', os.urandom(65536))
        client.send(b'SUB chunks 9\r\n')
        answer = client.good('STREAM.SNAPSHOT.BIG', {'deliver_subject': 'chunks',
                                                     'chunk_size': 131072, 'window_size': 131072})
        first = client.message()
        writer.good('STREAM.PURGE.BIG', {'seq': 31})
        writer.request('big', b'not in it')
        client.publish(first.reply, b'')
        data = first.body
        while True:
            m = client.message()
            if not m.body:
                break
            data += m.body
            if m.reply:
                client.publish(m.reply, b'')
        client.send(b'UNSUB 9\r\n')
        client.good('STREAM.DELETE.BIG')
        restored(client, answer, data)
        state = state_of(client, 'BIG')
        assert state['last_seq'] == 40 and state['messages'] < 20, state
        assert {n for n in contents(client, 'BIG')} >= set(range(31, 41))


@test
def no_acknowledgement(args):
    with Server(args.server) as server:
        client = Client(server.port)
        client.good('STREAM.CREATE.BIG', {'name': 'BIG', 'subjects': ['big']})
        client.request('big', os.urandom(65536))
        client.send(b'SUB chunks 9\r\n')
        client.good('STREAM.SNAPSHOT.BIG', {'deliver_subject': 'chunks', 'chunk_size': 1024,
                                            'window_size': 4096})
        assert [len(client.message().body) for _ in range(4)] == [1024] * 4
        end = client.message()
        assert end.header == b'NATS/1.0 408 No Flow Response\r\n\r\n' and not end.body, end.header


@test
def receiver_gone(args):
    """Told to whoever listens by a wildcard."""
    with Server(args.server) as server:
        client, other = Client(server.port), Client(server.port)
        client.good('STREAM.CREATE.BIG', {'name': 'BIG', 'subjects': ['big']})
        client.request('big', os.urandom(65536))
        client.send(b'SUB chunks 9\r\n')
        other.send(b'SUB chunk* 1\r\nSUB *.ks 2\r\nSUB > 3\r\n')
        other.sync()
        client.good('STREAM.SNAPSHOT.BIG', {'deliver_subject': 'chunks', 'chunk_size': 1024,
                                            'window_size': 4096})
        assert [len(client.message().body) for _ in range(4)] == [1024] * 4
        client.send(b'UNSUB 9\r\n')
        while True:
            m = other.message()
            if m.subject == 'chunks' and m.header:
                break
        assert m.header == b'NATS/1.0 408 No Interest\r\n\r\n', m.header


def names(client):
    return client.good('STREAM.NAMES')['streams'] or []


@test
def damaged(args):
    """Cut off or with a flipped bit anywhere: an error and no stream; what was there stays."""
    with Server(args.server) as server:
        client = Client(server.port)
        for name in ('snapshot-2.15.1.arc.s2', 'snapshot-2.11.8.tar.s2'):
            data = (DATA / name).read_bytes()
            for cut in (0, 1, 9, 11, 100, len(data) // 2, len(data) - 1):
                got = restore(client, {'config': ORDERS}, data[:cut])
                assert got['error']['err_code'] == 10062, (cut, got)
                assert names(client) == []
            restored(client, {'config': ORDERS}, data)
            whole = contents(client, 'ORDERS')
            client.good('STREAM.DELETE.ORDERS')
            for at in range(12, len(data), len(data) // 40):
                bad = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]
                got = restore(client, {'config': ORDERS}, bad)
                if 'error' not in got:          # a copy of the same zeros from elsewhere
                    assert contents(client, 'ORDERS') == whole, (name, at)
                    client.good('STREAM.DELETE.ORDERS')
                    continue
                assert got['error']['err_code'] == 10062, (at, got)
                assert names(client) == []
        account = client.good('INFO')
        assert account['storage'] == 0 and account['streams'] == 0, account
        assert client.good('STREAM.CREATE.ORDERS', ORDERS)['state']['messages'] == 0


@test
def refused(args):
    """Requests that can't be met, with nats-server's codes."""
    with Server(args.server) as server:
        client = Client(server.port)
        code = lambda got: got['error']['err_code']
        assert code(client.api('STREAM.RESTORE.ORDERS')) == 10003
        assert code(client.api('STREAM.RESTORE.ORDERS', '{"config":')) == 10025
        assert code(client.api('STREAM.RESTORE.ORDERS', {'config': {'name': 'OTHER'}})) == 10056
        assert code(client.api('STREAM.RESTORE.ORDERS', {'config': ORDERS, 'x': 1})) == 10025
        many = {**ORDERS, 'num_replicas': 3}
        assert code(client.api('STREAM.RESTORE.ORDERS', {'config': many})) == 10074
        client.good('STREAM.CREATE.ORDERS', ORDERS)
        assert code(client.api('STREAM.RESTORE.ORDERS', {'config': ORDERS})) == 10130
        assert code(client.api('STREAM.SNAPSHOT.X', {'deliver_subject': 'x'})) == 10059
        assert code(client.api('STREAM.SNAPSHOT.ORDERS')) == 10003
        assert code(client.api('STREAM.SNAPSHOT.ORDERS', {'deliver_subject': 'x.*'})) == 10015
        assert code(client.api('STREAM.SNAPSHOT.ORDERS', {'no_consumers': True})) == 10015
        # Subjects of a stream that is there: told at the chunk that would begin the stream.
        got = restore(client, {'config': {**ORDERS, 'name': 'O2'}},
                      (DATA / 'snapshot-2.15.1.arc.s2').read_bytes())
        assert code(got) == 10062 and 'overlap' in got['error']['description'], got
        got = restore(client, {'config': {'name': 'O2', 'subjects': ['x']}},
                      (DATA / 'snapshot-2.11.8.tar.s2').read_bytes())
        assert code(got) == 10062, got
        assert got['error']['description'] == 'restore failed: stream names do not match', got


@test
def name_taken_meanwhile(args):
    with Server(args.server) as server:
        client = Client(server.port)
        data = (DATA / 'snapshot-2.15.1.arc.s2').read_bytes()
        deliver = begin_restore(client, {'config': ORDERS})['deliver_subject']
        assert send_chunks(client, deliver, data, 200) is None
        assert names(client) == []
        client.good('STREAM.CREATE.ORDERS', ORDERS)
        client.request('orders.x', b'mine')
        got = json.loads(client.request(deliver, b'').body)
        assert got['error']['err_code'] == 10130, got
        assert state_of(client, 'ORDERS')['messages'] == 1


@test
def limits(args):
    """At the account's limit a restore works; one byte less and it is refused, and frees all."""
    data = (DATA / 'snapshot-2.15.1.arc.s2').read_bytes()
    for size, good in ((2652, True), (2651, False)):
        with Server(args.server, f'accounts {{ A {{ jetstream {{ max_file: {size} }}, '
                                 'users [ { user: a, password: a } ] } }\nno_auth_user: a\n') as s:
            client = Client(s.port)
            got = restore(client, {'config': ORDERS}, data)
            assert ('error' not in got) == good, (size, got)
            if not good:
                assert got['error']['err_code'] == 10047, got
                assert client.good('INFO')['storage'] == 0
    with Server(args.server) as server:
        client = Client(server.port)
        largest = 2100
        for size, good in ((largest, True), (largest - 1, False)):
            config = {**ORDERS, 'max_msg_size': size}
            got = restore(client, {'config': config}, data)
            assert ('error' not in got) == good, (size, got)
            if good:
                client.good('STREAM.DELETE.ORDERS')
        # A stream's own limits: what they don't allow is removed as when it came.
        got = restored(client, {'config': {**ORDERS, 'max_msgs': 4}}, data)
        assert got['state']['messages'] == 4 and got['state']['first_seq'] == 9, got


@test
def stalled(args):
    """Five seconds without a chunk end it; then nothing is left."""
    with Server(args.server) as server:
        client = Client(server.port)
        data = (DATA / 'snapshot-2.15.1.arc.s2').read_bytes()
        deliver = begin_restore(client, {'config': ORDERS})['deliver_subject']
        assert send_chunks(client, deliver, data, 100) is None
        until(lambda: 'is stalled' in server.log(), 'a log line')
        until(lambda: b'503' in client.request(deliver, b'x').header, 'nobody listens any more')
        assert client.good('INFO')['storage'] == 0


@test
def no_reply_subject(args):
    with Server(args.server) as server:
        client = Client(server.port)
        deliver = begin_restore(client, {'config': ORDERS})['deliver_subject']
        client.publish(deliver, b'x')
        until(lambda: 'requires reply subject' in server.log(), 'a log line')
        until(lambda: b'503' in client.request(deliver, b'x').header, 'nobody listens any more')


@test
def crash_in_the_middle(args):
    """Killed at any point of it, the server starts without the stream and with the others."""
    data = None
    with Server(args.server) as server:
        client = Client(server.port)
        client.good('STREAM.CREATE.OTHER', {'name': 'OTHER', 'subjects': ['other']})
        client.good('STREAM.CREATE.BIG', {'name': 'BIG', 'subjects': ['big']})
        for i in range(60):
            client.request('big', os.urandom(20000))
        answer, data = backup(client, 'BIG')
        client.good('STREAM.DELETE.BIG')
        for part in (1, len(data) // 3, len(data)):
            deliver = begin_restore(client, answer)['deliver_subject']
            assert send_chunks(client, deliver, data[:part]) is None
            # Durable: it stands behind what was restored.
            before = json.loads(client.request('other', b'x').body)['seq']
            server.kill()
            server.start()
            client = Client(server.port)
            assert names(client) == ['OTHER']
            assert state_of(client, 'OTHER')['messages'] == before
        restored(client, answer, data)
        server.kill()
        server.start()
        client = Client(server.port)
        assert sorted(names(client)) == ['BIG', 'OTHER']
        assert state_of(client, 'BIG')['messages'] == 60


def crc32c(data):
    """Masked, as the S2 format has it."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    crc ^= 0xffffffff
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def uvarint(n):
    out = b''
    while n >= 128:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def entry(name, seq, body, header=b''):
    return (uvarint(len(name)) + uvarint(2 * 10**18) + uvarint(seq) + uvarint(len(header)) +
            uvarint(len(body)) + name + header + body)


def archive(state, *entries):
    """As nats-server 2.15 writes it, in an S2 stream of one block that is not compressed."""
    data = (b'NATSARC1' + entry(b'state.json', 0, json.dumps(state).encode()) +
            b''.join(entries) + bytes(5))
    return (b'\xff\x06\x00\x00S2sTwO\x01' + (len(data) + 4).to_bytes(3, 'little') +
            crc32c(data).to_bytes(4, 'little') + data)


@test
def gap_of_any_length(args):
    """Costs nothing, neither in the restore nor at the next start."""
    with Server(args.server) as server:
        client = Client(server.port)
        far = 2**61
        data = archive({'first_seq': 1, 'last_seq': far + 5, 'consumer_count': 0},
                       entry(b'x', 1, b'one'), entry(b'x', far, b'two'))
        got = restored(client, {'config': {'name': 'X', 'subjects': ['x']}}, data)
        assert got['state']['num_deleted'] == far - 2 + 5, got
        server.kill()
        server.start()
        client = Client(server.port)
        state = client.good('STREAM.INFO.X')['state']
        assert (state['first_seq'], state['last_seq'], state['messages']) == (1, far + 5, 2), state
        assert 'lost' not in state
        assert json.loads(client.request('x', b'three').body)['seq'] == far + 6


@test
def wrong_archives(args):
    """Well-formed archives that contradict themselves; the texts are nats-server's."""
    config = {'config': {'name': 'X', 'subjects': ['x']}}
    consumer = lambda config, state: entry(b'consumers/C', 0, json.dumps(
        {'config': config, 'state': state}).encode())
    good = {'durable_name': 'C', 'name': 'C', 'ack_policy': 'explicit'}
    floor = {'consumer_seq': 1, 'stream_seq': 1}
    none = {'consumer_seq': 0, 'stream_seq': 0}
    one = entry(b'x', 1, b'one')
    rows = [
        ({'first_seq': -1}, [], 'error in state.json'),
        ({'first_seq': 5}, [one], 'message sequence 1 out of order'),
        ({'first_seq': 1}, [one, one], None),
        ({'first_seq': 1, 'consumer_count': 1}, [one], 'expected consumer, found "x"'),
        ({'first_seq': 1, 'consumer_count': 1}, [], 'expected consumer'),
        ({'first_seq': 1, 'consumer_count': 0}, [consumer(good, {})], 'expected message sequence'),
        ({'first_seq': 1, 'consumer_count': 1}, [consumer(None, {})], 'is missing config'),
        ({'first_seq': 1, 'consumer_count': 1}, [consumer(good, None)], 'is missing state'),
        ({'first_seq': 1, 'consumer_count': 1},
         [consumer(good, {'delivered': none, 'ack_floor': floor})], 'bad ack floor for consumer'),
        ({'first_seq': 1, 'consumer_count': 1},
         [consumer(good, {'delivered': floor, 'ack_floor': none,
                          'pending': {'9': {'Sequence': 1, 'Timestamp': 1}}})],
         'bad pending entry, sequence [9] out of range'),
        ({'first_seq': 1, 'consumer_count': 1},
         [consumer({**good, 'durable_name': 'D', 'name': 'D'}, {})], 'failed to add consumer "C"'),
        ({'first_seq': 1, 'consumer_count': 1},
         [consumer({**good, 'ack_policy': 'sometimes'}, {})], 'failed to add consumer "C"'),
        ({'first_seq': 1}, [entry(b'x y', 1, b'')], 'is not valid'),
        ({'first_seq': 1}, [entry(b'x', 2**63, b'')], None),
        ({'first_seq': 1}, [entry(b'x', 1, b'', b'NATS/1.0\r\nNats-TTL: soon\r\n\r\n')],
         'failed to parse message TTL'),
        ({'first_seq': 1, 'bytes': 2**62}, [one], 10047),
    ]
    with Server(args.server) as server:
        client = Client(server.port)
        for state, entries, text in rows:
            got = restore(client, config, archive(state, *entries))
            assert 'error' in got, (state, entries)
            if isinstance(text, int):
                assert got['error']['err_code'] == text, got
            elif text:
                assert text in got['error']['description'], (text, got)
            assert names(client) == []
        account = client.good('INFO')
        assert (account['storage'], account['reserved_storage']) == (0, 0), account
        restored(client, config, archive({'first_seq': 1}, one))


@test
def memory_stream(args):
    with Server(args.server) as server, Server(args.server) as other:
        client, second = Client(server.port), Client(other.port)
        fill(client)
        answer, data = backup(client, 'ORDERS')
        answer['config']['storage'] = 'memory'
        got = restored(second, answer, data)
        assert got['state']['messages'] == 193, got
        assert contents(client, 'ORDERS') == contents(second, 'ORDERS')
        answer, data = backup(second, 'ORDERS')
        second.good('STREAM.DELETE.ORDERS')
        restored(second, answer, data)
        assert contents(client, 'ORDERS') == contents(second, 'ORDERS')


def between(args, peer):
    """From the peer to us, and back again."""
    with Server(args.server) as server, Server(peer) as other:
        client, theirs = Client(server.port), Client(other.port)
        fill(theirs)
        answer, data = backup(theirs, 'ORDERS')
        restored(client, answer, data)
        same(theirs, client)
        if data[10:].find(b'NATSARC1') < 0:
            return                      # it can't read what we write
        answer, data = backup(client, 'ORDERS')
        theirs.good('STREAM.DELETE.ORDERS')
        restored(theirs, answer, data)
        same(theirs, client, last=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--server', required=True)
    parser.add_argument('--peer', action='append', default=[])
    parser.add_argument('--only', default='')
    args = parser.parse_args()
    args.server = str(pathlib.Path(args.server).resolve())
    passed = failed = 0
    if not args.peer:
        tools = toolchain.Toolchain(ROOT / '.cache' / 'compat')
        args.peer = [str(tools.nats_server(version)) for version in PEERS]
    for peer in args.peer:
        def function(given, binary=peer):
            between(given, binary)
        function.__name__ = f'between_this_and_{peer}'
        TESTS.append(function)
    for function in TESTS:
        if args.only not in function.__name__:
            continue
        try:
            function(args)
            passed += 1
        except Exception:                               # every test is to be told of
            failed += 1
            print(f'FAILED {function.__name__}\n{traceback.format_exc()}')
    print(f'{passed} passed, {failed} failed')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
