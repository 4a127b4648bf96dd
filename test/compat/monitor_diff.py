#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare the shape of the monitoring answers of nats-server and myelin.

    python3 test/compat/monitor_diff.py PEER MYELIN

Both run with the same configuration and the same clients. For each request the status, the content
type and the keys in their order must agree, for plain texts the text, and with JetStream the values
of EXACT. Differences meant to be are in OWN. A development tool: the peer is no part of the
tests."""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from monitor_jetstream import JETSTREAM     # noqa: E402
from monitor_support import Client, JsClient, Server     # noqa: E402

CONFIG = '''server_name: s
accounts { A { users: [{user: a, password: p}], mappings: {m: n} } }
no_auth_user: a
server_tags: [x]
websocket { listen: "127.0.0.1:-1", no_tls: true, compression: true }
'''
REQUESTS = '''/varz /connz /connz?subs=1&auth=1 /connz?subs=detail /connz?state=closed /connz?acc=A
    /connz?acc=nope /connz?cid=99 /connz?cid=x /connz?sort=x /connz?sort=stop /connz?state=x
    /connz?limit=x /connz?auth=x /subsz /subsz?test=* /subsz?subs=1&test=foo /accountz
    /accountz?acc=A /accountz?acc=nope /accstatz /accstatz?unused=x /healthz /healthz?stream=x
    /healthz?consumer=x&details=1 /routez /leafz /gatewayz /jsz /jsz?leader-only=1 /ipqueuesz
    /raftz /nope /varz/'''.split()
# With JetStream, and the same streams and consumers on both.
JETSTREAM_REQUESTS = '''/varz /jsz /jsz?acc=A /jsz?acc=C /jsz?acc=nope /jsz?accounts=1
    /jsz?accounts=1&offset=1 /jsz?accounts=1&limit=1 /jsz?accounts=1&offset=2 /jsz?streams=1
    /jsz?accounts=1&offset=1&limit=-1 /jsz?consumers=1 /jsz?consumers=1&config=1 /jsz?config=1
    /jsz?consumers=1&direct-consumers=1&raft=1 /jsz?raft=1 /jsz?leader-only=1
    /jsz?acc=A&streams=1&stream-leader-only=1 /jsz?acc=B&consumers=1 /jsz?streams=x&limit=x
    /jsz?offset=x&streams=1 /accountz?acc=A /accountz?acc=C
    /healthz /healthz?account=A /healthz?account=B /healthz?account=C /healthz?account=nope
    /healthz?account=A&stream=S1 /healthz?account=A&stream=nope
    /healthz?account=A&stream=S1&consumer=C1 /healthz?account=A&stream=S1&consumer=nope
    /healthz?account=A&stream=S1&consumer=nope&details=1 /healthz?stream=S1
    /healthz?account=nope&stream=x&details=true /healthz?js-enabled-only=1&account=nope
    /healthz?js-server-only=1&account=nope /healthz?account=z%22%3c'''.split()
# Ours alone; and what the peer's system services add to every account. sync_always:
# Myelin syncs before it answers; default_max_consumers: a limit of later levels.
OWN = {'myelin_version', 'feature_flags', 'imports', 'sync_always', 'default_max_consumers'}
# Values that are neither the run's nor the version's, besides numbers of the match cache.
EXACT = {'messages', 'bytes', 'first_seq', 'last_seq', 'num_subjects', 'num_deleted', 'total',
         'consumer_count', 'consumer_seq', 'stream_seq', 'num_ack_pending', 'num_redelivered',
         'num_waiting', 'num_pending', 'streams', 'consumers', 'streams_leader',
         'consumers_leader', 'reserved_memory', 'reserved_storage', 'memory', 'storage', 'errors',
         'ha_assets', 'accounts', 'strict', 'sync_interval', 'max_ack_pending', 'name', 'id',
         'stream_name', 'retention', 'duplicate_window', '_nats.req.level', 'leader',
         'jetstream_enabled', 'push_bound', 'status', 'error', 'ack_wait'}


def shape(value, exact):
    if isinstance(value, dict):
        return {k: v if k in exact and not isinstance(v, (dict, list)) else shape(v, exact)
                for k, v in value.items() if k not in OWN}
    if isinstance(value, list):             # their order is nobody's promise
        if value and all(isinstance(v, dict) and 'name' in v for v in value) and exact:
            return [shape(v, exact) for v in sorted(value, key=lambda v: v['name'])]
        return [shape(max(value, key=lambda v: len(str(v))), exact)] if value else []
    return type(value).__name__.replace('float', 'number').replace('int', 'number')


def read(server, path, exact=()):
    r = server.request(path)
    text = r.body
    if r.getheader('Content-Type') == 'application/json':
        text = json.dumps(shape(json.loads(text), exact), indent=1)
    return f'{r.status} {r.getheader("Content-Type")}\n{text}'


def ask(binary):
    answers = {}
    with Server(binary, CONFIG) as s:
        first = Client(s)
        first.close()
        c = Client(s, 'SUB foo 1\r\nSUB bar q 2\r\nPUB foo 2\r\nhi\r\n', name='n', lang='l',
                   version='1')
        for path in REQUESTS:
            answers[path] = read(s, path)
        c.close()
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        c.make_assets()
        for path in JETSTREAM_REQUESTS:
            answers['with JetStream: ' + path] = read(s, path, EXACT)
        c.close()
    return answers


def main():
    peer, mine = ask(sys.argv[1]), ask(sys.argv[2])
    different = 0
    for path in peer:
        if peer[path] == mine[path]:
            continue
        different += 1
        print(f'==== {path}')
        with tempfile.TemporaryDirectory() as folder:
            for name, text in ('peer', peer[path]), ('myelin', mine[path]):
                pathlib.Path(folder, name).write_text(text + '\n')
            subprocess.run(['diff', '-U2', 'peer', 'myelin'], cwd=folder)
    print(f'{len(peer) - different} equal, {different} different')
    return different != 0


if __name__ == '__main__':
    sys.exit(main())
