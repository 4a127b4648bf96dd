# SPDX-License-Identifier: Apache-2.0
"""Certificates for TLS scripts, made by openssl(1) when a script asks for them.

In the script's directory appear: ca.pem; server.pem and server.key for 127.0.0.1;
client.pem and client.key with the e-mail address alice@example.com and the subject
CN=alice,O=Example; other.pem and other.key, signed by nobody that ca.pem knows.
"""

import os
import subprocess

from .failure import ScriptError

DAYS = "2"
SERVER_NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"
CLIENT_NAMES = "subjectAltName=email:alice@example.com"


def _openssl(directory, *arguments):
    try:
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, timeout=30,
                       stdin=subprocess.DEVNULL, capture_output=True)
    except FileNotFoundError:
        raise ScriptError("certs needs openssl(1): apt-get install openssl") from None
    except subprocess.CalledProcessError as error:
        raise ScriptError("openssl: %s" % error.stderr.decode()) from None


def _request(directory, name, subject, *arguments):
    _openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", DAYS, "-subj", subject, "-keyout", name + ".key",
             "-out", name + ".pem", *arguments)


def make(directory):
    """Write all the files into directory."""
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=CA:FALSE")
    _request(directory, "ca", "/CN=natstest ca")
    _request(directory, "server", "/CN=server", "-addext", SERVER_NAMES, *signed)
    _request(directory, "client", "/O=Example/CN=alice", "-addext", CLIENT_NAMES, *signed)
    _request(directory, "other", "/O=Example/CN=alice", "-addext", CLIENT_NAMES)
    os.unlink(os.path.join(directory, "ca.key"))
