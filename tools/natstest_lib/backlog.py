# SPDX-License-Identifier: Apache-2.0
"""How many bytes of ours the server has not read yet: asks the kernel (sock_diag(7)).

Mode "byte" waits for 0 before it sends the next byte, so that each byte really is a
read of its own on the server's side, and not one of many that the kernel has joined.
"""

import os
import socket
import struct
import time

SOCK_DIAG_BY_FAMILY = 20
NETLINK_SOCK_DIAG = 4
NLM_F_REQUEST = 1
HEADER = struct.Struct("=IHHII")                # length, type, flags, sequence, process
REQUEST = struct.Struct("=BBBxI 2s2s 16s16s I 8s")
RECEIVE_QUEUE_AT = HEADER.size + 4 + 48 + 4     # family..retrans, socket id, expires
PATIENCE_S = 0.05                               # a server may have reasons not to read


class Backlog:
    """The server's end of one connected TCP socket on 127.0.0.1."""

    def __init__(self, sock):
        server, client = sock.getpeername(), sock.getsockname()
        body = REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF,
                            struct.pack("!H", server[1]), struct.pack("!H", client[1]),
                            socket.inet_aton(server[0]) + bytes(12),
                            socket.inet_aton(client[0]) + bytes(12), 0, b"\xff" * 8)
        self.request = HEADER.pack(HEADER.size + len(body), SOCK_DIAG_BY_FAMILY,
                                   NLM_F_REQUEST, 0, 0) + body
        self.netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG)

    def unread(self):
        """Bytes in the receive queue of the server's socket; 0 if that is gone."""
        self.netlink.send(self.request)
        answer = self.netlink.recv(4096)
        if HEADER.unpack_from(answer)[1] != SOCK_DIAG_BY_FAMILY:
            return 0
        return struct.unpack_from("=I", answer, RECEIVE_QUEUE_AT)[0]

    def wait_empty(self):
        """Wait until the server has read everything; False if it does not soon."""
        give_up = time.monotonic() + PATIENCE_S
        while self.unread() > 0:
            if time.monotonic() > give_up:
                return False
            os.sched_yield()
        return True

    def close(self):
        """Free the netlink socket."""
        self.netlink.close()
