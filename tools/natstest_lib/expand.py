# SPDX-License-Identifier: Apache-2.0
"""Escapes (\\r \\n \\t \\0 \\\\ \\xHH) and variables (${...}) in the text of a script."""

import re

from .failure import ScriptError

# A name may hold variables, and those variables again: ${a${b${c}}}.
NAME = r"(?:[^{}]|\$\{(?:[^{}]|\$\{[^{}]*\})*\})*"
VARIABLE = r"\$\{(" + NAME + r")\}"
TOKEN = re.compile(r"\\x([0-9A-Fa-f]{2})|\\(.)|" + VARIABLE)
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


def expand_bytes(text, lookup):
    """Text of a send or an exact expectation, with escapes and variables, as bytes."""
    out = bytearray()
    at = 0
    for token in TOKEN.finditer(text):
        out += text[at:token.start()].encode()
        at = token.end()
        if token[1] is not None:
            out.append(int(token[1], 16))
        elif token[2] is not None:
            if token[2] not in ESCAPES:
                raise ScriptError("unknown escape '\\%s'" % token[2])
            out += ESCAPES[token[2]]
        elif token[3].startswith("repeat:"):
            inner, _, count = token[3][7:].rpartition(":")
            out += expand_bytes(inner, lookup) * int(expand_text(count, lookup))
        else:
            out += lookup(expand_text(token[3], lookup)).encode()
    return bytes(out + text[at:].encode())


def expand_text(text, lookup, quote=str):
    """Variables only; quote is applied to each value (re.escape in patterns)."""
    return re.sub(VARIABLE, lambda token: quote(lookup(expand_text(token[1], lookup))), text)
