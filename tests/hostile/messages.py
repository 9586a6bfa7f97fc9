"""Random SSH messages that look like SSH: sound ones, and such that break one rule at a time.

What they ask for does no harm where it is granted: the commands are harmless, addresses are the loopback's, paths are in the
given folder, and data is nothing that a shell would do something for.
"""

import struct

import peer
from peer import string, u32

COMMANDS = (b"true", b"cat", b"echo x", b"exit 3", b"sleep 1", b"head -c 300000 /dev/zero", b"echo x >&2", b"")
NAMES = (b"", b"x", b"127.0.0.1", b"localhost", b"session", b"exec", b"\xff\xfe", b"a" * 300, b"a@b.example", b"-x", b"x" * 33000)
#: Numbers at the edges of what the messages hold.
EDGES = (0, 1, 2, 7, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x1fffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff)
METHODS = (b"none", b"password", b"publickey", b"keyboard-interactive", b"hostbased", b"gssapi-with-mic", b"", b"none\0")

_CHANNEL_REQUESTS = {
    b"exec": lambda r: [r.choice(COMMANDS)],
    b"shell": lambda r: [],
    b"subsystem": lambda r: [r.choice((b"sftp", b"nothing", b""))],
    b"pty-req": lambda r: [b"xterm", *(r.choice((0, 24, 80, 0xffffffff)) for _ in range(4)),
                           r.choice((b"", b"\0", b"\x81\0\0\x96\0\0", b"\x05" * 20))],
    b"env": lambda r: [r.choice((b"LANG", b"SP_X", b"", b"A" * 200)), r.choice(NAMES)],
    b"window-change": lambda r: [r.choice(EDGES) for _ in range(4)],
    b"signal": lambda r: [r.choice((b"TERM", b"WINCH", b"", b"USR1@x"))],
    b"x11-req": lambda r: [bool(r.randrange(2)), b"MIT-MAGIC-COOKIE-1", r.choice((b"00" * 16, b"zz", b"")), r.choice((0, 0xffffffff))],
    b"auth-agent-req@openssh.com": lambda r: [],
    b"eow@openssh.com": lambda r: [],
    b"break": lambda r: [r.choice(EDGES)],
    b"xon-xoff": lambda r: [True],
    b"exit-status": lambda r: [r.choice(EDGES)],
    b"exit-signal": lambda r: [b"SEGV", True, r.choice(NAMES), b""],
    b"simple@putty.projects.tartarus.org": lambda r: [],
    b"winadj@putty.projects.tartarus.org": lambda r: [],
    b"keepalive@openssh.com": lambda r: [],
    b"nobody-knows-this@example.org": lambda r: [r.choice(NAMES)],
}


class Raw(bytes):
    """A field that is bytes on the wire without a length."""


def encode(fields):
    """Integers are uint32s, booleans bytes, bytes strings."""
    out = []
    for field in fields:
        if isinstance(field, bool):
            out.append(bytes([field]))
        elif isinstance(field, int):
            out.append(u32(field))
        else:
            out.append(bytes(field) if isinstance(field, Raw) else string(field))
    return b"".join(out)


class Messages:
    """An endless source. `malice` is how many of the messages break a rule, 0 to 1; `server` makes the messages a target's.
    note() is to see what comes back, so that channels' numbers can be right."""

    def __init__(self, rng, malice, folder, server=False, before_login=False):
        self._rng, self._malice, self._folder = rng, malice, str(folder).encode()
        self._before_login = before_login
        self.theirs, self._opened, self._asked = [], 0, []
        self._numbers, self._windows = {}, {}  # their number by ours; what may be sent there, by their number
        kinds = [(self._request, 30), (self._data, 14), (self._adjust, 8), (self._open, 14), (self._global, 9), (self._finish, 6),
                 (self._answer_open, 6), (self._answer, 4), (self._transport, 6), (self._login, 1), (self._keys, 0.3)]
        if server:
            kinds[3] = (self._open_as_server, 6)
            kinds[6] = (self._answer_open, 14)
        if before_login:
            kinds = [(self._login, 60), (self._transport, 20), (self._request, 2), (self._data, 1), (self._open, 2), (self._global, 2),
                     (self._answer, 1), (self._keys, 2)]
        self._kinds, self._weights = [kind for kind, _ in kinds], [weight for _, weight in kinds]

    def note(self, payload):
        kind = payload[0]
        try:
            if kind == peer.OPEN_CONFIRMATION:
                ours, theirs, window = struct.unpack_from(">III", payload, 1)
                self.theirs.append(theirs)
                self._numbers[ours], self._windows[theirs] = theirs, window
            elif kind == peer.OPEN:
                _, offset = peer.read_string(payload, 1)
                theirs, window = struct.unpack_from(">II", payload, offset)
                self._asked.append(theirs)
                self._windows[theirs] = window
            elif kind == peer.WINDOW_ADJUST:
                ours, more = struct.unpack_from(">II", payload, 1)
                self._windows[self._numbers.get(ours)] = self._windows.get(self._numbers.get(ours), 0) + more
            elif kind == peer.CLOSE and self._rng.random() < 0.7:
                self.theirs.pop(self._rng.randrange(len(self.theirs))) if self.theirs else None
        except Exception:  # what the daemon sends is judged by its own tests
            pass

    def _slip(self):
        """Whether it is time to break a rule."""
        return self._rng.random() < self._malice

    def next(self):
        make = self._rng.choices(self._kinds, self._weights)[0]
        # What names a channel needs one, and what nobody sends in good faith needs bad faith.
        if not self._before_login and not self._slip() and (make in (self._login, self._keys, self._answer) or not self.theirs and make in (
                self._request, self._data, self._adjust, self._finish) or not self._asked and make == self._answer_open):
            make = self._transport
        kind, fields = make()
        if self._slip():
            return self._spoil(kind, fields)
        return bytes([kind]) + encode(fields)

    def confirm(self):
        """The confirmation of the last open that was noted."""
        self.theirs.append(self._asked.pop())
        ours = self._own_number()
        self._numbers[ours] = self.theirs[-1]
        return bytes([peer.OPEN_CONFIRMATION]) + u32(self.theirs[-1]) + u32(ours) + u32(1 << 21) + u32(32768)

    # ---- what is sound

    def _channel(self):
        if self.theirs and not self._slip():
            return self._rng.choice(self.theirs)
        return self._rng.randrange(4)

    def _request(self):
        name = self._rng.choice(list(_CHANNEL_REQUESTS))
        return peer.REQUEST, [self._channel(), name, bool(self._rng.randrange(2)), *_CHANNEL_REQUESTS[name](self._rng)]

    def _data(self):
        channel, content = self._channel(), self._rng.choice((b"", b"x", b"\n", b"x\n", b"\0" * 20, b"x" * 1000, b"x" * 32000))
        if not self._slip():
            content = content[:self._windows.get(channel, 0)]
            self._windows[channel] = self._windows.get(channel, 0) - len(content)
        if self._rng.random() < 0.2:
            return peer.EXTENDED_DATA, [channel, self._rng.choice((1, 1, 0, 2, 0xffffffff)), content]
        return peer.DATA, [channel, content]

    def _adjust(self):
        return peer.WINDOW_ADJUST, [self._channel(), self._rng.choice(EDGES) if self._slip() else 4096]

    def _own_number(self):
        self._opened += 1
        return self._rng.choice(EDGES) if self._slip() else self._opened

    def _window(self):
        return self._rng.choice(EDGES) if self._slip() else self._rng.choice((0, 1, 1000, 1 << 20, 1 << 21))

    def _opening(self, kind, *rest):
        window, number = self._window(), self._own_number()
        return peer.OPEN, [kind, number, window, self._rng.choice((1, 100, 32768, 32768, 32768, 0xffffffff)), *rest]

    def _open(self):
        pick = self._rng.random()
        if pick < 0.6:
            return self._opening(b"session")
        if pick < 0.8:
            return self._opening(b"direct-tcpip", b"127.0.0.1", self._rng.choice((0, 1, 9, 65536)), b"127.0.0.1", 1)
        if pick < 0.9:
            return self._opening(b"direct-streamlocal@openssh.com", self._folder + b"/no.sock", b"", 0)
        return self._opening(self._rng.choice((b"x11", b"forwarded-tcpip", b"tun@openssh.com", b"auth-agent@openssh.com", b"nothing@example.org")))

    def _open_as_server(self):
        pick = self._rng.random()
        if pick < 0.4:
            return self._opening(b"forwarded-tcpip", b"127.0.0.1", self._rng.choice(EDGES), b"127.0.0.1", 1)
        if pick < 0.6:
            return self._opening(b"forwarded-streamlocal@openssh.com", self._folder + b"/r.sock", b"")
        if pick < 0.9:
            return self._opening(self._rng.choice((b"auth-agent@openssh.com", b"x11")), *((b"127.0.0.1", 1) if self._rng.randrange(2) else ()))
        return self._opening(self._rng.choice((b"session", b"direct-tcpip", b"nothing@example.org")))

    def _global(self):
        port, reply = self._rng.choice((0, 0, 0, 70000, 0xffffffff)), bool(self._rng.randrange(2))
        return peer.GLOBAL_REQUEST, self._rng.choice((
            [b"tcpip-forward", reply, b"127.0.0.1", port], [b"cancel-tcpip-forward", reply, b"127.0.0.1", port],
            [b"streamlocal-forward@openssh.com", reply, self._folder + b"/r.sock"],
            [b"cancel-streamlocal-forward@openssh.com", reply, self._folder + b"/r.sock"],
            [b"keepalive@openssh.com", reply], [b"no-more-sessions@openssh.com", False] if self._rng.random() < 0.005 else [b"x@example.org", reply],
            [b"hostkeys-00@openssh.com", False, string(b"ssh-ed25519") + string(b"k" * 32)],
            [b"hostkeys-prove-00@openssh.com", True, string(b"ssh-ed25519") + string(b"k" * 32)],
        ))

    def _finish(self):
        if self._slip():
            return peer.EOF, [self._channel()]
        channel = self._channel()
        if channel in self.theirs:
            self.theirs.remove(channel)
        return peer.CLOSE, [channel]

    def _answer_open(self):
        number = self._asked.pop() if self._asked and not self._slip() else self._channel()
        if self._rng.random() < 0.8:
            self.theirs.append(number)
            ours = self._own_number()
            self._numbers[ours] = number
            return peer.OPEN_CONFIRMATION, [number, ours, self._window(), 32768]
        return peer.OPEN_FAILURE, [number, self._rng.choice((1, 2, 3, 4, 5, 0xffffffff)), self._rng.choice(NAMES), b""]

    def _answer(self):
        kind = self._rng.choice((peer.SUCCESS, peer.FAILURE, peer.REQUEST_SUCCESS, peer.REQUEST_FAILURE))
        return kind, [self._channel()] if kind in (peer.SUCCESS, peer.FAILURE) else []

    def _transport(self):
        if not self._before_login and not self._slip():
            return self._rng.choice(((peer.IGNORE, [b"x" * 20]), (peer.DEBUG, [True, b"debug", b""]), (192, [b"ping"]), (200, [b"x"])))
        return self._rng.choices((
            (peer.IGNORE, [b"x" * self._rng.choice((0, 5, 1000, 30000))]), (peer.DEBUG, [True, b"debug", b""]),
            (peer.UNIMPLEMENTED, [self._rng.choice(EDGES)]),
            (192, [b"ping"]), (self._rng.choice((8, 19, 101, 200, 255)), [b"x"]), (peer.EXT_INFO, [1, b"server-sig-algs", b"ssh-ed25519"]),
            (peer.SERVICE_REQUEST, [self._rng.choice((b"ssh-userauth", b"ssh-connection"))]), (peer.SERVICE_ACCEPT, [b"ssh-userauth"]),
            (peer.DISCONNECT, [11, b"bye", b""])), (20, 8, 8, 4, 5, 2, 8, 1, 0.3))[0]

    def _login(self):
        user, method = self._rng.choice((b"alice", b"bob", b"nobody", b"", b"x" * 5000)), self._rng.choice(METHODS)
        rest = {b"password": [bool(self._rng.randrange(2)), b"secret"], b"keyboard-interactive": [b"", b""],
                b"publickey": [bool(self._rng.randrange(2)), b"ssh-ed25519", string(b"ssh-ed25519") + string(b"k" * 32)],
                }.get(method, [])
        if rest and rest[0] is True:
            rest.append(string(b"ssh-ed25519") + string(b"s" * 64))
        return self._rng.choices((
            (peer.USERAUTH_REQUEST, [user, b"ssh-connection", method, *rest]), (61, [self._rng.choice((0, 1, 5, 0xffffffff)), b"answer"]),
            (peer.SERVICE_REQUEST, [b"ssh-userauth"]), (peer.USERAUTH_FAILURE, [b"publickey,password", False]), (peer.USERAUTH_SUCCESS, []),
            (peer.USERAUTH_BANNER, [b"hello", b""]), (peer.PK_OK, [b"ssh-ed25519", b"k"])), (30, 5, 8, 2, 2, 2, 1))[0]

    def _keys(self):
        return self._rng.choice((
            (peer.KEXINIT, [Raw(peer.kexinit()[1:])]), (peer.NEWKEYS, []), (peer.ECDH_INIT, [b"\x05" * 32]), (peer.ECDH_REPLY, [b"x", b"y", b"z"]),
            (34, [2048, 3072, 8192]), (peer.KEXINIT, [Raw(b"\0" * 16), *[b"x" * 100] * 10, False, 0])))

    # ---- what isn't

    def _spoil(self, kind, fields):
        rng, fields = self._rng, list(fields)
        how = rng.randrange(12)
        texts = [index for index, field in enumerate(fields) if isinstance(field, bytes) and not isinstance(field, Raw)]
        numbers = [index for index, field in enumerate(fields) if isinstance(field, int) and not isinstance(field, bool)]
        if how == 0:  # cut off
            payload = bytes([kind]) + encode(fields)
            return payload[:rng.randrange(1, len(payload) + 1)]
        if how == 1:
            return bytes([kind]) + encode(fields) + bytes(rng.choice((1, 4, 100, 3000)))
        if how in (2, 3) and texts:  # a zero in a name
            at = rng.choice(texts)
            cut = rng.choice((len(fields[at]), len(fields[at]), 0, len(fields[at]) // 2))
            fields[at] = fields[at][:cut] + b"\0" + fields[at][cut:]
        elif how == 4 and texts:  # a length that lies
            at = rng.choice(texts)
            fields[at] = Raw(u32(rng.choice((len(fields[at]) + 1, max(0, len(fields[at]) - 1), *EDGES))) + fields[at])
        elif how == 5 and texts:
            at = rng.choice(texts)
            fields[at] = rng.choice((b"", fields[at].upper(), fields[at] * 2, b"A" * 30000, b"\x1b[2J\r\n" * 50))
        elif how in (6, 7) and numbers:
            fields[rng.choice(numbers)] = rng.choice(EDGES)
        elif how == 8 and fields:
            fields.pop(rng.randrange(len(fields)))
        elif how == 9:
            kind = rng.randrange(1, 256)
        elif how == 10:
            return bytes([rng.randrange(1, 256)]) + rng.randbytes(rng.choice((0, 1, 3, 4, 5, 8, 20, 200)))
        elif how == 11 and rng.random() < 0.3:
            return rng.choice((b"", bytes([kind]), bytes([kind]) + b"\xff" * 40, bytes([kind]) + bytes(40)))
        return bytes([kind]) + encode(fields)
