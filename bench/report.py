# SPDX-License-Identifier: Apache-2.0
"""Turns the figures of a benchmark into a table on the terminal and a section of a document."""
import datetime
import os
import platform
import statistics
import subprocess

from cases import FIGURES
from servers import ROOT, BenchError

CORE, JETSTREAM = 'bench', 'bench-js'          # names of the markers of sections


def median(values):
    return statistics.median(values) if values else None


def show(figure, values):
    """Median in the unit people read, and half the range in per cent of it."""
    if not values:
        return 'failed'
    name, factor, unit = FIGURES[figure]
    mid = median(values)
    x = mid * factor
    text = f'{x:,.0f}' if abs(x) >= 100 else f'{x:.1f}' if abs(x) >= 10 else f'{x:.2f}'
    spread = (max(values) - min(values)) / 2 / mid * 100 if mid else 0
    return f'{text} {unit}'.strip() + (f' ±{spread:.0f}%' if len(values) > 1 else '')


def verdict(target, value, base):
    """(text of the target, met | missed | failed)"""
    sign = 'at least' if target.higher else 'at most'
    if target.ratio is not None:
        text, bound = f'{sign} {target.ratio}x', None if base is None else target.ratio * base
    else:
        _, factor, unit = FIGURES[target.figure]
        text, bound = f'{sign} {target.bound * factor:g} {unit}', target.bound
    if value is None or bound is None:
        return text, 'failed'
    return text, 'met' if (value >= bound if target.higher else value <= bound) else 'missed'


def rows_of(case, runs, names):
    """Rows (case, figure, text per server, ratio, target, verdict); the last server is judged."""
    rows, base, judged = [], names[0], names[-1]
    plain = [(f, None) for f in case.shown]
    for figure, target in [(t.figure, t) for t in case.targets] + plain:
        values = {n: [r[figure] for r in runs[n] if figure in r] for n in names}
        first, last = median(values[base]), median(values[judged])
        ratio = f'{last / first:.2f}x' if len(names) > 1 and first and last is not None else ''
        text, met = verdict(target, last, first) if target and len(names) > 1 else ('', '')
        rows.append([case.title, FIGURES[figure][0]] + [show(figure, values[n]) for n in names] +
                    [ratio, text, met])
    return rows


def print_rows(rows):
    for case, figure, *cells, ratio, target, met in rows:
        text = ' | '.join(f'{c:>16}' for c in cells)
        print(f'{case[:50]:50} {figure[:36]:36} {text}  {ratio:>7}  {target:16} {met}', flush=True)


def markdown_table(rows, names):
    head = ['case', 'figure'] + names + ['ratio', 'target', 'result']
    lines = ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    last = None
    for row in rows:
        lines.append('| ' + ' | '.join(['' if row[0] == last else row[0]] + row[1:]) + ' |')
        last = row[0]
    return '\n'.join(lines)


def first_line(path, key):
    try:
        with open(path, encoding='utf-8') as f:
            for line in f:
                if line.startswith(key):
                    return line.split(':' if ':' in line else '=', 1)[1].strip().strip('"')
    except OSError:
        pass
    return 'unknown'


def describe_machine():
    memory = first_line('/proc/meminfo', 'MemTotal').split()
    gib = f'{int(memory[0]) / 1048576:.0f} GiB' if memory[0].isdigit() else 'unknown memory'
    try:
        with open('/proc/sys/net/ipv4/tcp_congestion_control', encoding='utf-8') as f:
            tcp = f.read().strip()
    except OSError:
        tcp = 'unknown'
    return (f"{first_line('/proc/cpuinfo', 'model name')}, {os.cpu_count()} CPUs, {gib}, "
            f"{first_line('/etc/os-release', 'PRETTY_NAME')}, Linux {platform.release()}, "
            f'TCP congestion control {tcp}')


def commit():
    done = subprocess.run(['git', '-C', ROOT, 'describe', '--always', '--dirty'],
                          capture_output=True, text=True)
    return done.stdout.strip() or 'unknown'


def busy_note(load):
    """What to say about the load average before the first run; '' when the machine was quiet."""
    if load <= 0.25 * os.cpu_count():
        return ''
    return f'the machine was busy (load average {load:.1f} before the first run): expect noise'


def section(rows, loop_rows, names, versions, run):
    """run: dict of reps, command, load (average before the first run), notes."""
    now = datetime.datetime.now(datetime.timezone.utc)
    counts = {w: sum(r[-1] == w for r in rows + loop_rows) for w in ('met', 'missed', 'failed')}
    lines = [f'Measured on {now:%Y-%m-%d} at commit {commit()}: medians of '
             f"{run['reps']} alternating runs, ± half the range. "
             f"Targets: {counts['met']} met, {counts['missed']} missed, {counts['failed']} failed.",
             '', '- Machine: ' + describe_machine()]
    if busy_note(run['load']):
        lines.append('- Beware: ' + busy_note(run['load']))
    lines += ['- ' + note for note in run['notes']]
    lines += [f'- {n}: {versions[n]}' for n in names]
    lines += [f"- Repeat: `{run['command']}`", '', markdown_table(rows, names)]
    if loop_rows:
        loop_names = [f'{names[-1]}, {n}' for n in ('1 loop', '2 loops')]
        lines += ['', markdown_table(loop_rows, loop_names)]
    return '\n'.join(lines)


def write_document(path, text, name=CORE):
    """Replaces what stands between the markers of a document; the rest is people's."""
    begin, end = f'<!-- {name}:begin -->', f'<!-- {name}:end -->'
    try:
        with open(path, encoding='utf-8') as f:
            old = f.read()
    except OSError as e:
        raise BenchError(f'{path}: {e.strerror}') from None
    if old.count(begin) != 1 or old.count(end) != 1 or old.index(begin) > old.index(end):
        raise BenchError(f'{path}: the markers {begin} and {end} must each stand there once')
    head, rest = old.split(begin)
    with open(path + '.new', 'w', encoding='utf-8') as f:
        f.write(head + begin + '\n' + text + '\n' + end + rest.split(end)[1])
    os.replace(path + '.new', path)
