#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is the load generator as strict as it claims?

  bench/load_selftest.py [GENERATOR]      without it the generator is built into the cache

Runs it against a small server in this file that behaves, and then again with one fault each time:
a message lost, repeated, changed, framed wrongly, an -ERR. The generator must accept the first
and fail all the others for the right reason. Prints a line per case; exit status 0 or 1.
"""
import json
import re
import socket
import subprocess
import sys
import threading

import servers

INFO = (b'INFO {"server_id":"x","version":"2.11.0","proto":1,"headers":true,'
        b'"max_payload":1048576}\r\n')
AT = 50                                 # the delivery that goes wrong
COUNT = 100
FAN, QUEUE, PAIR = '-n 100 -z 16 fan', '-n 100 -z 16 -s 2 -q g fan', '-n 100 -z 16 -p 2 pair'
REQ, SUBS = '-n 100 -w 4 -z 16 req', '-C 100 -D 50 -K literal -n 100 -z 16 subs'
BIG = '-n 100 -z 4096 fan'


def as_is(n, msg, size):
    return msg


def replace_at(at, change):
    return lambda n, msg, size: change(msg, size) if n == at else msg


def in_head(old, new):
    return replace_at(AT, lambda msg, size: msg.replace(old, new, 1))


def swap():
    held = []

    def change(n, msg, size):
        if n == AT:
            held.append(msg)
            return b''
        return msg + held.pop() if held else msg
    return change


def lose_and_repeat(n, msg, size):
    return b'' if n == AT else msg * 2 if n == AT + 1 else msg


def flip(at):
    return replace_at(AT, lambda m, z: m[:at - 2] + bytes([m[at - 2] ^ 1]) + m[at - 1:])


LOST, MANY = 'missing, repeated', 'too many'
# name, arguments, change of a delivery, what the generator must say (None: it must succeed)
CASES = (
    ('behaves: 1 to 1', FAN, as_is, None),
    ('behaves: queue group', QUEUE, as_is, None),
    ('behaves: pairs', PAIR, as_is, None),
    ('behaves: request/reply', REQ, as_is, None),
    ('behaves: many subscriptions', SUBS, as_is, None),
    ('behaves: large messages', BIG, as_is, None),
    ('behaves: bytes come one by one', FAN, 'trickle', None),
    ('message lost', FAN, replace_at(AT, lambda m, z: b''), LOST),
    ('last message lost', FAN + ' -k 1', replace_at(COUNT - 1, lambda m, z: b''), 'time limit'),
    ('message repeated', FAN, replace_at(AT, lambda m, z: m + m), LOST),
    ('last message repeated', FAN, replace_at(COUNT - 1, lambda m, z: m + m), MANY),
    ('two messages swapped', FAN, swap(), LOST),
    ('size too large', FAN, in_head(b' 16\r\n', b' 17\r\n'), 'CRLF'),
    ('size too small', FAN, in_head(b' 16\r\n', b' 15\r\n'), 'CRLF'),
    ('size not a number', FAN, in_head(b' 16\r\n', b' 1x\r\n'), 'bad message line'),
    ('size over max_payload', FAN, in_head(b' 16\r\n', b' 99999999\r\n'), 'bad message line'),
    ('size missing', FAN, in_head(b' 16\r\n', b'\r\n'), 'bad message line'),
    ('no CRLF after the payload', FAN, replace_at(AT, lambda m, z: m[:-2] + b'..'), 'CRLF'),
    ('line ends without CR', FAN, in_head(b' 16\r\n', b' 16\n'), 'without CR'),
    ('payload changed', FAN, flip(-1), 'wrong payload'),
    ('end of a large payload changed', BIG, flip(-1), 'wrong payload'),
    ('wrong subject', FAN, in_head(b'bench.0', b'bench.1'), 'wrong MSG'),
    ('wrong sid', FAN, in_head(b' 1 16', b' 2 16'), 'wrong MSG'),
    ('reply subject from nowhere', FAN, in_head(b' 1 16', b' 1 x 16'), 'wrong MSG'),
    ('headers nobody asked for', FAN, in_head(b'MSG bench.0 1 16', b'HMSG bench.0 1 4 16'),
     'HMSG'),
    ('-ERR, all messages right', FAN, replace_at(
        AT, lambda m, z: m + b"-ERR 'Unknown Protocol Operation'\r\n"), 'server sent: -ERR'),
    ('unknown verb', FAN, replace_at(AT, lambda m, z: m + b'HELLO\r\n'), 'server sent: HELLO'),
    ('connection closed', FAN, 'close', 'lost'),
    ('last PING not answered', FAN + ' -k 1', 'no_pong', 'time limit'),
    ('queue group: one lost, one twice', QUEUE, lose_and_repeat, 'queue group lost'),
    ('queue group: one twice', QUEUE, replace_at(AT, lambda m, z: m + m), 'expected 100'),
    ('reply to another request', REQ, in_head(b'00.', b'00.9'), 'nobody waits'),
    ('reply sent twice', REQ, replace_at(AT + 1, lambda m, z: m + m), 'nobody waits'),
    ('reply changed', REQ, replace_at(AT + 1, lambda m, z: m[:-3] + b'y\r\n'), 'wrong re'),
    ('delivered to another subscription', SUBS, in_head(b'.temp ', b'.temp 9'), 'wrong MSG'),
)


class Fake:
    """Just enough of a NATS server: literal subjects, a last token *, queue groups in turn."""

    def __init__(self, change):
        self.change = change if callable(change) else as_is
        self.fault = change if isinstance(change, str) else None
        self.subs, self.count, self.turn = [], 0, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn = self.listener.accept()[0]
            except OSError:
                return
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        pings, f = 0, conn.makefile('rb')
        try:
            conn.sendall(INFO)
            for line in f:
                words = line.split()
                if words[0] == b'PING':
                    pings += 1
                    if not (self.fault == 'no_pong' and pings > 1):
                        conn.sendall(b'PONG\r\n')
                elif words[0] == b'SUB':
                    with self.lock:
                        group = words[2] if len(words) == 4 else None
                        self.subs.append((words[1], words[-1], group, conn))
                elif words[0] == b'PUB':
                    self.publish(words, f.read(int(words[-1]) + 2))
        except OSError:
            pass
        finally:
            f.close()
            conn.close()

    def publish(self, words, payload):
        subject, reply = words[1], [words[2]] if len(words) == 4 else []
        with self.lock:
            hit = [s for s in self.subs if s[0] == subject or
                   (s[0].endswith(b'*') and subject.rpartition(b'.')[0] == s[0][:-2])]
            if hit and hit[0][2]:
                self.turn += 1
                hit = [hit[self.turn % len(hit)]]
            for _, sid, _, conn in hit:
                head = b' '.join([b'MSG', subject, sid] + reply + [words[-1]]) + b'\r\n'
                self.deliver(conn, head + payload, len(payload) - 2)

    def deliver(self, conn, msg, size):
        out = self.change(self.count, msg, size)
        self.count += 1
        if self.fault == 'close' and self.count == AT:
            conn.shutdown(socket.SHUT_RDWR)
        step = 1 if self.fault == 'trickle' else max(len(out), 1)
        for i in range(0, len(out), step):
            conn.sendall(out[i:i + step])


class FakeJetStream(Fake):
    """Streams and buckets that keep all they get; faults strike answers of one kind."""

    def __init__(self, change, struck):
        self.stored, self.delivered, self.acked = [], 0, 0
        self.struck, self.lossy = struck, change == 'lossy'
        super().__init__(change)

    def send(self, kind, conn, reply, subject, body, header=b''):
        """subject: of the line; reply: tells the subscription, or is the ack subject."""
        words = [b'HMSG' if header else b'MSG', subject, b'1'] + ([reply] if reply else [])
        words += [b'%d' % len(header)] if header else []
        msg = b' '.join(words + [b'%d' % len(header + body)]) + b'\r\n' + header + body + b'\r\n'
        if kind == self.struck:
            self.deliver(conn, msg, len(body))
        else:
            conn.sendall(msg)

    def replay(self, conn, batch):
        for _ in range(min(batch, len(self.stored) - self.delivered)):
            subject, payload = self.stored[self.delivered]
            self.delivered += 1
            ack = b'$JS.ACK.BENCH0.C.1.%d.%d.1.0' % (self.delivered, self.delivered)
            self.send('delivery', conn, ack, subject, payload)

    def publish(self, words, payload):
        subject, reply = words[1], words[2] if len(words) == 4 else b''
        with self.lock:
            conn = next((s[3] for s in self.subs if s[0].endswith(b'>')
                         and reply.startswith(s[0][:-1])), None)
            self.answer(conn, subject, reply, payload[:-2])

    def answer(self, conn, subject, reply, payload):
        verb, _, rest = subject.removeprefix(b'$JS.API.').partition(b'.')
        if subject.startswith(b'$JS.ACK.'):
            self.acked += 1
        elif verb == b'DIRECT':
            found = dict(self.stored)[rest.removeprefix(b'GET.KV_BENCH.')]
            self.send('get', conn, b'', reply, found, b'NATS/1.0\r\nNats-Sequence: 1\r\n\r\n')
        elif rest.startswith(b'MSG.NEXT'):
            self.replay(conn, json.loads(payload)['batch'])
        elif rest.startswith(b'INFO') or verb in (b'STREAM', b'CONSUMER'):
            messages = len(dict(self.stored) if b'KV' in rest else self.stored) - self.lossy
            self.send('info', conn, b'', reply, b'{"messages":%d,"num_pending":0,'
                      b'"num_ack_pending":%d}' % (messages, self.delivered - self.acked))
            if b'_PUSH.load' in payload:
                push = next(s[3] for s in self.subs if s[0] == b'_PUSH.load')
                self.replay(push, len(self.stored))
        else:
            self.stored.append((subject, payload))
            self.send('ack', conn, b'', reply, b'{"stream":"S","seq":%d}' % len(self.stored))


JSPUB, JSPULL = '-n 100 -z 16 -w 8 -D 1 jspub', '-n 100 -z 16 -D 1 -B 10 jspull'
JSPUSH, KVGET = '-n 100 -z 16 -D 1 jspush', '-n 100 -z 16 -D 10 -p 2 -w 5 kvget'
KVPUT = '-n 100 -z 16 -D 10 -p 2 -w 5 kvput'
# name, arguments, change, kind of answer that it strikes, what the generator must say
JETSTREAM_CASES = (
    ('behaves: JetStream publish', JSPUB, as_is, 'ack', None),
    ('behaves: pull consumer', JSPULL, as_is, 'delivery', None),
    ('behaves: push consumer', JSPUSH, as_is, 'delivery', None),
    ('behaves: key-value get', KVGET, as_is, 'get', None),
    ('behaves: key-value put', KVPUT, as_is, 'ack', None),
    ('ack lost', JSPUB + ' -k 1', replace_at(AT, lambda m, z: b''), 'ack', 'time limit'),
    ('ack twice', JSPUB, replace_at(AT, lambda m, z: m + m), 'ack', 'nobody waits'),
    ('ack is an error', JSPUB, in_head(b'"stream":"S"', b'"error":{}  '), 'ack', 'wrong'),
    ('ack without a sequence', JSPUB, in_head(b'seq', b'sEq'), 'ack', 'wrong answer'),
    ('acknowledged and not stored', JSPUB, 'lossy', 'ack', 'the streams hold'),
    ('delivery lost', JSPULL, replace_at(AT, lambda m, z: b''), 'delivery', LOST),
    ('delivery repeated', JSPULL, replace_at(AT, lambda m, z: m + m), 'delivery', LOST),
    ('delivery changed', JSPUSH, flip(-1), 'delivery', LOST),
    ('deliveries swapped', JSPUSH, swap(), 'delivery', LOST),
    ('wrong value of a key', KVGET, flip(-1), 'get', 'wrong answer'),
)


def check_jetstream(load, name, args, change, struck, expected):
    return check(load, name, args, change, expected, FakeJetStream(change, struck))


def check(load, name, args, change, expected, fake=None):
    fake = fake or Fake(change)
    try:
        done = subprocess.run([load, '-a', f'127.0.0.1:{fake.port}'] + args.split(),
                              capture_output=True, text=True, timeout=40)
    finally:
        fake.listener.close()
    said = done.stderr.strip()
    if expected is None:
        good = done.returncode == 0 and f'deliveries={COUNT} ' in done.stdout
    else:
        good = done.returncode != 0 and re.search(expected, said) is not None
    print(f"{'ok  ' if good else 'FAIL'} {name}: exit {done.returncode} {said[:90]}", flush=True)
    return good


def main():
    try:
        load = sys.argv[1] if len(sys.argv) > 1 else servers.build_load()
    except servers.BenchError as e:
        print(f'load_selftest: {e}', file=sys.stderr)
        return 1
    good = [check(load, *case) for case in CASES]
    good += [check_jetstream(load, *case) for case in JETSTREAM_CASES]
    return 0 if all(good) else 1


if __name__ == '__main__':
    sys.exit(main())
