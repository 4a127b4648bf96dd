#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs real NATS clients against a server: the programs of examples/ and those beside this file.

    test/compat/run.py --server build/myelin [--only TEXT] [--list]

Prints one line per program and "N passed, N failed"; exits 1 if any failed. Every program has a
server of its own. A line "server: NAME" among a test's first lines names its configuration,
conf/NAME.conf ("plain" if there is none). What can't be obtained is a failure, never a skip.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import servers
import toolchain

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "examples"
TEST_SECONDS = 90
JETSTREAM = ("jetstream", "key_value", "object_store")      # examples, in each language


class Failed(Exception):
    """A test's result, with a text that explains it."""


class Case:
    """A program to run. `argv` gives its command line from toolchain and directory."""

    def __init__(self, name, argv, conf="plain", count=1, env=None, urls=True):
        self.name = name
        self.argv = argv
        self.conf = conf
        self.count = count          # servers to start; with several, one of them is killed
        self.env = env or {}
        self.urls = urls            # the servers' URLs are arguments


def server_of(path):
    """The configuration that a test's first lines ask for."""
    head = path.read_text().splitlines()[:12]
    names = [m[1] for line in head if (m := re.search(r"\bserver: (\w+)", line))]
    return names[0] if names else "plain"


def javascript(tools, place, source):
    """Runs a copy beside a link to node_modules: modules are looked for beside the program."""
    for path in source.parent.glob("*.mjs"):
        shutil.copy(path, place)
    (place / "node_modules").symlink_to(tools.javascript() / "node_modules")
    return ["node", place / source.name]


def example_command(language, program):
    """The function that gives the command line of one example."""
    path = EXAMPLES / language
    if language == "python":
        return lambda tools, place: [tools.python(), path / f"{program}.py"]
    if language == "javascript":
        return lambda tools, place: javascript(tools, place, path / f"{program}.mjs")
    if language == "go":
        return lambda tools, place: [tools.go(path, "go-examples", ["build"]) / program]
    return lambda tools, place: [tools.c() / program]


def examples():
    credentials = {"NATS_USER": "app", "NATS_PASSWORD": "s3cret"}
    for language in ("python", "go", "javascript", "c"):
        for program in ("pub_sub", "request_reply", "queue_group", "connection_options"):
            name = f"examples/{language}/{program}"
            yield Case(name, example_command(language, program))
        options = example_command(language, "connection_options")
        yield Case(f"examples/{language}/connection_options with user and TLS", options,
                   conf="user_tls", env={**credentials, "NATS_CA": "CERTS/ca.pem"})
        for count in (2, 3):
            yield Case(f"examples/{language}/reconnect with {count} servers",
                       example_command(language, "reconnect"), count=count)
        # libnats 3.4 has no objects.
        for program in JETSTREAM[:2] if language == "c" else JETSTREAM:
            yield Case(f"examples/{language}/{program}", example_command(language, program),
                       conf="jetstream")
    for script in sorted((EXAMPLES / "cli").glob("*.sh")):
        yield Case(f"examples/cli/{script.stem}",
                   lambda tools, place, s=script: tools.natscli() and ["sh", s],
                   conf=server_of(script), env={"MSGS": "20000"})


def tests():
    for path in sorted((HERE / "python").glob("*.py")):
        if path.stem != "support":
            yield Case(f"python/{path.stem}", lambda tools, place, p=path: [tools.python(), p],
                       conf=server_of(path), urls=False)
    for path in sorted((HERE / "js").glob("*.mjs")):
        if path.stem != "support":
            yield Case(f"js/{path.stem}", lambda tools, place, p=path: javascript(tools, place, p),
                       conf=server_of(path), urls=False)
    for path in sorted((HERE / "go").glob("*_test.go")):
        for test in re.findall(r"^func (Test\w+)", path.read_text(), re.M):
            yield Case(f"go/{test}", lambda tools, place, t=test: go_test(tools, t),
                       conf=server_of(path), urls=False)
    for path in sorted((HERE / "cli").glob("*.sh")):
        yield Case(f"cli/{path.stem}", lambda tools, place, p=path: tools.natscli() and ["sh", p],
                   conf=server_of(path), urls=False)
    for path in sorted((HERE / "browser").glob("*.py")):
        yield Case(f"browser/{path.stem}",
                   lambda tools, place, p=path: [sys.executable, p, tools.javascript(),
                                                 tools.chromium()],
                   conf=server_of(path), urls=False)


def go_test(tools, name):
    place = tools.go(HERE / "go", "go-tests", ["test", "-c"])
    binary = next(f for f in place.iterdir() if f.suffix == ".test")
    return [binary, "-test.run", f"^{name}$", "-test.timeout", f"{TEST_SECONDS}s", "-test.v"]


def versions_agree():
    """The examples and the tests must run the same clients."""
    def read(path):
        return json.loads(path.read_text())["dependencies"]
    ours, theirs = read(HERE / "js/package.json"), read(EXAMPLES / "javascript/package.json")
    for package, version in theirs.items():
        if ours.get(package) != version:
            raise Failed(f"{package}: the examples have {version}, the tests {ours.get(package)}")
    def pin(path):
        return re.search(r"nats-io/nats\.go (v\S+)", path.read_text())[1]
    if pin(HERE / "go/go.mod") != pin(EXAMPLES / "go/go.mod"):
        raise Failed("nats.go: the examples and the tests have different versions")


def watch(process, running, lines):
    """Collects a program's output; stops the server that it asks to have stopped."""
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        named = re.search(r"connected to (?:nats://)?(\S+): stop that server now", line)
        if named:
            for server in running:
                if server.process is not None and server.address == named[1]:
                    server.kill()


def run_program(case, argv, running, place):
    """Runs the program to its end; returns nothing, or raises Failed with its output."""
    env = {**os.environ, **running[0].environment(), "XDG_CONFIG_HOME": str(place),
           "HOME": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    env["PATH"] = f"{case.tools_path}{os.pathsep}{env['PATH']}"
    env["COMPAT_DIR"] = str(place)
    for key, value in case.env.items():
        env[key] = value.replace("CERTS", env["CERTS"])
    if case.urls:
        argv = [*argv, *(f"nats://{s.address}" for s in running)]
    lines = []
    process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, env=env, cwd=place,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace")
    reader = threading.Thread(target=watch, args=(process, running, lines))
    reader.start()
    problem = None
    try:
        if process.wait(timeout=TEST_SECONDS) != 0:
            problem = f"exit code {process.returncode}"
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        problem = f"did not end in {TEST_SECONDS} seconds"
    reader.join(timeout=5)
    if problem:
        raise Failed("\n".join([problem, *lines[-40:]]))


def run_case(case, tools, binary, certs, place):
    running = []
    try:
        argv = case.argv(tools, place)
        case.tools_path = tools.cache / "natscli"
        for i in range(case.count):
            server = servers.Server(binary, case.conf, place / f"server{i}", certs)
            running.append(server)
            server.start()
        run_program(case, argv, running, place)
        for server in running:
            server.stop()
    except (Failed, servers.ServerFailed, toolchain.Unobtainable) as e:
        text = str(e)
        for i, server in enumerate(running):
            text += f"\n--- log of server {i} ({case.conf}.conf)\n{server.log_tail()}"
        raise Failed(text) from None
    finally:
        for server in running:
            try:
                server.stop()
            except servers.ServerFailed:
                pass    # the first failure has been reported


def run_all(cases, tools, binary, work):
    certs = tools.certificates(work / "certs")
    passed = failed = 0
    for i, case in enumerate(cases):
        begin = time.monotonic()
        place = work / f"case{i}"
        place.mkdir()
        try:
            run_case(case, tools, binary, certs, place)
            passed += 1
            print(f"ok    {case.name} ({time.monotonic() - begin:.1f} s)", flush=True)
        except Failed as e:
            failed += 1
            first, *rest = str(e).splitlines()
            print(f"FAIL  {case.name}: {first}", flush=True)
            for line in rest:
                print(f"      | {line}", flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default=str(ROOT / "build/myelin"), help="binary to test")
    parser.add_argument("--cache", default=str(ROOT / ".cache/compat"), help="pinned clients")
    parser.add_argument("--only", help="run only the programs whose name contains this")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    args = parser.parse_args()
    cases = [c for c in [*examples(), *tests()] if not args.only or args.only in c.name]
    if args.list:
        print("\n".join(c.name for c in cases))
        return 0
    if not os.access(args.server, os.X_OK):
        print(f"{args.server}: no such program; build it first", file=sys.stderr)
        return 2
    if not cases:
        print(f"no program's name contains {args.only!r}", file=sys.stderr)
        return 2
    try:
        versions_agree()
        tools = toolchain.Toolchain(args.cache)
        with tempfile.TemporaryDirectory(prefix="compat-") as work:
            passed, failed = run_all(cases, tools, args.server, pathlib.Path(work))
    except (Failed, toolchain.Unobtainable) as e:
        print(e, file=sys.stderr)
        return 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
