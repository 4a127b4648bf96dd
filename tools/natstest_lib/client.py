# SPDX-License-Identifier: Apache-2.0
"""One named client connection of a script: a socket, its unread bytes, its tallies.

Sends are collected and written together as late as possible (mode "whole"), or
a byte at a time (mode "byte"). Reading happens only when the script expects
something, or when a write is blocked because the server wants to be read.
"""

import json
import re
import select
import socket
import ssl
import struct
import threading
import time

from .backlog import Backlog
from .failure import Failure
from .transcript import show

READ_MAX = 1 << 18
BLOCKED = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
BYTEWISE_MAX = 8192     # a longer write goes byte by byte only at
BYTEWISE_EDGE = 256     # either end


class Client:
    """See the module's text. deadline_s bounds every single wait."""

    def __init__(self, name, address, transcript, options):
        self.name = name
        self.transcript = transcript
        self.bytewise = options["mode"] == "byte"
        self.hide_pings = not options["pings_shown"]
        self.deadline_s = options["deadline_s"]
        self.info = {}
        self.tally = {}
        self.requests = 0           # sent by this client with an inbox of the runner's
        self.unread = bytearray()
        self.unsent = bytearray()
        self.at_end = False         # the server closed
        self.broken = False         # a write failed: the server has closed or will be seen to
        self.flood = None           # the thread of start_flood()
        self.flooding = False
        self.mid_line = False       # the last byte sent was not a line feed
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if options.get("rcvbuf"):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["rcvbuf"])
        self.sock.settimeout(self.deadline_s)
        try:
            self.sock.connect(address)
        except OSError as error:
            self.sock.close()
            raise Failure("client %s can't connect: %s" % (name, error)) from None
        self.backlog = Backlog(self.sock)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)

    def start_tls(self, authority, certificate):
        """Handshake; certificate is a pair of files or None. A failure is a close by the server."""
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            context.load_cert_chain(*certificate)
        self.sock.settimeout(self.deadline_s)
        try:
            self.sock = context.wrap_socket(self.sock, server_hostname="127.0.0.1")
            self.transcript.add(self.name, ".", self.sock.version().encode())
            self.sock.setblocking(False)
        except OSError as error:
            self.transcript.add(self.name, ".", b"no TLS: " + str(error).encode())
            self.at_end = True

    # Writing.

    def send(self, data):
        """Collect data to be written at the next flush()."""
        self.unsent += data

    def flush(self):
        """Write what was collected, in the way of the mode."""
        data, self.unsent = bytes(self.unsent), bytearray()
        if not data:
            return
        self.transcript.add(self.name, ">", data)
        self.mid_line = not data.endswith(b"\n")
        if not self.bytewise:
            self._write(data)
            return
        edge = len(data) if len(data) <= BYTEWISE_MAX else BYTEWISE_EDGE
        self._write_bytes(data[:edge])
        if edge < len(data):
            self._write(data[edge:-edge])
            self._write_bytes(data[-edge:])

    def _write_bytes(self, data):
        """One write and, on the other side, one read per byte."""
        reading = True
        for at in range(len(data)):
            reading = reading and self.backlog.wait_empty()
            self._write(data[at:at + 1])

    def _write(self, data):
        view = memoryview(data)
        give_up = time.monotonic() + self.deadline_s
        while view and not self.broken:
            try:
                view = view[self.sock.send(view):]
            except BLOCKED:
                left = give_up - time.monotonic()
                if left <= 0:
                    raise Failure("client %s: the server does not read (%d bytes left)"
                                  % (self.name, len(view))) from None
                readable, _, _ = select.select([self.sock], [self.sock], [], left)
                if readable:
                    self._receive()
            except OSError:
                self.broken = True

    # Reading.

    def _receive(self):
        """Read all there is: select() does not see what TLS has in its buffer."""
        while not self.at_end:
            try:
                data = self.sock.recv(READ_MAX)
            except BLOCKED:
                return
            except OSError:     # a reset: what came before it has been read by now
                data = b""
            if data:
                self.transcript.add(self.name, "<", data)
                self.unread += data
            else:
                self.transcript.add(self.name, ".", b"closed by the server")
                self.at_end = True

    def _wait(self, ready):
        """Receive until ready() or the end of the connection; False on time-out."""
        give_up = time.monotonic() + self.deadline_s
        while not ready():
            left = give_up - time.monotonic()
            if self.at_end or left <= 0:
                return self.at_end
            if select.select([self.sock], [], [], left)[0]:
                self._receive()
        return True

    def _skip_pings(self, wanted):
        if self.hide_pings and not wanted.startswith(b"PING"):
            while self.unread.startswith(b"PING\r\n"):
                del self.unread[:6]

    def _complain(self, expected):
        state = "the connection is closed" if self.at_end else "time-out"
        raise Failure("client %s\n  expected: %s\n  got:      %s\n  and then: %s"
                      % (self.name, expected, show(self.unread) or "nothing", state))

    def read_line(self, expected):
        """The next line with its end; expected is for messages and PING hiding."""
        while True:
            if not self._wait(lambda: b"\n" in self.unread) or b"\n" not in self.unread:
                self._complain(show(expected))
            self._skip_pings(expected)
            end = self.unread.find(b"\n")
            if end >= 0:
                line = bytes(self.unread[:end + 1])
                del self.unread[:end + 1]
                return line

    def expect_exact(self, expected):
        """Take exactly these bytes."""
        def ready():
            self._skip_pings(expected)
            got = self.unread
            return len(got) >= len(expected) or not expected.startswith(got)
        if not self._wait(ready) or not self.unread.startswith(expected):
            self._complain(show(expected))
        del self.unread[:len(expected)]

    def expect_line(self, expected):
        """Take the next line, which must be expected plus CRLF."""
        got = self.read_line(expected)
        if got != expected + b"\r\n":
            at = next((i for i, (a, b) in enumerate(zip(got, expected + b"\r\n")) if a != b),
                      min(len(got), len(expected) + 2))
            where = "" if at < 100 else "\n  first difference at byte %d: %s" % (
                at, show(got[at:at + 40]))
            raise Failure("client %s\n  expected: %s\n  got:      %s%s"
                          % (self.name, show(expected + b"\r\n"), show(got), where))

    def expect_closed(self, pattern):
        """What comes before the end of the connection matches pattern; None: nothing comes."""
        def ready():
            self._skip_pings(b"")
            return bool(self.unread) and pattern is None
        self._wait(ready)
        if not self.at_end or re.fullmatch(pattern or b"", self.unread, re.DOTALL) is None:
            self._complain("%s, then the connection closed" % (show(pattern or b"nothing")))
        self.unread.clear()

    def read_info(self):
        """Take an INFO line and keep its JSON."""
        line = self.read_line(b"INFO {...}")
        if not line.startswith(b"INFO {") or not line.endswith(b"\r\n"):
            raise Failure("client %s\n  expected: INFO {...}\n  got:      %s"
                          % (self.name, show(line)))
        self.info = parse_json(line[5:], "INFO")

    def sync(self):
        """PING; the very next line must be PONG."""
        self.send(b"PING\r\n")
        self.flush()
        self.expect_line(b"PONG")

    def take(self, size):
        """The next size bytes, which must end with CRLF."""
        self._wait(lambda: len(self.unread) >= size)
        if len(self.unread) < size or self.unread[size - 2:size] != b"\r\n":
            self._complain("%d bytes of payload and CRLF" % (size - 2))
        data = bytes(self.unread[:size])
        del self.unread[:size]
        return data

    def drain(self):
        """PING, and count all messages that come before the PONG."""
        self.tally = {"msgs": 0, "bytes": 0}
        self.send(b"PING\r\n")
        self.flush()
        while True:
            line = self.read_line(b"MSG or PONG")
            if line == b"PONG\r\n":
                return
            words = line.split()
            if words[0] not in (b"MSG", b"HMSG"):
                raise Failure("client %s\n  expected: MSG or PONG\n  got:      %s"
                              % (self.name, show(line)))
            size = int(words[-1]) + 2
            self.take(size)
            self._count("msgs", 1)
            self._count("bytes", size - 2)
            self._count("subject." + words[1].decode("latin-1"), 1)
            self._count("sid." + words[2].decode("latin-1"), 1)

    def _count(self, key, amount):
        self.tally[key] = self.tally.get(key, 0) + amount

    # A client that never stops.

    def start_flood(self, data):
        """Write data again and again from a thread, until stop_flood()."""
        self.flush()
        self.flooding = True
        self.flood = threading.Thread(target=self._flood, args=(data,), daemon=True)
        self.flood.start()

    def _flood(self, data):
        try:
            while self.flooding and not self.broken:
                self._write(data)
        except Failure:
            self.broken = True

    def stop_flood(self):
        """Let the write in progress end and be the last; nothing if there is no flood."""
        self.flooding = False
        if self.flood is not None:
            self.flood.join()
            self.flood = None

    # Ending.

    def half_close(self):
        """No more will be sent; reading goes on."""
        self.flush()
        self.sock.shutdown(socket.SHUT_WR)

    def close(self, abort=False):
        """Close this end, with a reset instead of a FIN if abort."""
        self.stop_flood()
        if abort:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.backlog.close()
        self.sock.close()


def parse_json(data, what):
    """JSON bytes to a value, or a Failure that names what it was."""
    try:
        return json.loads(data)
    except ValueError:
        raise Failure("%s is not JSON: %s" % (what, show(data))) from None
