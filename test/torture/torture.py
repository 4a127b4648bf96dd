#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torture.py - faults against the real binary; nothing that was acknowledged may be lost.

    torture.py [--server CMD] [--seconds N] [--seed S] [--faults kill,power,...]

While an independent driver (driver.c) publishes, compares-and-sets, deduplicates, consumes and
keeps values, the server is killed, stopped, loses power, disk or space; then everything is read
back in two ways and check.py judges. After that files of the store are damaged, a second server
is started on the same store, and the store is made read-only. A control does the same with a
server that acknowledges before it syncs, and the checker must find the loss.

Faults: kill term stop power eio enospc; damage shared readonly names control. What this machine
can't do (power cuts need root, a loop device and ext4) is printed as "not run" and counted as
that, never as passed. Last line: "N passed, N failed"."""
import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import damage
import nemesis
from check import ACK_PENDING_MAX, ACK_WAIT_NS, HISTORY, Checker, History, read_dump
from node import (CUT_AT_ONCE, Control, Failed, Folder, Image, Impossible, Node, free_port,
                  power_cuts_possible)

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCENARIOS = ('damage', 'shared', 'readonly', 'names', 'control')
IMAGE_MB = 1024
WORKERS = ('append=4', 'cas=3', 'dedup=2', 'kv=3', 'consume=2', 'info=1')
STREAMS = ({'name': 'T', 'subjects': ['t.>'], 'duplicate_window': 600_000_000_000},
           {'name': 'KV_torture', 'subjects': ['$KV.torture.>'], 'max_msgs_per_subject': HISTORY,
            'discard': 'new', 'deny_delete': True, 'allow_rollup_hdrs': True,
            'max_age': 0, 'duplicate_window': 120_000_000_000},
           {'name': 'PROBE', 'subjects': ['probe.>'], 'max_msgs': 10})
BAD_NAMES = ['../up', '..', '.', 'a/b', '/etc', 'a\\b', '..\\up', 'a b', 'a.b', 'a*', '>', 'a\0b',
             '\0', 'tab\tname', '', 'n' * 256]
ODD_NAMES = ['\u2025', '\u202etxt', '\uff0e\uff0e', '\u2215etc', 'e\u0301', '\u00e9', 'CON', '-rf',
             '~', 'n' * 255, '%2e%2e%2f', '$HOME']
CONSUMER = {'stream_name': 'T', 'config': {
    'durable_name': 'C1', 'deliver_policy': 'all', 'ack_policy': 'explicit',
    'ack_wait': ACK_WAIT_NS, 'max_ack_pending': ACK_PENDING_MAX, 'replay_policy': 'instant',
    'filter_subject': 't.append.>'}}


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def ok(self, name, text=''):
        self.passed += 1
        print(f'ok {name} {text}'.rstrip(), flush=True)

    def fail(self, name, text):
        self.failed += 1
        print(f'FAILED {name}: {text}', flush=True)

    def not_run(self, name, why):
        self.skipped += 1
        print(f'not run {name}: {why}', flush=True)


class Driver:
    """The C program, and what it says."""

    def __init__(self, scratch):
        self.path = pathlib.Path(scratch) / 'driver'
        sources = sorted(str(path) for path in HERE.glob('*.c'))
        done = subprocess.run(['cc', '-std=gnu11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-o',
                               str(self.path), *sources, '-pthread'], capture_output=True,
                              text=True)
        if done.returncode:
            raise Failed('the driver does not compile: ' + done.stderr)

    def start(self, node, folder, opt, workers=WORKERS, rate=None):
        folder.mkdir(exist_ok=True)
        return subprocess.Popen([str(self.path), 'run', str(node.port), str(folder), str(opt.seed),
                                 str(rate or opt.rate), str(opt.window), *workers])

    def finish(self, process):
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed('the driver did not end') from None
        if status:
            raise Failed(f'the driver ended with status {status}')

    def drain(self, node, folder, opt):
        process = subprocess.Popen([str(self.path), 'drain', str(node.port), str(folder),
                                    str(opt.seed), '1', '1', 'consume=2'])
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed('the consumer was not empty within 60 s') from None

    def read(self, node, how, stream, strict=True):
        """(seq -> Message, what was said on stderr)."""
        silent = [] if how == 'dump' else ['10000' if strict else '1000']
        done = subprocess.run([str(self.path), how, str(node.port), stream, *silent],
                              capture_output=True, text=True, errors='replace', timeout=120)
        if strict and done.returncode:
            raise Failed(f'{how} of {stream}: {done.stderr.strip()}')
        return read_dump(done.stdout.splitlines()), done.stderr.strip()


def make_streams(node):
    with node.control() as control:
        for config in STREAMS:
            full = {'storage': 'file', 'retention': 'limits', 'num_replicas': 1,
                    'allow_direct': True, **config}
            answer = control.api('STREAM.CREATE.' + config['name'], full)
            if 'error' in answer:
                raise Failed(f"stream {config['name']}: {answer['error']}")
        answer = control.api('CONSUMER.DURABLE.CREATE.T.C1', CONSUMER)
        if 'error' in answer:
            raise Failed(f"consumer: {answer['error']}")


def run_load(node, driver, folder, opt, tally, plan):
    """The load with its faults. A fault that went wrong is one failure, and ends the plan."""
    process = driver.start(node, folder, opt)
    began = time.monotonic()
    try:
        for at, fault, number in plan:
            time.sleep(max(0, began + at - time.monotonic()))
            try:
                nemesis.strike(node, fault, number)
            except nemesis.NoRecovery as e:
                tally.fail('recovery', f'{fault} at {at} s: {e}')
                node.terminate()
                node.start()
        time.sleep(max(0, began + opt.seconds - time.monotonic()))
    finally:
        driver.finish(process)


def same(first, second, what):
    if first == second:
        return
    seq = min(seq for seq in set(first) | set(second) if first.get(seq) != second.get(seq))
    raise Failed(f'{what}: seq {seq} is {first.get(seq)} and {second.get(seq)}')


def read_all(node, driver):
    final = {}
    for name in ('T', 'KV_torture'):
        final[name], _ = driver.read(node, 'dump', name)
        same(final[name], driver.read(node, 'replay', name)[0], f'{name} by get and by consumer')
    return final


def verdict(node, folder, final, opt, tally):
    history = History()
    history.load(folder)
    (folder / 'events').write_text(''.join(f'{t} {what}\n' for t, what in node.events))
    history.set_events(node.events)
    history.final = {'T': final['T'], 'KV': final['KV_torture']}
    checker, least = Checker(history), int(opt.seconds * 20)
    report = checker.run()
    kinds = {kind: sum(p.kind == kind for p in checker.acked) for kind in 'acdke'}
    print(f'acknowledged: {kinds}; unknown: {sum(p.outcome == "unk" for p in history.publishes)}; '
          f'reads {len(history.reads)}, deliveries {len(history.deliveries)}, confirmed acks '
          f'{len(history.confirms)}, lives {len(history.restarts)}')
    if len(checker.acked) < least or not all(kinds.values()) or not history.confirms:
        tally.fail('load', f'only {len(checker.acked)} messages acknowledged of {least} at least')
    for name, line in zip(report.names(), report.lines()):
        if report.count[name] and name in opt.tolerate:
            print(f'tolerated load {line}')
        elif report.count[name]:
            tally.fail('load', line)
        else:
            tally.ok('load', line)


def load_part(opt, driver, disk, scratch, faults, tally):
    """The main run. Returns (final dumps, node, stopped) for the damage."""
    plan = nemesis.schedule(opt.seed, opt.seconds, faults)
    print('schedule: ' + ' '.join(f'{at}:{fault}:{number}' for at, fault, number in plan),
          flush=True)
    folder = scratch / 'history'
    node = Node(opt.server, disk, scratch, opt.jetstream)
    try:
        node.start()
        make_streams(node)
        run_load(node, driver, folder, opt, tally, plan)
        driver.drain(node, folder, opt)
        final = read_all(node, driver)
        node.terminate()
        node.start()
        for name, messages in read_all(node, driver).items():
            same(final[name], messages, f'{name} before and after a restart')
        tally.ok('load reread', 'two ways of reading agree, before and after a clean restart')
        verdict(node, folder, final, opt, tally)
        node.terminate()
        return final, node
    finally:
        node.stop()


def damage_part(opt, driver, node, final, scratch, tally):
    bench = damage.Bench(opt.server, opt.jetstream, scratch, driver, final)
    cases = damage.plan(node.store, opt.seed, opt.damages)
    print(f'damage: {len(cases)} cases over files of {len(damage.classes(node.store))} kinds: '
          + ', '.join(sorted(damage.classes(node.store))), flush=True)
    if not cases:
        tally.fail('damage', 'the store has no files')
    for number, (kind, files, place) in enumerate(cases):
        try:
            tally.ok('damage', bench.case(number, node.store, kind, files, place))
        except Failed as e:
            tally.fail('damage', f'case {number}: {e}')


def shared_part(opt, scratch, tally):
    """A second server on the same store must not get in; the first one goes on."""
    (scratch / 'shared').mkdir()
    node = Node(opt.server, Folder(scratch / 'shared/disk'), scratch / 'shared', opt.jetstream)
    second, log = scratch / 'shared/second.conf', scratch / 'shared/second.log'
    node.start()
    try:
        make_streams(node)
        node.write_config(second, free_port())
        process = node.spawn(second, log)
        try:
            status = process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = None
        text = log.read_text(errors='replace').strip().splitlines()[-1:]
        if not nemesis.accepts(node, 'shared'):
            tally.fail('shared', 'the first server takes nothing any more')
        elif status is None or status <= 0:
            tally.fail('shared', f'the second server did not refuse (status {status})')
        else:
            tally.ok('shared', f'status {status}: {" ".join(text)[-100:]}')
    finally:
        node.stop()


def readonly_part(opt, scratch, tally):
    """A clear refusal, or a server that stores nothing; and nothing lost afterwards."""
    try:
        disk = Image(scratch / 'readonly', 128)
    except Impossible as e:
        tally.not_run('readonly', str(e))
        return
    with contextlib.closing(disk):
        (scratch / 'readonly-logs').mkdir()
        node = Node(opt.server, disk, scratch / 'readonly-logs', opt.jetstream)
        try:
            node.start()
            make_streams(node)
            stored = sum(nemesis.accepts(node, f'before.{n}') for n in range(5))
            node.terminate()
            disk.remount('ro')
            try:
                node.start(10)
                outcome = 'starts'
                if nemesis.accepts(node, 'meanwhile'):
                    raise Failed('a publish was acknowledged on a read-only disk')
            except Failed as e:
                if node.process.poll() is None:
                    raise
                outcome = str(e)
                if node.process.returncode <= 0:
                    raise
            node.stop()
            disk.remount('rw')
            node.start()
            with node.control() as control:
                state = control.api('STREAM.INFO.PROBE').get('state', {})
            if state.get('messages') != stored or stored != 5:
                raise Failed(f'{stored} messages stored, {state.get("messages")} there afterwards')
            tally.ok('readonly', outcome[-120:])
        except Failed as e:
            tally.fail('readonly', str(e))
        finally:
            node.stop()


def try_name(node, name, number):
    """Whether the server makes a stream of that name, in any way of asking."""
    tokens = {re.sub(r'[\0 .*>\t]', '_', name) or '_'}
    if name.isprintable() and ' ' not in name and name.strip('.*>'):
        tokens.add(name)
    for token in tokens:
        try:
            with node.control() as control:
                answer = control.api('STREAM.CREATE.' + token, {
                    'name': name, 'subjects': [f'names.{number}'], 'storage': 'file'})
        except OSError:         # cut off for the subject
            if node.process.poll() is not None:
                raise Failed(f'the server ended at the name {name!r}') from None
            continue
        if 'error' not in answer:
            return True
    return False


def names_part(opt, scratch, tally):
    """Names that would be paths are refused; what is accepted is there after a restart, and
    nothing lies outside the store."""
    (scratch / 'names').mkdir()
    node = Node(opt.server, Folder(scratch / 'names/disk'), scratch / 'names', opt.jetstream)
    try:
        node.start()
        accepted = {name for number, name in enumerate(BAD_NAMES + ODD_NAMES)
                    if try_name(node, name, number)}
        if accepted & set(BAD_NAMES):
            raise Failed(f'streams of these names were made: {sorted(accepted & set(BAD_NAMES))}')
        node.terminate()
        node.start()
        with node.control() as control:
            there = set(control.api('STREAM.NAMES').get('streams') or ())
        if there != accepted:
            raise Failed(f'streams {sorted(there)} after a restart, {sorted(accepted)} before')
        outside = [path for path in node.disk.path.iterdir() if path != node.store]
        if outside:
            raise Failed(f'{outside[0]} was made outside the store')
        tally.ok('names', f'{len(BAD_NAMES)} refused, {len(accepted)} of {len(ODD_NAMES)} odd ones '
                 'accepted and kept')
    except Failed as e:
        tally.fail('names', str(e))
    finally:
        node.stop()


def control_part(opt, driver, scratch, tally):
    """Acks before the sync: the checker must find what a power cut takes."""
    with contextlib.closing(Image(scratch / 'control', IMAGE_MB)) as disk:
        (scratch / 'control-logs').mkdir()
        node = Node(opt.server, disk, scratch / 'control-logs', 'sync_interval: "2m"')
        folder = scratch / 'control-history'
        try:
            node.start()
            make_streams(node)
            process = driver.start(node, folder, opt, workers=('append=2',), rate=200)
            time.sleep(2)
            node.power_cut(CUT_AT_ONCE)
            driver.finish(process)
            node.start()
            found = read_dump([])
            with contextlib.suppress(Failed):       # the stream itself may be gone
                found, _ = driver.read(node, 'dump', 'T')
        finally:
            node.stop()
        history = History()
        history.load(folder)
        history.set_events(node.events)
        history.final['T'] = found
        report = Checker(history).run()
        if report.count['P1']:
            tally.ok('control', f'found: {report.count["P1"]} of {report.looked["P1"]} lost, '
                     'as acks before the sync allow')
        else:
            tally.fail('control', f'nothing of {report.looked.get("P1", 0)} messages was lost by '
                       'acks before the sync: this test can\'t see a loss')


def parse_arguments():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--server', default=str(ROOT / 'build/myelin'),
                    help='command; -c FILE is added')
    ap.add_argument('--seconds', type=float, default=60, help='length of the load (60)')
    ap.add_argument('--seed', type=int, default=None, help='of schedule, load and damage')
    ap.add_argument('--faults', default=','.join(nemesis.FAULTS + SCENARIOS))
    ap.add_argument('--damages', type=int, default=48, help='damaged stores (48)')
    ap.add_argument('--rate', type=int, default=150, help='publishes per second of a worker (150)')
    ap.add_argument('--window', type=int, default=16, help='appends in flight of a worker (16)')
    ap.add_argument('--jetstream', default='', help='text for the jetstream block')
    ap.add_argument('--tolerate', default='', help='properties that this server is known not to '
                    'have (nats-server: P9 after a kill); printed, not counted')
    ap.add_argument('--scratch', help='folder for stores and histories, kept')
    opt = ap.parse_args()
    opt.faults = [name for name in opt.faults.split(',') if name]
    opt.tolerate = set(opt.tolerate.split(','))
    unknown = set(opt.faults) - set(nemesis.FAULTS + SCENARIOS)
    if unknown:
        ap.error(f'no such fault: {", ".join(sorted(unknown))}')
    if opt.seed is None:
        opt.seed = int.from_bytes(os.urandom(4), 'big')
    return opt


def run(opt, scratch, tally):
    print(f'seed: {opt.seed}', flush=True)
    driver = Driver(scratch)
    why = power_cuts_possible(scratch)
    faults = [name for name in nemesis.FAULTS if name in opt.faults]
    if why:
        print(f'power cuts not possible here: {why}')
        for name in [n for n in (*nemesis.NEEDS_IMAGE, 'control') if n in opt.faults]:
            tally.not_run(name, why)
        faults = [name for name in faults if name not in nemesis.NEEDS_IMAGE]
    disk = (Image(scratch / 'disk', IMAGE_MB) if set(faults) & set(nemesis.NEEDS_IMAGE)
            else Folder(scratch / 'disk'))
    parts = [('load', lambda: load_and_damage(opt, driver, disk, scratch, faults, tally)),
             ('shared', lambda: shared_part(opt, scratch, tally)),
             ('readonly', lambda: readonly_part(opt, scratch, tally)),
             ('names', lambda: names_part(opt, scratch, tally)),
             ('control', lambda: control_part(opt, driver, scratch, tally))]
    with contextlib.closing(disk):
        for name, part in parts:
            if name in opt.faults and not (name == 'control' and why) or (
                    name == 'load' and (faults or 'damage' in opt.faults)):
                try:
                    part()
                except (Failed, Impossible, OSError) as e:
                    tally.fail(name, f'{type(e).__name__}: {e}')


def load_and_damage(opt, driver, disk, scratch, faults, tally):
    final, node = load_part(opt, driver, disk, scratch, faults, tally)
    if 'damage' in opt.faults:
        damage_part(opt, driver, node, final, scratch, tally)


def main():
    opt, tally = parse_arguments(), Tally()
    scratch = pathlib.Path(opt.scratch or tempfile.mkdtemp(prefix='myelin-torture-'))
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        run(opt, scratch, tally)
    finally:
        if not opt.scratch and not tally.failed:
            shutil.rmtree(scratch, ignore_errors=True)
        else:
            print(f'kept: {scratch}')
    if tally.skipped:
        print(f'{tally.skipped} not run')
    print(f'{tally.passed} passed, {tally.failed} failed')
    return 1 if tally.failed or not tally.passed else 0


if __name__ == '__main__':
    sys.exit(main())
