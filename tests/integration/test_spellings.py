"""Every act in every spelling that isn't the protocol's, through every kind of rule, to a real sshd: nothing of it gets there, all of
it is in the audit trail, and whoever rides on the same trunk goes on.

What got there is read from sshd's own log, which names each channel request, open and global request as sshd understood it.
"""

import collections
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import raw
from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, ssh_target
from harness.process import PATIENCE
from harness.raw import RawConnection, string

#: Refusals of one channel, or of one connection outside of its channels, that are recorded; see mux/protocol/connection.hpp.
RECORDED = 16

SIMPLE = "simple@putty.projects.tartarus.org"
WINADJ = "winadj@putty.projects.tartarus.org"


def number(value):
    return struct.pack(">I", value)


class Text(bytes):
    """A field that sshd keeps as a C string."""


def encode(fields):
    return b"".join(string(bytes(field)) if isinstance(field, Text) else field for field in fields)


def misspellings(name, fields):
    """Pairs of a name and a payload, none of which is as RFC 4254 has it."""
    name, payload = name.encode(), encode(fields)
    for other in (name + b"\0", b"\0" + name, name[:3] + b"\0" + name[3:], name + b" ", name[:-1], name.upper()):
        yield other, payload
    for index, field in enumerate(fields):
        if not isinstance(field, Text):
            continue
        for other in (field + b"\0", b"\0" + field, field[:1] + b"\0" + field[1:], b"\0"):
            yield name, encode([*fields[:index], Text(other), *fields[index + 1:]])
        for length in (0xFFFFFFFF, 0x7FFFFFFF, 1 << 20):
            yield name, encode([*fields[:index], number(length) + field, *fields[index + 1:]])
    for size in {0, 1, len(payload) // 2, len(payload) - 1} - {len(payload)}:
        if 0 <= size < len(payload):
            yield name, payload[:size]
    yield name, payload + b"\0"
    yield name, payload + b"x" * 3000


def number_of(connection):
    """Of c17, 17."""
    return int(connection.removeprefix("c"))


def batches(items, size):
    items = list(items)
    return [items[start:start + size] for start in range(0, len(items), size)]


class Rule:
    """A way to be restricted: who logs in with what, and by which route. `denied` are sound requests that it denies. Each has a user
    of its own, and so a trunk."""

    def __init__(self, name, user, route="plain", options="", line="", certificate=None, forced=False, denied=()):
        self.name, self.user, self.route, self.options, self.line = name, user, route, options, line
        self.certificate, self.forced, self.denied = certificate, forced, denied


PTY = ("pty-req", [Text(b"vt100"), number(80), number(24), number(0), number(0), string(b"\0")])
X11 = ("x11-req", [b"\0", Text(b"MIT-MAGIC-COOKIE-1"), Text(b"00ff"), number(0)])
AGENT = ("auth-agent-req@openssh.com", [])

RULES = (
    Rule("nothing", user="alice"),
    Rule("a rule that denies", user="denied", route="deny",
         options='[[route.channel]]\nrequest = "exec"\ncommand = "touch*"\ndeny = "no"\n'
                 '[[route.channel]]\nrequest = ["shell", "subsystem", "agent", "x11"]\ndeny = "no"\n', denied=(AGENT, X11)),
    Rule("permit_pty", user="noterminal", route="noterminal", options="permit_pty = false\n", denied=(PTY,)),
    Rule("permit_subsystems", user="nosubsystem", route="nosubsystem", options="permit_subsystems = []\n"),
    Rule("force_command", user="forced", route="forced", options='force_command = "exec cat"\n', forced=True),
    Rule("restrict", user="restricted", line="restrict ", denied=(PTY, AGENT, X11)),
    Rule("command of a key", user="keyed", line='command="exec cat" ', forced=True),
    Rule("force-command of a certificate", user="certforced", certificate=("-O", "force-command=exec cat"), forced=True),
    Rule("a certificate without permit-pty", user="certclear", certificate=("-O", "clear"), denied=(PTY, AGENT, X11)),
)


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class SpellingsCase(BastionCase):
    users = ("bob", *(rule.user for rule in RULES))

    @classmethod
    def setUpClass(cls):
        SpellingsCase.refused = 0
        folder = Path(tempfile.mkdtemp(prefix="sp-"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.marker = folder / "executed"
        cls.sshd_options = {"MaxSessions": "300", "LogLevel": "DEBUG1", "Subsystem": f"mark touch {cls.marker}"}
        super().setUpClass()
        cls.workspace.key("ca")
        for rule in RULES:
            if rule.certificate:
                cls.workspace.write(f"authorized_keys/{rule.user}", f"cert-authority {cls.workspace.public_key('ca')}\n")
                path = cls.workspace.key(rule.user)
                subprocess.run(["ssh-keygen", "-q", "-s", str(cls.workspace / "keys/ca"), "-I", rule.user, "-n", rule.user, *rule.certificate,
                                f"{path}.pub"], check=True, capture_output=True)
            elif rule.line:
                cls.workspace.write(f"authorized_keys/{rule.user}", rule.line + cls.workspace.public_key(rule.user) + "\n")

    @classmethod
    def configuration(cls):
        return bastion_config(
            ssh_target("main", cls.sshd, more='local_forwarding = ["*"]\nremote_forwarding = ["*"]\nforward_agent = true\n'
                                              "forward_x11 = true\nchannels_per_trunk = 100\n")
            + "".join(f'[[route]]\nname = "{name}"\ntargets = ["{name}"]\nto = "main"\n{options}\n'
                      for name, options in {rule.route: rule.options for rule in RULES}.items()))

    def connect(self, rule):
        certificate = f"{self.workspace.key(rule.user)}-cert.pub" if rule.certificate else None
        connection = RawConnection(self.bastion.port, f"{rule.user}+{rule.route}", self.workspace.key(rule.user), certificate)
        self.addCleanup(connection.close)
        return connection

    def running(self, connection):
        channel = connection.open()
        self.assertTrue(connection.exec(channel, "exec cat"))
        return channel

    def close(self, connection, channel):
        connection.send(raw.CLOSE, number(channel))
        connection.expect(raw.CLOSE)

    def begin(self, rule):
        """A bystander on the trunk that the rule's connections share."""
        self.sshd_mark = self.sshd.mark()
        self.bystander = self.connect(rule)
        self.first = self.newest_connection()
        self.bystanders = self.running(self.bystander)
        self.programs = 1
        self.check_bystander(b"before")
        (self.trunk,) = self.trunks(user=rule.user)
        self.sent = collections.Counter()

    def check_bystander(self, word):
        self.bystander.data(self.bystanders, word)
        self.assertEqual(raw.read_string(self.bystander.expect(raw.DATA)[1], 4)[0], word)

    def finish(self, rule, requests=()):
        """Nothing has reached sshd but the programs that were to run, and `requests`."""
        self.check_bystander(b"after")
        (trunk,) = self.trunks(user=rule.user)
        self.assertEqual(trunk["id"], self.trunk["id"])
        log = self.sshd.log(self.sshd_mark)
        got = collections.Counter(re.findall(r"server_input_channel_req: channel \d+ request (.*) reply \d", log))
        if rule.forced:
            got.pop("env", None)  # what was asked for
        self.assertEqual(got, collections.Counter({"exec": self.programs, **collections.Counter(requests)}))
        self.assertEqual(set(re.findall(r"server_input_channel_open: ctype (.*) rchan", log)), {"session"})
        self.assertLessEqual(set(re.findall(r"server_input_global_request: rtype (.*) want", log)), {"keepalive@openssh.com"})
        self.assertFalse(self.marker.exists(), "something was executed")
        self.bystander.close()

        self.assertLessEqual(set(self.refusals(rule)), set(self.sent))
        SpellingsCase.refused += sum(self.sent.values())

    def newest_connection(self):
        """The number of the client connection that was accepted last."""
        return max(number_of(row["id"]) for row in self.bastion.rows("connections"))

    def refusals(self, rule):
        """What the audit trail says was refused to the test's own connections: it's written a little later than it happens, so
        that rows of an earlier test can come after the first of this one."""
        return collections.Counter(row.get("request", row.get("type")) for row in self.bastion.audit()
                                   if row["event"] == "refuse" and row.get("user") == rule.user
                                   and number_of(row["connection"]) >= self.first)

    @classmethod
    def tearDownClass(cls):
        """Everything is in the audit trail, or counted there where it was too much."""
        super().tearDownClass()
        audit = cls.bastion.audit()
        recorded = sum(row["event"] == "refuse" for row in audit)
        counted = sum(row["count"] for row in audit if row["event"] == "suppressed" and row["what"] == "records")
        if recorded + counted < cls.refused:
            raise AssertionError(f"{cls.refused} refusals, of which {recorded} are in the audit trail and {counted} were counted")


class RequestsTest(SpellingsCase):
    def requests(self):
        touch = Text(f"touch {self.marker}".encode())
        return {
            "exec": [touch], "shell": [], "subsystem": [Text(b"mark")], **dict((PTY, X11, AGENT)),
            "env": [Text(b"SP_A"), Text(b"x")], "window-change": [number(80), number(24), number(0), number(0)], "signal": [Text(b"TERM")],
            "break": [number(10)], "eow@openssh.com": [], SIMPLE: [], WINADJ: [],
        }

    def attack(self, rule, started):
        """Every request in every spelling, before or after the start of a program. With and without an answer."""
        connection = self.connect(rule)
        cases = [case for name, fields in self.requests().items() for case in misspellings(name, fields)]
        cases += [(b"agent-req", b""), (b"hello@example.com", string("x")), (b"", b""), (b"exit-status", number(0)),
                  (b"env", string("SSH_ORIGINAL_COMMAND=x") + string("y")), (b"env", string("") + string("y"))]
        for batch in batches(cases, RECORDED // 2):
            channel = self.running(connection) if started else connection.open()
            self.programs += started
            for name, payload in batch:
                connection.request(channel, name, payload, want_reply=False)
                self.assertFalse(connection.request(channel, name, payload), (name, payload[:40]))
                self.sent[name.decode()] += 2
            if started:  # nor has anything happened to what runs
                connection.data(channel, b"here")
                self.assertEqual(raw.read_string(connection.expect(raw.DATA)[1], 4)[0], b"here")
            self.close(connection, channel)
        connection.close()

    def check_denied(self, rule):
        """What the rule denies in its right spelling, and what nobody may do twice or too late."""
        connection = self.connect(rule)
        for name, fields in rule.denied:
            channel = connection.open()
            self.assertFalse(connection.request(channel, name, encode(fields)), name)
            self.sent[name] += 1
            self.close(connection, channel)
        channel = self.running(connection)
        self.programs += 1
        for name in ("exec", "shell", "subsystem", "env", "pty-req"):
            self.assertFalse(connection.request(channel, name, encode(self.requests()[name])), name)
            self.sent[name] += 1
        if rule.forced:
            self.assertFalse(connection.request(channel, "signal", string("TERM")))
            self.sent["signal"] += 1
        self.close(connection, channel)
        connection.close()

    def check(self, rule):
        self.begin(rule)
        self.attack(rule, started=False)
        self.attack(rule, started=True)
        self.check_denied(rule)
        self.finish(rule)
        self.wait_until(lambda: self.refusals(rule), what="refusals in the audit trail")

    def test_programs_that_a_rule_denies(self):
        rule = next(rule for rule in RULES if rule.route == "deny")
        self.begin(rule)
        connection = self.connect(rule)
        for name in ("exec", "shell", "subsystem"):
            channel = connection.open()
            connection.request(channel, name, encode(self.requests()[name]))
            _, messages = connection.until_close()
            self.assertEqual(raw.requests_in(messages)["exit-status"], number(255))
            self.sent[name] += 1
            connection.send(raw.CLOSE, number(channel))
        self.finish(rule)

    def test_a_terminal_is_granted_once(self):
        rule = RULES[0]
        self.begin(rule)
        connection = self.connect(rule)
        channel = connection.open()
        self.assertTrue(connection.request(channel, PTY[0], encode(PTY[1])))
        self.assertFalse(connection.request(channel, PTY[0], encode(PTY[1])))
        self.sent["pty-req"] += 1
        self.assertTrue(connection.exec(channel, "exec cat"))
        self.programs += 1
        self.assertFalse(connection.request(channel, PTY[0], encode(PTY[1])))
        self.sent["pty-req"] += 1
        self.close(connection, channel)
        self.finish(rule, ["pty-req"])

    def test_numbers_of_any_size_and_empty_texts_do_no_harm(self):
        rule = RULES[0]
        self.begin(rule)
        connection = self.connect(rule)
        huge = number(0xFFFFFFFF) * 4
        channel = connection.open()
        connection.request(channel, "pty-req", string("") + huge + string(b"\x80\xff\xff\xff\xff\xff"))
        self.assertTrue(connection.exec(channel, ""))
        connection.until_close()
        connection.send(raw.CLOSE, number(channel))
        channel = self.running(connection)
        connection.request(channel, "window-change", huge)
        connection.request(channel, "break", number(0xFFFFFFFF))
        connection.request(channel, "signal", string(""))
        self.close(connection, channel)
        self.programs += 2
        self.finish(rule, ["pty-req", "window-change", "break", "signal"])

    def test_the_longest_command_fits_into_what_is_made_of_it(self):
        """A forced command is told what was asked for in a message that is longer than the client's."""
        rule = next(rule for rule in RULES if rule.route == "forced")
        self.begin(rule)
        connection = self.connect(rule)
        for size in (255 * 1024, 255 * 1024 + 1, 256 * 1024 - 100):
            channel = connection.open()
            fits = size <= 255 * 1024
            self.assertEqual(connection.exec(channel, b"x" * size), fits)
            self.programs += fits
            self.sent["exec"] += not fits
            self.close(connection, channel)
        self.finish(rule)


for _rule in RULES:
    setattr(RequestsTest, "test_" + re.sub(r"\W", "_", _rule.name), lambda self, rule=_rule: self.check(rule))


class OutsideOfChannelsTest(SpellingsCase):
    def check(self, rule, cases, kind, build, refusal):
        self.begin(rule)
        for batch in batches(cases, RECORDED):
            connection = self.connect(rule)
            for name, payload in batch:
                connection.send(kind, build(name, payload))
                granted = (raw.OPEN_CONFIRMATION, raw.REQUEST_SUCCESS)
                self.assertEqual(connection.expect(refusal, *granted)[0], refusal, (name, payload[:40]))
                self.sent[name.decode()] += 1
            connection.close()
        self.finish(rule)

    def test_opens(self):
        path = Text(str(self.workspace / "x.sock").encode())
        opens = {"session": [], "direct-tcpip": [Text(b"127.0.0.1"), number(self.sshd.port), Text(b"127.0.0.1"), number(1)],
                 "direct-streamlocal@openssh.com": [path, Text(b"x"), number(0)]}
        cases = [case for name, fields in opens.items() for case in misspellings(name, fields)]
        cases += [(b"tun@openssh.com", number(1) + number(0)), (b"x11", string("127.0.0.1") + number(1)), (b"auth-agent@openssh.com", b""),
                  (b"agent-connect", b""), (b"forwarded-tcpip", encode(opens["direct-tcpip"])), (b"", b"")]
        for rule in (RULES[0], RULES[5]):
            with self.subTest(rule=rule.name):
                self.check(rule, cases, raw.OPEN, lambda name, payload: string(name) + struct.pack(">III", 0, 1 << 20, 32768) + payload,
                           raw.OPEN_FAILURE)

    def test_global_requests(self):
        path = Text(str(self.workspace / "y.sock").encode())
        requests = {"tcpip-forward": [Text(b"localhost"), number(0)], "cancel-tcpip-forward": [Text(b"localhost"), number(1)],
                    "streamlocal-forward@openssh.com": [path], "cancel-streamlocal-forward@openssh.com": [path]}
        cases = [case for name, fields in requests.items() for case in misspellings(name, fields)]
        cases += [(b"no-more-sessions@openssh.com\0", b""), (b"keepalive@openssh.com\0", b""), (b"hostkeys-prove-00@openssh.com", string("x")),
                  (b"hostkeys-00@openssh.com", string("x")), (b"exec", string("id")), (b"", b"")]
        for rule in (RULES[0], RULES[5]):
            with self.subTest(rule=rule.name):
                self.check(rule, cases, raw.GLOBAL_REQUEST, lambda name, payload: string(name) + b"\1" + payload, raw.REQUEST_FAILURE)

    def test_a_clients_refusal_with_a_zero_in_its_words(self):
        """sshd ends a connection over it, and this one is everybody's."""
        rule = RULES[0]
        connection = self.connect(rule)
        channel = self.running(connection)
        connection.send(raw.GLOBAL_REQUEST, string("tcpip-forward") + b"\1" + string("localhost") + number(0))
        _, payload = connection.expect(raw.REQUEST_SUCCESS)
        (port,) = struct.unpack(">I", payload[-4:])
        for words in (b"no\0pe", b"\0nope", b"nope\0", b"\0"):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as peer:
                _, payload = connection.expect(raw.OPEN)
                _, offset = raw.read_string(payload, 0)
                connection.send(raw.OPEN_FAILURE, payload[offset:offset + 4] + number(2) + string(words) + string(""))
                peer.settimeout(PATIENCE)
                self.assertEqual(peer.recv(1), b"")
        connection.data(channel, b"still here")
        self.assertEqual(raw.read_string(connection.expect(raw.DATA)[1], 4)[0], b"still here")
        mark = self.sshd.mark()
        connection.close()
        self.sshd.wait_for("cancel-tcpip-forward", since=mark)  # it isn't the next test's

    def test_requests_on_a_channel_that_takes_none(self):
        rule = Rule("one whose refusals are few enough to be recorded one by one", user="bob")
        connection = self.connect(rule)
        self.first, mark = self.newest_connection(), self.sshd.mark()
        connection.send(raw.OPEN, string("direct-tcpip") + struct.pack(">III", 0, 1 << 20, 32768) + string("127.0.0.1")
                        + number(self.sshd.port) + string("127.0.0.1") + number(1))
        _, payload = connection.expect(raw.OPEN_CONFIRMATION)
        (channel,) = struct.unpack_from(">I", payload, 4)
        for name, fields in (("exec", string(f"touch {self.marker}")), ("shell", b""), ("exec\0", string("id")), PTY):
            self.assertFalse(connection.request(channel, name, fields if isinstance(fields, bytes) else encode(fields)), name)
        self.assertFalse(connection.request(channel, WINADJ))
        refused = collections.Counter(["exec", "shell", "exec\0", "pty-req"])
        self.wait_until(lambda: self.refusals(rule) == refused, what="the refusals in the audit trail")
        self.assertNotIn("server_input_channel_req", self.sshd.log(mark))
        self.assertFalse(self.marker.exists())


if __name__ == "__main__":
    main()
