# SPDX-License-Identifier: Apache-2.0
"""Faults while the load runs. The schedule is a pure function of the seed and is printed before
anything happens, so that a run can be had again (the server's timing aside)."""
import random
import signal
import time

from node import CUT_AT_ONCE, CUT_FLUSHING_LOG, Failed

NEEDS_IMAGE = ('power', 'eio', 'enospc')
FAULTS = ('kill', 'term', 'stop') + NEEDS_IMAGE
RECOVER_SECONDS = 15


def schedule(seed, seconds, faults):
    """[(seconds from the start, fault, a number from 0 to 1)]; each fault in its turn, the order
    of a turn drawn."""
    draw = random.Random(f'schedule {seed}')
    plan, at, turn = [], 0.0, []
    while faults:
        at += draw.uniform(0.7, 2.0)
        if at > seconds - 1:
            break
        if not turn:
            turn = sorted(faults)
            draw.shuffle(turn)
        plan.append((round(at, 3), turn.pop(), round(draw.random(), 3)))
    return plan


def flag_of(number):
    return CUT_AT_ONCE if number < 0.7 else CUT_FLUSHING_LOG


def fault_kill(node, number):
    node.kill()
    time.sleep(number * 0.3)
    node.start()


def fault_term(node, number):
    node.terminate()
    time.sleep(number * 0.3)
    node.start()


def fault_stop(node, number):
    node.process.send_signal(signal.SIGSTOP)
    time.sleep(0.1 + number * 1.5)
    node.process.send_signal(signal.SIGCONT)
    node.wait_ready()


def fault_power(node, number):
    node.power_cut(flag_of(number))
    node.start()


def fault_eio(node, number):
    """The disk dies under a live server; the machine goes later."""
    node.event('eio')
    node.disk.cut(flag_of(number))
    node.event('dead')
    time.sleep(0.2 + number * 0.6)
    if node.process.poll() is None:
        node.kill()
    node.disk.unmount()
    node.disk.mount()
    node.start()


def accepts(node, name):
    """Whether a publish is stored now."""
    try:
        with node.control() as control:
            _, body = control.request(f'probe.{name}', b'probe')
            return b'"seq":' in body and b'"error"' not in body
    except OSError:
        return False


def fault_enospc(node, number):
    """Core service must go on, and publishes be taken again when there is space, without a
    restart."""
    node.disk.fill()
    try:
        time.sleep(0.5 + number)
        if node.process.poll() is not None:
            raise Failed('the server ended when the disk was full: ' + node.log_tail())
        with node.control():                # connects and gets its PONG
            pass
    finally:
        node.disk.free()
    deadline = time.monotonic() + RECOVER_SECONDS
    while not accepts(node, 'space'):
        if time.monotonic() > deadline:
            raise NoRecovery(f'no publish is taken {RECOVER_SECONDS} s after space came back')
        time.sleep(0.1)


class NoRecovery(Failed):
    """It needs a restart."""


def strike(node, fault, number):
    globals()['fault_' + fault](node, number)
