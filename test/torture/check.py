# SPDX-License-Identifier: Apache-2.0
"""The verdict over a history: what workers saw (driver.h says how they write it) against what is
stored in the end. Knows nothing of servers or faults but the times of their restarts.

Every ack names a sequence, so that nothing has to be searched for: all checks sort or walk once,
O(n log n) in all. The properties are those of a single server, as an outside observer can see them:

  P1  an acknowledged message is there, at its sequence, after everything
  P2  no sequence is acknowledged to two messages; sequences have no gaps
  P3  acknowledged before the other was sent: smaller sequence
  P4  nothing that nobody sent or that was refused; all bytes right, however they are read
  P5  one message per message id, and each ack of it names that message
  P6  compare-and-set succeeds exactly when its precondition holds
  P7  a read shows what was acknowledged before it began, and nothing that is gone later
  P8  a consumer delivers every message, in order the first time; its ack floor passes nothing
      that is unacked
  P9  no redelivery after a confirmed ack or before the ack wait; pending acks within their limit
  P12 what is said of time: back in service soon enough (found by the caller)
"""
import bisect
import collections
import glob
import os

HISTORY = 5                         # messages that the bucket keeps per key
ACK_WAIT_NS = 2_000_000_000
ACK_PENDING_MAX = 500
# A sync that is under way when ext4 is shut down under a live process may report success although
# the extents that it wrote to stay unwritten (seen on Linux 6.18); a dying disk does not do that.
# What is acknowledged in that moment is no claim.
DYING_NS = 100_000_000
GRACE_NS = 1_500_000_000            # a delivery on its way while its ack is confirmed

Publish = collections.namedtuple(
    'Publish', 'kind worker n expected subject t0 t1 outcome value stated')
Message = collections.namedtuple('Message', 'seq subject kind worker n expected good')
Read = collections.namedtuple('Read', 'subject t0 t1 message')
Delivery = collections.namedtuple('Delivery', 't consumer_seq deliveries message')
Floor = collections.namedtuple('Floor', 't0 t1 floor delivered unacked')


def stamp(x):
    return x.kind, x.worker, x.n


class Report:
    """Per property how much was looked at, how often it was violated, and the first time."""

    def __init__(self):
        self.looked, self.count, self.first = {}, collections.Counter(), {}

    def look(self, name, n):
        self.looked[name] = self.looked.get(name, 0) + n

    def bad(self, name, text):
        self.look(name, 0)
        self.count[name] += 1
        self.first.setdefault(name, text)

    def names(self):
        return sorted(self.looked, key=lambda name: int(name[1:]))

    def lines(self):
        for name in self.names():
            if self.count[name]:
                yield f'{name} VIOLATED {self.count[name]} times, first: {self.first[name]}'
            else:
                yield f'{name} holds ({self.looked[name]:,} looked at)'


class History:
    def __init__(self):
        self.publishes, self.reads, self.deliveries, self.floors = [], [], [], []
        self.acks, self.confirms, self.lost, self.oddities = [], [], [], []
        self.restarts = []          # times a server was started
        self.doubts = []            # (from, to): a disk died; what was seen then may be gone
        self.final = {'T': {}, 'KV': {}}

    def load(self, folder):
        for path in sorted(glob.glob(os.path.join(folder, 'run-*')) +
                           glob.glob(os.path.join(folder, 'drain-*'))):
            with open(path, encoding='utf-8', errors='replace') as f:
                for line in f:
                    self.add(line.split())

    def add(self, w):
        kind = w[0]
        if kind == 'P':
            self.publishes.append(Publish(w[1], int(w[2]), int(w[3]), int(w[4]), w[5], int(w[6]),
                                          int(w[7]), w[8], int(w[9]), int(w[10])))
        elif kind == 'R':
            self.deliveries.append(Delivery(int(w[1]), int(w[3]), int(w[4]), message(w[2], w[5:])))
        elif kind == 'G':
            self.reads.append(Read(w[1], int(w[2]), int(w[3]), message(w[4], [w[1]] + w[5:])))
        elif kind == 'K':
            self.acks.append((int(w[1]), int(w[2])))
        elif kind == 'Y':
            self.confirms.append((int(w[1]), int(w[2])))
        elif kind == 'F':
            self.floors.append(Floor(*map(int, w[1:6])))
        elif kind == 'X':
            self.lost.append(int(w[1]))
        elif kind == 'Z':
            self.oddities.append(' '.join(w[2:]))

    def set_events(self, events):
        """[(ns, what)] of the server's lives, in order; after load."""
        self.restarts = [t for t, what in events if what == 'start']
        dying = []
        for at, (t, what) in enumerate(events):
            if what == 'eio':
                later = {w: u for u, w in reversed(events[at:])}
                dying.append((t, later['dead'] + DYING_NS))
                self.doubts.append((t, later['start']))
        if dying:
            self.publishes = [p._replace(outcome='unk', value=0, stated=0)
                              if p.outcome == 'ok' and within(p.t1, dying) else p
                              for p in self.publishes]
            self.confirms = [c for c in self.confirms if not within(c[0], dying)]

    def stream(self, subject):
        return 'KV' if subject.startswith('$KV.') else 'T'


def within(t, windows):
    return any(begin <= t <= end for begin, end in windows)


def message(seq, w):
    return Message(int(seq), w[0], w[1], int(w[2]), int(w[3]), int(w[4]), w[5] == 'good')


def read_dump(lines):
    """seq -> Message of M lines."""
    return {int(w[1]): message(w[1], w[2:]) for w in (line.split() for line in lines)}


def describe(m):
    return f'seq {m.seq} ({m.subject}, {m.kind} {m.worker} {m.n})'


class Checker:
    def __init__(self, history):
        self.h, self.report = history, Report()
        self.acked = [p for p in history.publishes if p.outcome == 'ok']
        self.later = {}             # subject of the bucket -> its final sequences, sorted
        for seq, m in sorted(history.final['KV'].items()):
            self.later.setdefault(m.subject, []).append(seq)

    def run(self):
        for check in (self.durable, self.unique, self.real_time, self.phantoms, self.dedup,
                      self.compare_and_set, self.reads, self.deliveries, self.floors,
                      self.redeliveries):
            check()
        for text in self.h.oddities:
            self.report.bad('P4', text)
        return self.report

    def trimmed(self, subject, seq):
        """Whether the bucket's history may have dropped it: enough later ones are there."""
        seqs = self.later.get(subject, [])
        return (self.h.stream(subject) == 'KV'
                and len(seqs) - bisect.bisect_right(seqs, seq) >= HISTORY)

    def durable(self):
        self.report.look('P1', len(self.acked))
        for p in sorted(self.acked, key=lambda p: p.value):
            found = self.h.final[self.h.stream(p.subject)].get(p.value)
            if found is None:
                if not self.trimmed(p.subject, p.value):
                    self.report.bad('P1', f'seq {p.value} was acknowledged to {p.subject} '
                                    f'({p.kind} {p.worker} {p.n}) and is missing')
            elif stamp(found) != stamp(p):
                self.report.bad('P1', f'seq {p.value} was acknowledged to {p.kind} {p.worker} '
                                f'{p.n} and holds {describe(found)}')

    def unique(self):
        owner = {}
        self.report.look('P2', len(self.acked))
        for p in self.acked:
            key = self.h.stream(p.subject), p.value
            if owner.setdefault(key, stamp(p)) != stamp(p):
                self.report.bad('P2', f'seq {p.value} was acknowledged to {owner[key]} and '
                                f'{stamp(p)}')
        seqs = sorted(self.h.final['T'])
        for at, seq in enumerate(seqs, 1):
            if seq != at:
                self.report.bad('P2', f'seq {at} is missing; seq {seq} comes after {at - 1}')
                break

    def real_time(self):
        for stream in ('T', 'KV'):
            done = sorted((p.t1, p.value) for p in self.acked if self.h.stream(p.subject) == stream)
            begun = sorted((p.t0, p.value) for p in self.acked
                           if self.h.stream(p.subject) == stream and not p.stated)
            at = highest = 0
            self.report.look('P3', len(begun))
            for t0, seq in begun:
                while at < len(done) and done[at][0] < t0:
                    highest = max(highest, done[at][1])
                    at += 1
                if seq <= highest:
                    self.report.bad('P3', f'{stream}: seq {seq} was sent after seq {highest} was '
                                    'acknowledged')

    def phantoms(self):
        sent, possible = {}, set()
        for p in self.h.publishes:
            sent[stamp(p)] = p.subject
            if p.outcome != 'err':
                possible.add(stamp(p))
        stored = set()
        for stream in self.h.final.values():
            self.report.look('P4', len(stream))
            for m in stream.values():
                self.known(m, sent, 'stored')
                if m.good and stamp(m) in sent and stamp(m) not in possible:
                    self.report.bad('P4', f'{describe(m)} was refused and is stored')
                if m.good and m.kind != 'd' and stamp(m) in stored:
                    self.report.bad('P4', f'{describe(m)} was sent once and is stored twice')
                stored.add(stamp(m))
        for t, m in [(d.t, d.message) for d in self.h.deliveries] + [
                (r.t1, r.message) for r in self.h.reads if r.message.seq]:
            self.report.look('P4', 1)
            self.known(m, sent, 'read')
            final = self.h.final[self.h.stream(m.subject)].get(m.seq)
            if within(t, self.h.doubts) or final is None and self.trimmed(m.subject, m.seq):
                continue
            if final is None or stamp(final) != stamp(m):
                self.report.bad('P7', f'{describe(m)} was read once and is '
                                f'{describe(final) if final else "missing"} in the end')

    def known(self, m, sent, what):
        if not m.good:
            self.report.bad('P4', f'{describe(m)} has wrong bytes')
        elif sent.get(stamp(m)) != m.subject:
            self.report.bad('P4', f'{describe(m)} is {what} and was never sent there')

    def dedup(self):
        tries, place = collections.defaultdict(list), {}
        for m in self.h.final['T'].values():
            if m.kind == 'd':
                if stamp(m) in place:
                    self.report.bad('P5', f'{describe(m)} is stored at seq {place[stamp(m)]} too')
                place[stamp(m)] = m.seq
        for p in self.acked:
            if p.kind == 'd':
                tries[stamp(p)].append(p)
        self.report.look('P5', len(tries))
        for key, found in tries.items():
            found.sort(key=lambda p: p.t0)
            for p, before in zip(found, [None] + found):
                if p.value != place.get(key, p.value):
                    self.report.bad('P5', f'id of {key}: acknowledged as seq {p.value}, stored at '
                                    f'{place[key]}')
                if before and not p.stated:
                    self.report.bad('P5', f'id of {key}: seq {p.value} was no duplicate the second '
                                    'time')

    def compare_and_set(self):
        known, acks = collections.defaultdict(set), collections.defaultdict(list)
        for stream in self.h.final.values():
            for m in stream.values():
                known[m.subject].add(m.seq)
        for p in self.acked:
            known[p.subject].add(p.value)
            acks[p.subject].append((p.t1, p.value))
        known = {subject: sorted(seqs) for subject, seqs in known.items()}
        acks = {subject: newest(found) for subject, found in acks.items()}
        for p in self.h.publishes:
            if not (p.kind == 'c' or p.kind == 'k' and p.n % 2):
                continue
            self.report.look('P6', 1)
            seqs = known.get(p.subject, [])
            if p.outcome == 'ok':
                at = bisect.bisect_left(seqs, p.value)
                if at and seqs[at - 1] > p.expected:
                    self.report.bad('P6', f'{p.subject} seq {p.value} expected {p.expected} before '
                                    f'it and stands after {seqs[at - 1]}')
            elif p.outcome == 'err' and p.value in (10071, 10164):
                self.refusal(p, seqs, acks.get(p.subject))

    def refusal(self, p, seqs, acks):
        if p.stated == p.expected:
            self.report.bad('P6', f'{p.subject}: refused, and its last sequence is {p.expected}')
        least = newest_before(acks, p.t0)
        if p.stated < least:
            self.report.bad('P6', f'{p.subject}: refused with last sequence {p.stated} after seq '
                            f'{least} was acknowledged')
        at = bisect.bisect_left(seqs, p.stated)
        if within(p.t1, self.h.doubts):
            return
        if p.stated and p.kind == 'c' and (at == len(seqs) or seqs[at] != p.stated):
            self.report.bad('P6', f'{p.subject}: refused with last sequence {p.stated}, which is '
                            'not there in the end')

    def reads(self):
        acks = collections.defaultdict(list)
        for p in self.acked:
            acks[p.subject].append((p.t1, p.value))
        acks = {subject: newest(found) for subject, found in acks.items()}
        self.report.look('P7', len(self.h.reads))
        for r in self.h.reads:
            least = newest_before(acks.get(r.subject), r.t0)
            if r.message.seq < least:
                self.report.bad('P7', f'{r.subject}: read seq {r.message.seq} after seq {least} '
                                'was acknowledged')

    def deliveries(self):
        delivered = {d.message.seq for d in self.h.deliveries}
        wanted = [m for m in self.h.final['T'].values() if m.subject.startswith('t.append.')]
        self.report.look('P8', len(wanted))
        for m in sorted(wanted):
            if m.seq not in delivered:
                self.report.bad('P8', f'{describe(m)} was never delivered')
        starts = sorted(self.h.restarts)
        first = sorted((bisect.bisect_right(starts, d.t), d.consumer_seq, d.message.seq)
                       for d in self.h.deliveries if d.deliveries == 1)
        for (life, number, seq), (life2, number2, seq2) in zip(first, first[1:]):
            if life == life2 and seq2 <= seq and number2 != number:
                self.report.bad('P8', f'seq {seq2} was delivered first as {number2} of the '
                                f'consumer, after seq {seq} as {number}')

    def floors(self):
        sent = {}
        for t, seq in self.h.acks:
            sent[seq] = min(t, sent.get(seq, t))
        wanted = sorted(m.seq for m in self.h.final['T'].values()
                        if m.subject.startswith('t.append.'))
        highest, latest = [], 0
        for seq in wanted:
            latest = max(latest, sent.get(seq, 1 << 62))
            highest.append(latest)
        self.report.look('P8', len(self.h.floors))
        for f in self.h.floors:
            at = bisect.bisect_right(wanted, f.floor)
            if at and highest[at - 1] > f.t1:
                self.report.bad('P8', f'ack floor {f.floor} while an earlier message was unacked')

    def redeliveries(self):
        confirmed = {}
        for t, seq in self.h.confirms:
            confirmed[seq] = min(t, confirmed.get(seq, t))
        breaks = sorted(self.h.restarts + self.h.lost)
        last = {}
        self.report.look('P9', len(self.h.deliveries) + len(self.h.floors))
        for d in sorted(self.h.deliveries):
            seq = d.message.seq
            if d.t > confirmed.get(seq, 1 << 62) + GRACE_NS:
                self.report.bad('P9', f'seq {seq} was delivered {(d.t - confirmed[seq]) / 1e9:.1f} '
                                's after its ack was confirmed')
            before = last.get(seq)
            if before is not None and d.t - before < ACK_WAIT_NS // 2 and (
                    bisect.bisect_left(breaks, before - ACK_WAIT_NS) ==
                    bisect.bisect_right(breaks, d.t)):
                self.report.bad('P9', f'seq {seq} was delivered again after '
                                f'{(d.t - before) / 1e9:.2f} s')
            last[seq] = d.t
        for f in self.h.floors:
            if f.unacked > ACK_PENDING_MAX:
                self.report.bad('P9', f'{f.unacked} acks pending')


def newest(acks):
    """Times, and the highest sequence acknowledged up to each."""
    acks.sort()
    highest, seqs = 0, []
    for _, seq in acks:
        highest = max(highest, seq)
        seqs.append(highest)
    return [t for t, _ in acks], seqs


def newest_before(acks, t):
    if not acks:
        return 0
    at = bisect.bisect_left(acks[0], t)
    return acks[1][at - 1] if at else 0
