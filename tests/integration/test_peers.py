"""Peers that break the rules, as a client and as a target, beside a bystander on the same connection who must notice nothing.

A row is one offence: `commit` takes the offender's channel (harness/peers.py). What sshd shrugs off ends nothing; what it doesn't may end the offender's channel, and never the connection that others share.
"""

import dataclasses
import itertools
import struct
import typing
import unittest

from harness import peers
from harness.case import BastionCase, main, needs_bastion, read_line
from harness.config import UPSTREAM_KEY, bastion_config, route, ssh_target
from harness.openssh import OpenSsh
from harness.peers import Client, Script, Target
from harness.process import PATIENCE

if peers.peer:
    from peer import (CLOSE, DATA, EOF, EXT_INFO, EXTENDED_DATA, FAILURE, IGNORE, PK_OK, REQUEST, REQUEST_FAILURE, REQUEST_SUCCESS,
                      SERVICE_ACCEPT, SERVICE_REQUEST, SUCCESS, UNIMPLEMENTED, USERAUTH_BANNER, USERAUTH_FAILURE, USERAUTH_REQUEST,
                      USERAUTH_SUCCESS, VERSION, WINDOW_ADJUST, string, u32)

INFO_RESPONSE, PING = 61, 192


@dataclasses.dataclass
class Row:
    """`ends`: the offender's channel is closed for it. `goes_on`: it must still take input, else nothing is said about it."""

    name: str
    commit: typing.Callable
    goes_on: bool = True
    ends: bool = False


def row(name, commit, goes_on=True, ends=False):
    return Row(name, commit, goes_on and not ends, ends)


@needs_bastion
@unittest.skipUnless(peers.peer, "python3-cryptography is not installed")
class PeersCase(BastionCase):
    """A bastion before an sshd (`main`) and scripted targets, one for each of `scripts`; `options` is TOML in their tables, and
    `credentials` are those of targets that don't take the usual key."""

    scripts = {"peer": Script}
    options = ""
    credentials = {}
    numbers = itertools.count()

    @classmethod
    def configuration(cls):
        cls.targets, body = {}, ""
        for name, script in cls.scripts.items():
            target = cls.targets[name] = Target(cls.workspace, name, script())
            cls.addClassCleanup(target.close)
            with open(cls.workspace / "upstream_known_hosts", "a", encoding="ascii") as file:
                file.write(target.known_hosts_line())
            credential = cls.credentials.get(name, UPSTREAM_KEY)
            body += ssh_target(name, address=target.address, more=cls.options, credential=credential) + route(name, name, targets=[name])
        body += ssh_target("main", cls.sshd, more=cls.target_options) + route("everybody", "main")
        return bastion_config(body, **cls.sections)

    def bystander(self, user="alice", target="peer"):
        """A session beside the offender's, on the same connection to the target: its echo()."""
        return self.echo_session(self.client(f"{user}+{target}"))[1]

    def offender(self, user="alice", target="peer"):
        """A client's session at the scripted target: its process, and the target's end of it."""
        command = f"offend {next(self.numbers)}"
        process = self.spawn(self.client(f"{user}+{target}").popen(command))
        return process, self.targets[target].session(command)

    def raw_client(self, user="alice"):
        client = Client(self.workspace, self.bastion.port, user)
        self.addCleanup(client.close)
        return client


def on_channel(*messages):
    """An offence of these messages on the offender's channel, in one write: each a number, and what follows the recipient."""
    return lambda channel: send(channel, *(channel.message(kind, fields) for kind, fields in messages))


def on_connection(*payloads):
    return lambda channel: send(channel, *payloads)


def send(channel, *payloads):
    (channel.connection if hasattr(channel, "connection") else channel.client).send(*payloads)


def flood(channel):
    """Far more than any window, from a sender who looks at none."""
    message = channel.message(DATA, string(bytes(32768)))
    for _ in range(8):
        send(channel, *[message] * 32)


def exchange_keys_among_data(channel):
    """As old asyncssh: what it has begun to send goes on behind its KEXINIT."""
    line = channel.message(DATA, string(b"among keys\n"))
    connection = channel.connection if hasattr(channel, "connection") else channel.client
    connection.exchange_keys(extra=[line, channel.message(WINDOW_ADJUST, u32(1))], late=[line])


def rows():
    if peers.peer is None:
        return []
    extended = u32(1) + string(b"late")
    late = [(DATA, string(b"late")), (EXTENDED_DATA, extended), (EOF, b""), (WINDOW_ADJUST, u32(5)), (SUCCESS, b""), (FAILURE, b""),
            (REQUEST, string("what@example.org") + b"\1"), (CLOSE, b"")]
    return [
        row("nothing", on_channel()),
        row("a window adjust of nothing", on_channel((WINDOW_ADJUST, u32(0)))),
        row("empty data", on_channel((DATA, string("")))),
        row("a request that nobody knows", on_channel((REQUEST, string("what@example.org") + b"\1"))),
        # K2: what has no place and harms nobody
        row("success to no request", on_channel((SUCCESS, b""))),
        row("failure to no request", on_channel((FAILURE, b""), (FAILURE, b""))),
        row("answers for no channel", on_connection(bytes([SUCCESS]) + u32(99), bytes([FAILURE]) + u32(1 << 31))),
        row("an adjust for no channel", on_connection(bytes([WINDOW_ADJUST]) + u32(99) + u32(1))),
        row("answers to no global request", on_connection(bytes([REQUEST_SUCCESS]), bytes([REQUEST_FAILURE]), bytes([REQUEST_SUCCESS]) + u32(7))),
        row("two EOFs", on_channel((EOF, b""), (EOF, b"")), goes_on=False),
        row("data behind EOF", on_channel((EOF, b""), *late[:2], (DATA, string(bytes(32768)))), goes_on=False),
        row("everything behind CLOSE", on_channel((EOF, b""), (CLOSE, b""), *late), goes_on=False),
        row("data beyond the window", flood, ends=True),
        row("a message larger than was invited", on_channel((DATA, string(bytes(40000))))),
        # K3: what libssh would end the connection over
        row("data while keys are exchanged", exchange_keys_among_data),
        row("user authentication again", on_connection(bytes([USERAUTH_FAILURE]) + string("publickey") + b"\0",
                                                       bytes([USERAUTH_BANNER]) + string("hello") + string(""), bytes([USERAUTH_SUCCESS]),
                                                       bytes([PK_OK]) + string("ssh-ed25519") + string("x"),
                                                       bytes([INFO_RESPONSE]) + u32(2) + string("x") * 2)),
        row("services again", on_connection(bytes([SERVICE_REQUEST]) + string("ssh-userauth"), bytes([SERVICE_ACCEPT]) + string("ssh-userauth"),
                                            bytes([USERAUTH_REQUEST]) + string("alice") + string("ssh-connection") + string("none"))),
        row("numbers of no meaning", on_connection(*(bytes([number]) + u32(0) for number in (8, 54, 62, 67, 79, 83, 89, 101, 127, PING, 255)))),
        row("remarks", on_connection(bytes([IGNORE]) + string("x"), bytes([UNIMPLEMENTED]) + u32(1), bytes([EXT_INFO]) + u32(0))),
    ]


class TargetTest(PeersCase):
    def test_rows(self):
        bystander = self.bystander()
        (trunk,) = self.trunks(target="peer")
        for offence in rows():
            with self.subTest(offence.name):
                process, session = self.offender()
                offence.commit(session)
                bystander(offence.name.encode())
                self.assertEqual([row["id"] for row in self.trunks(target="peer")], [trunk["id"]])
                if offence.ends:
                    self.wait_until(lambda session=session: session.ended, what="the end of the channel")
                if offence.goes_on:
                    process.stdin.write(b"still here\n")
                    self.wait_until(lambda session=session: session.received.endswith(b"still here\n"), what="the offender's input")
                process.kill()
                process.wait()
        self.assertEqual(len(self.targets["peer"].connections), 1)

    def test_what_it_sends_among_keys_arrives(self):
        bystander = self.bystander()
        process, session = self.offender()
        exchange_keys_among_data(session)
        self.assertEqual(read_line(process) + read_line(process), b"among keys\n" * 2)
        bystander(b"and goes on")

    def test_a_malformed_exit_status_is_none(self):
        """OpenSSH's client ends its connection over it, with the status 255."""
        bystander = self.bystander()
        for fields in (b"", b"\0\0\0", u32(3) + b"\0", u32(3) + u32(3)):
            with self.subTest(fields):
                process, session = self.offender()
                on_channel((REQUEST, string("exit-status") + b"\0" + fields), (EOF, b""), (CLOSE, b""))(session)
                self.assertEqual(process.wait(PATIENCE), 255)
                bystander(b"goes on")
        self.assertEqual(len(self.targets["peer"].connections), 1)


class ClientTest(PeersCase):
    def test_rows(self):
        neighbour = self.bystander(target="main")
        client = self.raw_client()
        bystander = client.run("cat")
        for offence in rows():
            with self.subTest(offence.name):
                channel = client.run("cat")
                offence.commit(channel)
                bystander.echo(offence.name.encode())
                neighbour(offence.name.encode())
                if offence.ends:
                    channel.receive(CLOSE)
                if offence.goes_on:
                    channel.send(DATA, string(b"still here"))
                    channel.read_until(b"still here")
                channel.send(CLOSE)  # or so many would need another trunk

    def test_what_it_sends_among_keys_arrives(self):
        channel = self.raw_client().run("cat")
        exchange_keys_among_data(channel)
        self.assertEqual(channel.read(22), b"among keys\n" * 2)

    def test_data_before_a_program_is_dropped(self):
        client = self.raw_client()
        bystander = client.run("cat")
        channel = client.open()
        channel.data(b"too early")
        channel.send(REQUEST, string("exec") + b"\1" + string("cat"))
        channel.receive(SUCCESS)
        channel.echo(b"in time")
        bystander.echo()


class Hasty(Script):
    """Says EOF while output waits for a window, sends that all the same, and closes when it has gone: as twisted's conch."""

    size = 8 << 20

    def __init__(self):
        self._waiting = {}  # what is left to send and how much may be, by session

    def on_program(self, session, command, want_reply):
        super().on_program(session, command, want_reply)
        self._waiting[session] = [self.size, 0]
        self._send(session, session.connection.opened_window)
        session.send(EOF)

    def _send(self, session, more):
        left, window = self._waiting[session]
        if left == 0:
            return  # said all: an adjustment that was under way with the end
        window += more
        while left and window:
            size = min(left, window, peers.PACKET)
            session.data(bytes(size))
            left, window = left - size, window - size
        self._waiting[session] = [left, window]
        if left == 0:
            session.connection.send(session.message(REQUEST, string("exit-status") + b"\0" + u32(5)), session.message(CLOSE))

    def on_eof(self, session):
        pass

    def on_close(self, session):
        pass

    def on_other(self, connection, payload):
        if payload[0] == WINDOW_ADJUST:
            number, more = struct.unpack(">II", payload[1:])
            self._send(connection.sessions[number], more)


class HastyTest(PeersCase):
    scripts = {"hasty": Hasty}

    def test_it_gets_a_window_behind_its_eof(self):
        straight = OpenSsh(self.workspace, self.targets["hasty"].port, key="alice", host_key="hasty_host")
        for client in (straight, self.client("alice+hasty")):
            done = client.run("cat")
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertLess(len(done.stdout), Hasty.size)


class Talkative(Script):
    """Says much before its identification, as OpenSSH's client allows."""

    lines = b"x" * 700 + b"\r\n" + b"y" * 8192 + b"\n" + b"\n" * 1000

    def greet(self, connection):
        connection.peer.exchange_versions(self.lines + VERSION + b"\r\n")
        connection.peer.exchange_keys()


class TooTalkative(Talkative):
    lines = b"y" * 8193 + b"\n"


class LongWinded(Script):
    """Its own identification is long."""

    def greet(self, connection):
        connection.peer.version = b"SSH-2.0-" + b"v" * 8000
        super().greet(connection)


class IdentificationTest(PeersCase):
    scripts = {"talkative": Talkative, "tootalkative": TooTalkative, "longwinded": LongWinded}

    def test_lines_before_the_identification(self):
        self.bystander(target="talkative")(b"in")

    def test_long_identifications(self):
        self.bystander(target="longwinded")(b"in")
        client = Client(self.workspace, self.bastion.port, "alice", version=b"SSH-2.0-" + b"c" * 8000)
        self.addCleanup(client.close)
        client.run("cat").echo()

    def test_a_line_that_is_too_long(self):
        refused = self.client("alice+tootalkative").run("cat")
        self.assertEqual(refused.returncode, 255)
        self.assertIn(b"tootalkative", refused.stderr)


if __name__ == "__main__":
    main()
