# SPDX-License-Identifier: Apache-2.0
"""Gets the pinned clients that the compatibility tests drive the server with.

Everything lands in a cache directory and is installed again only when its pins change: each part
has a stamp with the hash of what it was made from. Two runs don't install at the same time. What
can't be had raises Unobtainable with a text for people.
"""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "examples"
NPM_CI = ["npm", "ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund"]
NATSCLI = "github.com/nats-io/natscli/nats@v0.5.1"


class Unobtainable(Exception):
    """A client or tool that the tests need and can't get."""


def digest(*parts):
    """One hash of strings and of the contents of files."""
    h = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, pathlib.Path) else str(part).encode()
        h.update(len(data).to_bytes(8, "little") + data)
    return h.hexdigest()


def command(args, what, **kwargs):
    """Runs an installing command quietly; raises Unobtainable with its output if it fails."""
    try:
        done = subprocess.run([str(a) for a in args], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900,
                              **kwargs)
    except FileNotFoundError:
        raise Unobtainable(f"{what}: the command {args[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unobtainable(f"{what}: {args[0]} did not end in 15 minutes") from None
    if done.returncode != 0:
        lines = done.stdout.splitlines()
        shown = lines if len(lines) <= 20 else [*lines[:10], "...", *lines[-10:]]
        raise Unobtainable("\n".join([f"{what}: {' '.join(map(str, args))} failed:", *shown]))
    return done.stdout


class Toolchain:
    """The cache directory and what is in it. Each method returns when its part is there."""

    def __init__(self, cache):
        self.cache = pathlib.Path(cache).resolve()
        self.cache.mkdir(parents=True, exist_ok=True)
        self.results = {}

    def once(self, name, get):
        """Calls `get` the first time, and gives its result or failure every time."""
        if name not in self.results:
            try:
                self.results[name] = get()
            except Unobtainable as e:
                self.results[name] = e
        result = self.results[name]
        if isinstance(result, Unobtainable):
            raise result
        return result

    def stamped(self, name, key, build):
        """The directory cache/name, rebuilt from nothing if it was not made from `key`."""
        place = self.cache / name
        stamp = place / ".stamp"
        with open(self.cache / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not stamp.is_file() or stamp.read_text() != key:
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir(parents=True)
                print(f"installing {name}", file=sys.stderr, flush=True)
                build(place)
                stamp.write_text(key)
        return place

    def debian(self, present, package):
        """Installs a Debian package unless present() is true; needs root for that."""
        if present():
            return
        by_hand = f"apt-get install {package}"
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Unobtainable(f"the package {package} is missing: {by_hand}")
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        print(f"installing the package {package}", file=sys.stderr, flush=True)
        command(["apt-get", "-q", "update"], by_hand, env=env)
        command(["apt-get", "-q", "install", "-y", "--no-install-recommends", package], by_hand,
                env=env)
        if not present():
            raise Unobtainable(f"the package {package} did not bring what it should")

    def python(self):
        """The interpreter of a virtual environment with nats-py."""
        def get():
            pins = EXAMPLES / "python/requirements.txt"
            def build(place):
                command([sys.executable, "-m", "venv", place], "nats-py")
                command([place / "bin/pip", "install", "-q", "--disable-pip-version-check", "-r",
                         pins], "nats-py")
            key = digest(pins, sys.version, sysconfig.get_platform())
            return self.stamped("python", key, build) / "bin/python"
        return self.once("python", get)

    def javascript(self):
        """A directory with node_modules: nats.js and esbuild."""
        def get():
            pins = [HERE / "js/package.json", HERE / "js/package-lock.json"]
            def build(place):
                for f in pins:
                    shutil.copy(f, place)
                command(NPM_CI, "nats.js", cwd=place)
            version = command(["node", "--version"], "nats.js")
            if int(version.lstrip("v").split(".")[0]) < 20:
                raise Unobtainable(f"nats.js: needs Node.js 20 or newer, this is {version}")
            return self.stamped("js", digest(*pins, version), build)
        return self.once("javascript", get)

    def go(self, source, name, build_args):
        """A directory with the programs built from the Go module at `source`."""
        def get():
            files = sorted(f for f in source.rglob("*") if f.suffix in (".go", ".mod", ".sum"))
            version = command(["go", "version"], "nats.go")
            def build(place):
                command(["go", *build_args, "-o", f"{place}/", "./..."], "nats.go", cwd=source)
            return self.stamped(name, digest(*files, *build_args, version), build)
        return self.once(name, get)

    def natscli(self):
        """The directory with the `nats` command."""
        def get():
            def build(place):
                command(["go", "install", NATSCLI], "the nats command",
                        env={**os.environ, "GOBIN": str(place)}, cwd=place)
            return self.stamped("natscli", digest(NATSCLI), build)
        return self.once("natscli", get)

    def nats_server(self, version):
        """The path of a nats-server of that version."""
        def get():
            module = f"github.com/nats-io/nats-server/v2@{version}"
            def build(place):
                command(["go", "install", module], f"nats-server {version}",
                        env={**os.environ, "GOBIN": str(place)}, cwd=place)
            return self.stamped(f"nats-server-{version}", digest(module), build)
        return self.once(f"nats-server-{version}", get) / "nats-server"

    def c(self):
        """A directory with the C examples, built against Debian's libnats."""
        def get():
            self.debian(lambda: pathlib.Path("/usr/include/nats/nats.h").exists(), "libnats-dev")
            source = EXAMPLES / "c"
            files = sorted(source.glob("*.[ch]"))
            def build(place):
                for f in files:
                    if f.suffix == ".c":
                        command(["cc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O1", "-Wall",
                                 "-Wextra", "-Werror", "-o", place / f.stem, f, "-lnats",
                                 "-lpthread"], "libnats")
            return self.stamped("c", digest(*files), build)
        return self.once("c", get)

    def chromium(self):
        """The path of a headless-capable browser."""
        def get():
            self.debian(lambda: shutil.which("chromium") is not None, "chromium")
            return shutil.which("chromium")
        return self.once("chromium", get)

    def certificates(self, place):
        """Makes a new authority with a server and a client certificate in `place`."""
        place.mkdir(parents=True)
        subject = "/O=Myelin tests/CN="
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "2"]
        command([*new, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", subject + "ca",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign"], "openssl", cwd=place)
        for name, usage in (("server", "serverAuth"), ("client", "clientAuth")):
            command([*new, "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-keyout", f"{name}-key.pem",
                     "-out", f"{name}.pem", "-subj", subject + name,
                     "-addext", "basicConstraints=critical,CA:FALSE",
                     "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                     "-addext", f"extendedKeyUsage={usage}"], "openssl", cwd=place)
        return place
