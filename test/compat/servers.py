# SPDX-License-Identifier: Apache-2.0
"""Starts and stops servers for the compatibility tests, each in a directory of its own.

A server listens on free ports of 127.0.0.1 and tells them in its ports file. It runs in its own
directory, so that a configuration names certificates as certs/..., and its log stays there.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
READY_SECONDS = 20


class ServerFailed(Exception):
    """The server under test did not start, ended by itself, or ended badly."""


class Server:
    """One running server. Use start(), then stop()."""

    def __init__(self, binary, conf, place, certs):
        self.binary = pathlib.Path(binary).resolve()
        self.place = pathlib.Path(place)
        self.place.mkdir(parents=True)
        (self.place / "certs").symlink_to(certs)
        self.conf = self.place / "server.conf"
        shutil.copy(HERE / "conf" / f"{conf}.conf", self.conf)
        self.log = self.place / "server.log"
        self.process = None
        self.ports = {}

    def start(self):
        """Returns when the server has written its ports file; raises ServerFailed if not."""
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [self.binary, "-a", "127.0.0.1", "-p", "-1", "-c", self.conf,
                 "--ports_file_dir", self.place],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.place)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerFailed(f"the server ended with {self.process.returncode} at its start")
            for ports_file in self.place.glob(f"*_{self.process.pid}.ports"):
                try:
                    self.ports = json.loads(ports_file.read_text())
                    return self
                except ValueError:
                    pass    # not written to its end yet
            time.sleep(0.01)
        self.stop()
        raise ServerFailed(f"no ports file after {READY_SECONDS} seconds")

    def port(self, kind="nats"):
        return urllib.parse.urlsplit(self.ports[kind][0]).port

    @property
    def address(self):
        return f"127.0.0.1:{self.port()}"

    def environment(self):
        """What a test is told about its server."""
        env = {
            "NATS_URL": f"nats://{self.address}",
            "SERVER_PID": str(self.process.pid),
            "SERVER_CONF": str(self.conf),
            "SERVER_LOG": str(self.log),
            "CERTS": str((self.place / "certs").resolve()),
        }
        if "monitoring" in self.ports:
            env["MONITOR_URL"] = f"http://127.0.0.1:{self.port('monitoring')}"
        if "websocket" in self.ports:
            env["WS_URL"] = f"ws://127.0.0.1:{self.port('websocket')}"
        return env

    def kill(self):
        """Ends the server at once, as a crash would; stop() then has nothing to complain of."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        """Ends the server; raises ServerFailed if it had ended itself or ends badly."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is not None:
            if process.returncode != 0:
                raise ServerFailed(f"the server ended by itself with {process.returncode}")
            return
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerFailed("the server did not end within 20 seconds of SIGTERM") from None
        if process.returncode != 0:
            raise ServerFailed(f"the server ended with {process.returncode} after SIGTERM")

    def log_tail(self, lines=15):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
