#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ask nats-server and myelin the same of JetStream, and show where they answer differently.

    test/compat/js_differential.py --peer NATS-SERVER --myelin MYELIN [--only PART] [--random N]

Parts: stream, update, consumer (every field of a configuration with every value of its row, and N
random combinations), call (endpoints and bodies), publish (headers), pull, ack. Times, identities
and versions are normalised. With MYELIN_SCHEMAS=DIR each of Myelin's answers that has a published
schema is checked against it, too. A development tool: the peer is no part of the tests. Exit
code 1: something differed.
"""
import argparse
import json
import os
import pathlib
import random
import re
import socket
import sys
import tempfile
import time

import differential
import js_differential_rows as rows

CONFIG = 'jetstream { store_dir: "store", max_mem: 256MB, max_file: 1GB }\n'
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
OWN = {"_nats.ver": "own", "_nats.level": "own", "leader": "own", "pause_remaining": "own",
       "active": "own", "api": "own"}
OWN_TEXTS = [(re.compile(r"(?<=^\$JS\.SNAPSHOT\.RESTORE\.\w\.)\w+$"), "id"),
             (re.compile(r"(?<=Nats-Stream-Identity: )\w+"), "id"),
             (re.compile(r"(?<=Time-Stamp: ).*(?=\r)"), "time"),
             (re.compile(r"(?<=\.)\d{19}(?=\.)"), "time")]
PATIENCE_S = 3
QUIET_S = 0.25
NO_ANSWER = "no answer"
SHOWN_MAX = 1500


class Client:
    """A connection that asks and collects answers, without any client library."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        self.inbox = 0
        self.sock.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
                          b"SUB in.> 1\r\nPING\r\n")
        while b"PONG\r\n" not in self.unread:
            self.unread += self.sock.recv(65536)
        self.unread = b""

    def send(self, subject, body=b"", headers=None):
        """Publishes with a new inbox, and gives the inbox."""
        self.inbox += 1
        reply = b"in.%d" % self.inbox
        head = b""
        if headers:
            head = b"NATS/1.0\r\n" + b"".join(b"%s: %s\r\n" % (k.encode(), v.encode())
                                              for k, v in headers.items()) + b"\r\n"
            line = b"HPUB %s %s %d %d\r\n" % (subject.encode(), reply, len(head),
                                              len(head) + len(body))
        else:
            line = b"PUB %s %s %d\r\n" % (subject.encode(), reply, len(body))
        self.sock.sendall(line + head + body + b"\r\n")
        return reply

    def message(self, seconds):
        """The next message as (subject, reply, head, payload), or None."""
        give_up = time.monotonic() + seconds
        while True:
            found = self._take()
            if found:
                return found
            left = give_up - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(1 << 18)
            except TimeoutError:
                return None
            if not data:
                raise SystemExit("the server closed the connection: %r" % self.unread)
            self.unread += data

    def _take(self):
        while True:
            line, end, rest = self.unread.partition(b"\r\n")
            if not end:
                return None
            words = line.split(b" ")
            if words[0] not in (b"MSG", b"HMSG"):
                if words[0] == b"PING":
                    self.sock.sendall(b"PONG\r\n")
                self.unread = rest
                continue
            size = int(words[-1])
            if len(rest) < size + 2:
                return None
            self.unread = rest[size + 2:]
            header = int(words[-2]) if words[0] == b"HMSG" else 0
            reply = words[3] if len(words) == (6 if words[0] == b"HMSG" else 5) else b""
            return words[1], reply, rest[:header], rest[header:size]

    def ask(self, subject, body=b"", headers=None, seconds=PATIENCE_S):
        """The first answer, normalised."""
        inbox = self.send(subject, encoded(body), headers)
        give_up = time.monotonic() + seconds
        while (message := self.message(give_up - time.monotonic())) is not None:
            if message[0] == inbox:
                break       # what else comes is late, for an earlier case
        return normal(message)

    def gather(self, subject, body=b"", headers=None, quiet=QUIET_S):
        """All answers until it is quiet, normalised."""
        inbox = self.send(subject, encoded(body), headers)
        out = []
        while (message := self.message(quiet)) is not None:
            if message[0] == inbox or not message[0].startswith(b"in."):
                out.append(message)
        return out

    def clean(self):
        """Deletes all streams."""
        answer = self.ask("$JS.API.STREAM.NAMES")
        for name in (answer["payload"].get("streams") if answer != NO_ANSWER else None) or []:
            self.ask(f"$JS.API.STREAM.DELETE.{name}")


def encoded(body):
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def normal_text(text):
    for pattern, replacement in OWN_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def normal_json(value):
    if isinstance(value, dict):
        out = {k: OWN.get(k) or normal_json(v) for k, v in value.items()}
        if "name" in out and out.get("stream_name") and "durable_name" not in out["config"]:
            if "name" not in value["config"]:
                out["name"] = "own"
        if isinstance(out.get("sources"), list):    # nats-server keeps them in a map
            out["sources"].sort(key=lambda source: json.dumps(source.get("name")))
        return out
    if isinstance(value, list):
        return [normal_json(v) for v in value]
    if isinstance(value, str) and not TIME.fullmatch(value):
        return normal_text(value)
    if isinstance(value, str) and TIME.fullmatch(value) and not value.startswith("0001"):
        return "time"
    return value


def normal(message):
    """A message without what differs from one server to the next."""
    if message is None:
        return NO_ANSWER
    subject, reply, head, payload = message
    head = normal_text(head.decode("latin-1"))
    reply = normal_text(reply.decode("latin-1"))
    subject = "inbox" if subject.startswith(b"in.") else subject.decode("latin-1")
    try:
        value = json.loads(payload)
    except ValueError:
        value = payload.decode("latin-1")
    if isinstance(value, dict):
        value = normal_json(value)
    return {"subject": subject, "reply": reply, "head": head, "payload": value}


# ---- what is asked: each part gives (name, function of a client that gives the results) ----

STREAM = {"name": "S", "subjects": ["a.*"]}
OTHER = {"name": "O", "subjects": ["o.*"]}


def stream_cases(r, count):
    for field, values in rows.STREAM_FIELDS.items():
        for value in [*values, *rows.ODD]:
            yield {field: value}
    yield from rows.STREAM_ROWS
    yield from combinations(r, count, rows.STREAM_FIELDS)


def combinations(r, count, table):
    """Some fields at once, mostly with values that are meant for them."""
    for _ in range(count):
        row = {}
        for field in r.sample(sorted(table), r.randint(2, 4)):
            values = table[field] or [True]
            row[field] = r.choice(values) if r.random() < 0.95 else r.choice(rows.ODD)
        yield row


def part_stream(r, count):
    for row in stream_cases(r, count):
        def play(client, row=row):
            client.clean()
            client.ask("$JS.API.STREAM.CREATE.O", OTHER)
            config = {k: v for k, v in {**STREAM, **row}.items()}
            if "mirror" in row and "subjects" not in row:
                del config["subjects"]
            return [client.ask("$JS.API.STREAM.CREATE.S", config),
                    client.ask("$JS.API.STREAM.CREATE.S", config),
                    client.ask("$JS.API.STREAM.INFO.S")]
        yield "create %s" % shorten(row), play


def part_update(r, count):
    for row in stream_cases(r, count):
        def play(client, row=row):
            client.clean()
            client.ask("$JS.API.STREAM.CREATE.O", OTHER)
            client.ask("$JS.API.STREAM.CREATE.S", STREAM)
            for subject in ("a.b", "a.c", "a.b"):
                client.ask(subject, b"text")
            config = {**STREAM, **row}
            return [client.ask("$JS.API.STREAM.UPDATE.S", config),
                    client.ask("$JS.API.STREAM.UPDATE.S", STREAM),
                    client.ask("$JS.API.STREAM.INFO.S")]
        yield "update %s" % shorten(row), play


def part_consumer(r, count):
    cases = [{field: value} for field, values in rows.CONSUMER_FIELDS.items()
             for value in [*values, *rows.ODD]]
    cases += [*rows.CONSUMER_ROWS, *combinations(r, count, rows.CONSUMER_FIELDS)]
    for n, row in enumerate(cases):
        retentions = ["limits", r.choice(["workqueue", "interest"])]
        for retention in retentions if n % 3 == 0 else retentions[:1]:
            def play(client, row=row, retention=retention):
                client.clean()
                client.ask("$JS.API.STREAM.CREATE.S", {**STREAM, "retention": retention})
                for subject in ("a.b", "a.c", "a.b"):
                    client.ask(subject, b"text")
                request = {"stream_name": "S",
                           "config": {"name": "C", "ack_policy": "explicit", **row}}
                create = "$JS.API.CONSUMER.CREATE.S.C"
                plain = {"stream_name": "S", "config": {"name": "C", "ack_policy": "explicit"}}
                return [client.ask(create, request),
                        client.ask(create, {**request, "action": "create"}),
                        client.ask("$JS.API.CONSUMER.INFO.S.C"), client.ask(create, plain),
                        client.ask(create, {**request, "action": "update"})]
            yield "consumer of %s %s" % (retention, shorten(row)), play


def fill(client):
    """The stream that CALLS is about."""
    client.clean()
    client.ask("$JS.API.STREAM.CREATE.S", {**STREAM, "allow_direct": True})
    client.ask("$JS.API.STREAM.CREATE.O", OTHER)
    for subject in ("a.b", "a.c", "a.b", "a.d", "a.b"):
        client.ask(subject, b"text of " + subject.encode(), {"Head": "er"})
    client.ask("$JS.API.STREAM.MSG.DELETE.S", {"seq": 4})
    client.ask("$JS.API.CONSUMER.CREATE.S.C",
               {"stream_name": "S", "config": {"durable_name": "C", "ack_policy": "explicit"}})


def part_call(_r, _count):
    def table(client):
        fill(client)
        return [[(call, shorten(body)), [normal(m) for m in client.gather("$JS.API." + call, body,
                                                                          quiet=0.05)]]
                for call, body in rows.CALLS]
    yield "calls", table
    for endpoint in rows.ENDPOINTS:
        def play(client, endpoint=endpoint):
            fill(client)
            out = []
            for body in rows.BAD_JSON:
                out.append([body, [normal(m) for m in client.gather("$JS.API." + endpoint, body,
                                                                    quiet=0.06)]])
            return out
        yield "bodies of " + endpoint, play


def part_publish(_r, _count):
    for options in ({}, {"allow_rollup_hdrs": True, "allow_msg_ttl": True, "allow_atomic": True,
                         "allow_msg_schedules": True}, {"allow_msg_counter": True}):
        for headers in rows.HEADERS:
            def play(client, options=options, headers=headers):
                client.clean()
                client.ask("$JS.API.STREAM.CREATE.S", {**STREAM, **options})
                if "allow_msg_counter" not in options:
                    client.ask("a.b", b"1")
                    client.ask("a.c", b"2", {"Nats-Msg-Id": "i1"})
                results = [client.ask("a.b", b"x", headers), client.ask("a.b", b"", headers)]
                return [*results, client.ask("$JS.API.STREAM.MSG.GET.S", {"last_by_subj": "a.b"}),
                        client.ask("$JS.API.STREAM.INFO.S", {"subjects_filter": ">"})]
            yield "publish %s to %s" % (shorten(headers), shorten(options)), play


def part_pull(_r, _count):
    for extra in ({}, {"ack_policy": "none"}, {"max_ack_pending": 1}, {"filter_subject": "a.b"},
                  {"max_batch": 2, "max_expires": 10 ** 8, "max_bytes": 50, "max_waiting": 1},
                  {"priority_policy": "overflow", "priority_groups": ["g"]}, {"headers_only": True},
                  {"priority_policy": "prioritized", "priority_groups": ["g"]}):
        for body in rows.PULLS:
            def play(client, extra=extra, body=body):
                client.clean()
                client.ask("$JS.API.STREAM.CREATE.S", STREAM)
                for subject in ("a.b", "a.c", "a.b"):
                    client.ask(subject, b"text")
                client.ask("$JS.API.CONSUMER.CREATE.S.C", {"stream_name": "S", "config": {
                    "durable_name": "C", "ack_policy": "explicit", **extra}})
                got = [normal(m) for m in client.gather("$JS.API.CONSUMER.MSG.NEXT.S.C", body)]
                return [got, client.ask("$JS.API.CONSUMER.INFO.S.C")]
            yield "pull %s of %s" % (body, shorten(extra)), play


def part_ack(_r, _count):
    for policy in ("explicit", "all", "none"):
        for body in rows.ACKS:
            def play(client, policy=policy, body=body):
                client.clean()
                client.ask("$JS.API.STREAM.CREATE.S", STREAM)
                for n in range(5):
                    client.ask("a.b", b"%d" % n)
                client.ask("$JS.API.CONSUMER.CREATE.S.C", {"stream_name": "S", "config": {
                    "durable_name": "C", "ack_policy": policy}})
                got = client.gather("$JS.API.CONSUMER.MSG.NEXT.S.C", b"3", quiet=0.1)
                if len(got) != 3:
                    return ["got %d messages" % len(got)]
                answers = [normal(m) for m in client.gather(got[1][1].decode(), body, quiet=0.1)]
                again = [normal(m) for m in client.gather(got[1][1].decode(), body, quiet=0.1)]
                return [answers, again, client.ask("$JS.API.CONSUMER.INFO.S.C")]
            yield "ack %r of a consumer with %s" % (body, policy), play


PARTS = {"stream": part_stream, "update": part_update, "consumer": part_consumer,
         "call": part_call, "publish": part_publish, "pull": part_pull, "ack": part_ack}


def shorten(value):
    text = json.dumps(value)
    return text if len(text) < 200 else text[:190] + "..."


# ---- comparing ----

def leaves(theirs, ours, path=""):
    """The places where two results differ, as (path, theirs, ours)."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in {**theirs, **ours}:
            yield from leaves(theirs.get(key, "ABSENT"), ours.get(key, "ABSENT"), f"{path}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for n, (a, b) in enumerate(zip(theirs, ours)):
            yield from leaves(a, b, f"{path}[{n}]")
    elif theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool):
        yield path, theirs, ours


class Schemas:
    """The published schemas by the type that an answer names."""

    def __init__(self, folder):
        self.validators = {}
        if folder:
            import jsonschema       # only here: no other part of the tests needs it
            for path in pathlib.Path(folder).rglob("*.json"):
                schema = json.loads(path.read_text())
                kind = re.sub(r"^.*/schemas/|\.json$", "", schema.get("$id", ""))
                name = "io.nats." + kind.replace("/", ".") if kind else path.stem
                self.validators[name] = jsonschema.Draft7Validator(schema)

    def problems(self, results):
        """Texts about answers in results that are not what their schema says."""
        if isinstance(results, dict) and isinstance(results.get("payload"), dict):
            payload = results["payload"]
            validator = self.validators.get(payload.get("type"))
            if validator:
                for error in validator.iter_errors(self.undo(payload)):
                    yield "%s: %s" % (payload["type"], error.message[:200])
        elif isinstance(results, list):
            for item in results:
                yield from self.problems(item)

    def undo(self, value):
        """Normalised values as values of the right kind again."""
        if isinstance(value, dict):
            return {k: self.undo(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.undo(v) for v in value]
        return "2026-01-01T00:00:00Z" if value == "time" else value


def run(options, folder):
    """How many cases differed, by part."""
    differed = {}
    schemas = Schemas(os.environ.get("MYELIN_SCHEMAS"))
    servers = [differential.Server(binary, CONFIG, folder, name)
               for name, binary in (("peer", options.peer), ("ours", options.myelin))]
    clients = [Client(s.ports["nats"]) for s in servers]
    for part, cases in PARTS.items():
        if options.only not in (None, part):
            continue
        differed[part] = total = 0
        for name, play in cases(random.Random(options.seed), options.random):
            if options.case and options.case not in name:
                continue
            total += 1
            theirs, ours = [play(client) for client in clients]
            found = list(leaves(theirs, ours))
            if found:       # again, in case it was a matter of time
                theirs, ours = [play(client) for client in clients]
                found = list(leaves(theirs, ours))
            found += [("schema", "", text) for text in sorted(set(schemas.problems(ours)))]
            if found:
                differed[part] += 1
                print("--- %s" % name)
                for path, a, b in found[:12]:
                    print("  %s\n    peer: %s\n    ours: %s"
                          % (path, json.dumps(a)[:SHOWN_MAX], json.dumps(b)[:SHOWN_MAX]))
                sys.stdout.flush()
        print("%s: %d of %d cases differ" % (part, differed[part], total), flush=True)
    for server in servers:
        server.stop()
    return differed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True)
    parser.add_argument("--myelin", required=True)
    parser.add_argument("--only", choices=list(PARTS))
    parser.add_argument("--case", help="only the cases whose name contains this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random", type=int, default=60, help="random configurations per part")
    options = parser.parse_args()
    options.peer, options.myelin = map(os.path.abspath, (options.peer, options.myelin))
    with tempfile.TemporaryDirectory(prefix="js-differential-") as folder:
        differed = run(options, folder)
    return 1 if any(differed.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
