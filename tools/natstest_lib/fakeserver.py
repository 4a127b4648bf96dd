# SPDX-License-Identifier: Apache-2.0
"""A server that is wrong on demand, to test that scripts notice.

Started like a real one, it sends INFO, answers PING, and for a line `SAY text`
sends text (with \\n for CRLF), for `BYE` closes, for `DIE` ends with code 3.
"""

import os
import select
import signal
import socket
import sys

INFO = b'INFO {"server_id":"N","proto":1,"nonce":"abc","deep":{"x":[1,2]}}\r\n'


def answer(sock, line):
    """Act on one line; False if the connection is to be closed."""
    if line == b"PING":
        sock.sendall(b"PONG\r\n")
    elif line.startswith(b"SAY "):
        sock.sendall(line[4:].replace(b"|", b"\r\n"))
    elif line == b"BYE":
        return False
    elif line == b"DIE":
        os._exit(3)
    return True


def serve(listener):
    """Serve all connections from one thread, for ever."""
    pending = {}
    while True:
        for sock in select.select([listener, *pending], [], [])[0]:
            if sock is listener:
                sock = listener.accept()[0]
                sock.sendall(INFO)
                pending[sock] = b""
                continue
            try:
                data = sock.recv(65536)
            except OSError:
                data = b""
            *lines, rest = (pending[sock] + data).split(b"\r\n")
            pending[sock] = rest
            if not data or not all(answer(sock, line) for line in lines):
                del pending[sock]
                sock.close()


def main():
    """Say where it listens, as nats-server does."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    listener = socket.create_server(("127.0.0.1", 0))
    print("[1] 2026/01/02 15:04:05.000000 [INF] Listening for client connections on 127.0.0.1:%d"
          % listener.getsockname()[1], file=sys.stderr)
    print("[1] 2026/01/02 15:04:05.000000 [INF] Server is ready", file=sys.stderr, flush=True)
    serve(listener)


if __name__ == "__main__":
    main()
