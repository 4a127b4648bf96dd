#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""For developers: does another load generator see the same server as ours does?

  bench/crosscheck.py OTHER --server 'nats-server -a 127.0.0.1 -p {port}'

OTHER is the binary of a generator with the options and the output (key=value) of the project's
reference generator. Both run the same cases against fresh instances of the same server, in
alternation. Printed are the medians, how far they are apart, and the larger of the two spreads
(half the range): a difference within that is noise.

Exit status: 0 they agree within --tolerance or the noise, 1 they don't or a run failed.
"""
import argparse
import sys

import report
import servers
from servers import BenchError, Server

# name: (our arguments, their arguments or None for the same, CPU of both sides)
CASES = {
    'pub16': ('-n 2m -z 16 pub', None, None),
    'pub128': ('-n 2m -z 128 pub', None, None),
    'fan1x16': ('-n 1m -z 16 fan', None, None),
    'fan1x128': ('-n 600k -z 128 fan', None, None),
    'fan1x16k': ('-n 60k -z 16384 fan', None, None),
    'fan8x128': ('-n 200k -z 128 -s 8 fan', None, None),
    'pair64x128': ('-n 600k -z 128 -p 64 -s 64 pair', None, None),
    'queue8x128': ('-n 600k -z 128 -s 8 -q workers fan', None, None),
    'req1': ('-n 20k -z 16 req', None, 0),
    'req64': ('-n 150k -w 64 -z 16 req', None, 0),
    'subs100k': ('-C 100k -n 300k -D 100k -K mix subs', None, None),
    'subs100khot': ('-C 100k -n 600k -D 1000 -K mix subs', None, None),
    'idle': ('-C 9500 -u idle', None, None),
}

# our figure: (their figure, factor to our unit)
SAME = {
    'cpu_ns': ('cpu_m', 1000), 'msgs_s': ('msgs_s', 1), 'p50_us': ('p50_us', 1),
    'p99_us': ('p99_us', 1), 'bytes_per_sub': ('bytes_per_sub', 1),
    'bytes_per_conn': ('bytes_per_conn', 1), 'accept_cpu_us': ('cpu_us_per_conn', 1),
}


def run_both(case, ours, other, command, runs):
    mine, theirs, cpu = CASES[case]
    for who, load, args in (('ours', ours, mine), ('other', other, theirs or mine)):
        with Server(command, pin=cpu) as server:
            runs[who].append(servers.run_load(load, server, args, cpu))


def compare(case, runs, tolerance):
    """Prints a line per figure; how many disagree."""
    bad = 0
    for figure, (key, factor) in SAME.items():
        ours = [r[figure] for r in runs['ours'] if figure in r]
        other = [r[key] * factor for r in runs['other'] if key in r]
        if not ours or not other:
            continue
        a, b = report.median(ours), report.median(other)
        off = (a / b - 1) * 100 if b else float('inf')
        noise = max((max(v) - min(v)) / 2 / report.median(v) * 100 for v in (ours, other))
        agree = abs(off) <= max(tolerance, noise)
        bad += not agree
        print(f'{case:12} {figure:14} ours {a:12,.1f}  other {b:12,.1f}  off {off:+6.1f}%  '
              f"noise ±{noise:.0f}%  {'agree' if agree else 'DISAGREE'}", flush=True)
    return bad


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('other', help='binary of the other generator')
    ap.add_argument('--server', required=True, metavar='COMMAND')
    ap.add_argument('--cases', default=','.join(CASES))
    ap.add_argument('--reps', type=int, default=5)
    ap.add_argument('--tolerance', type=float, default=5, metavar='PERCENT')
    ap.add_argument('--load', help='our generator; default: build it')
    opt = ap.parse_args()
    unknown = [c for c in opt.cases.split(',') if c not in CASES]
    if unknown or opt.reps < 1:
        ap.error(f"no case {', '.join(unknown)}" if unknown else '--reps must be at least 1')
    try:
        load, bad = opt.load or servers.build_load(), 0
        for case in opt.cases.split(','):
            runs = {'ours': [], 'other': []}
            for _ in range(opt.reps):
                run_both(case, load, opt.other, opt.server, runs)
            bad += compare(case, runs, opt.tolerance)
    except BenchError as e:
        print(f'crosscheck: {e}', file=sys.stderr)
        return 1
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
