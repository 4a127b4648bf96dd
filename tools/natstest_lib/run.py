# SPDX-License-Identifier: Apache-2.0
"""Runs one script in one mode against one fresh server."""

import ast
import http.client
import json
import os
import re
import shlex
import shutil
import socket
import tempfile
import time
import traceback

from . import certs, messages, nkey
from .checks import check_json, field
from .client import Client, parse_json
from .expand import expand_bytes, expand_text
from .failure import Failure, ScriptError
from .script import Script
from .server import Server
from .transcript import Transcript, show

DEADLINE_S = 8
POLL_FIRST_S = 0.005
POLL_MAX_S = 0.2
LOG_SHOWN_MAX = 12
FLOOD_REPEAT = 10000
SAFE_NODES = (ast.Expression, ast.Compare, ast.BinOp, ast.Constant, ast.Add, ast.Sub, ast.Mult,
              ast.FloorDiv, ast.Mod, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
              ast.UnaryOp, ast.USub, ast.BoolOp, ast.And, ast.Or)


def evaluate(expression):
    """Arithmetic and comparisons of integers, nothing else."""
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError:
        raise ScriptError("bad expression '%s'" % expression) from None
    if not all(isinstance(node, SAFE_NODES) for node in ast.walk(tree)):
        raise ScriptError("bad expression '%s'" % expression)
    return eval(compile(tree, "assert", "eval"), {"__builtins__": {}})  # pylint: disable=eval-used


class Run:
    """The state of one script while it runs: server, clients, variables."""

    def __init__(self, script, binary, mode, scale):
        self.script = script
        self.binary = binary
        self.mode = mode
        self.deadline_s = float(script.headers.get("timeout", DEADLINE_S)) * scale
        self.transcript = Transcript()
        self.clients = {}
        self.variables = {}
        self.answer = None      # the last message that request, api or gets has read
        self.server = None
        self.line = 0
        self.source = ""
        self.exited = False
        self.directory = tempfile.mkdtemp(prefix="natstest-")

    # The whole run.

    def run(self):
        """None if the script passed, else the report of its failure."""
        try:
            self._statements(self.script.statements)
            self._finish()
            return None
        except (Failure, ScriptError) as error:
            return self._report(str(error))
        finally:
            for client in self.clients.values():
                client.close()
            if self.server is not None:
                self.server.kill()
            shutil.rmtree(self.directory, ignore_errors=True)

    def _finish(self):
        self.source = "end of script: PING on every open connection, then SIGINT"
        self._flush()
        for client in self.clients.values():
            client.stop_flood()
            if not (client.at_end or client.mid_line or self.exited):
                client.hide_pings = True
                client.sync()
        if self.server is None:
            raise ScriptError("the script starts no server: it has no client")
        if not self.exited:
            self.server.stop()

    def _report(self, text):
        out = ["%s:%d (%s) %s" % (self.script.path, self.line, self.mode, self.source)]
        out += ["  " + line for line in text.split("\n")]
        out.append("  transcript:")
        out += self.transcript.lines()
        if self.server is not None and self.server.lines:
            out.append("  server log:")
            out += ["    " + line for line in self.server.lines[-LOG_SHOWN_MAX:]]
        return "\n".join(out)

    def _start_server(self):
        if self.server is not None:
            return
        command = [self.binary, "-a", "127.0.0.1", "-p", "-1"]
        if self.script.uses("http"):
            command += ["-m", "-1"]
        config = self._config_path()
        if os.path.exists(config):
            command += ["-c", config]
        flags = expand_text(self.script.headers.get("flags", ""), self.lookup)
        self.server = Server(command + shlex.split(flags), self.deadline_s)
        self.transcript.add("server", ".", b"ready on port %d" % self.server.ports["client"])

    def _config_path(self):
        return os.path.join(self.directory, "server.conf")

    # Variables.

    def lookup(self, name):
        """The value of the variable `${name}`."""
        kind, _, rest = name.partition(":")
        if name in self.variables:
            return self.variables[name]
        if kind == "repeat":
            text, _, count = rest.rpartition(":")
            return text * int(count)
        if kind == "nkey":
            return nkey.public(rest)
        if kind == "sig":
            label, _, who = rest.partition(":")
            return nkey.signature(label, field(self._client(who).info, "nonce"))
        if name == "dir":
            return self.directory
        who, _, rest = name.partition(".")
        if who == "server":
            return self._lookup_server(rest)
        if who in self.clients and rest.startswith("info."):
            return field(self.clients[who].info, rest[5:])
        if who in self.clients and rest:
            return str(self.clients[who].tally.get(rest, 0))
        raise ScriptError("unknown variable '${%s}'" % name)

    def _lookup_server(self, what):
        self._start_server()
        if what.endswith("_port"):
            return str(self.server.ports[what[:-5]])
        if what == "rss_kib":
            return str(self.server.rss_kib())
        raise ScriptError("unknown variable '${server.%s}'" % what)

    def _client(self, name):
        if name not in self.clients:
            raise ScriptError("no client '%s' is open" % name)
        return self.clients[name]

    def _text(self, statement):
        return expand_text(statement.text, self.lookup)

    # Statements.

    def _statements(self, statements):
        for statement in statements:
            self.line, self.source = statement.line, statement.source()
            try:
                if statement.who is not None:
                    self._on_client(statement)
                else:
                    self._flush()
                    getattr(self, "_do_" + statement.verb.replace("-", "_"))(statement)
            except (ValueError, KeyError) as error:
                raise ScriptError("%s in '%s'" % (error, self.source)) from error
        self._flush_if_idle(statements)

    def _flush_if_idle(self, statements):
        if statements is self.script.statements:
            self._flush()

    def _flush(self, but=None):
        for client in self.clients.values():
            if client is not but:
                client.flush()

    def _on_client(self, statement):
        client = self._client(expand_text(statement.who, self.lookup))
        verb, text = statement.verb, statement.text
        if verb in (">", ">>"):
            self._flush(but=client)
            client.send(expand_bytes(text, self.lookup) + (b"\r\n" if verb == ">" else b""))
            return
        self._flush()
        if verb in messages.VERBS:
            messages.VERBS[verb](self, client, statement)
        elif verb == "<":
            client.expect_line(expand_bytes(text, self.lookup))
        elif verb == "<<":
            client.expect_exact(expand_bytes(text, self.lookup))
        elif verb == "<~":
            self._match_line(client, expand_text(text, self.lookup, re.escape))
        elif verb == "<json":
            self._match_json(client, statement)
        else:
            pattern = expand_text(text, self.lookup, re.escape)
            client.expect_closed(pattern.encode("latin-1") or None)

    def _match_line(self, client, pattern):
        line = client.read_line(pattern.encode())
        found = re.fullmatch(pattern.encode("utf-8") + rb"\r\n", line)
        if found is None:
            raise Failure("client %s\n  expected: a match of %s\n  got:      %s"
                          % (client.name, pattern, show(line)))
        self.variables.update({k: v.decode("latin-1") for k, v in found.groupdict().items()})

    def _match_json(self, client, statement):
        if statement.text == "INFO" or statement.text.startswith("INFO "):
            client.read_info()
            value, text = client.info, statement.text[5:]
        else:
            value, text = parse_json(client.read_line(b"{...}"), "the line"), statement.text
        self._check_all(value, ([text] if text else []) + statement.body)

    def _check_all(self, value, checks):
        for check in checks:
            if check.strip() and not check.lstrip().startswith("#"):
                check_json(value, expand_text(check, self.lookup))

    def _do_config(self, statement):
        self._write_file("server.conf", statement)

    def _do_file(self, statement):
        self._write_file(statement.text.strip(), statement)

    def _write_file(self, name, statement):
        if os.path.basename(name) != name:
            raise ScriptError("a file name must have no directory")
        path = os.path.join(self.directory, name)
        text = expand_text("\n".join(statement.body) + "\n", self.lookup)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def _do_client(self, statement):
        self._start_server()
        name, _, rest = self._text(statement).partition(" ")
        fields = re.search(r"\{.*\}", rest)
        words = (rest.replace(fields[0], "") if fields else rest).split()
        words = dict((word + "=").split("=")[:2] for word in words)
        if set(words) - {"raw", "ws", "tls", "tls-first", "cert", "rcvbuf"}:
            raise ScriptError("unknown words after 'client'")
        if name in self.clients:
            self.clients[name].close()
        options = {"mode": self.mode, "deadline_s": self.deadline_s,
                   "pings_shown": self.script.headers.get("pings") == "shown",
                   "rcvbuf": int(words.get("rcvbuf", 0))}
        port = self.server.ports["ws" if "ws" in words else "client"]
        client = Client(name, ("127.0.0.1", port), self.transcript, options)
        self.clients[name] = client
        if "tls-first" in words:
            self._start_tls(client, words.get("cert"))
        if "raw" in words or "ws" in words or client.at_end:
            return
        client.read_info()
        if "tls" in words:
            self._start_tls(client, words.get("cert"))
        if fields and not client.at_end:
            self._connect(client, json.loads(fields[0]))

    def _start_tls(self, client, cert):
        files = [os.path.join(self.directory, "%s%s" % (cert, end)) for end in (".pem", ".key")]
        client.start_tls(os.path.join(self.directory, "ca.pem"), files if cert else None)

    def _do_certs(self, _):
        certs.make(self.directory)

    @staticmethod
    def _connect(client, fields):
        """CONNECT and PING; PONG must follow, then a second INFO if protocol is 1."""
        fields = {"verbose": False, "pedantic": False, **fields}
        client.send(b"CONNECT " + json.dumps(fields, separators=(",", ":")).encode() + b"\r\n")
        client.send(b"PING\r\n")
        client.flush()
        if fields["verbose"]:
            client.expect_line(b"+OK")
        client.expect_line(b"PONG")
        if fields.get("protocol") == 1:
            client.read_info()

    def _do_close(self, statement):
        self.clients.pop(self._client(self._text(statement)).name).close()

    def _do_abort(self, statement):
        self.clients.pop(self._client(self._text(statement)).name).close(abort=True)

    def _do_half_close(self, statement):
        self._client(self._text(statement)).half_close()

    def _do_sync(self, statement):
        for name in self._text(statement).split():
            self._client(name).sync()

    def _do_drain(self, statement):
        for name in self._text(statement).split():
            self._client(name).drain()

    def _do_repeat(self, statement):
        count, _, name = self._text(statement).partition(" ")
        line, source = self.line, self.source
        for i in range(int(count)):
            self.variables[name or "i"] = str(i)
            self._statements(statement.body)
        self.line, self.source = line, source

    def _do_retry(self, statement):
        """Run the body again and again until it passes: for effects that time brings."""
        self._poll(lambda: self._statements(statement.body) or self._flush())

    def _poll(self, attempt):
        give_up = time.monotonic() + self.deadline_s
        pause = POLL_FIRST_S
        while True:
            try:
                return attempt()
            except Failure:
                if time.monotonic() + pause > give_up:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, POLL_MAX_S)

    def _do_http(self, statement):
        """GET until the answer passes all checks: monitoring lags behind the wire."""
        self._start_server()
        words = self._text(statement).split(" ")
        status = int(words.pop(0)) if words[0].isdigit() else 200
        checks = [" ".join(words[1:])] + statement.body
        self._poll(lambda: self._check_all(self._get(words[0], status), checks))

    def _get(self, path, status):
        """The JSON of a GET; null if an error status is expected."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.ports["http"],
                                                timeout=self.deadline_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Failure("GET %s: %s" % (path, error)) from None
        finally:
            connection.close()
        if answer.status != status:
            raise Failure("GET %s: status %d, not %d" % (path, answer.status, status))
        return parse_json(body, "GET " + path) if status == 200 else None

    def _do_info(self, statement):
        name, _, check = self._text(statement).partition(" ")
        self._check_all(self._client(name).info, ([check] if check else []) + statement.body)

    def _do_assert(self, statement):
        text = self._text(statement)
        if not evaluate(text):
            raise Failure("not true: %s\n  which is: %s" % (statement.text, text))

    def _do_set(self, statement):
        name, _, value = self._text(statement).partition(" ")
        self.variables[name] = value

    def _do_reload(self, statement):
        """SIGHUP; without a text it must succeed, else fail with a match of the text."""
        self.server.signal("HUP")
        if statement.text.startswith("fails "):
            pattern = expand_text(statement.text[6:], self.lookup, re.escape)
            self.server.wait_log("Failed to reload server configuration: .*" + pattern)
        else:
            self.server.wait_log("Reloaded server configuration")

    def _do_flood(self, statement):
        name, _, text = statement.text.partition(" ")
        self._client(name).start_flood(expand_bytes(text, self.lookup) * FLOOD_REPEAT)

    def _do_calm(self, statement):
        self._client(statement.text).stop_flood()

    def _do_signal(self, statement):
        self.server.signal(statement.text)
        self.transcript.add("server", ".", b"SIG" + statement.text.encode())

    def _do_log(self, statement):
        self._start_server()
        found = self.server.wait_log(expand_text(statement.text, self.lookup, re.escape))
        self.variables.update(found.groupdict())

    def _do_refused(self, _):
        """A new connection must be refused, now or soon."""
        def attempt():
            try:
                socket.create_connection(("127.0.0.1", self.server.ports["client"]),
                                         self.deadline_s).close()
            except ConnectionRefusedError:
                return
            raise Failure("a new connection is accepted")
        self._poll(attempt)

    def _do_exit(self, statement):
        self.server.wait_exit(int(statement.text))
        self.exited = True

    def _do_restart(self, _):
        """End the server with SIGINT; the next client starts it again, with what it stored."""
        self._forget_clients()
        self.server.stop()
        self._forget_server()

    def _do_crash(self, _):
        """The same with SIGKILL."""
        self._forget_clients()
        self._forget_server()

    def _forget_clients(self):
        for client in self.clients.values():
            client.close()
        self.clients.clear()

    def _forget_server(self):
        self.server.kill()
        self.server = None


def run_file(path, binary, mode, scale):
    """Run the script at path in the mode; (passed, report)."""
    try:
        report = Run(Script(path), binary, mode, scale).run()
    except Exception:       # a defect of the runner fails this script, not the others
        report = "%s (%s)\n%s" % (path, mode, traceback.format_exc())
    return report is None, report or ""
