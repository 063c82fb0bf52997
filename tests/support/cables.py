"""A cable between a client and Postgres that the test may cut, or let swallow everything.

Belongs here: a proxy on TCP in front of the tests' server, which listens on a unix socket only.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from psycopg import conninfo

_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # one instruction of a packet filter: let nothing pass


class Break(Enum):
    """What happens to the cable: both ends hear of it, or neither ever hears anything again."""

    CUT = "cut"
    SILENT = "silent"


@dataclass
class Cable:
    """Forwards until told otherwise: once `sign` is seen on its way (to the server or back) half of that is sent on,
    or the ``whole``; where there is an ``after``, that has to be seen first.

    ``broken`` tells how often that was. After a silence also whoever connects anew hears nothing, until `heal`.
    """

    server: str
    listener: socket.socket
    to_server: bytes = b""
    to_client: bytes = b""
    breaking: Break = Break.CUT
    times: int = 0
    whole: bool = False
    after: bytes = b""
    armed: bool = False
    broken: int = 0
    sockets: list[socket.socket] = field(default_factory=list)
    silenced: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of the same database through the cable."""
        parts = conninfo.conninfo_to_dict(self.server)
        return f"postgresql://{parts['user']}@127.0.0.1:{self.listener.getsockname()[1]}/{parts['dbname']}"

    def heal(self) -> None:
        """Let new connections through again."""
        self.listener.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)

    def hang_up(self) -> None:
        """End every connection at the server's side, as its own keepalive does a minute after a silence began."""
        for one in self.sockets:
            with contextlib.suppress(OSError):  # it was cut already
                one.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            parts = conninfo.conninfo_to_dict(self.server)
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}")
            self.sockets += [client, server]
            for source, target, upward in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(source, target, upward, client), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, upward: bool, client: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                sign = self.to_server if upward else self.to_client
                self.armed = self.armed or self.after in data
                if self.armed and sign and sign in data and self.broken < self.times:
                    self.broken += 1
                    target.sendall(data if self.whole else data[: data.index(sign) + len(sign)])
                    self._break(client, source, target)
                    return
                if client in self.silenced:
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other direction was cut

    def _break(self, client: socket.socket, *both: socket.socket) -> None:
        if self.breaking is Break.SILENT:
            self.silenced.append(client)
            for one in (client, self.listener):
                _swallow(one)
            return
        for one in both:
            one.shutdown(socket.SHUT_RDWR)


def _swallow(one: socket.socket) -> None:
    """Have the kernel drop every packet that comes for this socket, unanswered: as if the network were gone."""
    instruction = ctypes.create_string_buffer(_DROP_ALL)
    program = struct.pack("HL", 1, ctypes.addressof(instruction))
    one.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


@contextmanager
def laid(server: str) -> Iterator[Cable]:
    """A cable to the server of that address for the length of the block."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        cable = Cable(server, listener)
        thread = threading.Thread(target=cable.serve)
        thread.start()
        try:
            yield cable
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            for one in cable.sockets:
                one.close()
