#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare the shape of the monitoring answers of nats-server and myelin.

    python3 test/compat/monitor_diff.py PEER MYELIN

Both run with the same configuration and the same clients. For each request the status, the content
type and the keys in their order must agree, and for plain texts the text. Differences meant to be
are in OWN. A development tool: the peer is no part of the tests."""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_monitor import Client, Server     # noqa: E402

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
# Ours alone; of JetStream; and what the peer's system services add to every account.
OWN = {'myelin_version', 'feature_flags', 'imports'}


def shape(value):
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items() if k not in OWN}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__.replace('float', 'number').replace('int', 'number')


def ask(binary):
    answers = {}
    with Server(binary, CONFIG) as s:
        first = Client(s)
        first.close()
        c = Client(s, 'SUB foo 1\r\nSUB bar q 2\r\nPUB foo 2\r\nhi\r\n', name='n', lang='l',
                   version='1')
        for path in REQUESTS:
            r = s.request(path)
            text = r.body
            if r.getheader('Content-Type') == 'application/json':
                text = json.dumps(shape(json.loads(text)), indent=1)
            answers[path] = f'{r.status} {r.getheader("Content-Type")}\n{text}'
        c.close()
    return answers


def main():
    peer, mine = ask(sys.argv[1]), ask(sys.argv[2])
    different = 0
    for path in REQUESTS:
        if peer[path] == mine[path]:
            continue
        different += 1
        print(f'==== {path}')
        with tempfile.TemporaryDirectory() as folder:
            for name, text in ('peer', peer[path]), ('myelin', mine[path]):
                pathlib.Path(folder, name).write_text(text + '\n')
            subprocess.run(['diff', '-U2', 'peer', 'myelin'], cwd=folder)
    print(f'{len(REQUESTS) - different} equal, {different} different')
    return different != 0


if __name__ == '__main__':
    sys.exit(main())
