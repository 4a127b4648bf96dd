# SPDX-License-Identifier: Apache-2.0
"""NATS user keys: a label in a script stands for one key pair, always the same."""

import base64
import hashlib

from . import ed25519

PREFIX_USER = 20 << 3


def _crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _seed(label):
    return hashlib.sha256(b"natstest " + label.encode()).digest()


def public(label):
    """The public user key (U...) of the label."""
    raw = bytes([PREFIX_USER]) + ed25519.public_key(_seed(label))
    raw += _crc16(raw).to_bytes(2, "little")
    return base64.b32encode(raw).decode().rstrip("=")


def signature(label, nonce):
    """The label's signature of an INFO nonce, as CONNECT wants it (base64url, unpadded)."""
    signed = ed25519.sign(_seed(label), nonce.encode())
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")
