# SPDX-License-Identifier: Apache-2.0
"""The server under torture: its disk, its process, and the little protocol that control needs.

A disk is a plain folder, or an ext4 image on a loop device. The second can lose power: the
EXT4_IOC_SHUTDOWN ioctl makes the mounted file system forget what it has not written, as a
machine does that loses power, in some milliseconds; the next mount replays the file system's
journal."""
import contextlib
import errno
import fcntl
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import time

EXT4_IOC_SHUTDOWN = 0x8004587D          # _IOR('X', 125, __u32)
CUT_FLUSHING_LOG, CUT_AT_ONCE = 1, 2    # whether the file system's journal still reaches the disk
READY_SECONDS = 20
ANSWER_SECONDS = 5


class Failed(Exception):
    """The server did something it must not; the text says what."""


class Impossible(Exception):
    """This machine can't do it; the text says why."""


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def run_tool(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise Impossible(f'{words[0]}: {(done.stderr or done.stdout).strip()}')


class Folder:
    """A plain folder; knows no power cut."""

    def __init__(self, root):
        self.path = pathlib.Path(root)
        self.path.mkdir(parents=True)

    def close(self):
        pass


class Image:
    """An ext4 image of its own on a loop device."""

    def __init__(self, root, megabytes):
        self.file = pathlib.Path(root).with_suffix('.img')
        self.path = pathlib.Path(root)
        self.mounted = False
        if os.geteuid() != 0:
            raise Impossible('needs root (mount, loop device)')
        for tool in ('mkfs.ext4', 'mount', 'umount'):
            if not shutil.which(tool, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin'):
                raise Impossible(f'no {tool} here')
        self.path.mkdir(parents=True)
        with open(self.file, 'wb') as f:
            f.truncate(megabytes << 20)
        try:
            run_tool('/sbin/mkfs.ext4', '-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0',
                     str(self.file))
            self.mount()
        except Impossible:
            self.file.unlink()
            raise

    def mount(self):
        run_tool('mount', '-o', 'loop', str(self.file), str(self.path))
        self.mounted = True

    def unmount(self):
        deadline = time.monotonic() + 10
        while True:
            try:
                run_tool('umount', str(self.path))
                break
            except Impossible as e:
                if time.monotonic() > deadline:
                    raise Failed(f'{self.path} stays in use: {e}') from None
                time.sleep(0.02)
        self.mounted = False

    def cut(self, flag):
        """From here on nothing is written, and every access fails with EIO."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack('I', flag))
        finally:
            os.close(fd)

    def remount(self, how):
        run_tool('mount', '-o', f'remount,{how}', str(self.path))

    def fill(self):
        """Takes all free space but a few blocks."""
        step = 1 << 26
        with open(self.path / 'filler', 'ab') as f:
            while step >= 4096:
                try:
                    os.posix_fallocate(f.fileno(), f.seek(0, 2), step)
                except OSError as e:
                    if e.errno != errno.ENOSPC:
                        raise
                    step //= 2

    def free(self):
        (self.path / 'filler').unlink(missing_ok=True)

    def close(self):
        if self.mounted:
            self.unmount()
        self.file.unlink(missing_ok=True)


def power_cuts_possible(scratch):
    """'' or why not; tries it."""
    try:
        with contextlib.closing(Image(pathlib.Path(scratch) / 'probe', 16)) as image:
            (image.path / 'unsynced').write_bytes(b'x' * 5000)
            image.cut(CUT_AT_ONCE)
            image.unmount()
            image.mount()
            if (image.path / 'unsynced').exists():
                return 'the file system kept what was not synced'
    except (Impossible, OSError) as e:
        return str(e)
    return ''


class Control:
    """Requests over a connection of their own; raises OSError when the server goes away."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), ANSWER_SECONDS)
        self.socket.settimeout(ANSWER_SECONDS)
        self.file = self.socket.makefile('rb')
        self.info = json.loads(self.line()[5:])
        self.count = 0
        self.socket.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
                            b'SUB _INBOX.control.> 1\r\nPING\r\n')
        while self.line() != b'PONG\r\n':
            pass

    def line(self):
        line = self.file.readline(1 << 16)
        if not line.endswith(b'\r\n'):
            raise ConnectionResetError('the server closed the connection')
        return line

    def request(self, subject, body=b'', headers=b''):
        """(header bytes, body bytes) of the first answer."""
        self.count += 1
        reply = f'_INBOX.control.{self.count}'
        verb = (f'HPUB {subject} {reply} {len(headers)} {len(headers) + len(body)}' if headers
                else f'PUB {subject} {reply} {len(body)}')
        self.socket.sendall(verb.encode() + b'\r\n' + headers + body + b'\r\n')
        while True:
            words = self.line().split()
            if words[0] == b'PING':
                self.socket.sendall(b'PONG\r\n')
            elif words[0] in (b'MSG', b'HMSG'):
                size = int(words[-1])
                head = int(words[-2]) if words[0] == b'HMSG' else 0
                data = self.file.read(size + 2)
                if words[1] == reply.encode():
                    return data[:head], data[head:size]
            elif words[0] == b'-ERR':
                raise ConnectionResetError(b' '.join(words).decode(errors='replace'))

    def api(self, name, value=None):
        """Answer of $JS.API.<name>; {'error': {...}} also when nobody answers."""
        body = b'' if value is None else json.dumps(value).encode()
        header, answer = self.request('$JS.API.' + name, body)
        if not answer:
            return {'error': {'code': 503, 'description': header.split(b'\r\n')[0].decode()}}
        return json.loads(answer)

    def close(self):
        self.file.close()
        self.socket.close()


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Node:
    """A server on a disk; its log goes on over all its lives."""

    def __init__(self, command, disk, scratch, jetstream=''):
        self.command, self.disk, self.jetstream = command, disk, jetstream
        self.store = disk.path / 'js'
        self.log = pathlib.Path(scratch) / 'server.log'
        self.config = pathlib.Path(scratch) / 'server.conf'
        self.events = []                # (ns, what)
        self.process = None
        self.port = free_port()
        self.write_config(self.config, self.port)

    def write_config(self, path, port):
        path.write_text(f'listen: "127.0.0.1:{port}"\n'
                        f'jetstream {{\n  store_dir: "{self.store}"\n  max_memory_store: 64MB\n'
                        f'  max_file_store: 10GB\n  {self.jetstream}\n}}\n')

    def event(self, what):
        self.events.append((now_ns(), what))

    def spawn(self, config, log):
        with open(log, 'ab') as out:
            return subprocess.Popen(shlex.split(self.command) + ['-c', str(config)], stdout=out,
                                    stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def start(self, seconds=READY_SECONDS, api=True):
        self.event('start')
        self.process = self.spawn(self.config, self.log)
        self.wait_ready(seconds, api)
        self.event('ready')

    def wait_ready(self, seconds=READY_SECONDS, api=True):
        deadline, why = time.monotonic() + seconds, 'no answer'
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(f'the server ended with status {self.process.returncode}: '
                             + self.log_tail())
            try:
                with contextlib.closing(Control(self.port)) as control:
                    answer = control.api('INFO') if api else {}
                    if 'error' not in answer:
                        return
                    why = str(answer['error'])
            except OSError as e:
                why = str(e)
            time.sleep(0.02)
        raise Failed(f'not ready after {seconds} s ({why}): {self.log_tail()}')

    def control(self):
        return contextlib.closing(Control(self.port))

    def kill(self):
        self.event('kill')
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds=20):
        self.event('term')
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f'no end {seconds} s after SIGTERM') from None

    def power_cut(self, flag):
        """Frozen first, so that no ack leaves after the power went."""
        self.event('cut')
        self.process.send_signal(signal.SIGSTOP)
        self.disk.cut(flag)
        self.kill()
        self.disk.unmount()
        self.disk.mount()

    def stop(self):
        """Whatever state it is in."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log_tail(self, lines=3):
        text = self.log.read_text(errors='replace').strip().splitlines()
        return ' | '.join(text[-lines:])
