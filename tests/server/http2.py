# SPDX-License-Identifier: Apache-2.0
"""Frames of HTTP/2 by hand: what no client's library would send."""

import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
VERSION = "/runtime.v1.RuntimeService/Version"


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


def literal(name, value):
    """A header that is not indexed, in HPACK."""
    def text(data):
        length = len(data)
        if length < 127:
            return bytes([length]) + data
        out, rest = b"\x7f", length - 127
        while rest > 127:
            out += bytes([rest & 127 | 128])
            rest >>= 7
        return out + bytes([rest]) + data
    return b"\x00" + text(name) + text(value)


def headers(stream, path=VERSION, extra=b"", flags=4):
    block = (literal(b":method", b"POST") + literal(b":scheme", b"http") + literal(b":path", path.encode()) +
             literal(b"content-type", b"application/grpc") + extra)
    return frame(1, flags, stream, block)


def data(stream, payload, flags=1):
    return frame(0, flags, stream, payload)


EMPTY = bytes(5)
SETTINGS = frame(4, 0, 0)


def call(path, message=b""):
    """A whole connection with one call."""
    return PREFACE + SETTINGS + headers(1, path) + data(1, struct.pack("!BI", 0, len(message)) + message)
