#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Side-by-side benchmark of NATS servers: the same load on each, in alternation.

  bench/run.py                          nats-server against build/myelin; writes the figures of
                                        docs/benchmarks.md
  bench/run.py --quick                  one run of each case with a tenth of the messages
  bench/run.py --cases pub16,fan1x128 --reps 3
  bench/run.py --server old='/tmp/old/myelin -a 127.0.0.1 -p {port}' \\
               --server new='build/myelin -a 127.0.0.1 -p {port}'

The first server is the baseline of the ratios and the last one is held against the targets.
{port} becomes a free port, {dir} an empty scratch folder. bench/README.md explains the figures.

Exit status: 0 when every run went well (a missed target is a result, not an error), 1 when a
run failed, 2 when something needed is missing.
"""
import argparse
import json
import os
import resource
import shlex
import sys
import time

import report
import servers
from cases import CASES, quick_args
from servers import BenchError, NotMeasured, Server

DOCUMENT = os.path.join(servers.ROOT, 'docs', 'benchmarks.md')
SETTLE_S = 1.0                          # an idle server is looked at after this long


def parse_arguments():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--quick', action='store_true', help='one short run of each case')
    ap.add_argument('--cases', help='comma-separated; default all: ' +
                    ','.join(c.name for c in CASES))
    ap.add_argument('--reps', type=int, help='runs of each case and server (5)')
    ap.add_argument('--myelin', default=os.path.join(servers.ROOT, 'build', 'myelin'),
                    metavar='PATH', help='server under test (build/myelin)')
    ap.add_argument('--peer', metavar='PATH', help='use this nats-server instead of building '
                    + servers.PEER_VERSION)
    ap.add_argument('--server', action='append', metavar='NAME=COMMAND',
                    help='compare these instead; may be given more than once')
    ap.add_argument('--load', metavar='PATH', help='use this generator instead of building it')
    ap.add_argument('--json', metavar='FILE', help='write every figure of every run')
    ap.add_argument('--docs', metavar='FILE', help='write the table into this document; a full '
                    'default run writes docs/benchmarks.md')
    opt = ap.parse_args()
    opt.reps = opt.reps or (1 if opt.quick else 5)
    if opt.reps < 1:
        ap.error('--reps must be at least 1')
    if not (opt.docs or opt.quick or opt.cases or opt.server):
        opt.docs = DOCUMENT
    return opt


def choose_cases(names):
    known = {c.name: c for c in CASES}
    if not names:
        return list(CASES)
    unknown = [n for n in names.split(',') if n not in known]
    if unknown:
        raise BenchError(f"no case {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[n] for n in names.split(',')]


def choose_servers(opt):
    """name -> command, the baseline first."""
    if opt.server:
        for text in opt.server:
            if '=' not in text:
                raise BenchError(f'--server {text}: NAME=COMMAND is wanted')
        pairs = dict(text.split('=', 1) for text in opt.server)
        if len(pairs) != len(opt.server):
            raise BenchError('two servers of one name')
        return pairs
    if not os.access(opt.myelin, os.X_OK):
        raise BenchError(f'{opt.myelin} is not there: run make first, or give --myelin PATH')
    flags = ' -a 127.0.0.1 -p {port}'
    return {'nats-server': (opt.peer or servers.install_peer()) + flags,
            'myelin': os.path.abspath(opt.myelin) + flags}


def run_once(load, case, command, quick, extra=()):
    with Server(command, case.config, extra, case.pin) as server:
        if case.args is None:
            time.sleep(SETTLE_S)
            return {'rss_kb': server.memory_kb(), 'start_ms': server.ready_ms}
        return servers.run_load(load, server, quick_args(case.args) if quick else case.args,
                                case.pin)


def run_case(load, case, variants, opt):
    """variants: name -> (command, extra flags). name -> figures of each run; failures."""
    runs, failures = {name: [] for name in variants}, 0
    for _ in range(opt.reps):
        for name, (command, extra) in variants.items():
            try:
                runs[name].append(run_once(load, case, command, opt.quick, extra))
            except NotMeasured:
                raise
            except BenchError as e:
                failures += 1
                print(f'{case.name}, {name}: {e}', file=sys.stderr, flush=True)
    return runs, failures


def variants_of(case, commands, versions):
    """Case without loops: the servers; else the last server with one and with two loops."""
    if not case.loops:
        return {name: (command, ()) for name, command in commands.items()}
    name = list(commands)[-1]
    if 'myelin' not in versions[name]:
        raise NotMeasured(f'{name} is not Myelin and has no --loops')
    if len(os.sched_getaffinity(0)) < 2:
        raise NotMeasured("one CPU can't show what two loops gain")
    return {f'{name}, {n} loop{"s"[:n - 1]}': (commands[name], ('--loops', str(n)))
            for n in (1, 2)}


def measure(opt):
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    cases, commands = choose_cases(opt.cases), choose_servers(opt)
    versions = {name: servers.version_of(command) for name, command in commands.items()}
    load = opt.load or servers.build_load()
    if any(c.config == 'tls' for c in cases):
        servers.make_certificate()
    rows, loop_rows, raw, failures = [], [], {}, 0
    run = {'reps': opt.reps, 'load': os.getloadavg()[0], 'notes': []}
    if report.busy_note(run['load']):
        print('bench: ' + report.busy_note(run['load']), file=sys.stderr)
    print(' | '.join(f'{n}: {v}' for n, v in versions.items()))
    for case in cases:
        try:
            variants = variants_of(case, commands, versions)
            raw[case.name], failed = run_case(load, case, variants, opt)
        except NotMeasured as e:
            run['notes'].append(f'{case.title}: not measured: {e}')
            print(run['notes'][-1], flush=True)
            continue
        failures += failed
        new = report.rows_of(case, raw[case.name], list(variants))
        report.print_rows(new)
        if case.loops:
            loop_rows += new
        else:
            rows += new
        if opt.json:
            with open(opt.json, 'w', encoding='utf-8') as f:
                json.dump(raw, f, indent=1)
    if opt.docs:
        run['command'] = 'make bench' if len(sys.argv) == 1 else shlex.join(sys.argv)
        report.write_document(opt.docs,
                              report.section(rows, loop_rows, list(commands), versions, run))
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
