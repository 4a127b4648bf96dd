# SPDX-License-Identifier: Apache-2.0
"""Reads a script file into headers and a tree of statements; see test/script/README.md."""

import re

from .failure import ScriptError

HEADERS = ("only", "split", "peer-split", "flags", "pings", "timeout")
VERBS = ("config", "file", "client", "close", "abort", "half-close", "sync", "drain", "repeat",
         "retry", "http", "info", "assert", "set", "reload", "signal", "log", "exit", "refused",
         "certs", "flood", "calm", "restart", "crash")
OPERATORS = (">", ">>", "<", "<<", "<~", "<json", "closed", "pub", "request", "api",
             "gets")
BLOCKS = ("config", "file", "repeat", "retry")
CHECKS = ("http", "info", "<json", "pub", "request", "api", "gets")


class Statement:
    """One line: verb is an entry of VERBS or OPERATORS, body its indented lines."""

    def __init__(self, line, verb, who, text):
        self.line = line
        self.verb = verb
        self.who = who
        self.text = text
        self.body = []

    def source(self):
        """The statement as it stands in the script, for messages."""
        words = [self.who, self.verb, self.text] if self.who else [self.verb, self.text]
        return " ".join(word for word in words if word)


class Script:
    """A parsed file. headers: name -> text. statements: list of Statement."""

    def __init__(self, path):
        self.path = path
        self.headers = {}
        self.statements = []
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        if lines[-1] == "":
            lines.pop()
        self._parse([(n + 1, text.rstrip()) for n, text in enumerate(lines)])

    def uses(self, verb):
        """Whether any statement, however deep, has this verb."""
        def within(statements):
            return any(s.verb == verb or within([b for b in s.body if isinstance(b, Statement)])
                       for s in statements)
        return within(self.statements)

    def _error(self, line, text):
        raise ScriptError("%s:%d: %s" % (self.path, line, text))

    def _parse(self, lines):
        while lines and (lines[0][1] == "" or lines[0][1].startswith("#")
                         or self._take_header(*lines[0])):
            lines.pop(0)
        self.statements = self._block(lines, 0)
        if not self.statements:
            self._error(1, "no statements")

    def _take_header(self, line, text):
        match = re.fullmatch(r"([a-z-]+): *(.*)", text)
        if match is None or match.group(1) not in HEADERS:
            return False
        name, value = match.groups()
        if name in self.headers:
            self._error(line, "second header '%s'" % name)
        if name in ("only", "split", "peer-split") and " -- " not in value:
            self._error(line, "header '%s' needs a reason after ' -- '" % name)
        self.headers[name] = value
        return True

    def _block(self, lines, indent):
        statements = []
        while lines:
            number, text = lines[0]
            stripped = text.lstrip(" ")
            if stripped == "" or stripped.startswith("#"):
                lines.pop(0)
                continue
            depth = len(text) - len(stripped)
            if depth < indent:
                break
            if depth > indent:
                self._error(number, "unexpected indentation")
            lines.pop(0)
            statement = self._statement(number, stripped)
            statements.append(statement)
            if statement.verb in ("repeat", "retry"):
                statement.body = self._block(lines, self._depth_of(lines, number, indent))
            else:
                statement.body = self._raw_block(lines, indent)
                self._check_body(statement)
        return statements

    def _check_body(self, statement):
        if not statement.body or statement.verb in BLOCKS:
            return
        if statement.verb not in CHECKS or not statement.text.endswith(":"):
            self._error(statement.line, "unexpected indented lines after '%s'"
                        % statement.source())
        statement.text = statement.text[:-1]

    def _depth_of(self, lines, number, indent):
        for _, text in lines:
            if text != "" and not text.lstrip(" ").startswith("#"):
                depth = len(text) - len(text.lstrip(" "))
                if depth > indent:
                    return depth
                break
        return self._error(number, "a block needs indented lines")

    @staticmethod
    def _raw_block(lines, indent):
        body = []
        while lines and (lines[0][1] == "" or
                         len(lines[0][1]) - len(lines[0][1].lstrip(" ")) > indent):
            body.append(lines.pop(0)[1])
        while body and body[-1] == "":
            body.pop()
        return body

    def _statement(self, number, text):
        word, _, rest = text.partition(" ")
        verb = word.rstrip(":")
        if verb in VERBS:
            if verb in BLOCKS and not text.endswith(":"):
                self._error(number, "'%s' must end with ':'" % verb)
            return Statement(number, verb, None, rest.rstrip(":") if verb in BLOCKS else rest)
        operator, _, argument = rest.partition(" ")
        if operator not in OPERATORS:
            self._error(number, "unknown statement '%s'" % text)
        if re.fullmatch(r"[a-z][a-z0-9_]*(\$\{\w+\})?", word) is None:
            self._error(number, "bad client name '%s'" % word)
        return Statement(number, operator, word, argument)
