# SPDX-License-Identifier: Apache-2.0
"""What went over each connection, as printed when a script fails."""

import time

SHOWN_MAX = 60      # lines of transcript in a report
WIDTH_MAX = 160     # bytes shown of one line


def show(data):
    """Bytes as one printable line; long runs are cut in the middle."""
    text = "".join(chr(b) if 32 <= b < 127 and b != 92 else
                   {10: "\\n", 13: "\\r", 9: "\\t", 92: "\\\\"}.get(b, "\\x%02x" % b)
                   for b in (data if len(data) <= WIDTH_MAX else data[:WIDTH_MAX]))
    if len(data) > WIDTH_MAX:
        text += "... (%d bytes)" % len(data)
    return text


class Transcript:
    """Both ends of every conversation of one script, in order of observation."""

    def __init__(self):
        self.start = time.monotonic()
        self.events = []

    def add(self, who, mark, data):
        """Note data sent (mark '>'), received ('<') or an event ('.')."""
        if self.events and mark != "." and self.events[-1][1:3] == (who, mark) \
                and not self.events[-1][3].endswith(b"\n"):
            self.events[-1][3].extend(data)
            return
        self.events.append((time.monotonic() - self.start, who, mark, bytearray(data)))

    def lines(self):
        """The last SHOWN_MAX lines, one per protocol line."""
        out = []
        for when, who, mark, data in self.events:
            for line in bytes(data).splitlines(keepends=True) or [b""]:
                out.append("  %7.3f %-8s %s %s" % (when, who, mark, show(line)))
        if len(out) > SHOWN_MAX:
            out = ["  ... %d lines before" % (len(out) - SHOWN_MAX)] + out[-SHOWN_MAX:]
        return out
