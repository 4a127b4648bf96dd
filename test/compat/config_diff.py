#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare how nats-server and myelin judge configuration files.

Usage: config_diff.py PEER MYELIN [--mutations N] [--seed N] [--verbose]

Both run with -t on the same files. They must agree on the verdict and, for a valid file, on the
digest. Where both refuse, the texts should agree as well; those that differ on purpose are in
OWN_WORDS. A development tool: the peer is no part of the tests.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

ACCOUNT_NKEY = 'ADLGEVANYDKDQ6WYXPNBEGVUURXZY4LLLK5BJPOUDN6NGNXLNH4ATPWR'
USER_NKEY = 'UC6NLCN7AS34YOJVCYD4PJ3QB7QGLYG5B5IMBT25VW5K4TNUJODM7BOX'

# Messages of ours that say more than a failed type assertion does, and bounds that the peer
# finds out about later or never.
OWN_WORDS = re.compile(
    r'unsupported type|.min_version. wrong type| must be (a|an) |must be between'
    r'|can not be negative|is not supported by'
    r'|has an unknown suffix|out of the range|must not contain a NUL|nested deeper'
    r'|got \[\]interface|Expected users field|Expected user entry|Expected permissions'
    r'|Expected account limits|timeout of')

ROWS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'config_rows.txt')

MUTATIONS = ['{', '}', '[', ']', '"', "'", '=', ':', ',', ';', '\n', ' ', '#', '/', '(', ')',
             '\\', 'x', 'true', '1', '.', '-', '$', 'k', '\0', 'include ']


def snippets(count, seed):
    """The table, and count random changes of its rows."""
    with open(ROWS, encoding='utf-8') as f:
        rows = f.read().splitlines()
    rows += ['', 'port: 4222\r\n\r\n debug: true\r\n', 'accounts {\n  A {\n    bad: 1\n  }\n}\n',
             'server_name = (\n x\n)\n', 'port: 4222\n}\n', 'a: 1\nb: $a\nport: $b\n']
    rows = [r.replace('USER_NKEY', USER_NKEY).replace('ACCOUNT_NKEY', ACCOUNT_NKEY) for r in rows]
    rng = random.Random(seed)
    base = list(rows)
    for _ in range(count):
        text = list(rng.choice(base))
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text) + 1)
            if rng.random() < 0.4:
                del text[at:at + 1]
            else:
                text[at:at + rng.randint(0, 1)] = rng.choice(MUTATIONS)
        rows.append(''.join(text))
    return rows


def judge(binary, path, cwd, env):
    """(digest or None, message)"""
    run = subprocess.run([binary, '-t', '-c', path], cwd=cwd, env=env, capture_output=True,
                         timeout=20)
    text = run.stderr.decode('utf-8', 'replace').replace('\0', '\\x00').strip()
    digest = re.search(r' is valid \((sha256:[0-9a-f]{64})\)', text)
    if run.returncode not in (0, 1):
        return None, f'exit code {run.returncode}: {text}'
    if (run.returncode == 0) != bool(digest):
        return None, f'exit code {run.returncode} does not fit: {text}'
    return (digest.group(1) if digest else None), text


# Rows that we accept and the peer does not: its values from the environment lack places.
KINDER = ('server_tags: $CONFIG_DIFF_TAGS', 'accounts: $CONFIG_DIFF_MAP')


def same_lines(a, b):
    """The peer reports errors in the random order of its maps; ours say more exactly where."""
    clean = [sorted(re.sub(r'^(nats-server: )?(t\.conf:\d+:\d+: )?', '', line)
                    for line in t.split('\n') if line) for t in (a, b)]
    return clean[0] == clean[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('peer')
    parser.add_argument('myelin')
    parser.add_argument('--mutations', type=int, default=0)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--verbose', action='store_true')
    args = parser.parse_args()
    env = dict(os.environ, CONFIG_DIFF_PORT='4333', CONFIG_DIFF_TAGS='[a ,b ]',
               CONFIG_DIFF_MAP='{A: {}}')
    counts = {'valid': 0, 'refused': 0, 'own words': 0, 'verdict': 0, 'digest': 0, 'text': 0}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (('inc.conf', 'port: 4444\n'),
                           ('acc.conf', 'A: {users: [{user: u, password: p}]}\n')):
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as f:
                f.write(text)
        for text in snippets(args.mutations, args.seed):
            with open(os.path.join(folder, 't.conf'), 'wb') as f:
                f.write(text.encode('utf-8'))
            theirs, their_text = judge(args.peer, 't.conf', folder, env)
            ours, our_text = judge(os.path.abspath(args.myelin), 't.conf', folder, env)
            if text in KINDER:
                kind = 'valid' if ours else 'verdict'
            elif bool(theirs) != bool(ours):
                kind = 'own words' if OWN_WORDS.search(our_text) and not ours else 'verdict'
            elif theirs:
                kind = 'valid' if theirs == ours else 'digest'
            elif same_lines(their_text, our_text):
                kind = 'refused'
            else:
                kind = 'own words' if OWN_WORDS.search(our_text) else 'text'
            counts[kind] += 1
            if kind in ('verdict', 'digest', 'text') or (args.verbose and kind == 'own words'):
                print(f'--- {kind}: {text!r}\n  peer: {their_text}\n  ours: {our_text}')
    print(', '.join(f'{k}: {v}' for k, v in counts.items()))
    return 1 if counts['verdict'] or counts['digest'] or counts['text'] else 0


if __name__ == '__main__':
    sys.exit(main())
