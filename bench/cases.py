# SPDX-License-Identifier: Apache-2.0
"""The cases of the benchmark and the targets they are held against.

A case is one run of the generator (or, for start-up, of the server alone). A target bounds one
of its figures: as a multiple of the peer's figure, or as an absolute value.
"""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    figure: str                     # key in the generator's output
    ratio: float = None             # bound relative to the first server
    bound: float = None             # or an absolute one, in the figure's unit
    higher: bool = False            # more is better


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    args: str = None                # of the generator; None = start the server and look at it
    targets: tuple = ()
    shown: tuple = ()               # figures without a target
    config: str = None              # key of servers.CONFIGS
    pin: int = None                 # run server and generator on this CPU
    loops: bool = field(default=False)  # Myelin only: --loops 1 against --loops 2


def speed(cpu, rate):
    return Target('cpu_ns', ratio=cpu), Target('msgs_s', ratio=rate, higher=True)


PUB = 'publish, no subscriber, '
ONE = '1 publisher, 1 subscriber, '
EIGHT = '1 publisher, 8 subscribers, '
SUBS = '100,000 wildcard subscriptions, '
AUTH = '-U bench -X bench '

CASES = (
    Case('pub16', PUB + '16 B', '-n 4m -z 16 pub', speed(0.2, 4)),
    Case('pub128', PUB + '128 B', '-n 3m -z 128 pub', speed(0.35, 2.5)),
    Case('pub1k', PUB + '1 KiB', '-n 1m -z 1024 pub', speed(0.5, 1.3)),
    Case('fan1x16', ONE + '16 B', '-n 2m -z 16 fan', speed(0.15, 4)),
    Case('fan1x128', ONE + '128 B', '-n 1m -z 128 fan', speed(0.22, 3)),
    Case('fan1x1k', ONE + '1 KiB', '-n 400k -z 1024 fan', speed(0.35, 2.5)),
    Case('fan1x16k', ONE + '16 KiB', '-n 60k -z 16384 fan', speed(0.35, 2)),
    Case('fan8x16', EIGHT + '16 B', '-n 500k -z 16 -s 8 fan', speed(0.2, 3.5)),
    Case('fan8x128', EIGHT + '128 B', '-n 300k -z 128 -s 8 fan', speed(0.22, 3)),
    Case('fan8x1k', EIGHT + '1 KiB', '-n 100k -z 1024 -s 8 fan', speed(0.25, 2.5)),
    Case('pair64x128', '64 publishers to 64 subscribers, 128 B',
         '-n 1m -z 128 -p 64 -s 64 pair', speed(0.18, 3)),
    Case('queue8x128', 'queue group of 8, 128 B', '-n 1m -z 128 -s 8 -q workers fan',
         speed(0.22, 3)),
    Case('req1', 'request/reply, 1 in flight, all on one core', '-n 40k -w 1 -z 16 req',
         (Target('cpu_ns', ratio=0.55), Target('p50_us', ratio=0.75),
          Target('p99_us', ratio=0.75)), pin=0),
    Case('req64', 'request/reply, 64 in flight, all on one core', '-n 200k -w 64 -z 16 req',
         speed(0.22, 2), ('p50_us', 'p99_us'), pin=0),
    Case('subs100k', SUBS + 'random subjects', '-C 100k -n 300k -D 100k -K mix subs',
         speed(0.2, 4) + (Target('bytes_per_sub', bound=320),), ('sub_cpu_ns',)),
    Case('subs100khot', SUBS + 'recurring subjects', '-C 100k -n 1m -D 1k -K mix subs',
         speed(0.15, 5)),
    Case('permissions', 'permissions on, ' + ONE + '128 B', AUTH + '-n 1m -z 128 fan',
         speed(0.25, 3), config='permissions'),
    Case('tls', 'TLS 1.3, ' + ONE + '128 B', '-t -n 600k -z 128 fan', speed(0.6, 1.3),
         config='tls'),
    Case('start', 'idle server', None, (Target('rss_kb', bound=4096),), ('start_ms',)),
    Case('starttls', 'idle server with a tls block', None, (Target('rss_kb', bound=8192),),
         ('start_ms',), config='tls'),
    Case('idle10k', '10,000 idle connections', '-C 10k -u idle',
         (Target('bytes_per_conn', bound=1024),)),
    Case('accept', 'accept and CONNECT', '-C 5k idle', (Target('accept_cpu_us', ratio=0.25),),
         ('conns_s',)),
    Case('mixed', '1,000 subscribers, half of them slow', '-k 90 -n 4k -s 1k -z 1024 -W 256k mixed',
         (Target('peak_kb', bound=500 * 1024 + 65536),
          Target('fast_ratio', bound=0.8, higher=True)), ('msgs_s', 'cut'), config='tight'),
    Case('hot', 'hot subject, 8 publishers, 1 subscriber, 2 loops over 1',
         '-k 60 -n 4m -p 8 -z 16 -r 5 hot', (Target('msgs_s', ratio=1.5, higher=True),),
         ('cpu_ns', 'cores', 'gen_share'), loops=True),
)

# figure -> what it is, factor to the unit shown, unit
FIGURES = {
    'cpu_ns': ('server CPU per message', 1, 'ns'),
    'msgs_s': ('messages per second', 1e-3, 'k'),
    'p50_us': ('round trip, median', 1, 'us'),
    'p99_us': ('round trip, 99 %', 1, 'us'),
    'rss_kb': ('memory', 1 / 1024, 'MiB'),
    'peak_kb': ('memory, highest', 1 / 1024, 'MiB'),
    'bytes_per_conn': ('memory per connection', 1, 'B'),
    'bytes_per_sub': ('memory per subscription', 1, 'B'),
    'sub_cpu_ns': ('server CPU per SUB', 1, 'ns'),
    'accept_cpu_us': ('server CPU per connection', 1, 'us'),
    'conns_s': ('connections per second', 1e-3, 'k'),
    'start_ms': ('start until INFO', 1, 'ms'),
    'fast_ratio': ('speed of the fast ones, against alone', 1, 'x'),
    'cut': ('slow ones cut off', 1, ''),
    'cores': ('cores the server kept busy', 1, ''),
    'gen_share': ('share of a core the driver used', 100, '%'),
}


def quick_args(args):
    """The same case with a tenth of the messages; the counts of -C are what is measured."""
    words = args.split()
    i = words.index('-n') + 1 if '-n' in words else 0
    if i and 'mixed' not in words:
        factor = {'k': 1000, 'm': 1000000}.get(words[i][-1], 1)
        words[i] = str(int(float(words[i].rstrip('km')) * factor / 10))
    return ' '.join(words)
