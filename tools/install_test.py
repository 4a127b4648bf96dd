#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""install_test.py - what "make install" puts where, and that a second time changes nothing.

    tools/install_test.py [--build DIR]     (the meson folder that "make" built)"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIZE_MAX = 3 << 20                      # of the stripped program, from issue 2


def install(build, stage, *settings):
    done = subprocess.run(['make', '-s', 'install', f'BUILD={build}', f'DESTDIR={stage}',
                           *settings], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


def files(stage):
    return {str(p.relative_to(stage)): p for p in pathlib.Path(stage).rglob('*') if not p.is_dir()}


def check_files(build, stage):
    """The program, its manual page and its unit are where systemd and man look."""
    install(build, stage, 'PREFIX=/usr/local')
    wanted = {'usr/local/sbin/myelin', 'usr/local/share/man/man8/myelin.8',
              'usr/local/lib/systemd/system/myelin.service'}
    assert set(files(stage)) == wanted, sorted(files(stage))


def check_unit(build, stage):
    """The unit starts the program where it was installed, and the readiness protocol fits."""
    install(build, stage, 'PREFIX=/opt/my')
    text = (pathlib.Path(stage) / 'opt/my/lib/systemd/system/myelin.service').read_text()
    assert 'ExecStart=/opt/my/sbin/myelin ' in text, text
    assert '\nType=notify\n' in text and '@SBINDIR' not in text, text


def check_program(build, stage):
    """Installed programs are stripped and small."""
    install(build, stage, 'PREFIX=/usr')
    program = pathlib.Path(stage) / 'usr/sbin/myelin'
    assert os.access(program, os.X_OK)
    assert program.stat().st_size <= SIZE_MAX, program.stat().st_size


def check_symlink(build, stage):
    """NATS_SERVER_SYMLINK=1 adds the peer's name; twice is the same as once."""
    install(build, stage, 'PREFIX=/usr', 'NATS_SERVER_SYMLINK=1')
    before = set(files(stage))
    install(build, stage, 'PREFIX=/usr', 'NATS_SERVER_SYMLINK=1')
    assert set(files(stage)) == before
    assert os.readlink(pathlib.Path(stage) / 'usr/sbin/nats-server') == 'myelin'


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--build', default=str(ROOT / 'build'))
    build = os.path.abspath(options.parse_args().build)
    checks = [check_files, check_unit, check_program, check_symlink]
    failed = 0
    for check in checks:
        with tempfile.TemporaryDirectory() as stage:
            try:
                check(build, stage)
            except AssertionError as e:
                print(f'{check.__name__}: {e}')
                failed += 1
    print(f'{len(checks) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
