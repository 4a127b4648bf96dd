#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_selftest.py - the checker must find what it is for.

A good history is made up, and then, per row, one thing in it is broken; the checker must name that
property, and nothing at all for the good one. Last line: "N passed, N failed"."""
import copy
import sys

from check import ACK_PENDING_MAX, Checker, Delivery, Floor, History, Message, Publish, Read

S = 1_000_000_000


def good_history():
    """Twenty appends, five compare-and-sets, five ids sent twice, ten puts to one key."""
    h, t = History(), 100 * S

    def store(stream, kind, n, subject, expected=0):
        nonlocal t
        seq = len(h.final[stream]) + 1
        h.final[stream][seq] = Message(seq, subject, kind, 1, n, expected, True)
        h.publishes.append(Publish(kind, 1, n, expected, subject, t, t + 10, 'ok', seq, 0))
        t += S // 100
        return seq

    for n in range(1, 21):
        store('T', 'a', n, 't.append.0')
    last = 0
    for n in range(1, 6):
        last = store('T', 'c', n, 't.cas.0', last)
    h.publishes.append(Publish('c', 1, 6, 3, 't.cas.0', t, t + 10, 'err', 10071, last))
    h.reads.append(Read('t.cas.0', t, t + 10, h.final['T'][last]))
    for n in range(1, 6):
        seq = store('T', 'd', n, 't.dedup.0')
        h.publishes.append(Publish('d', 1, n, 0, 't.dedup.0', t, t + 10, 'ok', seq, 1))
        t += S // 100
    for n in range(2, 22, 2):
        store('KV', 'k', n, '$KV.torture.k0')
    for seq in range(1, 6):                 # the bucket keeps five
        del h.final['KV'][seq]
    for seq in range(1, 21):
        h.deliveries.append(Delivery(t, seq, 1, h.final['T'][seq]))
        h.acks.append((t + 10, seq))
        h.confirms.append((t + 20, seq))
        h.floors.append(Floor(t + 30, t + 40, seq, seq, 0))
        t += S // 100
    h.restarts = [50 * S]
    return h


def replace(sequence, at, **fields):
    sequence[at] = sequence[at]._replace(**fields)


def first_of(h, kind):
    return next(i for i, p in enumerate(h.publishes) if p.kind == kind)


def two_messages_one_seq(h):
    replace(h.publishes, 4, value=4)


def two_ids_stored(h):
    h.final['T'][31] = h.final['T'][30]._replace(seq=31)


def swapped(h):
    a, b = h.final['T'][3], h.final['T'][9]
    h.final['T'][3], h.final['T'][9] = b._replace(seq=3), a._replace(seq=9)


def redelivered(h, after):
    d = h.deliveries[4]
    h.deliveries.append(d._replace(t=d.t + after, deliveries=2))


def never_acked(h):
    h.acks = [a for a in h.acks if a[1] != 7]


def disordered(h):
    replace(h.deliveries, 3, consumer_seq=5)
    replace(h.deliveries, 4, consumer_seq=4)


# what is broken, property that must be named
ROWS = [
    (lambda h: h.final['T'].pop(30), 'P1'),
    (lambda h: h.final['T'].pop(12), 'P2'),
    (lambda h: h.final['KV'].pop(10), 'P1'),
    (swapped, 'P1'),
    (two_messages_one_seq, 'P2'),
    (lambda h: replace(h.publishes, 2, t0=400 * S, t1=400 * S + 1), 'P3'),
    (lambda h: replace(h.final['T'], 8, good=False), 'P4'),
    (lambda h: replace(h.final['T'], 8, subject='t.append.1'), 'P4'),
    (lambda h: replace(h.final['T'], 8, n=99), 'P4'),
    (lambda h: replace(h.publishes, 8, outcome='err', value=10077), 'P4'),
    (lambda h: replace(h.deliveries, 8, message=h.final['T'][9]._replace(good=False)), 'P4'),
    (two_ids_stored, 'P5'),
    (lambda h: replace(h.publishes, first_of(h, 'd') + 1, stated=0), 'P5'),
    (lambda h: replace(h.publishes, first_of(h, 'd') + 1, value=1), 'P5'),
    (lambda h: replace(h.publishes, first_of(h, 'c') + 2, expected=21), 'P6'),
    (lambda h: replace(h.publishes, first_of(h, 'c') + 5, stated=3), 'P6'),
    (lambda h: replace(h.publishes, first_of(h, 'c') + 5, stated=24), 'P6'),
    (lambda h: replace(h.publishes, first_of(h, 'c') + 5, stated=77), 'P6'),
    (lambda h: replace(h.reads, 0, message=h.final['T'][23]), 'P7'),
    (lambda h: replace(h.reads, 0, message=h.final['T'][25]._replace(seq=40)), 'P7'),
    (lambda h: h.deliveries.pop(6), 'P8'),
    (disordered, 'P8'),
    (never_acked, 'P8'),
    (lambda h: redelivered(h, 5 * S), 'P9'),
    (lambda h: redelivered(h, S // 10), 'P9'),
    (lambda h: replace(h.floors, 2, unacked=ACK_PENDING_MAX + 1), 'P9'),
]


def violated(h):
    report = Checker(h).run()
    return {name for name in report.names() if report.count[name]}


def main():
    good = good_history()
    found = violated(good)
    passed, failed = int(not found), int(bool(found))
    if found:
        print(f'the good history: {sorted(found)}')
    for number, (harm, name) in enumerate(ROWS, 1):
        h = copy.deepcopy(good)
        harm(h)
        found = violated(h)
        if name in found:
            passed += 1
        else:
            failed += 1
            print(f'row {number}: {name} was not found, but {sorted(found) or "nothing"}')
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
