# SPDX-License-Identifier: Apache-2.0
"""The two ways in which a script can go wrong."""


class Failure(Exception):
    """The server did not do what the script expects."""


class ScriptError(Exception):
    """The script itself can't be understood; never the server's fault."""
