# SPDX-License-Identifier: Apache-2.0
"""Tests of the runner's own parts: `natstest --self-test`."""

import os
import sys
import tempfile
import unittest

from . import ed25519, nkey
from .checks import check_json
from .expand import expand_bytes, expand_text
from .failure import Failure, ScriptError
from .run import Run, evaluate
from .script import Script

# RFC 8032, section 7.1, tests 1 to 3: seed, public key, message, signature.
VECTORS = (
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
     "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
     "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
     "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
)


def parse(text):
    """A Script from its text."""
    handle, path = tempfile.mkstemp(suffix=".nt")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        return Script(path)
    finally:
        os.unlink(path)


class SelfTest(unittest.TestCase):
    """One test per part that decides whether a script passes."""

    def test_ed25519_gives_the_signatures_of_the_rfc(self):
        for seed, public, message, signature in VECTORS:
            self.assertEqual(ed25519.public_key(bytes.fromhex(seed)).hex(), public)
            self.assertEqual(ed25519.sign(bytes.fromhex(seed), bytes.fromhex(message)).hex(),
                             signature)

    def test_nkey_looks_like_a_user_key(self):
        key = nkey.public("alice")
        self.assertEqual((key[0], len(key)), ("U", 56))
        self.assertNotEqual(key, nkey.public("bob"))

    def test_escapes_and_variables_become_bytes(self):
        lookup = {"x": "\\r"}.__getitem__
        self.assertEqual(expand_bytes(r"a\x00\r\n\t\0\\${x}", lookup), b"a\0\r\n\t\0\\\\r")
        self.assertEqual(expand_bytes(r"${repeat:a:\r:2}b", lookup), b"a:\ra:\rb")
        self.assertRaises(ScriptError, expand_bytes, r"\q", lookup)

    def test_a_variable_may_name_another(self):
        lookup = {"n": "7", "s7.msgs": "3"}.__getitem__
        self.assertEqual(expand_bytes("${s${n}.msgs}!", lookup), b"3!")
        self.assertEqual(expand_text("{{x}} ${s${n}.msgs}", lookup), "{{x}} 3")

    def test_checks_pass_and_fail(self):
        value = {"a": [{"n": "x", "v": 1}, {"n": "y", "v": 2}], "t": True, "s": "hello"}
        for check in ("a[0].v = 1", "a[n=y].v = 2", "t = true", "s ~ he.*", "s != \"x\"",
                      "a.length = 2", "a[1].v >= 2", "a[1].v <= 2", "z absent", "s exists"):
            check_json(value, check)
        for check in ("a[0].v = 2", "t = 1", "s ~ he", "a[n=z].v = 2", "z = null", "z exists",
                      "s absent", "a[1].v >= 3", "a[9].v = 1", "s >= 1"):
            self.assertRaises(Failure, check_json, value, check)
        for check in ("a", "a = ", "a = x", "a b c"):
            self.assertRaises(ScriptError, check_json, value, check)

    def test_placeholders_stand_for_values_of_their_kind(self):
        value = {"t": "2026-01-02T03:04:05.678Z", "n": 7, "s": "text", "l": [1, "x"]}
        for check in ("t = \"<time>\"", "n = \"<number>\"", "s = \"<string>\"", "l = [1,\"<any>\"]",
                      ". = {\"t\":\"<time>\",\"n\":7,\"s\":\"<any>\",\"l\":\"<any>\"}"):
            check_json(value, check)
        for check in ("s = \"<time>\"", "s = \"<number>\"", "n = \"<string>\"", "l = [1]",
                      ". = {\"t\":\"<time>\",\"n\":7}", "l = [1,\"<number>\"]"):
            self.assertRaises(Failure, check_json, value, check)

    def test_assert_takes_arithmetic_only(self):
        self.assertTrue(evaluate("1 + 2 == 3 and 4 > 3"))
        self.assertFalse(evaluate("1 == 2"))
        self.assertRaises(ScriptError, evaluate, "open('x')")

    def test_scripts_parse_into_statements(self):
        script = parse("# t\nflags: -D\nconfig:\n    a: 1\n    b {\n\n    }\n"
                       "client a {}\nrepeat 2:\n    a > PING\n    a < PONG\na closed\n")
        self.assertEqual(script.headers, {"flags": "-D"})
        self.assertEqual([s.verb for s in script.statements],
                         ["config", "client", "repeat", "closed"])
        self.assertEqual(script.statements[0].body, ["    a: 1", "    b {", "", "    }"])
        self.assertEqual([s.verb for s in script.statements[2].body], [">", "<"])

    def test_bad_scripts_are_refused(self):
        for text in ("", "# only a comment\n", "a = b\n", "  client a\n", "A > PING\n",
                     "only: myelin\nclient a\n", "flags: a\nflags: b\nclient a\n",
                     "repeat 2:\nclient a\n", "config\n"):
            self.assertRaises(ScriptError, parse, text)


# Scripts that must pass with the fake server, and such as must not: what it says
# after "client a {}" (which sends CONNECT and PING), and what the script makes of it.
GOOD = (
    "a > SAY hello|\na < hello\n",
    "a > SAY hello|you|\na << hello\\r\\nyou\\r\\n\n",
    "a > SAY MSG foo 1|\na <~ MSG (?P<s>\\w+) \\d\na > SAY ${s}|\na < foo\n",
    "a > SAY {\"x\":[1,{\"y\":true}]}|\na <json x[1].y = true\n",
    "a > BYE\na closed\n",
    "a > SAY x|\na > BYE\na closed (x\\r\\n)?\n",
    "a > SAY PING|\nsync a\n",
    "a > SAY MSG f 1 2|hi|\ndrain a\nassert ${a.msgs} + ${a.bytes} + ${a.sid.1} == 4\n",
    "info a deep.x[1] = 2\n",
    "retry:\n    a > SAY x|\n    a < x\n",
    "log Listening for client\n",
    "repeat 3:\n    a > SAY ${i}|\n    a < ${i}\n",
    "signal INT\nexit 0\n",
    "a > DIE\na closed\nexit 3\n",
    "a > SAY MSG f 1 r.7 2|hi|\na gets f hi:\n    reply (?P<x>r.*)\na > SAY ${x}|\na < r.7\n",
    "a > SAY HMSG f 1 19 21|NATS/1.0 404 No||hi|\na gets f:\n    < NATS/1.0 404 No\n    text hi\n",
    "a > SAY HMSG f 1 19 19|NATS/1.0 404 No|||\na gets f:\n    <~ NATS/1.0 \\d+ No\n",
    "a > SAY MSG _INBOX.a.1 inbox 15|{\"a\":1,\"b\":[2]}|\na api INFO:\n"
    "    . = {\"a\":\"<number>\",\n        \"b\":[2]}\n    keep v a\na > SAY ${v}|\na < 1\n",
    "a > SAY MSG _INBOX.a.1 inbox 2|ok|\na request f x:\n    Some: header\n    text ok\n",
    "a pub f,r hello:\n    Some: header\nsync a\n",
    "restart\nclient a {}\ncrash\nclient a {}\nsync a\n",
)
BAD = (
    ("a > SAY hello|\na < hell\n", "expected: hell"),
    ("a > SAY hello|\na < hello \\x20\n", "expected: hello"),
    ("a >> SAY hello|\na < hello\n", "time-out"),
    ("a > SAY hello|you|\na << hello\\r\\nme\n", "expected: hello"),
    ("a > SAY MSG foo|\na <~ MSG fo\n", "a match of"),
    ("a > SAY {\"x\":1}|\na <json x = 2\n", "JSON check failed"),
    ("a > SAY {x}|\na <json x = 2\n", "not JSON"),
    ("a > SAY -ERR 'x'|\nsync a\n", "expected: PONG"),
    ("a > SAY extra|\n", "expected: PONG"),
    ("a > SAY MSG f 1 2|hi!|\ndrain a\n", "payload"),
    ("a > SAY -ERR 'x'|\ndrain a\n", "expected: MSG or PONG"),
    ("drain a\nassert ${a.msgs} == 1\n", "not true"),
    ("a closed\n", "time-out"),
    ("a > SAY x|\na > BYE\na closed\n", "got:      x"),
    ("a > BYE\na < x\n", "closed"),
    ("a > SAY x|\na > BYE\na closed (y\\r\\n)?\n", "got:      x"),
    ("a > BYE\n", "closed"),
    ("a > DIE\na closed\n", "server exit code"),
    ("a > DIE\na closed\nexit 0\n", "expected: 0"),
    ("exit 0\n", "has not ended"),
    ("info a proto = 2\n", "JSON check failed"),
    ("log no such line\n", "no log line"),
    ("refused\n", "is accepted"),
    ("b > PING\n", "no client 'b'"),
    ("a > ${nothing}\n", "unknown variable"),
    ("a > SAY MSG f 1 2|hi|\na gets f ho\n", "expected: ho"),
    ("a > SAY MSG f 1 2|hi|\na gets g hi\n", "expected: g"),
    ("a > SAY MSG f 1 2|hi|\na gets f\n", "got:      hi"),
    ("a > SAY MSG f 1 r 2|hi|\na gets f hi\n", "unexpected reply"),
    ("a > SAY MSG f 1 r 2|hi|\na gets f hi:\n    reply s\n", "a match of s"),
    ("a > SAY HMSG f 1 19 21|NATS/1.0 404 No||hi|\na gets f hi\n", "unexpected header"),
    ("a > SAY HMSG f 1 19 21|NATS/1.0 404 No||hi|\na gets f hi:\n    < NATS/1.0\n", "header line"),
    ("a > SAY MSG f 1 2|hi|\na gets f hi:\n    < NATS/1.0\n", "no further line"),
    ("a > SAY -ERR 'x'|\na gets f\n", "a message"),
    ("a > SAY MSG _INBOX.a.1 inbox 11|{\"error\":1}|\na api INFO\n", "error absent"),
    ("a > SAY MSG _INBOX.a.1 inbox 7|{\"a\":1}|\na api INFO:\n    . = {}\n", "JSON check"),
    ("a > SAY MSG f 1 2|{}|\na api INFO\n", "got a message on f"),
    ("a pub f hi:\n    nonsense\n", "not a header line"),
)


class RunTest(unittest.TestCase):
    """Whole scripts against a server that says what it is told to."""

    DEADLINES_BAD = 0.05    # of the usual 8 s: those that fail wait that long

    def report_of(self, text, mode, scale):
        """What a run of the script reports; None if it passed."""
        binary = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fakeserver.py")
        handle, launcher = tempfile.mkstemp(suffix=".sh")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec '%s' -B '%s'\n" % (sys.executable, binary))
        os.chmod(launcher, 0o700)
        try:
            return Run(parse("client a {}\n" + text), launcher, mode, scale).run()
        finally:
            os.unlink(launcher)

    def test_good_answers_pass(self):
        for text in GOOD:
            for mode in ("whole", "byte"):
                with self.subTest(text, mode=mode):
                    self.assertIsNone(self.report_of(text, mode, 1))

    def test_wrong_answers_fail(self):
        for text, reason in BAD:
            with self.subTest(text):
                report = self.report_of(text, "whole", self.DEADLINES_BAD)
                self.assertIn(reason, report or "passed")


def self_test():
    """Run them and print the counts; whether all passed."""
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    suite = unittest.TestSuite([load(SelfTest), load(RunTest)])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    sys.stderr.flush()
    print(f"{result.testsRun - failed} passed, {failed} failed", flush=True)
    return result.wasSuccessful()
