# SPDX-License-Identifier: Apache-2.0
"""A server under attack, its resident memory, and a client that must not notice.

Everything is plain sockets: an attacker does not use a client library either."""
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time

READY_S = 20
WAIT_S = 30
MIB = 1024 * 1024


class Failed(Exception):
    """The promise that a test is about was not kept."""


def check(holds, text):
    if not holds:
        raise Failed(text)


def until(condition, text, seconds=WAIT_S):
    """Poll the condition; Failed with the text when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(text)
        time.sleep(0.02)


class Server:
    """One running server with a configuration of its own. Use as a context."""

    def __init__(self, binary, conf="", flags=(), limit=None, seconds=READY_S):
        self.place = tempfile.TemporaryDirectory(prefix="myelin-attack-")
        root = pathlib.Path(self.place.name)
        (root / "conf").write_text("listen: 127.0.0.1:-1\n" + conf)
        prefix = ["prlimit", f"--nofile={limit}"] if limit else []
        self.log = root / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*prefix, str(pathlib.Path(binary).resolve()), "-c", "conf",
                 "--ports_file_dir", ".", *flags],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=root)
        deadline = time.monotonic() + seconds
        self.ports = {}
        while not self.ports:
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.log.read_text(errors="replace")[-400:]
                self.stop()
                raise Failed(f"the server did not start: {text}")
            for found in root.glob("*.ports"):
                try:
                    self.ports = json.loads(found.read_text())
                except ValueError:
                    pass        # not written to its end yet
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        code = self.stop()
        if kind is None and code not in (0, 1):
            raise Failed(f"the server ended with {code}: "
                         f"{self.log_tail if hasattr(self, 'log_tail') else ''}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(READY_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if self.log.exists():
            with open(self.log, "rb") as log:
                log.seek(max(0, self.log.stat().st_size - 2000))
                self.log_tail = log.read().decode(errors="replace")
        self.place.cleanup()
        return code

    def port(self, kind="nats"):
        return int(self.ports[kind][0].rsplit(":", 1)[1])

    def rss(self):
        """Resident bytes; a server that is gone has failed the test."""
        try:
            text = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text()
        except OSError as e:
            raise Failed("the server is gone") from e
        return int(text.split()[1]) * os.sysconf("SC_PAGESIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def raw(self, kind="nats", buffer=0):
        """A connection that has said nothing; buffer: bytes that its end takes unread."""
        s = socket.socket()
        if buffer:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        s.settimeout(WAIT_S)
        s.connect(("127.0.0.1", self.port(kind)))
        return s

    def client(self, **options):
        return Client(self.raw(), **options)


class Client:
    """A well-behaved connection: CONNECT, SUB, PUB, and reading what comes."""

    def __init__(self, sock, **options):
        self.sock = sock
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.send("CONNECT " + json.dumps({"verbose": False, "pedantic": False, **options}))
        self.sync()

    def send(self, *lines):
        self.sock.sendall("".join(line + "\r\n" for line in lines).encode())

    def line(self):
        while b"\r\n" not in self.rest:
            data = self.sock.recv(65536)
            if not data:
                raise Failed(f"a healthy client was closed: {self.rest[-200:]}")
            self.rest += data
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line.decode(errors="replace")

    def expect(self, start):
        """The first line that begins so; lines before it are dropped."""
        while True:
            line = self.line()
            if line.startswith(start):
                return line
            if line.startswith("-ERR"):
                raise Failed(f"wanted {start}, got {line}")

    def sync(self):
        self.send("PING")
        self.expect("PONG")

    def close(self):
        self.sock.close()


class Healthy:
    """Two clients that pass messages while the attack is on."""

    def __init__(self, server, **options):
        self.a, self.b = server.client(**options), server.client(**options)
        self.b.send("SUB healthy.> 1")
        self.b.sync()

    def rounds(self, count=100):
        """Sorted seconds from publish to receipt."""
        times = []
        for i in range(count):
            start = time.perf_counter()
            self.a.send(f"PUB healthy.{i} 2", "ok")
            self.b.expect(f"MSG healthy.{i} ")
            self.b.expect("ok")
            times.append(time.perf_counter() - start)
        return sorted(times)

    def check(self):
        self.rounds(20)


def flood(sock, data, seconds=WAIT_S):
    """Send without ever reading. True: all of it; False: the server closed first. A server that
    stops reading for good is neither."""
    view = memoryview(data)
    deadline = time.monotonic() + seconds
    sock.setblocking(False)
    while view:
        if time.monotonic() > deadline:
            raise Failed("the server neither reads nor closes")
        select.select([], [sock], [], 1)
        try:
            view = view[sock.send(view):]
        except BlockingIOError:
            pass
        except (ConnectionResetError, BrokenPipeError):
            return False
    return True


def reset(sock):
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def drain(sock, seconds=WAIT_S):
    """Everything up to the end of the connection."""
    out = b""
    sock.settimeout(seconds)
    try:
        while True:
            data = sock.recv(65536)
            if not data:
                return out
            out += data
    except ConnectionResetError:
        return out
    except TimeoutError as e:
        raise Failed(f"not closed by the server, after {out[-100:]}") from e
