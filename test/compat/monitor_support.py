# SPDX-License-Identifier: Apache-2.0
"""What the tests of the monitoring port share: servers, clients that speak the protocol, and a
reader of metrics."""
import http.client
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DEADLINE_S = 10
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def until(condition, what, seconds=DEADLINE_S):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f'not within {seconds} s: {what}'
        time.sleep(0.01)


class Server:
    """A server with this configuration; %FOLDER stands for its folder, ports are added."""

    def __init__(self, binary, config='', https=False):
        self.binary = binary
        self.folder = tempfile.mkdtemp(prefix='monitor-')
        config = config.replace('%FOLDER', self.folder)
        path = pathlib.Path(self.folder, 'server.conf')
        self.path = path
        self.fixed = (f'listen: "127.0.0.1:-1"\nports_file_dir: "{self.folder}"\n'
                      f'{"https" if https else "http"}: "127.0.0.1:-1"\n')
        path.write_text(self.fixed + config)
        self.start()

    def start(self):
        self.log = open(pathlib.Path(self.folder, 'log'), 'wb')
        self.process = subprocess.Popen([self.binary, '-c', self.path], stderr=self.log,
                                        restore_signals=False)
        until(lambda: 'Server is ready' in self.log_text(), 'server is ready')
        self.port = int(re.search(r'Listening for client connections on .*:(\d+)',
                                  self.log_text()).group(1))
        self.http_port = int(re.search(r'Starting https? monitor on .*:(\d+)',
                                       self.log_text()).group(1))

    def log_text(self):
        assert self.process.poll() is None, pathlib.Path(self.folder, 'log').read_text()
        return pathlib.Path(self.folder, 'log').read_text()

    def reload(self, config):
        self.path.write_text(self.fixed + config)
        self.process.send_signal(signal.SIGHUP)

    def request(self, path, method='GET', headers=None, body=None):
        c = http.client.HTTPConnection('127.0.0.1', self.http_port, timeout=DEADLINE_S)
        c.request(method, path, body, headers or {})
        response = c.getresponse()
        response.body = response.read().decode()
        c.close()
        return response

    def json(self, path, status=200):
        r = self.request(path)
        assert r.status == status, f'{path}: {r.status} {r.body}'
        assert r.getheader('Content-Type') == 'application/json', r.getheaders()
        assert r.getheader('Access-Control-Allow-Origin') == '*', r.getheaders()
        value = json.loads(r.body)
        if not path.startswith('/healthz'):
            assert r.body == go_json(value), f'{path} is not indented as Go does:\n{r.body}'
        return value

    def refused(self, path, text, status=400):
        r = self.request(path)
        assert (r.status, r.body) == (status, text), f'{path}: {r.status} {r.body}'
        assert r.getheader('Content-Type') == 'text/plain; charset=utf-8', r.getheaders()

    def end(self):
        self.process.terminate()
        code = self.process.wait(DEADLINE_S)
        self.log.close()
        assert code == 0, f'exit status {code}'

    def restart(self):
        self.end()
        self.start()

    def stop(self):
        try:
            self.end()
        finally:
            shutil.rmtree(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            sys.stderr.write(pathlib.Path(self.folder, 'log').read_text()[-2000:])
        self.stop()


def go_json(value):
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return ''.join({'<': '\\u003c', '>': '\\u003e', '&': '\\u0026'}.get(c, c) for c in text)


class Client:
    def __init__(self, server, text='', **options):
        self.socket = socket.create_connection(('127.0.0.1', server.port), DEADLINE_S)
        self.data = b''
        self.read_until(b'\r\n')
        self.send('CONNECT ' + json.dumps({'verbose': False, **options}) + '\r\n' + text)
        self.sync()

    def send(self, text):
        self.socket.sendall(text.encode())

    def read_until(self, mark):
        while mark not in self.data:
            chunk = self.socket.recv(65536)
            assert chunk, f'closed after {self.data!r}'
            self.data += chunk
        seen, self.data = self.data.split(mark, 1)
        return seen

    def sync(self):
        self.send('PING\r\n')
        return self.read_until(b'PONG\r\n')

    def close(self):
        self.socket.close()


class JsClient(Client):
    """Asks the JetStream API and publishes to streams."""

    def __init__(self, server, **options):
        super().__init__(server, 'SUB inbox.* 1\r\n', **options)

    def ask_all(self, requests):
        for i, (subject, value) in enumerate(requests):
            body = '' if value is None else json.dumps(value)
            self.send(f'PUB {subject} inbox.{i} {len(body)}\r\n{body}\r\n')
        answers = {}
        while len(answers) < len(requests):
            line = self.read_until(b'\r\n').split()
            if line[:1] != [b'MSG']:
                continue
            while len(self.data) < int(line[-1]) + 2:
                self.data += self.socket.recv(65536)
            body, self.data = self.data[:int(line[-1])], self.data[int(line[-1]) + 2:]
            if line[2] == b'1':
                answers[line[1]] = json.loads(body)
        return [answers[b'inbox.%d' % i] for i in range(len(requests))]

    def ask(self, subject, value=None):
        answer, = self.ask_all([(subject, value)])
        assert 'error' not in answer, (subject, answer)
        return answer

    def stream(self, name, **config):
        return self.ask('$JS.API.STREAM.CREATE.' + name, {'name': name, **config})

    def consumer(self, stream, name, **config):
        return self.ask(f'$JS.API.CONSUMER.CREATE.{stream}.{name}',
                        {'stream_name': stream, 'config': {'name': name, **config}})

    def make_assets(self):
        """S1 with ten messages, one of them deleted, and two consumers; S2 in memory."""
        self.stream('S1', subjects=['s1.>'], max_bytes=1 << 20)
        self.stream('S2', subjects=['s2.>'], max_bytes=1000, storage='memory')
        self.ask_all([(f's1.{i % 3}', {'i': i}) for i in range(10)] + [('s2.x', {})])
        self.ask('$JS.API.STREAM.MSG.DELETE.S1', {'seq': 4})
        self.send('SUB push.x 2\r\n')
        self.consumer('S1', 'C1', durable_name='C1', ack_policy='explicit', filter_subject='s1.1')
        self.consumer('S1', 'C2', deliver_subject='push.x', ack_policy='none')
        assert 'error' in self.ask_all([('$JS.API.CONSUMER.CREATE.S1.C3', {'bad': 1})])[0]


def names(values, key='name'):
    return [v.get(key) for v in values]


SAMPLE = re.compile(r'([a-z_]+)(?:\{([^}]*)\})? (-?[0-9.e+]+)$')


def read_metrics(text, open_metrics=False):
    """{(name, labels): value}; complains about anything out of order."""
    values, family, kinds = {}, None, {}
    lines = text.split('\n')
    assert lines.pop() == '', 'no newline at the end'
    if open_metrics:
        assert lines.pop() == '# EOF'
    for line in lines:
        if line.startswith('# HELP '):
            family = line.split(' ', 3)[2]
            assert family not in kinds, f'{family} twice'
            assert len(line.split(' ', 3)) == 4, line
        elif line.startswith('# TYPE '):
            _, _, name, kind = line.split(' ')
            assert name == family, line
            kinds[name] = kind
        else:
            m = SAMPLE.match(line)
            assert m, line
            suffix = {'counter': '_total', 'info': '_info'}.get(kinds[family], '')
            if kinds[family] == 'histogram':
                assert m.group(1) in [f'{family}_{x}' for x in ('bucket', 'sum', 'count')], line
            else:
                assert m.group(1) == (family + suffix if open_metrics else family), line
            key = (m.group(1), m.group(2) or '')
            assert key not in values, f'{key} twice'
            values[key] = float(m.group(3))
    return values
