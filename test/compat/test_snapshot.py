#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_snapshot.py - backups and restores, from outside.

    python3 test/compat/test_snapshot.py --server build/myelin [--peer PATH]... [--only TEXT]

Restores the snapshots of real servers in test/data, its own, and damaged ones; kills the server in
the middle. With --peer, a nats-server, streams go back and forth between the two as well: give a
2.15 and an older one. Last line: "N passed, N failed"; exit status 1 when any failed."""
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

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DATA = ROOT / 'test' / 'data'
DEADLINE_S = 20
CHUNK = 64 * 1024
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

    def __init__(self, port):
        self.sock = socket.create_connection(('127.0.0.1', port), DEADLINE_S)
        self.rest = b''
        self.count = 0
        self.send(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
                  b'SUB ib.* 1\r\n')
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

    def request(self, subject, body=b'', header=''):
        self.count += 1
        inbox = f'ib.{self.count}'
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
    deliver = f'ib.snap{client.count}'
    client.count += 1
    answer = client.good(f'STREAM.SNAPSHOT.{stream}', {'deliver_subject': deliver, **options})
    client.send(f'SUB {deliver} 9\r\n'.encode())
    data, last = b'', None
    while True:
        m = client.message()
        if not m.body:
            break
        if m.reply:
            assert re.fullmatch(rf'\$JS\.SNAPSHOT\.ACK\.{stream}\.\w+\.{len(m.body)}\.\d+', m.reply)
            client.publish(m.reply, b'')
        if m.subject != last or m.reply:
            data += m.body
    client.send(b'UNSUB 9\r\n')
    client.sync()
    assert not m.header or m.header == b'NATS/1.0 204\r\n\r\n', m.header
    return answer, data


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
        config = {k: v for k, v in one['config'].items() if k != 'metadata'}
        pairs = {k: (one[k]['consumer_seq'], one[k]['stream_seq'])
                 for k in ('delivered', 'ack_floor')}
        counts = {k: one[k] for k in ('num_ack_pending', 'num_redelivered', 'num_pending')}
        out[one['name']] = (config, pairs, counts)
    return out


def pull(client, stream, consumer, count):
    """Fetch messages: their reply subjects."""
    client.count += 1
    inbox = f'ib.{client.count}'
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


def same(one, other, stream='ORDERS'):
    """Both servers hold the same."""
    ours, theirs = state_of(one, stream), state_of(other, stream)
    for key in ('messages', 'bytes', 'first_seq', 'first_ts', 'last_seq', 'last_ts', 'num_deleted',
                'num_subjects', 'deleted', 'consumer_count'):
        assert ours.get(key) == theirs.get(key), (key, ours, theirs)
    assert contents(one, stream) == contents(other, stream)
    assert consumer_facts(one, stream) == consumer_facts(other, stream)


# ---- tests ----

def fixture(client, name, config):
    return restored(client, {'config': config}, (DATA / name).read_bytes())


ORDERS = {'name': 'ORDERS', 'subjects': ['orders.>']}


@test
def snapshot_of_2_15_1(args):
    with Server(args.server) as server:
        client = Client(server.port)
        got = fixture(client, 'snapshot-2.15.1.arc.s2', ORDERS)
        print(json.dumps(got['state']))
        print(consumer_facts(client, 'ORDERS'), contents(client, 'ORDERS'))


@test
def snapshot_of_2_11_8(args):
    with Server(args.server) as server:
        client = Client(server.port)
        got = fixture(client, 'snapshot-2.11.8.tar.s2', ORDERS)
        print(json.dumps(got['state']))
        print(consumer_facts(client, 'ORDERS'), contents(client, 'ORDERS'))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--server', required=True)
    parser.add_argument('--peer', action='append', default=[])
    parser.add_argument('--only', default='')
    args = parser.parse_args()
    args.server = str(pathlib.Path(args.server).resolve())
    passed = failed = 0
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
