#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_loops.py - what clients may rely on when they live on different loops of one server.

  interest  after PONG a subscription is seen by every later publish, whatever the loop
  gone      after the PONG behind an UNSUB nothing more arrives
  drain     a member leaves a queue group under traffic (UNSUB, PING): no message is lost
  max       UNSUB max under traffic: exactly max messages, unless more had come before it
  order     messages of one publisher arrive in order at every subscriber, large ones included

Usage: test_loops.py --server build/myelin [--loops 4] [--rounds 200] [--seed 1]
The server is started on a free port with --loops_spread, so that connections go to the loops in
turn. Last line: "N passed, N failed"; exit status 1 when any failed."""
import argparse
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

DEADLINE_S = 20


class Client:
    """A connection that has said CONNECT and seen PONG."""

    def __init__(self, port, timeout=DEADLINE_S):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.messages = []
        self.send(b'CONNECT {"verbose":false,"protocol":0}\r\n')
        self.sync()

    def send(self, data):
        self.sock.sendall(data)

    def fill(self):
        data = self.sock.recv(1 << 18)
        if not data:
            raise EOFError("closed by the server, last: %r" % self.rest[-80:])
        self.rest += data

    def line(self):
        while b"\r\n" not in self.rest:
            self.fill()
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def step(self):
        """Handle one thing from the server; returns its verb."""
        line = self.line()
        verb = line.split(b" ", 1)[0]
        if verb == b"MSG":
            size = int(line.rsplit(b" ", 1)[1])
            while len(self.rest) < size + 2:
                self.fill()
            self.messages.append((line.split(b" ")[2], self.rest[:size]))
            self.rest = self.rest[size + 2:]
        elif verb == b"-ERR":
            raise RuntimeError(line)
        elif verb == b"PING":
            self.send(b"PONG\r\n")
        return verb

    def sync(self):
        """A PING and everything up to its PONG."""
        self.send(b"PING\r\n")
        while self.step() != b"PONG":
            pass

    def close(self):
        self.sock.close()


class Server:
    def __init__(self, binary, loops):
        self.log = tempfile.NamedTemporaryFile(prefix="loops", suffix=".log")
        self.process = subprocess.Popen(
            [binary, "-a", "127.0.0.1", "-p", "-1", "--loops", str(loops), "--loops_spread",
             "-l", self.log.name], stderr=subprocess.DEVNULL)
        end = time.monotonic() + DEADLINE_S
        self.port = None
        while self.port is None and time.monotonic() < end:
            self.port = self.find_port()
            if self.process.poll() is not None:
                raise RuntimeError("the server ended at once")
            if self.port is None:
                time.sleep(0.02)

    def find_port(self):
        found = re.search(r"Listening for client connections on \S+:(\d+)",
                          open(self.log.name, encoding="utf-8").read())
        return int(found.group(1)) if found else None

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE_S)


class Flood:
    """Publishes numbered messages from one connection on a thread until stopped, a chunk at a
    time, each acknowledged by a PONG, so that readers in Python can follow."""

    def __init__(self, port, subject, tag, chunk=1000):
        self.client = Client(port)
        self.subject, self.tag, self.chunk = subject, tag, chunk
        self.sent = 0
        self.running = True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.running:
            body = b"%s %%d" % self.tag
            bodies = [body % n for n in range(self.sent, self.sent + self.chunk)]
            self.sent += self.chunk
            self.client.send(b"".join(b"PUB %s %d\r\n%s\r\n" % (self.subject, len(b), b)
                                      for b in bodies))
            self.client.sync()

    def stop(self):
        self.running = False
        self.thread.join()
        self.client.sync()
        self.client.close()


def check_interest(port, rnd, loops):
    """Publishers with a warm cache of nobody listening, then a SUB on another loop."""
    clients = [Client(port) for _ in range(loops)]
    subject = b"i.%d" % rnd.randrange(1 << 30)
    wild = rnd.random() < 0.5
    for c in clients:
        c.send(b"PUB %s 1\r\nx\r\n" % subject * 3)
    listener = rnd.choice(clients)
    listener.send(b"SUB %s 7\r\n" % (b"i.*" if wild else subject))
    listener.sync()
    for c in clients:
        c.send(b"PUB %s 2\r\nok\r\n" % subject)
    for c in clients:
        c.sync()
    listener.sync()
    got = [m for m in listener.messages if m == (b"7", b"ok")]
    assert len(got) == loops, "%d of %d seen after PONG" % (len(got), loops)
    listener.send(b"UNSUB 7\r\n")
    listener.sync()
    before = len(listener.messages)
    for c in clients:
        c.send(b"PUB %s 4\r\ngone\r\n" % subject)
        c.sync()
    listener.sync()
    assert len(listener.messages) == before, "a message after UNSUB and PONG"
    for c in clients:
        c.close()


def check_drain(port, rnd, loops):
    """Members come and drain while all loops publish: the sum over members is what was sent."""
    subject = b"d.%d" % rnd.randrange(1 << 30)
    stay = Client(port)
    stay.send(b"SUB %s g 1\r\n" % subject)
    stay.sync()
    floods = [Flood(port, subject, b"%d" % i) for i in range(loops)]
    got = []

    def drain_stay():
        try:
            while True:
                stay.step()
        except (OSError, EOFError, RuntimeError):
            pass

    reader = threading.Thread(target=drain_stay)
    reader.start()
    for _ in range(8):
        member = Client(port)
        member.send(b"SUB %s g 1\r\n" % subject)
        member.sync()
        while len(member.messages) < rnd.randrange(1, 400):
            member.step()
        member.send(b"UNSUB 1\r\nPING\r\n")
        while member.step() != b"PONG":
            pass
        member.close()          # whatever came after this PONG would be lost
        got += member.messages
    for f in floods:
        f.stop()
    total = sum(f.sent for f in floods)
    end = time.monotonic() + DEADLINE_S
    while len(got) + len(stay.messages) < total and time.monotonic() < end:
        time.sleep(0.005)
    bodies = [m[1] for m in got + stay.messages]
    stay.sock.shutdown(socket.SHUT_RDWR)
    reader.join()
    stay.close()
    assert len(bodies) == len(set(bodies)), "a message came twice"
    assert len(bodies) == total, "%d of %d messages" % (len(bodies), total)


def check_max(port, rnd, loops):
    """Subscribe, set a max under traffic from all loops: exactly max, on every try."""
    subject = b"m.%d" % rnd.randrange(1 << 30)
    floods = [Flood(port, subject, b"%d" % i, rnd.choice((1, 40, 1500))) for i in range(loops)]
    client = Client(port)
    failures = []
    for sid in range(1, 16):
        name = b"%d" % sid
        limit = rnd.choice((1, 2, 5, 50, 400))
        client.messages = []
        late = rnd.random() < 0.3
        if late:                # the max comes while messages are counted in bulk
            client.send(b"SUB %s %s\r\n" % (subject, name))
            client.step()
            client.send(b"UNSUB %s %d\r\nPING\r\n" % (name, limit + 2000))
            limit += 2000
        else:
            client.send(b"SUB %s %s\r\nUNSUB %s %d\r\nPING\r\n" % (subject, name, name, limit))
        while client.step() != b"PONG":
            pass
        at_pong = len([m for m in client.messages if m[0] == name])
        end = time.monotonic() + DEADLINE_S
        while len([m for m in client.messages if m[0] == name]) < limit:
            client.step()
            if time.monotonic() > end:
                break
        client.sync()
        client.sync()
        n = len([m for m in client.messages if m[0] == name])
        # More than max is right only if the max came too late for all of them.
        if n != max(limit, at_pong):
            failures.append("sid %d: %d of %d (%d at PONG)" % (sid, n, limit, at_pong))
    for f in floods:
        f.stop()
    client.close()
    assert not failures, "; ".join(failures)


def check_late_max(port, rnd, loops):
    """The max is set while every loop has deliveries staged that nobody has counted yet."""
    count = 12000
    subject = b"l.%d" % rnd.randrange(1 << 30)
    pubs = [Client(port) for _ in range(loops)]
    client = Client(port)
    chunk = b"PUB %s 0\r\n\r\n" % subject * count + b"PING\r\n"
    for sid in range(1, 26):
        name = b"%d" % sid
        limit = rnd.choice((1, 100, 2000, count * 2))
        client.messages = []
        client.send(b"SUB %s %s\r\n" % (subject, name))
        client.sync()
        start = threading.Barrier(loops)

        def publish(c):
            start.wait()
            c.send(chunk)
            while c.step() != b"PONG":
                pass

        threads = [threading.Thread(target=publish, args=(c,)) for c in pubs[1:]]
        for t in threads:
            t.start()
        start.wait()
        while not client.messages:          # now they are at it
            client.step()
        client.send(b"UNSUB %s %d\r\nPING\r\n" % (name, limit))
        while client.step() != b"PONG":
            pass
        at_pong = len(client.messages)
        for t in threads:
            t.join()
        client.sync()
        client.send(b"UNSUB %s\r\n" % name)
        client.sync()
        n, total = len(client.messages), count * (loops - 1)
        assert n == max(min(limit, total), at_pong), \
            "%d of %d at most, %d at PONG, %d sent" % (n, limit, at_pong, total)
    for c in pubs + [client]:
        c.close()


def check_order(port, rnd, loops):
    """Small and large messages, received slowly by some: one publisher's order is kept."""
    subject = b"o.%d" % rnd.randrange(1 << 30)
    subs = [Client(port) for _ in range(3)]
    for s in subs:
        s.send(b"SUB %s 1\r\n" % subject)
        s.sync()
    sizes = [[rnd.choice((0, 10, 3000, 20000, 70000, 200000)) for _ in range(25)]
             for _ in range(loops)]

    def publish(i):
        c = Client(port)
        for n, size in enumerate(sizes[i]):
            head = b"%d %d " % (i, n)
            data = b"PUB %s %d\r\n" % (subject, len(head) + size) + head + b"x" * size + b"\r\n"
            while data:                 # cut where it hurts
                cut = rnd.randrange(1, 90000)
                c.send(data[:cut])
                data = data[cut:]
        c.sync()
        c.close()

    threads = [threading.Thread(target=publish, args=(i,)) for i in range(loops)]
    for t in threads:
        t.start()
    for s in subs:
        while len(s.messages) < 25 * loops:
            s.step()
    for t in threads:
        t.join()
    for s in subs:
        next_of = [0] * loops
        for _, body in s.messages:
            i, n, filler = body.split(b" ", 2)
            i, n = int(i), int(n)
            assert n == next_of[i], "message %d of %d instead of %d" % (n, i, next_of[i])
            assert filler == b"x" * sizes[i][n], "damaged"
            next_of[i] += 1
        s.close()


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--server", required=True)
    args.add_argument("--loops", type=int, default=4)
    args.add_argument("--rounds", type=int, default=60)
    args.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    opt = args.parse_args()
    print("seed %d" % opt.seed)
    server = Server(opt.server, opt.loops)
    plan = ((check_interest, opt.rounds), (check_drain, max(opt.rounds // 10, 1)),
            (check_max, max(opt.rounds // 6, 1)), (check_late_max, max(opt.rounds // 6, 1)),
            (check_order, max(opt.rounds // 10, 1)))
    passed = failed = 0
    for check, rounds in plan:
        for i in range(rounds):
            try:
                check(server.port, random.Random("%d %d" % (opt.seed, i)), opt.loops)
                passed += 1
            except (AssertionError, OSError, EOFError, RuntimeError) as e:
                failed += 1
                print("%s round %d: %r" % (check.__name__, i, e))
    code = server.stop()
    if code not in (0, 1):
        failed += 1
        print("the server ended with status %d" % code)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)


main()
