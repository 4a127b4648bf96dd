#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the clients' own test suites against a server and writes docs/client-suites.md.

    test/compat/suites.py --server build/myelin --nats-py DIR --nats-js DIR --nats-c DIR
                          [--only TEXT]

The suites' sources are given by path: checkouts of the clients' repositories, which are copied,
never changed. They start a program called nats-server and use fixed ports, so each runs with a
link of that name first in its PATH, in a network, mount and process namespace of its own (which
takes root). Cases that need what the server does not have yet are left out by the list
suites/deselected.txt, each with its reason. The results of each server (told by the name in its
`-v` line) are kept in docs/client-suites.json, from which the page is made.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import toolchain

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SUITE_SECONDS = 1500
CASE_SECONDS = 60

# The nats.js cases in these files talk to a public server; here it is one of ours.
DEMO_FILES = ("bench_test.ts", "reconnect_test.ts")

# Runs "$@" where no other process can disturb it and nothing it starts survives it.
NAMESPACE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", """
set -e
ip link set lo up
mount --bind "$HOSTS" /etc/hosts
test -z "$DEMO" || nats-server -a 127.0.0.1 -p 4222 >/dev/null 2>&1 &
exec "$@"
""", "suite"]


class Suite:
    """One job: a suite, or a file of it. `results` fills with (case, outcome, text)."""

    def __init__(self, name, label, argv, cwd, env, case_name):
        self.name = name
        self.label = label
        self.argv = argv
        self.cwd = cwd
        self.env = env
        self.case_name = case_name      # from a JUnit element to "file::case"
        self.results = []
        self.problem = None


def deselected():
    """The list of (suite, case, reason)."""
    rows = []
    for line in (HERE / "suites/deselected.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            suite, case, reason = (part.strip() for part in line.split(" | "))
            rows.append((suite, case, reason))
    return rows


def is_deselected(suite, case):
    return any(s == suite and (case.startswith(c[:-1]) if c.endswith("*") else case == c)
               for s, c, _ in deselected())


def interpreter(at_least):
    """The path of a Python of at least this version."""
    found = [sys.executable, *(shutil.which(f"python3.{n}") or "" for n in range(20, 10, -1)),
             *map(str, pathlib.Path.home().glob(".pyenv/versions/3.*/bin/python3"))]
    for path in filter(None, found):
        done = subprocess.run([path, "-c", "import sys; print(*sys.version_info[:2])"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if done.returncode == 0 and tuple(map(int, done.stdout.split())) >= at_least:
            return path
    raise toolchain.Unobtainable(f"needs Python {at_least[0]}.{at_least[1]} or newer")


def python_environment(tools, at_least):
    pins = HERE / "suites/requirements.txt"
    python = interpreter(at_least)
    def build(place):
        toolchain.command([python, "-m", "venv", place], "the suites of nats.py")
        toolchain.command([place / "bin/pip", "install", "-q", "-r", pins],
                          "the suites of nats.py")
    name = "suites-python{}{}".format(*at_least)
    return tools.stamped(name, toolchain.digest(pins, python), build) / "bin/python"


def pytest_suite(tools, name, source, file, cwd, modules, at_least):
    """One test file under pytest."""
    def case_name(case):
        parts = case.get("classname").split(".")
        inside = parts[parts.index(file.stem) + 1:]
        return "::".join([file.name, *inside, case.get("name")])
    python = python_environment(tools, at_least)
    argv = [python, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider",
            "--timeout", str(CASE_SECONDS), "--junitxml", "@JUNIT@"]
    folder = file.parent.relative_to(cwd)
    for suite, case, _ in deselected():
        if suite == name and case.startswith(file.name):
            argv += ["--deselect", f"{folder}/{case.rstrip('*')}"]
    env = {"PYTHONPATH": os.pathsep.join(str(source / m) for m in modules),
           "NATS_SERVER_VERSION": "main"}
    return Suite(name, file.name, [*argv, file.relative_to(cwd)], cwd, env, case_name)


def python_suites(tools, checkout, work):
    source = work / "nats.py"
    shutil.copytree(checkout, source, ignore=shutil.ignore_patterns(".git"))
    for file in sorted((source / "nats/tests").glob("test_*.py")):
        if not is_deselected("nats.py", f"{file.name}::"):
            yield pytest_suite(tools, "nats.py", source, file, source, ["nats/src"], (3, 11))
    for file in sorted((source / "nats-core/tests").glob("test_*.py")):
        yield pytest_suite(tools, "nats-core", source, file, source / "nats-core",
                           ["nats-core/src", "nats-server/src"], (3, 13))
    for name in ("nats-jetstream", "nats-key-value"):
        modules = [f"{m}/src" for m in ("nats-key-value", "nats-jetstream", "nats-core",
                                        "nats-server")]
        for file in sorted((source / name / "tests").glob("test_*.py")):
            yield pytest_suite(tools, name, source, file, source / name, modules, (3, 13))


def deno(tools):
    pins = [HERE / "suites/package.json", HERE / "suites/package-lock.json"]
    def build(place):
        for f in pins:
            shutil.copy(f, place)
        toolchain.command(toolchain.NPM_CI, "the suite of nats.js", cwd=place)
    return tools.stamped("suites-js", toolchain.digest(*pins), build)


def drop_leafnodes(launcher):
    """The suite gives every server a leafnode listener, which no case that is run here uses."""
    lines = launcher.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip().startswith("conf.leafnodes")]
    if len(kept) == len(lines):
        raise toolchain.Unobtainable(f"{launcher.name}: no leafnode lines to drop any more")
    launcher.write_text("".join(kept))


def javascript_suites(tools, checkout, work):
    source = work / "nats.js"
    shutil.copytree(checkout, source, ignore=shutil.ignore_patterns(".git", "node_modules"))
    for f in [*source.glob("*/deno.json"), *source.glob("package.json"),
              *source.glob("*/package.json")]:
        f.unlink()      # one workspace, with the modules of the registries that we have
    drop_leafnodes(source / "nst/src/launcher.ts")
    place = deno(tools)
    for name in ("assert.ts", "bytes.ts", "io.ts"):
        shutil.copy(HERE / "suites" / name, source)
    modules = {
        "@std/assert": "./assert.ts", "@std/bytes": "./bytes.ts", "@std/io": "./io.ts",
        "@std/path": "node:path", "js-sha256": "npm:js-sha256@0.11.1",
        "nst": "./core/tests/nst.ts", "@nats-io/nst": "./nst/src/mod.ts",
        "@nats-io/nats-core": "./core/src/mod.ts",
        "@nats-io/nats-core/internal": "./core/src/internal_mod.ts",
        "@nats-io/jetstream": "./jetstream/src/mod.ts",
        "@nats-io/jetstream/internal": "./jetstream/src/internal_mod.ts",
        "@nats-io/services": "./services/src/mod.ts",
        "@nats-io/services/internal": "./services/src/internal_mod.ts",
        "@nats-io/transport-deno": "./transport-deno/src/mod.ts",
    }
    (source / "node_modules").symlink_to(place / "node_modules")
    for name in ("jwt", "nkeys", "nuid"):
        entry = json.loads((place / f"node_modules/@nats-io/{name}/package.json").read_text())
        main = entry.get("main", "index.js").removeprefix("./")
        modules[f"@nats-io/{name}"] = f"./node_modules/@nats-io/{name}/{main}"
    (source / "deno.json").write_text(json.dumps(
        {"compilerOptions": {"strict": True}, "imports": modules, "nodeModulesDir": "manual",
         "lock": False, "unstable": ["detect-cjs"]}))
    for folder in ("core", "transport-deno", "services", "jetstream", "kv", "obj"):
        for file in sorted((source / folder / "tests").glob("*_test.ts")):
            if not is_deselected("nats.js", f"{folder}/{file.name}::"):
                yield deno_suite(folder, file, source, place)


def deno_suite(folder, file, source, place):
    def case_name(case):
        return f"{label}::{case.get('name')}"
    label = f"{folder}/{file.name}"
    program = place / "node_modules/@deno/linux-x64-glibc/deno"
    argv = [program, "test", "-A", "--no-check", "--quiet", "--junit-path=@JUNIT@"]
    text = file.read_text()
    for suite, case, _ in deselected():
        if suite == "nats.js" and case.startswith(f"{label}::"):
            title = re.escape(case.split("::")[1])
            text, found = re.subn(rf'Deno\.test(\(\s*["\'`]{title}["\'`])', r"Deno.test.ignore\1",
                                  text)
            if found != 1:
                raise toolchain.Unobtainable(f"deselected.txt: {case} is there {found} times")
    file.write_text(text)
    return Suite("nats.js", label, [*argv, file.relative_to(source)], source,
                 {"NO_COLOR": "1", "DEMO": "1" if file.name in DEMO_FILES else ""}, case_name)


def c_suites(checkout, work, version_line):
    """nats.c's: one program, run by ctest once per case."""
    source, build = work / "nats.c", work / "nats.c-build"
    shutil.copytree(checkout, source, ignore=shutil.ignore_patterns(".git"))
    toolchain.command(["cmake", "-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release",
                       "-DNATS_BUILD_STREAMING=OFF", "-DNATS_BUILD_EXAMPLES=OFF"],
                      "the suite of nats.c")
    toolchain.command(["cmake", "--build", build, "-j2"], "the suite of nats.c")
    left_out = "|".join(case.replace("*", ".*") for suite, case, _ in deselected()
                        if suite == "nats.c")
    yield Suite("nats.c", "test.c",
                ["ctest", "-L", "test", "--timeout", str(CASE_SECONDS), "-E", f"^({left_out})$",
                 "--output-junit", "@JUNIT@"],
                build, {"NATS_TEST_SERVER_VERSION": version_line}, lambda case: case.get("name"))


def run_suite(suite, binary, work):
    """Runs one job in its namespaces and reads the results that it wrote."""
    place = pathlib.Path(tempfile.mkdtemp(dir=work))
    (place / "bin").mkdir()
    (place / "bin/nats-server").symlink_to(pathlib.Path(binary).resolve())
    hosts = place / "hosts"
    hosts.write_text("127.0.0.1 localhost demo.nats.io\n::1 localhost\n")
    junit = place / "junit.xml"
    argv = [str(a).replace("@JUNIT@", str(junit)) for a in suite.argv]
    env = {**os.environ, **suite.env, "HOSTS": str(hosts), "DEMO": suite.env.get("DEMO", ""),
           "TMPDIR": str(place),
           "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    log = place / "log"
    with open(log, "wb") as out:
        try:
            subprocess.run([*NAMESPACE, *argv], cwd=suite.cwd, env=env, stdin=subprocess.DEVNULL,
                           stdout=out, stderr=out, timeout=SUITE_SECONDS)
        except subprocess.TimeoutExpired:
            suite.problem = f"did not end in {SUITE_SECONDS} seconds"
    try:
        root = xml.etree.ElementTree.parse(junit).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        tail = log.read_text(errors="replace")[-1500:]
        suite.problem = suite.problem or f"no results:\n{tail}"
        return suite
    if suite.problem is None and root.find(".//testcase") is None:
        suite.problem = f"no case was run:\n{log.read_text(errors='replace')[-1500:]}"
    for case in root.iter("testcase"):
        bad = [e for e in case if e.tag in ("failure", "error")]
        skipped = case.find("skipped")
        outcome = "failed" if bad else "passed" if skipped is None else "skipped"
        detail = bad[0] if bad else skipped
        text = "" if detail is None else (detail.get("message") or detail.text or "")
        name = suite.case_name(case)
        if not is_deselected(suite.name, name):
            suite.results.append((name, outcome, " ".join(text.split())[:160]))
    return suite


def version_line(binary):
    return subprocess.run([binary, "-v"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


def server_name(binary):
    """The product's name and version, from what `-v` prints."""
    line = version_line(binary)
    own = re.search(r"\((\w+) ([\d.]+\S*)\)", line)
    if own:
        return f"{own[1]} {own[2]}"
    return "nats-server " + re.search(r"v(\d\S*)", line)[1]


def save(path, server, suites):
    """Replaces the server's results of the suites that were run; keeps all others."""
    all_results = json.loads(path.read_text()) if path.exists() else {}
    product = server.split()[0]
    mine = {"server": server, "suites": all_results.get(product, {}).get("suites", {})}
    for s in suites:
        counts = {o: sum(r[1] == o for r in s.results) for o in ("passed", "failed", "skipped")}
        mine["suites"][f"{s.name} | {s.label}"] = {
            **counts, "problem": s.problem,
            "not passed": {r[0]: [r[1], r[2]] for r in s.results if r[1] != "passed"}}
    all_results[product] = mine
    path.write_text(json.dumps(all_results, indent=1, sort_keys=True) + "\n")
    return all_results


def cell(result):
    if result is None:
        return "not run"
    if result["problem"]:
        return result["problem"].splitlines()[0]
    shown = [f"{result[o]} {o}" for o in ("passed", "failed", "skipped") if result[o]]
    return ", ".join(shown) or "nothing to run"


def page(results):
    """The text of docs/client-suites.md."""
    products = sorted(results)
    names = [results[p]["server"] for p in products]
    out = ["# The clients' own test suites", "",
           "Made by `test/compat/suites.py` (`make client-suites`); don't edit. It runs the test",
           "suites of the official clients against a server, without the cases at the end of this",
           "page, and without the leafnode listener that the nats.js suite gives every server but",
           "does not use: Myelin refuses to start with it, because it never ignores a key that it",
           "does not support. Results of nats-server itself stand beside ours: a case that fails",
           "against both says nothing about the server.", "",
           "nats.go's integration tests are not run: since v1.55 a tester service creates their",
           "servers. The one that they link starts nats-server's code, not a program; the Go",
           "module proxy did not have it, and we have not written another. What nats.go and the",
           "nats CLI",
           "need from a server is tested by our own programs, in `test/compat`.", "",
           "| suite | file | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    keys = sorted({k for p in products for k in results[p]["suites"]})
    for key in keys:
        cells = [cell(results[p]["suites"].get(key)) for p in products]
        out.append(f"| {key} | " + " | ".join(cells) + " |")
    totals = [{o: sum(s[o] for s in results[p]["suites"].values())
               for o in ("passed", "failed", "skipped")} | {"problem": None} for p in products]
    out.append("| all | | " + " | ".join(map(cell, totals)) + " |")
    out += ["", "## Cases not passed", "",
            "| suite | case | server | outcome |", "|---|---|---|---|"]
    for key in keys:
        for p, name in zip(products, names):
            for case, (outcome, text) in sorted(
                    results[p]["suites"].get(key, {}).get("not passed", {}).items()):
                text = text.replace("|", "\\|").replace("<", "&lt;")
                out.append(f"| {key.split(' | ')[0]} | `{case}` | {name} | {outcome}: {text} |")
    out += ["", "## Cases not run, and why", "", "| suite | case | reason |", "|---|---|---|"]
    out += [f"| {s} | `{c}` | {r} |" for s, c, r in deselected()]
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default=str(ROOT / "build/myelin"))
    parser.add_argument("--cache", default=str(ROOT / ".cache/compat"))
    parser.add_argument("--nats-py", type=pathlib.Path, help="checkout of nats.py")
    parser.add_argument("--nats-js", type=pathlib.Path, help="checkout of nats.js")
    parser.add_argument("--nats-c", type=pathlib.Path, help="checkout of nats.c")
    parser.add_argument("--only", default="", help="only files whose 'suite | file' has this text")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("needs root, for namespaces of its own")
    if not args.nats_py and not args.nats_js and not args.nats_c:
        parser.error("nothing to run: give --nats-py, --nats-js or --nats-c")
    tools = toolchain.Toolchain(args.cache)
    failed = passed = 0
    with tempfile.TemporaryDirectory(prefix="suites-") as work:
        work = pathlib.Path(work)
        try:
            suites = [*(python_suites(tools, args.nats_py, work) if args.nats_py else ()),
                      *(javascript_suites(tools, args.nats_js, work) if args.nats_js else ()),
                      *(c_suites(args.nats_c, work, version_line(args.server))
                        if args.nats_c else ())]
        except toolchain.Unobtainable as e:
            print(e, file=sys.stderr)
            return 1
        suites = [s for s in suites if args.only in f"{s.name} | {s.label}"]
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for s in pool.map(lambda s: run_suite(s, args.server, work), suites):
                bad = [r for r in s.results if r[1] == "failed"]
                good = sum(r[1] == "passed" for r in s.results)
                passed += good
                failed += len(bad) + bool(s.problem)
                print(f"{s.name} | {s.label}: {good} passed, {len(bad)} failed", flush=True)
                for case, _, text in bad:
                    print(f"  FAIL {case}: {text}", flush=True)
                if s.problem:
                    print(f"  {s.problem}", flush=True)
    results = save(ROOT / "docs/client-suites.json", server_name(args.server), suites)
    (ROOT / "docs/client-suites.md").write_text(page(results))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
