# SPDX-License-Identifier: Apache-2.0
"""Statements in whole messages: pub, request, api, gets; lengths and inboxes are the runner's.

A body line of what is sent is a header line; about what comes it is `< LINE` or `<~ REGEX` (the
next line of the header block), `text TEXT`, `reply REGEX`, `keep NAME PATH` or a check on JSON.
"""

import re

from .checks import check_json, field
from .client import parse_json
from .expand import expand_bytes, expand_text
from .failure import Failure, ScriptError
from .transcript import show

HEADER_LINE = re.compile(r"[!-9;-~]+:( .*)?")
CONTINUED = " "     # a body line that is indented deeper belongs to the one before it


class Message:
    """What a MSG or HMSG brought: bytes, and head is the header block's lines."""

    def __init__(self, subject, reply, head, payload):
        self.subject = subject
        self.reply = reply
        self.head = head
        self.payload = payload


def body_lines(statement):
    """The body with comments dropped and continued lines joined."""
    out, depth = [], None
    for raw in statement.body:
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        indent = len(raw) - len(raw.lstrip(CONTINUED))
        if depth is not None and indent > depth:
            out[-1] += line
            continue
        depth = indent if depth is None else depth
        out.append(line)
    return out


def split_body(statement):
    """Header lines to send, and expectations."""
    lines = body_lines(statement)
    headers = [line for line in lines if HEADER_LINE.fullmatch(line)]
    return headers, [line for line in lines if line not in headers]


def publication(subject, reply, headers, payload):
    """PUB or HPUB as bytes."""
    words = [subject] + ([reply] if reply else [])
    if not headers:
        return b"PUB " + b" ".join(words) + b" %d\r\n" % len(payload) + payload + b"\r\n"
    head = b"NATS/1.0\r\n" + b"".join(line + b"\r\n" for line in headers) + b"\r\n"
    sizes = b" %d %d\r\n" % (len(head), len(head) + len(payload))
    return b"HPUB " + b" ".join(words) + sizes + head + payload + b"\r\n"


def read_message(client):
    """The next thing that comes must be a message."""
    line = client.read_line(b"MSG or HMSG")
    words = line.split()
    if words[:1] not in ([b"MSG"], [b"HMSG"]):
        raise Failure("client %s\n  expected: a message\n  got:      %s"
                      % (client.name, show(line)))
    sizes = 2 if words[0] == b"HMSG" else 1
    total = int(words[-1])
    data = client.take(total + 2)[:-2]
    head = data[:int(words[-2])] if sizes == 2 else b""
    reply = words[3] if len(words) == 4 + sizes else b""
    return Message(words[1], reply, head.decode("latin-1").split("\r\n")[:-2] if head else [],
                   data[len(head):])


def expect_message(message, lines, payload, run):
    """The message passes all body lines; payload is None if only they tell about it."""
    replied = False
    head = list(message.head)
    value = None
    for line in lines:
        word, _, rest = line.partition(" ")
        if word in ("<", "<~"):
            _expect_head(head.pop(0) if head else "no further line", word, rest, run)
        elif word == "text":
            payload = expand_bytes(rest, run.lookup)
        elif word == "reply":
            replied = True
            _expect_reply(message.reply, rest, run)
        else:
            value = value if value is not None else parse_json(message.payload, "the message")
            if word == "keep":
                name, _, path = rest.partition(" ")
                run.variables[name] = field(value, path)
            else:
                check_json(value, expand_text(line, run.lookup))
    if head:
        raise Failure("unexpected header line: %s" % head[0])
    if message.reply and not replied:
        raise Failure("unexpected reply subject: %s" % show(message.reply))
    if payload is not None and payload != message.payload:
        raise Failure("payload\n  expected: %s\n  got:      %s"
                      % (show(payload), show(message.payload)))


def _expect_head(got, operator, text, run):
    if operator == "<":
        want = expand_bytes(text, run.lookup).decode("latin-1")
        passed = got == want
    else:
        want = expand_text(text, run.lookup, re.escape)
        found = re.fullmatch(want, got)
        passed = found is not None
        run.variables.update(found.groupdict() if found else {})
    if not passed:
        raise Failure("header line\n  expected: %s\n  got:      %s" % (want, got))


def _expect_reply(got, text, run):
    found = re.fullmatch(expand_text(text, run.lookup, re.escape), got.decode("latin-1"))
    if found is None:
        raise Failure("reply subject\n  expected: a match of %s\n  got:      %s"
                      % (text, show(got)))
    run.variables.update(found.groupdict())


def do_pub(run, client, statement):
    """`a pub SUBJECT[,REPLY] PAYLOAD`"""
    where, _, payload = statement.text.partition(" ")
    subject, _, reply = (expand_bytes(part, run.lookup) for part in where.partition(","))
    headers, rest = split_body(statement)
    if rest:
        raise ScriptError("not a header line: '%s'" % rest[0])
    client.send(publication(subject, reply, [expand_bytes(h, run.lookup) for h in headers],
                            expand_bytes(payload, run.lookup)))


def do_request(run, client, statement, prefix=""):
    """`a request SUBJECT PAYLOAD`: without expectations the reply is JSON that has no error."""
    subject, _, payload = statement.text.partition(" ")
    headers, expected = split_body(statement)
    client.requests += 1
    if client.requests == 1:
        client.send(b"SUB _INBOX.%s.* inbox\r\n" % client.name.encode())
    inbox = b"_INBOX.%s.%d" % (client.name.encode(), client.requests)
    client.send(publication(expand_bytes(prefix + subject, run.lookup), inbox,
                            [expand_bytes(h, run.lookup) for h in headers],
                            expand_bytes(payload, run.lookup)))
    client.flush()
    message = read_message(client)
    if message.subject != inbox:
        raise Failure("expected the reply, got a message on %s" % show(message.subject))
    run.answer = message
    expect_message(message, expected or ["error absent"], None, run)


def do_api(run, client, statement):
    """`a api STREAM.INFO.S BODY`"""
    do_request(run, client, statement, "$JS.API.")


def do_gets(run, client, statement):
    """`a gets SUBJECT PAYLOAD`: the next message; nothing of it may be left unsaid."""
    subject, _, payload = statement.text.partition(" ")
    lines = body_lines(statement)
    message = read_message(client)
    run.answer = message
    want = expand_bytes(subject, run.lookup)
    if message.subject != want:
        raise Failure("subject\n  expected: %s\n  got:      %s"
                      % (show(want), show(message.subject)))
    checked = any(line.split(" ")[0] not in ("<", "<~", "reply") for line in lines)
    text = None if checked and not payload else expand_bytes(payload, run.lookup)
    expect_message(message, lines, text, run)


VERBS = {"pub": do_pub, "request": do_request, "api": do_api, "gets": do_gets}
