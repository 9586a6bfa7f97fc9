"""One SSH connection in either role that says whatever it is told to, whenever it is told to: no library's manners in between.

curve25519-sha256, ssh-ed25519, and one of two ciphers; host keys and signatures of the other side are not
looked at. One thread, no thread of its own. Needs python3-cryptography.
"""

import hashlib
import os
import select
import socket
import struct
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.poly1305 import Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST, SERVICE_ACCEPT, EXT_INFO = 1, 2, 3, 4, 5, 6, 7
KEXINIT, NEWKEYS, ECDH_INIT, ECDH_REPLY = 20, 21, 30, 31
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER, PK_OK = 50, 51, 52, 53, 60
GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 80, 81, 82
OPEN, OPEN_CONFIRMATION, OPEN_FAILURE, WINDOW_ADJUST = 90, 91, 92, 93
DATA, EXTENDED_DATA, EOF, CLOSE, REQUEST, SUCCESS, FAILURE = 94, 95, 96, 97, 98, 99, 100

VERSION = b"SSH-2.0-OpenSSH_9.9 hostile"
GCM, CHACHA = b"aes128-gcm@openssh.com", b"chacha20-poly1305@openssh.com"


class Gone(Exception):
    """The other side has ended the connection, or has broken the protocol itself."""


class Late(Exception):
    """Nothing came, or nothing was taken, in time."""


def u32(value):
    return struct.pack(">I", value & 0xffffffff)


def string(value):
    data = value.encode() if isinstance(value, str) else value
    return u32(len(data)) + data


def mpint(data):
    """The big-endian unsigned number as RFC 4251's mpint."""
    data = data.lstrip(b"\0")
    return string(b"\0" + data if data and data[0] & 0x80 else data)


def read_string(payload, offset):
    """The string at `offset` and the offset behind it."""
    (length,) = struct.unpack_from(">I", payload, offset)
    return payload[offset + 4:offset + 4 + length], offset + 4 + length


def load_key(path):
    """An ed25519 key as ssh-keygen writes it."""
    with open(path, "rb") as file:
        return load_ssh_private_key(file.read(), None)


def key_blob(key):
    return string("ssh-ed25519") + string(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def signature(key, data):
    return string(string("ssh-ed25519") + string(key.sign(data)))


def kexinit(kex=b"curve25519-sha256", cookie=None, strict=b"", cipher=GCM):
    """The payload of a KEXINIT that offers what we can do, `cipher` is a client's; `strict` is the marker of strict key exchange."""
    lists = [kex + (b"," + strict if strict else b""), b"ssh-ed25519", cipher, GCM, b"hmac-sha2-256", b"hmac-sha2-256", b"none", b"none", b"", b""]
    return bytes([KEXINIT]) + (cookie or os.urandom(16)) + b"".join(map(string, lists)) + b"\0" * 5


class Sealer:
    """Packets of one direction under one key (RFC 5647 as OpenSSH does it); without a key they are in clear."""

    def __init__(self, key=None, iv=None):
        self._gcm = AESGCM(key) if key else None
        if key:
            self._fixed, self._count = iv[:4], int.from_bytes(iv[4:], "big")

    def _nonce(self):
        nonce = self._fixed + (self._count & (1 << 64) - 1).to_bytes(8, "big")
        self._count += 1
        return nonce

    def seal(self, payload):
        if self._gcm is None:
            padding = 8 - (5 + len(payload)) % 8
            padding += 8 if padding < 4 else 0
            return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding)
        padding = 16 - (1 + len(payload)) % 16
        padding += 16 if padding < 4 else 0
        head = u32(1 + len(payload) + padding)
        return head + self._gcm.encrypt(self._nonce(), bytes([padding]) + payload + bytes(padding), head)

    def open(self, buffer):
        """The first payload in `buffer` and the bytes that its packet took; (None, 0) when it isn't whole."""
        if len(buffer) < 4:
            return None, 0
        (length,) = struct.unpack_from(">I", buffer)
        if not 2 <= length <= 1 << 18:
            raise Gone(f"a packet of {length} bytes")
        whole = 4 + length + (16 if self._gcm else 0)
        if len(buffer) < whole:
            return None, 0
        packet = bytes(buffer[4:whole])
        if self._gcm:
            try:
                packet = self._gcm.decrypt(self._nonce(), packet, bytes(buffer[:4]))
            except InvalidTag:
                raise Gone("a packet that is none") from None
        return packet[1:len(packet) - packet[0]], whole


class ChaChaSealer:
    """chacha20-poly1305@openssh.com, to send with: who floods need not understand what comes. `count` is the packets before."""

    def __init__(self, key, count):
        self._body, self._head, self._count = key[:32], key[32:64], count

    @staticmethod
    def _stream(key, nonce, block, data):
        return Cipher(algorithms.ChaCha20(key, block.to_bytes(8, "little") + nonce), None).encryptor().update(data)

    def seal(self, payload):
        padding = 8 - (1 + len(payload)) % 8
        padding += 8 if padding < 4 else 0
        nonce = (self._count & 0xffffffff).to_bytes(8, "big")
        self._count += 1
        packet = (self._stream(self._head, nonce, 0, u32(1 + len(payload) + padding))
                  + self._stream(self._body, nonce, 1, bytes([padding]) + payload + bytes(padding)))
        return packet + Poly1305.generate_tag(self._stream(self._body, nonce, 0, bytes(32)), packet)


class Peer:
    """`host_key` makes it a server. `patience` is how many seconds each step may take. With CHACHA for a cipher a client's packets are
    numbered, across all exchanges of keys unless they are strict."""

    def __init__(self, connection, host_key=None, patience=60.0, strict=True, cipher=GCM):
        self.socket, self.host_key, self.patience = connection, host_key, patience
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.strict = (b"kex-strict-s-v00@openssh.com" if host_key else b"kex-strict-c-v00@openssh.com") if strict else b""
        self.sealer, self.opener = Sealer(), Sealer()
        self.cipher, self.session_id, self._sent = cipher, None, 0
        self.version = VERSION
        self.answers_kexinit = True  # by doing its half of a re-exchange inside receive()
        self.keeps = False  # what receive() isn't asked for, for later, instead of dropping it
        self._kept = []
        self._buffer, self._ended, self._their_version = bytearray(), False, b""

    # ---- bytes

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection by an RST, whatever is under way."""
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.socket.close()

    def _read(self):
        """Takes what has come."""
        try:
            block = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            self._ended = True
            raise Gone(str(error)) from None
        self._ended = not block
        self._buffer += block

    def write(self, data, patience=None, reading=True):
        """Writes all of it, and reads meanwhile into the buffer so that nobody waits for the other, unless told not to."""
        data, deadline = memoryview(data), time.monotonic() + (patience or self.patience)
        while data:
            try:
                data = data[self.socket.send(data):]
                continue
            except BlockingIOError:
                pass
            except OSError as error:
                raise Gone(str(error)) from None
            left = deadline - time.monotonic()
            can_read, can_write, _ = select.select([self.socket] if reading and len(self._buffer) < 1 << 24 else [], [self.socket], [], max(left, 0))
            if can_read:
                self._read()
                if self._ended and not can_write:
                    raise Gone("the end")
            elif not can_write:
                raise Late("nothing is taken")

    def pour(self, data, seconds, stalled=2.0):
        """Writes and reads nothing, until all is written, the time is over, or nothing was taken for `stalled` seconds; how many bytes
        were taken."""
        view, end = memoryview(data), time.monotonic() + seconds
        while view and time.monotonic() < end:
            try:
                view = view[self.socket.send(view[:1 << 18]):]
            except BlockingIOError:
                if not select.select([], [self.socket], [], min(stalled, max(0.0, end - time.monotonic())))[1]:
                    break
            except OSError as error:
                raise Gone(str(error)) from None
        return len(data) - len(view)

    # ---- messages

    def send(self, *payloads, **options):
        """All of them in one write."""
        self._sent += len(payloads)
        self.write(b"".join(map(self.sealer.seal, payloads)), **options)

    def poll(self):
        """The payloads that have come, without waiting; Gone when there is nothing and the connection is over."""
        self._drain_socket()
        found, self._kept = self._kept, []
        while (payload := self._next()) is not None:
            if payload[:1] == bytes([KEXINIT]) and self.answers_kexinit and self.session_id:
                self.exchange_keys(payload)
                found += self._kept
                self._kept = []
            else:
                found.append(payload)
        if self._ended and not found:
            raise Gone("the end")
        return found

    def _drain_socket(self):
        while not self._ended and select.select([self.socket], [], [], 0)[0] and len(self._buffer) < 1 << 24:
            try:
                self._read()
            except Gone:
                return

    def _next(self):
        payload, taken = self.opener.open(self._buffer)
        if payload is not None:
            del self._buffer[:taken]
            if not payload:
                return b"\0"
        return payload

    def receive(self, *kinds, patience=None, about=b""):
        """The next message, of one of `kinds` if any are given, whose fields begin with `about`; others are dropped or (see `keeps`)
        kept, KEXINITs answered."""
        deadline = time.monotonic() + (patience or self.patience)

        def wanted(payload):
            return (not kinds or payload[0] in kinds) and payload[1:].startswith(about)
        for index, payload in enumerate(self._kept):
            if wanted(payload):
                return self._kept.pop(index)
        while True:
            while (payload := self._next()) is not None:
                if payload[0] == KEXINIT and self.answers_kexinit and self.session_id and KEXINIT not in kinds:
                    self.exchange_keys(payload)
                elif wanted(payload):
                    return payload
                elif payload[0] == DISCONNECT:
                    raise Gone(repr(payload[9:200]))
                elif self.keeps:
                    self._kept.append(payload)
            if self._ended:
                raise Gone("the end")
            if not select.select([self.socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise Late(f"no message {kinds}")
            self._read()

    # ---- the handshake

    def exchange_versions(self, ours=None):
        self.write(ours or self.version + b"\r\n")
        deadline = time.monotonic() + self.patience
        while True:
            end = self._buffer.find(b"\n")
            if end >= 0:
                line = bytes(self._buffer[:end]).rstrip(b"\r")
                del self._buffer[:end + 1]
                if line.startswith(b"SSH-"):
                    self._their_version = line
                    return line
                continue
            if self._ended:
                raise Gone("the end")
            if not select.select([self.socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise Late("no version")
            self._read()

    def exchange_keys(self, theirs=None, extra=(), late=(), marker=None):
        """One whole key exchange, also a later one; `theirs` is their KEXINIT if it has come, `extra` goes behind ours, `late` in front of
        our NEWKEYS, and with `marker` our KEXINIT has that one of strict key exchange."""
        if marker is None:
            marker = self.strict if self.session_id is None else b""
        mine = kexinit(strict=marker, cipher=self.cipher)
        self.send(mine, *extra)
        theirs = theirs or self.receive(KEXINIT)
        private = X25519PrivateKey.generate()
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        if self.host_key:
            other = read_string(self.receive(ECDH_INIT), 1)[0]
            host_blob = key_blob(self.host_key)
            names, inits, publics = (self._their_version, self.version), (theirs, mine), (other, public)
        else:
            self.send(bytes([ECDH_INIT]) + string(public))
            reply = self.receive(ECDH_REPLY)
            host_blob, offset = read_string(reply, 1)
            other, _ = read_string(reply, offset)
            names, inits, publics = (self.version, self._their_version), (mine, theirs), (public, other)
        try:
            secret = mpint(private.exchange(X25519PublicKey.from_public_bytes(other)))
        except ValueError as error:
            raise Gone(str(error)) from None
        digest = hashlib.sha256(b"".join(map(string, (*names, *inits, host_blob, *publics))) + secret).digest()
        self.session_id = self.session_id or digest
        if self.host_key:
            self.send(bytes([ECDH_REPLY]) + string(host_blob) + string(public) + signature(self.host_key, digest))
        self.send(*late, bytes([NEWKEYS]))

        def derive(letter):
            return hashlib.sha256(secret + digest + letter + self.session_id).digest()
        to_server = Sealer(derive(b"C")[:16], derive(b"A")[:12])
        to_client = Sealer(derive(b"D")[:16], derive(b"B")[:12])
        self.sealer = to_client if self.host_key else to_server
        self.receive(NEWKEYS)
        if self.cipher == CHACHA:
            key = derive(b"C")
            self.sealer = ChaChaSealer(key + hashlib.sha256(secret + digest + key).digest(), 0 if self.strict else self._sent)
        self.opener = to_server if self.host_key else to_client

    def handshake(self):
        self.exchange_versions()
        self.exchange_keys()
        return self

    # ---- the login, as a client

    def login_request(self, user, key):
        """A signed request."""
        head = (bytes([USERAUTH_REQUEST]) + string(user) + string("ssh-connection") + string("publickey") + b"\1"
                + string("ssh-ed25519") + string(key_blob(key)))
        return head + signature(key, string(self.session_id) + head)

    def log_in(self, user, key):
        self.send(bytes([SERVICE_REQUEST]) + string("ssh-userauth"), self.login_request(user, key))
        if self.receive(USERAUTH_SUCCESS, USERAUTH_FAILURE)[0] != USERAUTH_SUCCESS:
            raise Gone("the login was refused")
        return self

    def open_session(self, number=0, window=1 << 30, maximum=32768):
        """Opens a session channel; the other side's number for it."""
        self.send(bytes([OPEN]) + string("session") + u32(number) + u32(window) + u32(maximum))
        answer = self.receive(OPEN_CONFIRMATION, OPEN_FAILURE)
        if answer[0] == OPEN_FAILURE:
            raise Gone(f"open refused: {answer!r}")
        return struct.unpack_from(">I", answer, 5)[0]

    def request(self, channel, name, fields=b"", reply=True):
        """The payload of a channel request."""
        return bytes([REQUEST]) + u32(channel) + string(name) + bytes([reply]) + fields

    def run(self, command, number=0, window=1 << 30):
        """A session with a running command: the other side's number."""
        channel = self.open_session(number, window)
        self.send(self.request(channel, "exec", string(command)))
        if self.receive(SUCCESS, FAILURE)[0] != SUCCESS:
            raise Gone("exec refused")
        return channel

    # ---- the login, as a server

    def let_in(self):
        """Lets in whoever can sign."""
        while True:
            message = self.receive(SERVICE_REQUEST, USERAUTH_REQUEST)
            if message[0] == SERVICE_REQUEST:
                self.send(bytes([SERVICE_ACCEPT]) + message[1:])
                continue
            _, offset = read_string(message, 1)
            _, offset = read_string(message, offset)
            method, offset = read_string(message, offset)
            if method != b"publickey":
                self.send(bytes([USERAUTH_FAILURE]) + string("publickey") + b"\0")
            elif message[offset] == 0:
                self.send(bytes([PK_OK]) + message[offset + 1:])
            else:
                self.send(bytes([USERAUTH_SUCCESS]))
                return self


def connect(port, patience=60.0, **options):
    """A client of a loopback port, its keys not exchanged."""
    return Peer(socket.create_connection(("127.0.0.1", port), patience), patience=patience, **options)
