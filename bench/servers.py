# SPDX-License-Identifier: Apache-2.0
"""The programs of a benchmark: building the generator, installing the peer, running servers.

Servers listen on free ports of 127.0.0.1 only. Everything made here lies in the cache folder or
in a scratch folder that goes away with the run.
"""
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
CACHE = os.path.join(ROOT, '.cache', 'bench')
PEER_VERSION = 'v2.15.1'
PEER_MODULE = 'github.com/nats-io/nats-server/v2'

JETSTREAM = '''
jetstream {
  store_dir: "@DIR@/js"
  max_file_store: 100GB
  max_memory_store: 8GB
'''
CONFIGS = {
    'permissions': '''
authorization {
  users = [
    { user: "bench", password: "bench", permissions: {
      publish: { allow: ["bench.>", "orders.*.new", "_INBOX.>"],
                 deny: ["bench.secret.>", "bench.*.internal"] }
      subscribe: { allow: ["bench.>", "_INBOX.>"], deny: ["bench.secret.>"] } } }
    { user: "other", password: "other", permissions: { publish: "other.>", subscribe: "other.>" } }
  ]
}
''',
    'tls': '''
tls {
  cert_file: "@CACHE@/cert.pem"
  key_file: "@CACHE@/key.pem"
}
''',
    'tight': 'max_pending: 1MB\n',
    'js': JETSTREAM + '}\n',
    'js-always': JETSTREAM + '  sync_interval: always\n}\n',
    'js-lazy': JETSTREAM + '  sync_interval: "2m"\n}\n',
}


class BenchError(Exception):
    """Something a person has to put right; its text says what."""


class NotMeasured(BenchError):
    """The generator refuses to give a figure on this machine; its text says why."""


def run_tool(cmd, what, **kw):
    done = subprocess.run(cmd, capture_output=True, text=True, **kw)
    if done.returncode:
        raise BenchError(f'{what} failed:\n{done.stderr.strip() or done.stdout.strip()}')
    return done.stdout


def build_load():
    """The generator, rebuilt when a source is newer."""
    sources = sorted(f for f in os.listdir(HERE) if f.endswith(('.c', '.h')))
    out = os.path.join(CACHE, 'load')
    newest = max(os.path.getmtime(os.path.join(HERE, f)) for f in sources)
    if not os.path.exists(out) or os.path.getmtime(out) < newest:
        os.makedirs(CACHE, exist_ok=True)
        if not shutil.which('cc'):
            raise BenchError('no C compiler: apt-get install gcc libc6-dev libssl-dev')
        run_tool(['cc', '-std=c11', '-O2', '-Wall', '-Wextra', '-o', out] +
                 [os.path.join(HERE, f) for f in sources if f.endswith('.c')] +
                 ['-lssl', '-lcrypto'],
                 'building the load generator (needs gcc, libc6-dev, libssl-dev)')
    return out


def install_peer():
    """nats-server at the pinned version, built once."""
    folder = os.path.join(CACHE, 'nats-server-' + PEER_VERSION)
    binary = os.path.join(folder, 'nats-server')
    if os.path.exists(binary):
        return binary
    if not shutil.which('go'):
        raise BenchError(
            f'the peer, nats-server {PEER_VERSION}, is built from source and go is not installed.\n'
            'Install Go 1.21 or newer (Debian 12: apt-get install -t bookworm-backports golang-go),'
            '\nor name a binary with --peer PATH.')
    print(f'building nats-server {PEER_VERSION}, once, into {folder}', flush=True)
    os.makedirs(folder, exist_ok=True)
    run_tool(['go', 'install', f'{PEER_MODULE}@{PEER_VERSION}'], 'go install of the peer',
             env=dict(os.environ, GOBIN=folder))
    return binary


def make_certificate():
    cert, key = os.path.join(CACHE, 'cert.pem'), os.path.join(CACHE, 'key.pem')
    if os.path.exists(cert) and os.path.exists(key):
        return
    if not shutil.which('openssl'):
        raise BenchError('the TLS cases need the openssl program: apt-get install openssl')
    os.makedirs(CACHE, exist_ok=True)
    run_tool(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
              'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650', '-subj', '/CN=localhost',
              '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
             'making a certificate')


def version_of(command):
    program = shlex.split(command)[0]
    try:
        done = subprocess.run([program, '-v'], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise BenchError(f'{program} -v: {e}') from None
    return (done.stdout or done.stderr).strip().split('\n')[0]


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def pin_to(cpu):
    return None if cpu is None else lambda: os.sched_setaffinity(0, {cpu})


class Server:
    """A running server; use it in a with statement. ready_ms is the time from exec to INFO."""

    def __init__(self, command, config=None, extra=(), pin=None):
        self.command, self.config, self.extra, self.pin = command, config, list(extra), pin

    def __enter__(self):
        self.scratch = tempfile.mkdtemp(prefix='myelin-bench-')
        self.port = free_port()
        words = [w.format(port=self.port, dir=self.scratch) for w in shlex.split(self.command)]
        if self.config:
            path = os.path.join(self.scratch, 'server.conf')
            with open(path, 'w', encoding='utf-8') as f:
                f.write(CONFIGS[self.config].replace('@CACHE@', CACHE)
                        .replace('@DIR@', self.scratch))
            words += ['-c', path]
        self.log = open(os.path.join(self.scratch, 'log'), 'w+', encoding='utf-8')
        self.words = words + self.extra
        try:
            self.launch()
        except BaseException:
            self.__exit__()
            raise
        return self

    def launch(self, seconds=10):
        start = time.monotonic()
        self.process = subprocess.Popen(self.words, stdout=self.log, stderr=self.log,
                                        preexec_fn=pin_to(self.pin))
        self.wait_ready(start, seconds)

    def wait_ready(self, start, seconds):
        while time.monotonic() < start + seconds:
            if self.process.poll() is not None:
                self.log.seek(0)
                raise BenchError(f'{self.command} ended at once:\n' + self.log.read()[-600:])
            try:
                with socket.create_connection(('127.0.0.1', self.port), 5) as s:
                    if s.recv(4) == b'INFO':
                        self.ready_ms = (time.monotonic() - start) * 1e3
                        return
            except OSError:
                time.sleep(0.001)
        raise BenchError(f'{self.command}: no INFO on port {self.port} within {seconds} s')

    def memory_kb(self):
        with open(f'/proc/{self.process.pid}/status', encoding='utf-8') as f:
            return next(int(line.split()[1]) for line in f if line.startswith('VmRSS:'))

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)    # a failed hot run leaves it stopped
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def run_load(load, server, args, pin=None):
    """One run of a generator; its figures as a dict. BenchError when it failed."""
    cmd = [load, '-a', f'127.0.0.1:{server.port}', '-P', str(server.process.pid)] + args.split()
    return run_generator(cmd, args, pin)


def run_generator(cmd, args, pin=None):
    try:
        done = subprocess.run(cmd, capture_output=True, text=True, timeout=240,
                              preexec_fn=pin_to(pin))
    except subprocess.TimeoutExpired:
        raise BenchError(f'{args}: no end within 240 s') from None
    if 'not measured: ' in done.stderr:
        raise NotMeasured(done.stderr.split('not measured: ', 1)[1].strip())
    if done.returncode:
        raise BenchError(f'{args}: ' + (done.stderr.strip() or done.stdout.strip())[-400:])
    figures = {}
    for word in done.stdout.split():
        key, _, value = word.partition('=')
        try:
            figures[key] = float(value)
        except ValueError:
            continue
    return figures
