#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Side-by-side benchmark of JetStream: nats-server by default and with `sync_interval: always`,
Myelin by default (synced before every ack) and with a lazy interval, in alternation.

  bench/js.py                       every case; writes the JetStream section of docs/benchmarks.md
  bench/js.py --quick               one run of each case with a tenth of the messages
  bench/js.py --cases w256x128,kvput --reps 3
  bench/js.py --messages 10m --subjects 1m --cases restart-kill

The disk decides what is synced before the ack: before each run the flush time of the folder that
holds the stores (TMPDIR) is measured, and every row shows the median. bench/README.md explains the
figures. Exit status as bench/run.py.
"""
import argparse
import datetime
import json
import os
import shlex
import signal
import socket
import sys
import tempfile
import time

import report
import servers
from js_cases import ALWAYS, CASES, CONFIG, FIGURES, PEER, bound_of, scaled
from report import median
from servers import BenchError, Server

DOCUMENT = os.path.join(servers.ROOT, 'docs', 'benchmarks.md')
RESTART_SECONDS = 300


def parse_arguments():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--quick', action='store_true', help='one short run of each case')
    ap.add_argument('--cases', help='comma-separated; default all: ' +
                    ','.join(c.name for c in CASES))
    ap.add_argument('--reps', type=int, help='runs of each case and variant (3)')
    ap.add_argument('--myelin', default=os.path.join(servers.ROOT, 'build', 'myelin'),
                    metavar='PATH', help='server under test (build/myelin)')
    ap.add_argument('--peer', metavar='PATH', help='use this nats-server instead of building '
                    + servers.PEER_VERSION)
    ap.add_argument('--variants', help='comma-separated; default all: ' + ','.join(CONFIG))
    ap.add_argument('--messages', default='1m', help='in the store of a restart (1m)')
    ap.add_argument('--subjects', default='100k', help='in the store of a restart (100k)')
    ap.add_argument('--load', metavar='PATH', help='use this generator instead of building it')
    ap.add_argument('--json', metavar='FILE', help='write every figure of every run')
    ap.add_argument('--docs', metavar='FILE', help='write the tables into this document; a full '
                    'default run writes docs/benchmarks.md')
    opt = ap.parse_args()
    opt.reps = opt.reps or (1 if opt.quick else 3)
    opt.variants = opt.variants.split(',') if opt.variants else list(CONFIG)
    if set(opt.variants) - set(CONFIG):
        ap.error('--variants: there are ' + ', '.join(CONFIG))
    if not (opt.docs or opt.quick or opt.cases or opt.variants != list(CONFIG)):
        opt.docs = DOCUMENT
    return opt


def choose_cases(names):
    known = {c.name: c for c in CASES}
    wanted = names.split(',') if names else list(known)
    unknown = [n for n in wanted if n not in known]
    if unknown:
        raise BenchError(f"no case {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[n] for n in wanted]


def flush_of_disk(load):
    """Figures of the disk that holds the stores."""
    return servers.run_generator([load, '-o', tempfile.gettempdir(), 'flush'], 'flush')


def ask_messages(port):
    """Messages in the stream, None when it does not answer."""
    try:
        with socket.create_connection(('127.0.0.1', port), 5) as s, s.makefile('rb') as f:
            s.settimeout(5)
            f.readline()
            s.sendall(b'CONNECT {"verbose":false}\r\nSUB _INBOX.js 1\r\n'
                      b'PUB $JS.API.STREAM.INFO.BENCH0 _INBOX.js 0\r\n\r\n')
            while True:
                line = f.readline()
                if not line:
                    return None
                if line.startswith(b'MSG '):
                    answer = json.loads(f.read(int(line.split()[-1])) or b'{}')
                    return answer.get('state', {}).get('messages')
    except OSError:
        return None


def drop_caches():
    """Whether the page cache is cold now."""
    os.sync()
    try:
        with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as f:
            f.write('3')
    except OSError:
        return False
    return True


def run_restart(load, case, server, opt):
    args = f'-k 900 -n {opt.messages} -D {opt.subjects} ' + case.args
    wanted = servers.run_load(load, server, args)['messages']
    server.process.send_signal(signal.SIGKILL if case.name.endswith('kill') else signal.SIGTERM)
    server.process.wait(120)
    cold = drop_caches()
    start = time.monotonic()
    server.launch(RESTART_SECONDS)
    while ask_messages(server.port) != wanted:
        if time.monotonic() > start + RESTART_SECONDS:
            raise BenchError(f'{case.name}: not all messages are back: '
                             f'{ask_messages(server.port)} of {wanted:.0f}')
        time.sleep(0.005)
    return {'restart_ms': (time.monotonic() - start) * 1e3, 'rss_kb': server.memory_kb(),
            'cold': float(cold)}


def run_once(load, case, variant, command, opt):
    with Server(command, CONFIG[variant]) as server:
        if case.kind == 'restart':
            return run_restart(load, case, server, opt)
        factor = (0.1 if opt.quick else 1) * (case.always_factor if variant == ALWAYS else 1)
        args = case.args if '-k ' in case.args else '-k 120 ' + case.args
        return servers.run_load(load, server, scaled(args, factor))


def run_case(load, case, commands, opt):
    """variant -> figures of each run; figures of the disk; failures."""
    names = [v for v in case.variants if v in opt.variants]
    runs, disk, failures = {name: [] for name in names}, [], 0
    for _ in range(opt.reps):
        for name in names:
            try:
                disk.append(flush_of_disk(load))
                runs[name].append(run_once(load, case, name, commands[name], opt))
            except BenchError as e:
                failures += 1
                print(f'{case.name}, {name}: {e}', file=sys.stderr, flush=True)
    return runs, disk, failures


def show(figure, values):
    if not values:
        return '-'
    _, factor, unit = FIGURES[figure]
    x = median(values) * factor
    text = f'{x:,.0f}' if abs(x) >= 100 else f'{x:.1f}' if abs(x) >= 10 else f'{x:.2f}'
    return f'{text} {unit}'


def judge(case, runs, flush_us):
    """Per figure the texts of its targets: 'at least 1.3x of nats-server: 2.1x, met'."""
    texts, counts = {}, {'met': 0, 'missed': 0}
    for target in case.targets:
        judged = median([r[target.figure] for r in runs.get(target.judged, [])])
        base = median([r[target.figure] for r in runs.get(target.base, [])])
        bound, text = bound_of(target, base, flush_us)
        if judged is None or bound is None:
            continue
        met = judged >= bound if target.higher else judged <= bound
        word = 'met' if met else 'missed'
        counts[word] += 1
        against = f'{judged / base:.2f}x' if base and 'flush' not in text else \
            f'{judged / bound:.2f} of it'
        texts.setdefault(target.figure, []).append(f'{text}: {against}, {word}')
    return texts, counts


def rows_of(case, runs, disk, opt):
    flushes = median([d['flushes_s'] for d in disk]) if disk else 1
    flush_us = 1e6 / flushes        # the mean: its tail counts as well
    texts, counts = judge(case, runs, flush_us)
    title = case.title
    if case.kind == 'restart':
        title += f'{opt.messages} messages of 128 B in {opt.subjects} subjects'
        if not all(r['cold'] for found in runs.values() for r in found):
            title += ' (not root: cache warm)'
    rows = []
    for figure in case.shown:
        cells = [show(figure, [r[figure] for r in runs.get(v, []) if figure in r]) for v in CONFIG]
        disk_cell = f'{flush_us / 1000:.2f} ms, {flushes:,.0f}/s' if not rows else ''
        rows.append([title if not rows else '', FIGURES[figure][0], *cells, disk_cell,
                     '; '.join(texts.get(figure, []))])
    return rows, counts


def section(rows, counts, opt, versions):
    now = datetime.datetime.now(datetime.timezone.utc)
    head = ['case', 'figure', *CONFIG, 'flush of the disk', 'targets']
    command = 'make bench-js' if len(sys.argv) == 1 else shlex.join(sys.argv)
    lines = [f'Measured on {now:%Y-%m-%d} at commit {report.commit()}: medians of {opt.reps} '
             f"alternating runs. Targets: {counts['met']} met, {counts['missed']} missed.", '',
             '- Machine: ' + report.describe_machine()]
    if report.busy_note(opt.busy):
        lines.append('- Beware: ' + report.busy_note(opt.busy))
    lines += [f'- {name}: {version}' for name, version in versions.items()]
    lines += [f'- Repeat: `{command}`', '', '| ' + ' | '.join(head) + ' |',
              '|' + '---|' * len(head)]
    return '\n'.join(lines + ['| ' + ' | '.join(row) + ' |' for row in rows])


def measure(opt):
    opt.busy = os.getloadavg()[0]
    cases = choose_cases(opt.cases)
    flags, commands = ' -a 127.0.0.1 -p {port}', {}
    for name in opt.variants:
        if name in (PEER, ALWAYS):
            opt.peer = opt.peer or servers.install_peer()
        elif not os.access(opt.myelin, os.X_OK):
            raise BenchError(f'{opt.myelin} is not there: run make first, or give --myelin PATH')
        program = opt.peer if name in (PEER, ALWAYS) else os.path.abspath(opt.myelin)
        commands[name] = program + flags
    versions = {name: servers.version_of(commands[name]) for name in commands}
    load = opt.load or servers.build_load()
    rows, counts, raw, failures = [], {'met': 0, 'missed': 0}, {}, 0
    for case in cases:
        if not set(case.variants) & set(opt.variants):
            continue
        runs, disk, failed = run_case(load, case, commands, opt)
        raw[case.name] = {'runs': runs, 'disk': disk}
        failures += failed
        new, found = rows_of(case, runs, disk, opt)
        for word in counts:
            counts[word] += found[word]
        for row in new:
            print(' | '.join(f'{cell:>14}' for cell in row), flush=True)
        rows += new
        if opt.json:
            with open(opt.json, 'w', encoding='utf-8') as f:
                json.dump(raw, f, indent=1)
    print(f"targets: {counts['met']} met, {counts['missed']} missed; {failures} runs failed")
    if opt.docs:
        report.write_document(opt.docs, section(rows, counts, opt, versions), report.JETSTREAM)
        print(f'figures written to {opt.docs}')
    return 1 if failures else 0


def main():
    try:
        return measure(parse_arguments())
    except BenchError as e:
        print(f'bench: {e}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
