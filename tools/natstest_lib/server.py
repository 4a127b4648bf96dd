# SPDX-License-Identifier: Apache-2.0
"""The server under test: one process per script, on free ports of 127.0.0.1.

A thread collects the lines of its stderr; waiting for a line is waiting on a
condition variable, so nothing here sleeps.
"""

import re
import signal
import subprocess
import threading
import time

from .failure import Failure

READY_S = 20
STOP_S = 20
LISTENING = re.compile(r"Listening for client connections on (\S+):(\d+)$")
WEBSOCKET = re.compile(r"Listening for websocket clients on wss?://(\S+):(\d+)$")
MONITOR = re.compile(r"Starting http monitor on (\S+):(\d+)$")


class Server:
    """A running server. wait_log() moves on from line to line of lines."""

    def __init__(self, command, deadline_s):
        self.deadline_s = deadline_s
        self.lines = []
        self.log_next = 0
        self.ended = False
        self.ports = {}     # of "client", "http" and "ws", as the log tells them
        self.changed = threading.Condition()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._collect, daemon=True)
        self.reader.start()
        try:
            self.wait_log(r"Server is ready", READY_S)
        except Failure as failure:
            self.kill()
            raise Failure("%s\n%s" % (failure, "\n".join(self.lines[-5:]))) from None
        self.log_next = 0
        for line in self.lines:
            for kind, regex in (("client", LISTENING), ("http", MONITOR), ("ws", WEBSOCKET)):
                found = regex.search(line)
                if found:
                    self.ports[kind] = int(found[2])
        if "client" not in self.ports:
            self.kill()
            raise Failure("the log does not tell the port")

    def _collect(self):
        for raw in self.process.stderr:
            with self.changed:
                self.lines.append(raw.decode("utf-8", "backslashreplace").rstrip("\r\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_log(self, pattern, deadline_s=None):
        """Wait for a line that contains pattern, after the last one found this way."""
        regex = re.compile(pattern)
        give_up = time.monotonic() + (deadline_s or self.deadline_s)
        at = self.log_next
        with self.changed:
            while True:
                while at < len(self.lines):
                    at += 1
                    found = regex.search(self.lines[at - 1])
                    if found:
                        self.log_next = at
                        return found
                left = give_up - time.monotonic()
                if self.ended or left <= 0:
                    raise Failure("no log line matches '%s' (%s)" % (
                        pattern, "the server has ended" if self.ended else "time-out"))
                self.changed.wait(left)

    def signal(self, name):
        """Send signal SIG<name>."""
        self.process.send_signal(getattr(signal, "SIG" + name))

    def rss_kib(self):
        """Resident memory of the process in KiB."""
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        raise Failure("the server has no resident memory: it has ended")

    def wait_exit(self, expected, deadline_s=None):
        """Wait for the end of the process; its exit code must be expected."""
        try:
            code = self.process.wait(deadline_s or self.deadline_s)
        except subprocess.TimeoutExpired:
            raise Failure("the server has not ended") from None
        if code != expected:
            raise Failure("server exit code\n  expected: %d\n  got:      %d" % (expected, code))

    def running(self):
        """Whether the process is alive."""
        return self.process.poll() is None

    def stop(self):
        """End a server that should still be running: SIGINT must give exit code 0."""
        if not self.running():
            raise Failure("server exit code\n  expected: 0, on SIGINT\n  got:      %d, before that"
                          % self.process.returncode)
        self.signal("INT")
        self.wait_exit(0, STOP_S)

    def kill(self):
        """Get rid of the process whatever its state, and of the pipe."""
        if self.running():
            self.process.kill()
        self.process.wait()
        self.reader.join(STOP_S)
        self.process.stderr.close()
