"""A client that says whatever it is told to: bytes before the key exchange, or raw connection-protocol messages behind a login.

paramiko does the transport and the login; messages 80 to 100 bypass it in both directions.
"""

import queue
import socket
import struct
import time

try:
    import paramiko
except ImportError:  # the tests that need it are skipped
    paramiko = None

from .process import PATIENCE
from .servers import is_gone

GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 80, 81, 82
OPEN, OPEN_CONFIRMATION, OPEN_FAILURE, WINDOW_ADJUST = 90, 91, 92, 93
DATA, EXTENDED_DATA, EOF, CLOSE, REQUEST, SUCCESS, FAILURE = 94, 95, 96, 97, 98, 99, 100


def string(value):
    """RFC 4251's string."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def read_string(payload, offset):
    """The string at `offset` and the offset behind it."""
    (length,) = struct.unpack_from(">I", payload, offset)
    return payload[offset + 4:offset + 4 + length], offset + 4 + length


class Disconnected(AssertionError):
    """The server ended the connection, and a message was awaited or to be sent."""


def start_transport(port, kind=None):
    """paramiko's client side (a Transport, or the class that is given) of a connection to a loopback port, with its keys
    exchanged and nobody logged in."""
    transport = patient((kind or paramiko.Transport)(socket.create_connection(("127.0.0.1", port), PATIENCE)))
    try:
        transport.start_client(timeout=PATIENCE)
    except Exception:
        transport.close()
        raise
    return transport


def patient(transport):
    """The same paramiko.Transport without its hurry, which is some seconds for each step of a login."""
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = PATIENCE
    return transport


class RawConnection:
    """A logged-in connection whose channel messages are the caller's own affair."""

    def __init__(self, port, user, key_file, certificate_file=None):
        self._messages = queue.Queue()
        self._transport = start_transport(port)
        key = paramiko.Ed25519Key(filename=str(key_file))
        if certificate_file:
            key.load_certificate(str(certificate_file))
        self._transport.auth_publickey(user, key)
        # _ensure_authed and the rest of paramiko's own handling are not reached for these numbers any more.
        self._transport._handler_table = {
            **self._transport._handler_table,
            **{kind: self._receiver(kind) for kind in range(80, 101)},
        }

    def _receiver(self, kind):
        # Before version 3.5 or so paramiko puts its transport in front of the message.
        return lambda *called: self._messages.put((kind, called[-1].asbytes()))

    @property
    def alive(self):
        return self._transport.is_active()

    def send(self, kind, payload=b""):
        """One message: its number and the bytes behind it. Disconnected when the server has ended the connection already."""
        message = paramiko.Message()
        message.add_byte(bytes([kind]))
        message.add_bytes(payload)
        try:
            self._transport._send_user_message(message)
        except (EOFError, OSError, paramiko.SSHException) as error:
            raise Disconnected(f"the server ended the connection: {error!r}") from error

    def next(self, timeout=PATIENCE):
        """The next message as (number, payload)."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self._messages.get(timeout=0.05)
            except queue.Empty:
                if not self.alive:
                    try:
                        return self._messages.get_nowait()
                    except queue.Empty:
                        raise Disconnected("the server ended the connection") from None
                if time.monotonic() >= deadline:
                    raise AssertionError("no message in time") from None

    def has_come(self, kind):
        """Whether a message of that number waits for next()."""
        return any(waiting == kind for waiting, _ in list(self._messages.queue))

    def expect(self, *kinds, timeout=PATIENCE):
        """The next message of one of these numbers; others are dropped."""
        deadline = time.monotonic() + timeout
        while True:
            kind, payload = self.next(max(0.1, deadline - time.monotonic()))
            if kind in kinds:
                return kind, payload

    def wait_closed(self, timeout=PATIENCE):
        """True when the server ends the connection in time."""
        deadline = time.monotonic() + timeout
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.alive

    def open(self, number=0, window=1 << 20, maximum=32768, kind="session"):
        """Opens a channel and returns the server's number for it."""
        self.send(OPEN, string(kind) + struct.pack(">III", number, window, maximum))
        answer, payload = self.expect(OPEN_CONFIRMATION, OPEN_FAILURE)
        if answer == OPEN_FAILURE:
            raise AssertionError(f"open refused: {payload!r}")
        return struct.unpack_from(">I", payload, 4)[0]

    def request(self, channel, name, payload=b"", want_reply=True):
        """A channel request; returns whether it succeeded, or None when no reply was wanted."""
        self.send(REQUEST, struct.pack(">I", channel) + string(name) + bytes([want_reply]) + payload)
        return self.expect(SUCCESS, FAILURE)[0] == SUCCESS if want_reply else None

    def exec(self, channel, command, want_reply=True):
        return self.request(channel, "exec", string(command), want_reply)

    def data(self, channel, content):
        self.send(DATA, struct.pack(">I", channel) + string(content))

    def until_close(self, timeout=PATIENCE):
        """Everything up to CLOSE: (stdout, list of messages)."""
        output, seen = b"", []
        while True:
            kind, payload = self.next(timeout)
            seen.append((kind, payload))
            if kind == DATA:
                output += read_string(payload, 4)[0]
            if kind == CLOSE:
                return output, seen

    def close(self):
        self._transport.close()


def requests_in(messages):
    """The channel requests among messages as a map from name to the bytes behind want_reply."""
    found = {}
    for kind, payload in messages:
        if kind == REQUEST:
            name, offset = read_string(payload, 4)
            found[name.decode()] = payload[offset + 1:]
    return found


def exchange(port, data, timeout=PATIENCE, half_close=False):
    """Sends bytes over TCP, as far as the server takes them, and returns what comes back until it closes; None when it
    doesn't."""
    with socket.create_connection(("127.0.0.1", port), timeout) as peer:
        try:
            peer.sendall(data)
            if half_close:
                peer.shutdown(socket.SHUT_WR)
        except OSError as error:
            if not is_gone(error):
                raise
        received = b""
        while True:
            try:
                block = peer.recv(65536)
            except ConnectionResetError:
                return received
            except TimeoutError:
                return None
            if not block:
                return received
            received += block


def packet(payload):
    """An unencrypted packet (RFC 4253 section 6) with that payload."""
    padding = 8 - (5 + len(payload)) % 8
    if padding < 4:
        padding += 8
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + b"\0" * padding
