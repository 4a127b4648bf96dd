#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py - attacks on resources: memory stays bounded, and a healthy client notices nothing.

    run.py --server build/myelin [--only NAME,...] [--no-rss]

Each test starts a server of its own and measures its resident memory from /proc; --no-rss leaves
those bounds out, for instrumented binaries. Last line: "N passed, N failed"."""
import argparse
import pathlib
import resource
import sys
import time
import traceback

import flood_tests
import listener_tests
from harness import Failed

MODULES = [listener_tests, flood_tests]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True, type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--no-rss", action="store_true")
    given = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    tests = [(name.removeprefix("test_"), function) for module in MODULES
             for name, function in vars(module).items() if name.startswith("test_")]
    only = set(filter(None, given.only.split(",")))
    passed = failed = 0
    for name, function in tests:
        if only and name not in only:
            continue
        start = time.monotonic()
        try:
            measured = function(given.server, not given.no_rss) or ""
            verdict = "ok"
            passed += 1
        except Exception as e:          # any is a failure of this test alone
            verdict, measured = "FAILED", str(e)
            failed += 1
            if not isinstance(e, Failed):
                traceback.print_exc()
        print(f"{verdict} {name} ({time.monotonic() - start:.1f} s) {measured}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
