"""Peers that misbehave by a script: a target (an SSH server) that the bastion logs in to, and a client of the bastion.

Both are a `Peer` of tests/hostile, which says whatever it is told to. What isn't scripted is done as a plain server or client would, so that
a bystander can use the same connection. A row of a test names one offence; see test_peers.py.
"""

import select
import socket
import struct
import sys
import threading
from pathlib import Path

from .process import PATIENCE, eventually

sys.path.append(str(Path(__file__).resolve().parents[2] / "hostile"))
try:
    import peer
    from peer import (CLOSE, DATA, EOF, EXTENDED_DATA, FAILURE, GLOBAL_REQUEST, OPEN, OPEN_CONFIRMATION, OPEN_FAILURE, REQUEST,
                      REQUEST_FAILURE, SUCCESS, WINDOW_ADJUST, Gone, Late, Peer, load_key, read_string, string, u32)
except ImportError:  # python3-cryptography: the tests that need it are skipped
    peer = None

WINDOW, PACKET = 2 << 20, 32768


class Session:
    """A session that the bastion has opened at a target; everything is sent at once, in the order or disorder of the calls."""

    def __init__(self, connection, ours, theirs):
        self.connection, self.ours, self.theirs = connection, ours, theirs
        self.command = None    # once there is one
        self.requests = []     # the names of all channel requests so far
        self.received = b""
        self.ended = False     # CLOSE has come

    def send(self, kind, fields=b""):
        """One message on this channel."""
        self.connection.send(self.message(kind, fields))

    def message(self, kind, fields=b""):
        return bytes([kind]) + u32(self.theirs) + fields

    def data(self, content):
        self.send(DATA, string(content))

    def finish(self, status=0):
        """EOF, the exit status, CLOSE."""
        self.connection.send(self.message(EOF), self.message(REQUEST, string("exit-status") + b"\0" + u32(status)), self.message(CLOSE))


class Script:
    """What a target does; a test overrides the part in which it misbehaves. Called in the thread of the connection, whose methods may
    all be used."""

    def greet(self, connection):
        """Versions and keys."""
        connection.peer.exchange_versions()
        connection.peer.exchange_keys()

    def log_in(self, connection):
        """The user authentication, until its success."""
        connection.peer.let_in()

    def on_open(self, connection, kind, number):
        """The bastion opens a channel: the confirmation, or a refusal."""
        if kind != b"session":
            return connection.refuse(number)
        return connection.confirm(number)

    def on_request(self, session, name, want_reply, fields):
        """A channel request; exec, shell and subsystem come as on_program() as well. `fields` are the type's own."""
        if name in (b"exec", b"shell", b"subsystem"):
            return self.on_program(session, fields and read_string(fields, 0)[0], want_reply)
        if want_reply:
            session.send(FAILURE if name.startswith(b"keepalive") else SUCCESS)
        return None

    def on_program(self, session, command, want_reply):
        """A program starts: one that echoes its input."""
        session.command = command
        if want_reply:
            session.send(SUCCESS)

    def on_data(self, session, content):
        session.data(content)
        session.send(WINDOW_ADJUST, u32(len(content)))

    def on_eof(self, session):
        session.finish()

    def on_close(self, session):
        session.send(CLOSE)

    def on_global_request(self, connection, name, want_reply, fields):
        if want_reply:
            connection.send(bytes([REQUEST_FAILURE]))

    def on_other(self, connection, payload):
        """Any other message."""


class Connection:
    """One connection of a Target's. `messages` are the numbers of the messages that have come since the login."""

    def __init__(self, accepted, target):
        self.target, self.script = target, target.script
        self.peer = Peer(accepted, target.host_key, patience=PATIENCE)
        self.peer.keeps = True
        self.sessions, self.messages, self.alive = {}, [], True
        self.opened_window = 0  # of the newest channel
        self._lock = threading.RLock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, *payloads):
        """Whole messages, in one write; from any thread."""
        with self._lock:
            self.peer.send(*payloads)

    def exchange_keys(self, extra=(), late=()):
        """An exchange of keys that we begin; `extra` are messages sent behind our KEXINIT, `late` in front of our NEWKEYS."""
        with self._lock:
            self.peer.exchange_keys(extra=extra, late=late)

    def confirm(self, number, window=WINDOW, packet=PACKET):
        session = Session(self, len(self.sessions), number)
        self.sessions[session.ours] = session
        self.send(bytes([OPEN_CONFIRMATION]) + u32(number) + u32(session.ours) + u32(window) + u32(packet))
        return session

    def refuse(self, number, reason=1, text="refused"):
        self.send(bytes([OPEN_FAILURE]) + u32(number) + u32(reason) + string(text) + string(""))

    def session(self, command):
        """The newest session that runs that command; waits for it."""
        return eventually(lambda: next((session for session in reversed(list(self.sessions.values()))
                                        if session.command == command.encode()), None), what=f"a session that runs {command!r}")

    def close(self):
        self.alive = False
        self.peer.reset()

    def _run(self):
        try:
            self.script.greet(self)
            self.script.log_in(self)
            while self.alive:
                select.select([self.peer.socket], [], [], 1.0)
                with self._lock:
                    for payload in self.peer.poll():
                        self.messages.append(payload[0])
                        self._dispatch(payload)
        except (Gone, Late, OSError, ValueError):
            pass
        self.alive = False

    def _dispatch(self, payload):
        kind = payload[0]
        if kind == OPEN:
            name, offset = read_string(payload, 1)
            number, self.opened_window = struct.unpack_from(">II", payload, offset)
            return self.script.on_open(self, name, number)
        if kind == GLOBAL_REQUEST:
            name, offset = read_string(payload, 1)
            return self.script.on_global_request(self, name, payload[offset] != 0, payload[offset + 1:])
        session = self.sessions.get(struct.unpack_from(">I", payload, 1)[0]) if kind in (DATA, EXTENDED_DATA, EOF, CLOSE, REQUEST) else None
        if session is None:
            return self.script.on_other(self, payload)
        if kind == DATA:
            content, _ = read_string(payload, 5)
            session.received += content
            return self.script.on_data(session, content)
        if kind == REQUEST:
            name, offset = read_string(payload, 5)
            session.requests.append(name)
            return self.script.on_request(session, name, payload[offset] != 0, payload[offset + 1:])
        if kind == CLOSE:
            session.ended = True
            return self.script.on_close(session)
        return self.script.on_eof(session) if kind == EOF else None


class Target:
    """A scripted SSH server on a loopback port, which lets in whoever can sign."""

    def __init__(self, workspace, name, script=None):
        self.name, self.script = name, script or Script()
        self._workspace = workspace
        self.host_key = load_key(workspace.key(f"{name}_host"))
        self.connections = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def known_hosts_line(self):
        return f"[127.0.0.1]:{self.port} {self._workspace.public_key(f'{self.name}_host')}\n"

    def session(self, command):
        """The newest session that runs that command, on whichever connection; waits for it."""
        def found():
            return next((session for connection in reversed(self.connections) for session in reversed(list(connection.sessions.values()))
                         if session.command == command.encode()), None)
        return eventually(found, what=f"a session that runs {command!r}")

    def close(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # which wakes the accepting thread
        except OSError:
            pass
        self._listener.close()
        for connection in self.connections:
            connection.close()

    def _accept(self):
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(Connection(accepted, self))


class Client:
    """A client of the bastion's that is logged in and then says what it likes; it answers nothing by itself, but exchanges keys
    when the bastion wants to."""

    def __init__(self, workspace, port, user, key=None, version=None):
        self.peer = peer.connect(port, PATIENCE)
        self.peer.version = version or self.peer.version
        self.peer.keeps = True
        self.peer.handshake().log_in(user, load_key(workspace.key(key or user.split("+")[0])))
        self._numbers = 0

    def send(self, *payloads):
        self.peer.send(*payloads)

    def open(self, window=WINDOW):
        """A session channel on which nothing runs yet: a ClientChannel."""
        channel = ClientChannel(self, self._numbers)
        self._numbers += 1
        self.send(bytes([OPEN]) + string("session") + u32(channel.ours) + u32(window) + u32(PACKET))
        channel.theirs = struct.unpack_from(">I", channel.receive(OPEN_CONFIRMATION), 5)[0]
        return channel

    def run(self, command, window=WINDOW):
        """One on which the program runs."""
        channel = self.open(window)
        channel.send(REQUEST, string("exec") + b"\1" + string(command))
        channel.receive(SUCCESS)
        return channel

    def exchange_keys(self, extra=(), late=()):
        """As Connection's."""
        self.peer.exchange_keys(extra=extra, late=late)

    def close(self):
        self.peer.close()


class ClientChannel:
    """A channel of a Client's, by which it sends what it is told to."""

    def __init__(self, client, ours):
        self.client, self.ours, self.theirs = client, ours, None

    def message(self, kind, fields=b""):
        return bytes([kind]) + u32(self.theirs) + fields

    def send(self, kind, fields=b""):
        self.client.send(self.message(kind, fields))

    def data(self, content):
        self.send(DATA, string(content))

    def receive(self, *kinds):
        """The next message of those kinds on this channel; what comes for others, and other messages, are kept for them."""
        return self.client.peer.receive(*kinds, about=u32(self.ours))

    def read(self, size):
        """So many bytes of data."""
        content = b""
        while len(content) < size:
            content += read_string(self.receive(DATA), 5)[0]
        return content

    def read_until(self, text):
        """Data until it ends with `text`."""
        content = b""
        while not content.endswith(text):
            content += read_string(self.receive(DATA), 5)[0]

    def echo(self, text=b"ping"):
        """Sends a line to a program that echoes, and has it back."""
        self.data(text)
        got = self.read(len(text))
        if got != text:
            raise AssertionError(f"{text!r} came back as {got!r}")
