# SPDX-License-Identifier: Apache-2.0
"""Damage to the files of a stopped store, case by case, each on a copy of its own.

What must hold after the start that follows: no stream is gone; every message that is served is
the right one, byte for byte, however it is read; what is lost is reported, exactly these sequences,
in stream info or in the log, and is no more than what the damage touched; new messages get
sequences that were never given."""
import collections
import os
import pathlib
import random
import re
import shutil

from check import stamp
from node import Failed, Folder, Node

REPORTED = re.compile(r'\[(WRN|ERR|FTL)\]')
REPORTED_RUN = re.compile(r"> (\S+?)'.* messages (\d+) to (\d+) are lost")
KINDS = ('flip', 'flips', 'zero', 'truncate', 'swap', 'delete')
SLACK_BYTES = 64 << 10
BODY_BYTES_TYPICAL = 400            # what the driver writes, on average
MESSAGE_BYTES_MAX = 100_000


def file_class(path):
    """Files that differ in digits or hex only are of a kind."""
    name = re.sub(r'[0-9a-f]{8,}|\d+', '#', path.name)
    return name


def classes(store):
    found = collections.defaultdict(list)
    for path in sorted(store.rglob('*')):
        if path.is_file() and path.stat().st_size > 0:
            found[file_class(path)].append(path.relative_to(store))
    return dict(found)


def plan(store, seed, count):
    """[(kind, [files], number 0..1)]; goes round over kinds of files and of damage. The first is
    an undamaged store, about which nothing may be reported."""
    draw = random.Random(f'damage {seed}')
    found = classes(store)
    # Every kind of damage to every kind of file, in a drawn order that a longer run goes on with.
    pairs = [(kind, name) for name in sorted(found) for kind in KINDS
             if kind != 'swap' or len(found[name]) > 1]
    draw.shuffle(pairs)
    cases = [(None, [], 0)] if pairs else []
    for number in range(count if pairs else 0):
        kind, name = pairs[number % len(pairs)]
        # Larger files are likelier, as they are for a bad sector.
        weights = [(store / path).stat().st_size for path in found[name]]
        files = draw.choices(found[name], weights)
        if kind == 'swap':
            files.append(draw.choice([path for path in found[name] if path != files[0]]))
        cases.append((kind, files, draw.random()))
    return cases


def used_bytes(data):
    """Length without the zeros at the end: files may be allocated ahead."""
    return len(data.rstrip(b'\0'))


def harm(store, kind, files, number):
    """Does it; (text, bytes that it may have touched)."""
    path = store / files[0]
    data = bytearray(path.read_bytes())
    used = max(used_bytes(data), 1)
    at = int(number * used)
    if kind == 'delete':
        path.unlink()
        return f'deleted {files[0]}', len(data)
    if kind == 'swap':
        other = store / files[1]
        other_data = other.read_bytes()
        other.write_bytes(data)
        path.write_bytes(other_data)
        return f'swapped {files[0]} and {files[1]}', len(data) + len(other_data)
    if kind == 'truncate':
        os.truncate(path, at)
        return f'truncated {files[0]} from {len(data)} to {at}', used - at
    if kind == 'zero':
        end = min(at + 4096, len(data))
        data[at:end] = bytes(end - at)
        touched = end - at
    else:
        draw = random.Random(number)
        for _ in range(8 if kind == 'flips' else 1):
            data[at] ^= 1 << draw.randrange(8)
            at = draw.randrange(used)
        touched = 8 * MESSAGE_BYTES_MAX if kind == 'flips' else MESSAGE_BYTES_MAX
    path.write_bytes(data)
    return f'{kind} in {files[0]} at {int(number * used)} of {used}', touched


class Bench:
    """Runs the cases against copies of one store."""

    def __init__(self, command, jetstream, scratch, driver, final):
        self.command, self.jetstream, self.scratch = command, jetstream, pathlib.Path(scratch)
        self.driver, self.final = driver, final

    def case(self, number, store, kind, files, place):
        """(text of what was done and came of it); raises Failed."""
        root = self.scratch / f'case-{number}'
        root.mkdir()
        node = Node(self.command, Folder(root / 'disk'), root, self.jetstream)
        shutil.copytree(store, node.store)
        text, touched = harm(node.store, kind, files, place) if files else ('undamaged', 0)
        try:
            node.start()
            outcome, report = self.judge(node, text, touched)
            if report and not files:
                raise Failed(f'reported: {report[0]}')
        except Failed as e:
            raise Failed(f'{text}: {e}') from None
        finally:
            node.stop()
        shutil.rmtree(root)
        return f'{text}: {outcome}'

    def present(self, node):
        with node.control() as control:
            names = set(control.api('STREAM.NAMES').get('streams') or ())
            consumer = control.api('CONSUMER.INFO.T.C1')
        gone = sorted({'T', 'KV_torture', 'PROBE'} - names)
        if gone:
            raise Failed(f'stream {gone[0]} is gone; the log says: {node.log_tail()}')
        if 'error' in consumer:
            raise Failed(f'the consumer is gone; the log says: {node.log_tail()}')

    def judge(self, node, text, touched):
        lost, wrong, lost_bytes = [], [], 0
        self.present(node)
        for name, pristine in self.final.items():
            got, why = self.driver.read(node, 'dump', name, strict=False)
            again, _ = self.driver.read(node, 'replay', name, strict=False)
            if 'no answer' in why:
                raise Failed(f'{why}; the log says: {node.log_tail()}')
            wrong += [m for m in list(got.values()) + list(again.values())
                      if not self.is_right(m, pristine)]
            missing = [seq for seq in pristine if seq not in got]
            lost += [f'{name} {seq}' for seq in missing]
            self.told_right(node, name, got, missing)
            lost_bytes += len(missing) * BODY_BYTES_TYPICAL
            if set(got) != set(again) and not wrong:
                odd = min(set(got) ^ set(again))
                raise Failed(f'{name}: seq {odd} is told of by one way of reading only')
            if max(got, default=0) == max(pristine, default=0):
                self.renumbered(node, name, pristine)
        log = [line for line in node.log.read_text(errors='replace')
               .replace(str(self.scratch), '').splitlines() if REPORTED.search(line)]
        if wrong:
            raise Failed(f'{len(wrong)} wrong messages served, first seq {wrong[0].seq}')
        if (lost or text.startswith(('deleted', 'truncated'))) and not log:
            raise Failed(f'{len(lost)} messages lost and no word of the damage')
        if lost_bytes > touched + SLACK_BYTES:
            raise Failed(f'{len(lost)} messages lost ({lost[0]} to {lost[-1]}) by damage to '
                         f'{touched} bytes')
        return (f'{len(lost)} lost, ' + (f'reported: {log[0][-200:]}' if log else 'not reported'),
                log)

    def is_right(self, m, pristine):
        """The message of that sequence; or one that the bucket's history had dropped for messages
        which are lost now."""
        known = pristine.get(m.seq)
        if known is None:
            return m.good and m.subject.startswith('$KV.') and m.seq < max(pristine, default=0)
        return m.good and stamp(m) == stamp(known) and m.subject == known.subject

    def told_right(self, node, name, got, missing):
        """What is lost is reported and what is reported is lost. The end of a stream is known only
        by what is lost with it, so a report of damage has to do."""
        told, last = self.told(node, name), max(got, default=0)
        untold = [seq for seq in missing if seq <= last and seq not in told]
        if untold:
            raise Failed(f'{name}: {len(missing)} messages lost and {len(told)} reported; seq '
                         f'{untold[0]} is not')
        if told & set(got):
            raise Failed(f'{name}: seq {min(told & set(got))} is reported lost and served')

    def told(self, node, name):
        """Sequences that the server says are lost."""
        with node.control() as control:
            state = control.api('STREAM.INFO.' + name).get('state', {})
        told = set((state.get('lost') or {}).get('msgs') or ())
        for stream, first, last in REPORTED_RUN.findall(node.log.read_text(errors='replace')):
            if stream == name and int(last) - int(first) < 1_000_000:
                told.update(range(int(first), int(last) + 1))
        return told

    def renumbered(self, node, name, pristine):
        subject = '$KV.torture.damage' if name.startswith('KV_') else 't.damage'
        with node.control() as control:
            _, body = control.request(subject, b'after')
        match = re.search(rb'"seq": ?(\d+)', body)
        if match and b'"error"' not in body and int(match.group(1)) <= max(pristine, default=0):
            raise Failed(f'{name}: seq {int(match.group(1))} was given to a second message')
