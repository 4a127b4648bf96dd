#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tidy_test.py - each rule of tools/tidy has a row that breaks it and only it."""
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LOADER = importlib.machinery.SourceFileLoader('tidy', os.path.join(HERE, 'tidy'))
TIDY = importlib.util.module_from_spec(importlib.util.spec_from_loader('tidy', LOADER))
sys.dont_write_bytecode = True
LOADER.exec_module(TIDY)

SPDX = '/* SPDX-License-Identifier: Apache-2.0 */\n'
MARKER = 'TO' + 'DO'


def c(name, body):
    return SPDX + f'/* {name} - purpose. */\n' + body


def h(path, body):
    guard = path[4:].replace('/', '_').replace('.', '_').upper()
    return c(os.path.basename(path), f'#ifndef {guard}\n#define {guard}\n\n{body}\n#endif\n')


def function(lines):
    return 'int core_a(void)\n{\n' + '    ;\n' * (lines - 4) + '    return 0;\n}\n'


# A tree without findings; rows replace or add files.
CLEAN = {
    'src/base/low.h': h('src/base/low.h', '/* Adds. */\nint low_add(int a, int b);\n'),
    'src/base/low.c': c('low.c', '#include "base/low.h"\n\nstatic const int table[] = { 1, 2 };\n'
                        'static const char *const names[] = { "a", "b" };\n\n'
                        '_Static_assert(sizeof(table) * 8 == 64, "");\n\n'
                        'static int helper(int a)\n{\n    static const int one = 1;\n\n'
                        '    return a + table[0] - one + (names[0] == 0);\n}\n\n'
                        'int low_add(int a, int b)\n{\n    return helper(a) + b;\n}\n'),
    'src/base/low_test.c': c('low_test.c', '#include "base/low.h"\n\nstatic int calls;\n\n'
                             'int main(void)\n{\n    return calls++ + low_add(1, -1);\n}\n'),
    'src/core/a.h': h('src/core/a.h', '#include "base/low.h"\n\nstruct a;\n\n'
                      'int a_one(void);   /* one; the group below shares this */\n'
                      'int a_two(int x, int y, int z, int u, int v, int w);\n\n'
                      'void a_free(struct a **a);\n'),
    'src/core/a.c': c('a.c', '#include "core/a.h"\n\nenum kind { KIND_ONE = 1 };\n\n'
                      'struct a {\n    int (*free)(struct a *a);\n};\n\n' + function(70) +
                      '\nint core_b(struct a *a)\n{\n    /* strcpy(x) in words */\n'
                      '    return a->free(a);\n}\n'),
    'tools/exercised_by': '# SPDX-License-Identifier: Apache-2.0\n'
                          'src/core/a.c src/base/low_test.c\n',
    'tools/script.py': '# SPDX-License-Identifier: Apache-2.0\nprint("x")\n',
}

ROWS = [
    ('a clean tree', {}, None, None),
    ('exactly 100 columns', {'tools/x.py': '# SPDX-License-Identifier: Apache-2.0\n# ' + 'x' * 98 +
                             '\n'}, None, None),
    ('exactly 1000 lines', {'tools/x.py': '# SPDX-License-Identifier: Apache-2.0\n' +
                            '\n' * 999}, None, None),
    ('umlauts count once', {'tools/x.py': '# SPDX-License-Identifier: Apache-2.0\n# ' +
                            'ä' * 98 + '\n'}, None, None),
    ('rank', {'src/base/up.h': h('src/base/up.h', '#include "core/a.h"\n')},
     'src/base/up.h:6', 'base (rank 0) includes "core/a.h" (rank 4)'),
    ('equal rank', {'src/net/n.h': h('src/net/n.h', ''),
                    'src/auth/u.h': h('src/auth/u.h', '#include "net/n.h"\n')},
     'src/auth/u.h:6', 'auth (rank 3) includes "net/n.h" (rank 3)'),
    ('no path', {'src/core/z.h': h('src/core/z.h', '#include "a.h"\n'), 'src/core/q': ''},
     'src/core/z.h:6', '"a.h" is no path from src/'),
    ('unranked folder', {'src/misc/m.h': h('src/misc/m.h', '')},
     'src/misc/m.h:1', 'folder misc has no rank'),
    ('cycle', {'src/core/c1.h': h('src/core/c1.h', '#include "core/c2.h"\n'),
               'src/core/c2.h': h('src/core/c2.h', '#include "core/c1.h"\n')},
     'src/core/c1.h:1', 'header includes itself through others'),
    ('header alone', {'src/core/u.h': h('src/core/u.h', '/* Takes. */\nvoid u_take(size_t n);\n')},
     'src/core/u.h:1', 'header does not compile alone'),
    ('guard', {'src/core/g.h': c('g.h', '#ifndef G_H\n#define G_H\n#endif\n')},
     'src/core/g.h:1', 'include guard is not CORE_G_H'),
    ('file length', {'tools/x.py': '# SPDX-License-Identifier: Apache-2.0\n' + '\n' * 1000},
     'tools/x.py:1', 'file has 1001 lines'),
    ('function length', {'src/core/a.c': c('a.c', function(71))},
     'src/core/a.c:3', 'function has 71 lines'),
    ('Python function length', {'tools/x.py': '# SPDX-License-Identifier: Apache-2.0\ndef f():\n' +
                                '    pass\n' * 70}, 'tools/x.py:2', 'function has 71 lines'),
    ('parameters of a definition', {'src/core/a.c': c(
        'a.c', 'void a_f(int a, int b, int c, int d, int e, int f, int g)\n{\n}\n')},
     'src/core/a.c:3', 'a_f has 7 parameters'),
    ('parameters of a declaration', {'src/core/p.h': h(
        'src/core/p.h', '/* Does. */\nvoid p_f(int a, int b, int c, int d,\n'
        '         int e, int f, void (*g)(int, int));\n')},
     'src/core/p.h:7', 'p_f has 7 parameters'),
    ('line length', {'tools/x.py': '# SPDX-License-Identifier: Apache-2.0\n# ' + 'x' * 99 + '\n'},
     'tools/x.py:2', 'line has 101 characters'),
    ('trailing space', {'tools/x.py': '# SPDX-License-Identifier: Apache-2.0\nx = 1 \n'},
     'tools/x.py:2', 'white space at the end'),
    ('last newline', {'tools/x.py': '# SPDX-License-Identifier: Apache-2.0\nx = 1'},
     'tools/x.py:2', 'no newline at the end'),
    ('SPDX', {'tools/x.py': 'x = 1\n'}, 'tools/x.py:1', 'first line is not'),
    ('SPDX after #!', {'tools/x.py': '#!/usr/bin/env python3\nx = 1\n'},
     'tools/x.py:2', 'first line is not'),
    ('head comment', {'src/core/a.c': SPDX + 'int core_x(void);\n'},
     'src/core/a.c:2', 'no head comment'),
    ('contract', {'src/core/n.h': h('src/core/n.h', 'struct n;   /* opaque */\n\n'
                                    'int n_get(struct n *n);\n')},
     'src/core/n.h:8', 'n_get has no contract comment'),
    ('private header', {'src/core/n.h': h('src/core/n.h', 'int n_get(int n);\n').replace(
        'purpose.', 'parts. Private to n.')}, None, None),
    ('static prefix of the file', {'src/core/a.c': c('a.c', 'static void a_f(void)\n{\n}\n')},
     'src/core/a.c:3', 'static a_f has the prefix'),
    ('static prefix of the folder', {'src/core/a.c': c(
        'a.c', 'static void core_f(void)\n{\n}\n')}, 'src/core/a.c:3', 'static core_f has'),
    ('typedef', {'src/core/a.c': c('a.c', 'typedef struct x { int a; } x_t;\n')},
     'src/core/a.c:3', 'typedef of a struct'),
    ('banned call', {'src/core/a.c': c('a.c', 'void a_f(char *p)\n{\n    strcpy(p, "");\n}\n')},
     'src/core/a.c:5', 'strcpy() is banned'),
    ('banned outside base', {'src/core/a.c': c('a.c', 'void a_f(void *p)\n{\n    free(p);\n}\n')},
     'src/core/a.c:5', 'free() is banned'),
    ('banned outside os', {'src/core/a.c': c('a.c', 'long a_f(void)\n{\n    return time(0);\n}\n')},
     'src/core/a.c:5', 'time() is banned'),
    ('waiting in a test', {'src/core/b_test.c': c(
        'b_test.c', 'int main(void)\n{\n    usleep(1);\n    return 0;\n}\n')},
     'src/core/b_test.c:5', 'usleep() is banned'),
    ('file-scope variable', {'src/core/a.c': c('a.c', 'static int count;\n')},
     'src/core/a.c:3', 'mutable variable count'),
    ('file-scope array', {'src/core/a.c': c('a.c', 'static char a[2][3] = { "x", "y" };\n')},
     'src/core/a.c:3', 'mutable variable a '),
    ('pointer to const', {'src/core/a.c': c('a.c', 'static const char *names[] = { "x" };\n')},
     'src/core/a.c:3', 'mutable variable names'),
    ('atomic', {'src/core/a.c': c('a.c', 'static _Atomic(struct a *) now = &b;\n')},
     'src/core/a.c:3', 'mutable variable now'),
    ('thread local', {'src/core/a.c': c('a.c', '_Thread_local struct a *now;\n')},
     'src/core/a.c:3', 'mutable variable now'),
    ('function pointer', {'src/core/a.c': c('a.c', 'static void (*hook)(int);\n')},
     'src/core/a.c:3', 'mutable variable hook'),
    ('static local', {'src/core/a.c': c(
        'a.c', 'int a_f(void)\n{\n    static int n;\n\n    return n++;\n}\n')},
     'src/core/a.c:5', 'mutable variable n '),
    ('marker', {'tools/x.py': f'# SPDX-License-Identifier: Apache-2.0\n# {MARKER} later\n'},
     'tools/x.py:2', f'{MARKER}: finish it'),
    ('no test', {'src/core/b.c': c('b.c', '')}, 'src/core/b.c:1', 'no b_test.c'),
    ('listed and tested', {'src/core/a_test.c': c('a_test.c', '')},
     'src/core/a.c:1', 'has its own test and is listed'),
    ('listed test is gone', {'tools/exercised_by': '# SPDX-License-Identifier: Apache-2.0\n'
                             'src/core/a.c src/core/gone_test.c\n'},
     'tools/exercised_by:1', 'src/core/gone_test.c does not exist'),
]


def plant(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as f:
            f.write(text)


def run_row(files, where, what):
    """None, or why the findings are not what the row says."""
    with tempfile.TemporaryDirectory() as root:
        plant(root, {**CLEAN, **files})
        found = [f'{path}:{line}: {text}' for path, line, text in TIDY.check_tree(root)[1]]
    if where is None:
        return f'unexpected: {found}' if found else None
    wanted = [text for text in found if text.startswith(where + ':') and what in text]
    others = [text for text in found if what not in text]
    return None if wanted and not others else f'got {found}'


def run_symbols(folder, call, allowed):
    """The rule that reads objects: compile one file and look at what it calls."""
    with tempfile.TemporaryDirectory() as root:
        source = f'src/{folder}/s.c'
        plant(root, {source: call, 'tools/tidy_symbols': 'any strlen\nnet SSL_*\n'})
        subprocess.run(['gcc', '-w', '-O0', '-fno-builtin', '-c', source, '-o', 's.o'], cwd=root,
                       check=True)
        plant(root, {'compile_commands.json': json.dumps(
            [{'directory': root, 'file': source, 'output': 's.o'}])})
        found = list(TIDY.check_symbols(root, root))
    return None if bool(found) != allowed else f'got {found}'


SYMBOL_ROWS = [
    ('pure function', 'core', 'long f(char *p) { return strlen(p); }\n', True),
    ('system call', 'core', 'int f(void) { return getpid(); }\n', False),
    ('system call in os', 'os', 'int f(void) { return getpid(); }\n', True),
    ('own library', 'net', 'int f(void) { return SSL_read(); }\n', True),
    ("another folder's library", 'core', 'int f(void) { return SSL_read(); }\n', False),
]


def main():
    failures = []
    for name, files, where, what in ROWS:
        problem = run_row(files, where, what)
        if problem:
            failures.append(f'{name}: {problem}')
    for name, folder, call, allowed in SYMBOL_ROWS:
        problem = run_symbols(folder, call, allowed)
        if problem:
            failures.append(f'symbols, {name}: {problem}')
    for line in failures:
        print(line)
    total = len(ROWS) + len(SYMBOL_ROWS)
    print(f'{total - len(failures)} passed, {len(failures)} failed')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
