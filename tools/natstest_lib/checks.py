# SPDX-License-Identifier: Apache-2.0
"""Checks on JSON values: `path = value` and its relatives."""

import json
import re

from .failure import Failure, ScriptError

CHECK = re.compile(r"(?P<path>\S+) (?P<op>exists|absent)|"
                   r"(?P<path2>\S+) (?P<op2>=|!=|>=|<=|~) (?P<value>.+)")
STEP = re.compile(r"\[(?P<index>\d+)\]|\[(?P<key>\w+)=(?P<want>[^\]]*)\]|\.?(?P<name>[^.\[\]]+)")
ABSENT = object()

# What a string "<NAME>" stands for in an expected value.
PLACEHOLDERS = {
    "<any>": lambda got: True,
    "<string>": lambda got: isinstance(got, str) and got != "",
    "<number>": lambda got: isinstance(got, int) and not isinstance(got, bool),
    "<time>": lambda got: isinstance(got, str) and TIME.fullmatch(got) is not None,
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def _follow(value, path):
    """Walk path; ABSENT where it ends early. `length` counts an array or object."""
    at = 1 if path == "." else 0
    while at < len(path):
        step = STEP.match(path, at)
        if step is None:
            raise ScriptError("bad JSON path '%s'" % path)
        at = step.end()
        if step["index"] is not None:
            index = int(step["index"])
            known = isinstance(value, list) and index < len(value)
            value = value[index] if known else ABSENT
        elif step["key"] is not None:
            value = _select(value, step["key"], step["want"])
        elif step["name"] == "length" and isinstance(value, (list, dict)):
            value = len(value)
        else:
            value = value.get(step["name"], ABSENT) if isinstance(value, dict) else ABSENT
        if value is ABSENT:
            return ABSENT
    return value


def _select(value, key, want):
    """The first element of an array of objects whose field key prints as want."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and str(item.get(key, "")) == want.strip('"'):
                return item
    return ABSENT


def equal(got, want):
    """Whether a JSON value is the expected one, which may contain placeholders."""
    if isinstance(want, str) and want in PLACEHOLDERS:
        return PLACEHOLDERS[want](got)
    if isinstance(want, dict) and isinstance(got, dict):
        return got.keys() == want.keys() and all(equal(got[k], want[k]) for k in want)
    if isinstance(want, list) and isinstance(got, list):
        return len(got) == len(want) and all(map(equal, got, want))
    return got == want and isinstance(got, bool) == isinstance(want, bool)


def _holds(got, op, want):
    if op == "=":
        return equal(got, want)
    if op == "!=":
        return got != want
    if not isinstance(got, (int, float)) or isinstance(got, bool):
        return False
    return got >= want if op == ">=" else got <= want


def _literal(text, check):
    try:
        return json.loads(text)
    except ValueError:
        raise ScriptError("not a JSON value in check '%s'" % check) from None


def check_json(value, check):
    """Fail unless the parsed JSON value passes one check line."""
    match = CHECK.fullmatch(check.strip())
    if match is None:
        raise ScriptError("bad check '%s'" % check)
    got = _follow(value, match["path"] or match["path2"])
    op = match["op"] or match["op2"]
    if op == "absent":
        passed = got is ABSENT
    elif op == "exists":
        passed = got is not ABSENT
    elif got is ABSENT:
        passed = False
    elif op == "~":
        text = got if isinstance(got, str) else json.dumps(got)
        passed = re.fullmatch(match["value"], text) is not None
    else:
        passed = _holds(got, op, _literal(match["value"], check))
    if not passed:
        shown = "absent" if got is ABSENT else json.dumps(got)
        raise Failure("JSON check failed\n  expected: %s\n  got:      %s" % (check.strip(), shown))


def field(value, path):
    """The text of the field at path, for `${client.info.path}`."""
    got = _follow(value, path)
    if got is ABSENT:
        raise Failure("INFO has no field '%s'" % path)
    return got if isinstance(got, str) else json.dumps(got)
