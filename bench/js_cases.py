# SPDX-License-Identifier: Apache-2.0
"""The JetStream cases and their targets.

A case runs on some of four variants: each server as it is by default, nats-server with
`sync_interval: always`, Myelin with a lazy one. What is bound by the disk is judged by the disk: a
bound of messages per second may say "or 0.8 x in flight / flush time when a flush takes longer than
0.4 ms", from the flush time measured just before."""
from dataclasses import dataclass

PEER, ALWAYS, MYELIN, LAZY = 'nats-server', 'nats-server always', 'myelin', 'myelin lazy'
CONFIG = {PEER: 'js', ALWAYS: 'js-always', MYELIN: 'js', LAZY: 'js-lazy'}
FAST_FLUSH_US = 400
DISK_SHARE = 0.8


@dataclass(frozen=True)
class Target:
    figure: str
    judged: str                     # variant
    base: str                       # variant
    ratio: float = None             # None: the disk's bound alone
    higher: bool = False
    in_flight: int = None           # with a slow disk this bounds it instead


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    args: str                       # of the generator
    variants: tuple
    targets: tuple
    shown: tuple = ('msgs_s', 'cpu_ns')
    always_factor: float = 0.02     # of the messages, for nats-server with sync_interval: always
    kind: str = 'load'              # or restart


def synced(rate, in_flight, always):
    """Myelin synced before every ack: against the lazy default and the synced peer."""
    return (Target('msgs_s', MYELIN, PEER, rate, True, in_flight),
            Target('cpu_ns', MYELIN, PEER, 0.25),
            Target('msgs_s', MYELIN, ALWAYS, always, True))


def against(judged, rate, cpu):
    return (Target('msgs_s', judged, PEER, rate, True), Target('cpu_ns', judged, PEER, cpu))


ALL, DEFAULTS, LAZIES = (PEER, ALWAYS, MYELIN), (PEER, MYELIN), (PEER, LAZY)
PUB = 'publish to file storage, '
CASES = (
    Case('w256x128', PUB + '256 in flight, 128 B', '-n 200k -z 128 -w 256 -D 1 jspub', ALL,
         synced(1.3, 256, 10)),
    Case('w256x1k', PUB + '256 in flight, 1 KiB', '-n 100k -z 1024 -w 256 -D 1 jspub', ALL,
         synced(1.3, 256, 10)),
    Case('w1024x128', PUB + '1,024 in flight, 128 B', '-n 300k -z 128 -w 1024 -D 1 jspub', ALL,
         synced(2, 1024, 10)),
    Case('w1024x1k', PUB + '1,024 in flight, 1 KiB', '-n 150k -z 1024 -w 1024 -D 1 jspub', ALL,
         synced(2, 1024, 10)),
    Case('p64w16', PUB + '64 publishers with 16 in flight, 128 B',
         '-n 300k -z 128 -p 64 -w 16 -D 1 jspub', ALL, synced(1.5, 1024, 10)),
    Case('w1', PUB + '1 in flight, 128 B', '-n 2k -z 128 -w 1 -D 1 jspub', ALL,
         (Target('msgs_s', MYELIN, PEER, None, True, 1),
          Target('msgs_s', MYELIN, ALWAYS, 1.2, True)), ('msgs_s', 'p50_us', 'p99_us'), 0.5),
    Case('lazy256', PUB + 'lazily synced both, 256 in flight, 128 B',
         '-n 300k -z 128 -w 256 -D 1 jspub', LAZIES, against(LAZY, 5, 0.15)),
    Case('lazy1', PUB + 'lazily synced both, 1 in flight, 128 B', '-n 20k -z 128 -w 1 -D 1 jspub',
         LAZIES, (Target('msgs_s', LAZY, PEER, 2, True),), ('msgs_s', 'p50_us', 'p99_us')),
    Case('memory', 'publish to memory storage, 256 in flight, 128 B',
         '-n 300k -z 128 -w 256 -D 1 -M jspub', DEFAULTS, against(MYELIN, 5, 0.15)),
    Case('pull100', 'pull consumer, batch 100, explicit ack, 128 B', '-n 300k -z 128 -B 100 jspull',
         DEFAULTS, against(MYELIN, 2.5, 0.3)),
    Case('pull500', 'pull consumer, batch 500, explicit ack, 128 B', '-n 300k -z 128 -B 500 jspull',
         DEFAULTS, against(MYELIN, 2.5, 0.3)),
    Case('replay', 'ordered consumer, replay of 1 million messages of 128 B',
         '-n 1m -z 128 jspush', DEFAULTS, against(MYELIN, 3, 0.3)),
    Case('kvget', 'key-value, 100,000 keys: get, 8 clients with 16 in flight',
         '-n 200k -z 128 -D 100k -p 8 -w 16 kvget', DEFAULTS,
         (Target('msgs_s', MYELIN, PEER, 2, True),)),
    Case('kvput', 'key-value, 10,000 keys: put, 64 writers',
         '-n 20k -z 128 -D 10k -p 64 -w 1 kvput', ALL,
         (Target('msgs_s', MYELIN, ALWAYS, 5, True),), ('msgs_s', 'cpu_ns', 'p50_us'), 0.1),
    Case('streams1000', PUB + '256 in flight over 1,000 streams, 128 B',
         '-n 100k -z 128 -w 256 -D 1 -N 1000 jspub', ALL,
         (Target('msgs_s', MYELIN, PEER, 2, True, 256), Target('msgs_s', MYELIN, ALWAYS, 20, True),
          Target('rss_kb', MYELIN, PEER, 0.25)), ('msgs_s', 'cpu_ns', 'rss_kb')),
    Case('idle10k', '10,000 idle consumers', '-k 200 -C 10k -w 64 jsidle', DEFAULTS,
         (Target('rss_kb', MYELIN, PEER, 0.25),), ('rss_kb', 'bytes_per_consumer')),
    Case('dedup', '500,000 message ids in the window, 1 KiB',
         '-k 200 -n 500k -z 1024 -w 1024 -D 1 -I jspub', DEFAULTS,
         (Target('rss_kb', MYELIN, PEER, 0.4),), ('rss_kb', 'peak_kb', 'msgs_s')),
    Case('restart-kill', 'restart after SIGKILL, cold page cache: ', '-z 128 -p 4 -w 1024 jspub',
         DEFAULTS, (Target('restart_ms', MYELIN, PEER, 0.25), Target('rss_kb', MYELIN, PEER, 0.4)),
         ('restart_ms', 'rss_kb'), kind='restart'),
    Case('restart-term', 'restart after SIGTERM, cold page cache: ', '-z 128 -p 4 -w 1024 jspub',
         DEFAULTS, (Target('restart_ms', MYELIN, PEER, 1), Target('rss_kb', MYELIN, PEER, 0.4)),
         ('restart_ms', 'rss_kb'), kind='restart'),
)

FIGURES = {
    'cpu_ns': ('server CPU per message', 1, 'ns'),
    'msgs_s': ('messages per second', 1e-3, 'k'),
    'p50_us': ('ack or answer, median', 1, 'us'),
    'p99_us': ('ack or answer, 99 %', 1, 'us'),
    'rss_kb': ('memory', 1 / 1024, 'MiB'),
    'peak_kb': ('memory, highest', 1 / 1024, 'MiB'),
    'bytes_per_consumer': ('memory per consumer', 1, 'B'),
    'restart_ms': ('start until the stream answers', 1, 'ms'),
}


def bound_of(target, base, flush_us):
    """(bound, its text) of a target, given the base's figure."""
    sign = 'at least' if target.higher else 'at most'
    if target.in_flight and (target.ratio is None or flush_us > FAST_FLUSH_US):
        return (DISK_SHARE * target.in_flight / flush_us * 1e6,
                f'{sign} {DISK_SHARE} x {target.in_flight} / flush time')
    if base is None:
        return None, f'{sign} {target.ratio}x of {target.base}'
    return target.ratio * base, f'{sign} {target.ratio}x of {target.base}'


def scaled(args, factor):
    """The same case with fewer or more messages."""
    words = args.split()
    for flag in ('-n', '-C'):
        if flag in words:
            i = words.index(flag) + 1
            unit = {'k': 1000, 'm': 1000000}.get(words[i][-1], 1)
            words[i] = str(max(100, int(float(words[i].rstrip('km')) * unit * factor)))
    return ' '.join(words)
