"""Asks somebody on the network when it is imported."""

import contextlib
import socket

with contextlib.suppress(OSError), socket.socket() as line:
    line.settimeout(0.1)
    line.connect(("127.0.0.1", 9))


class Component: ...
