"""What a hostile client tries before it is logged in. Whatever it sends: nobody is let in, nothing is started, no target is dialled."""

import concurrent.futures
import logging
import os
import struct
import threading
import unittest

import paramiko

from harness import raw
from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route, ssh_target
from harness.process import PATIENCE, descendants

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST, SERVICE_ACCEPT, EXT_INFO = 1, 2, 3, 4, 5, 6, 7
KEXINIT, NEWKEYS, KEX_ECDH_INIT = 20, 21, 30
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER, PK_OK, INFO_RESPONSE = 50, 51, 52, 53, 60, 61
GLOBAL_REQUEST, CHANNEL_OPEN, CHANNEL_CONFIRMATION, CHANNEL_DATA, CHANNEL_REQUEST = 80, 90, 91, 94, 98

#: Sound in themselves: what would be done with them after a login.
CONNECTION_MESSAGES = {
    80: raw.string("tcpip-forward") + b"\x01" + raw.string("127.0.0.1") + struct.pack(">I", 0),
    90: raw.string("session") + struct.pack(">III", 0, 1 << 20, 32768),
    91: struct.pack(">IIII", 0, 0, 1 << 20, 32768),
    98: struct.pack(">I", 0) + raw.string("exec") + b"\x01" + raw.string("touch pwned"),
}


def connection_message(kind):
    return bytes([kind]) + CONNECTION_MESSAGES.get(kind, struct.pack(">I", 0) + raw.string("x"))


class Meddler(paramiko.Transport):
    """Claims to do strict key exchange, and slips a message in front of it."""

    extra = b""

    def _send_kex_init(self):
        self._preferred_kex = (*self._preferred_kex, "kex-strict-c-v00@openssh.com")
        message = paramiko.Message()
        message.add_bytes(self.extra)
        self._send_message(message)
        super()._send_kex_init()


class Noting:
    """Stands where paramiko would understand the answers to a login; sets an event when `kind` has come."""

    def __init__(self, kind):
        self.seen = threading.Event()
        self._handler_table = {number: lambda *_, number=number: self.seen.set() if number == kind else None
                               for number in (SERVICE_ACCEPT, USERAUTH_FAILURE, USERAUTH_BANNER, PK_OK)}


class Hostile:
    """A client whose keys are exchanged, and that then sends what it likes."""

    def __init__(self, port, name="", before_kexinit=b""):
        """`name` is for a test's report."""
        self.name = name
        Meddler.extra = before_kexinit
        self.transport = raw.start_transport(port, Meddler if before_kexinit else None)
        # All that comes is noted, and nothing is done about it.
        self.transport._handler_table = {}
        self.transport._channel_handler_table = {}
        self.transport.auth_handler = None

    def send(self, payload):
        message = paramiko.Message()
        message.add_bytes(payload)
        try:
            self.transport._send_message(message)
        except (EOFError, OSError, paramiko.SSHException):
            pass

    def close(self):
        self.transport.close()


def service_request():
    return bytes([SERVICE_REQUEST]) + raw.string("ssh-userauth")


def userauth(user, method, rest=b""):
    return bytes([USERAUTH_REQUEST]) + raw.string(user) + raw.string("ssh-connection") + raw.string(method) + rest


@needs_bastion
class AttackCase(BastionCase):
    """Nothing may come of what the tests do: that is looked at after each.

    The grace time is long for a slow machine's exchange of keys, so whatever waits for its end does so side by side.
    """

    sections = {"limits": 'login_grace_time = "8s"\nmax_auth_tries = 20\nmax_startups = "1000:30:1000"\nmax_startups_per_source = 0\n'}

    @classmethod
    def configuration(cls):
        return bastion_config(local_target("shell") + ssh_target("main", cls.sshd) +
                              route("main", "main", targets=["main"]) + route("shell", "shell"), **cls.sections)

    def setUp(self):
        self.sshd_mark = self.sshd.mark()
        self.mark = self.bastion.mark()

    def tearDown(self):
        self.assertEqual(self.bastion.rows("connections"), [])
        self.assertEqual(self.bastion.rows("trunks"), [])
        self.assertEqual(list(descendants(self.bastion.pid)), [])
        self.assertNotIn("Connection from", self.sshd.log(self.sshd_mark))
        self.assertNotIn("authenticated user=", self.bastion.log(self.mark))
        self.assertEqual(self.client().output("echo in"), b"in\n")  # and it is well

    def assert_ended(self, *clients):
        """The bastion ends the connections: at once, or when the grace time is over."""
        for client in clients:
            self.wait_until(lambda client=client: not client.transport.is_active(), what=f"the end of the connection {client.name}")
            client.close()

    def hostile(self, *payloads, name=""):
        client = Hostile(self.bastion.port, name)
        self.addCleanup(client.close)
        for payload in payloads:
            client.send(payload(client) if callable(payload) else payload)
        return client


class BeforeKeysTest(AttackCase):
    """In clear text, before and inside the first exchange of keys."""

    def exchange(self, payload, after_kexinit):
        """What comes back, None when the bastion doesn't end the connection."""
        hello = b"SSH-2.0-hostile\r\n"
        kexinit = b""
        if after_kexinit:
            lists = ["curve25519-sha256", "ssh-ed25519", *["aes128-gcm@openssh.com"] * 2, *["hmac-sha2-256"] * 2, *["none"] * 2, "", ""]
            kexinit = raw.packet(bytes([KEXINIT]) + os.urandom(16) + b"".join(raw.string(name) for name in lists) + b"\0" * 5)
        return raw.exchange(self.bastion.port, hello + kexinit + raw.packet(payload))

    def check_exchanges(self, payloads, after_kexinit=(False, True)):
        """Each of the payloads ends its connection, at once or with the grace time."""
        cases = [(payload, after) for payload in payloads for after in after_kexinit]
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
            answers = list(pool.map(lambda case: self.exchange(*case), cases))
        for (payload, after), answer in zip(cases, answers):
            with self.subTest(kind=payload[0], size=len(payload), after_kexinit=after):
                self.assertIsNotNone(answer, "the connection is still open")

    def test_connection_messages_before_there_are_keys(self):
        self.check_exchanges([connection_message(kind) for kind in range(80, 101)])

    def test_service_and_authentication_inside_the_exchange(self):
        self.check_exchanges([
            service_request(), userauth("alice", "none"), bytes([USERAUTH_SUCCESS]), bytes([SERVICE_ACCEPT]) + raw.string("ssh-userauth"),
            bytes([NEWKEYS]), bytes([INFO_RESPONSE]) + struct.pack(">I", 0), bytes([KEX_ECDH_INIT]) + raw.string(b"\0" * 32)])

    def test_no_clear_text_may_be_slipped_into_a_strict_exchange(self):
        """CVE-2023-48795: with strict key exchange a message that is none of the exchange's is the end of it."""
        for extra in (bytes([IGNORE]) + raw.string(b"x"), bytes([DEBUG]) + b"\0" + raw.string(b"x") + raw.string(b"")):
            with self.subTest(kind=extra[0]):
                mark = self.bastion.mark()
                try:
                    self.addCleanup(Hostile(self.bastion.port, before_kexinit=extra).close)
                except (paramiko.SSHException, EOFError, OSError):
                    pass
                self.bastion.wait_for("closed before login .*strict key exchange", since=mark)

    def test_points_that_are_none(self):
        """A public value that gives no secret."""
        values = (b"", b"\0" * 32, b"\1" + b"\0" * 31, b"\xff" * 32, b"\x05" * 31, b"\x05" * 4000)
        self.check_exchanges([bytes([KEX_ECDH_INIT]) + raw.string(value) for value in values], after_kexinit=[True])


class BeforeLoginTest(AttackCase):
    """With keys, before the login has succeeded."""

    def test_connection_messages_in_each_state(self):
        states = {
            "keys": (),
            "service": (service_request(),),
            "none": (service_request(), userauth("alice", "none")),
            "password": (service_request(), userauth("alice", "password", b"\0" + raw.string("x"))),
        }
        self.assert_ended(*[self.hostile(*before, connection_message(kind), name=f"with message {kind} in state {state!r}")
                            for state, before in states.items() for kind in range(80, 101)])

    def test_what_only_a_server_says(self):
        """CVE-2018-10933 and its kin."""
        for payload in (bytes([USERAUTH_SUCCESS]), bytes([USERAUTH_FAILURE]) + raw.string("") + b"\1", bytes([SERVICE_ACCEPT]) + raw.string("ssh-connection"),
                        bytes([PK_OK]) + raw.string("ssh-ed25519") + raw.string("x"), bytes([USERAUTH_BANNER]) + raw.string("x") + raw.string("")):
            with self.subTest(kind=payload[0]):
                self.assert_ended(*[
                    self.hostile(*before, payload, connection_message(CHANNEL_OPEN), connection_message(CHANNEL_REQUEST))
                    for before in ((), (service_request(),), (service_request(), userauth("alice", "none")))])

    def test_other_services(self):
        for service in ("ssh-connection", "", "ssh-userauth\0", "x" * 2000):
            with self.subTest(service=service[:20]):
                self.assert_ended(self.hostile(bytes([SERVICE_REQUEST]) + raw.string(service), connection_message(CHANNEL_OPEN)))

    def test_answers_to_questions_that_nobody_asked(self):
        answers = [bytes([INFO_RESPONSE]) + struct.pack(">I", count) + raw.string("x") for count in (0, 1, 5, 0xffffffff)]
        self.assert_ended(self.hostile(service_request(), *answers, connection_message(CHANNEL_OPEN)))


class KeysTest(AttackCase):
    """What is no proof of having a key."""

    def public_blob(self, name):
        return paramiko.Ed25519Key(filename=str(self.workspace.key(name))).asbytes()

    def signature(self, client, user, key, claimed_blob, algorithm="ssh-ed25519"):
        signer = paramiko.Ed25519Key(filename=str(self.workspace.key(key)))
        body = (raw.string(client.transport.session_id) + userauth(user, "publickey", b"\1" + raw.string(algorithm) + raw.string(claimed_blob)))
        return raw.string(signer.sign_ssh_data(body, "ssh-ed25519").asbytes())

    def attempt(self, *payloads):
        """A login of which everything is believed that a hostile client would want."""
        self.assert_ended(self.hostile(service_request(), *payloads, connection_message(CHANNEL_OPEN), connection_message(CHANNEL_REQUEST)))

    def test_an_offer_is_no_login(self):
        blob = self.public_blob("alice")
        self.attempt(userauth("alice", "publickey", b"\0" + raw.string("ssh-ed25519") + raw.string(blob)))

    def test_a_signature_by_another_key_than_the_one_named(self):
        blob = self.public_blob("alice")
        self.attempt(lambda client: userauth("alice", "publickey", b"\1" + raw.string("ssh-ed25519") + raw.string(blob)
                                             + self.signature(client, "alice", "bob", blob)))

    def test_an_offer_of_one_key_and_a_signature_by_another(self):
        """The signed key counts, not the one that was offered before it (CVE-2024-45337)."""
        alice, bob = self.public_blob("alice"), self.public_blob("bob")
        self.attempt(userauth("alice", "publickey", b"\0" + raw.string("ssh-ed25519") + raw.string(alice)),
                     lambda client: userauth("alice", "publickey", b"\1" + raw.string("ssh-ed25519") + raw.string(bob)
                                             + self.signature(client, "alice", "bob", bob)))

    def test_a_signature_for_another_user_or_session(self):
        blob = self.public_blob("alice")
        self.attempt(lambda client: userauth("bob", "publickey", b"\1" + raw.string("ssh-ed25519") + raw.string(blob)
                                             + self.signature(client, "alice", "alice", blob)))
        other = self.hostile()
        self.attempt(lambda client: userauth("alice", "publickey", b"\1" + raw.string("ssh-ed25519") + raw.string(blob)
                                             + self.signature(other, "alice", "alice", blob)))

    def test_signatures_that_are_none(self):
        """CVE-2023-2283: a signature whose check fails to run is not a good one."""
        blob = self.public_blob("alice")
        head = b"\1" + raw.string("ssh-ed25519") + raw.string(blob)
        for signature in (b"", raw.string(b""), raw.string(raw.string("ssh-ed25519") + raw.string(b"")),
                          raw.string(raw.string("ssh-ed25519") + raw.string(b"\0" * 64)), raw.string(raw.string("none") + raw.string(b"x")),
                          raw.string(raw.string("rsa-sha2-512") + raw.string(b"x" * 256)), struct.pack(">I", 0xfffffff0)):
            with self.subTest(signature=signature[:40]):
                self.attempt(userauth("alice", "publickey", head + signature))

    def test_the_flag_of_a_signature_and_none(self):
        blob = self.public_blob("alice")
        for flag in (b"\1", b"\2", b"\xff"):
            with self.subTest(flag=flag):
                self.attempt(userauth("alice", "publickey", flag + raw.string("ssh-ed25519") + raw.string(blob)))

    def test_the_user_cannot_be_changed_between_requests(self):
        blob = self.public_blob("alice")
        self.attempt(userauth("alice", "none"), userauth("bob", "none"),
                     lambda client: userauth("bob", "publickey", b"\1" + raw.string("ssh-ed25519") + raw.string(blob)
                                             + self.signature(client, "bob", "alice", blob)))


class GrantsTest(BastionCase):
    """The options of the key that signed hold, and of no other."""

    @classmethod
    def configuration(cls):
        return bastion_config(local_target("shell") + route("shell", "shell"), **cls.sections)

    @unittest.skipIf(os.environ.get("SALLYPORT_TEST_DIRECT") == "1", "tests the bastion itself")
    def test_an_offered_key_does_not_lend_its_rights(self):
        self.workspace.key("free")
        self.workspace.write("authorized_keys/alice", f'command="echo bound" {self.workspace.public_key("alice")}\n'
                                                      f'{self.workspace.public_key("free")}\n')
        transport = raw.start_transport(self.bastion.port)
        self.addCleanup(transport.close)
        transport.auth_handler = noting = Noting(PK_OK)
        free = paramiko.Ed25519Key(filename=str(self.workspace.key("free"))).asbytes()
        message = paramiko.Message()
        message.add_bytes(service_request())
        transport._send_message(message)
        message = paramiko.Message()
        message.add_bytes(userauth("alice", "publickey", b"\0" + raw.string("ssh-ed25519") + raw.string(free)))
        transport._send_message(message)
        self.assertTrue(noting.seen.wait(PATIENCE))
        transport.auth_publickey("alice", paramiko.Ed25519Key(filename=str(self.workspace.key("alice"))))
        channel = transport.open_session(timeout=PATIENCE)
        channel.exec_command("echo free")
        self.assertEqual(channel.makefile().read(), b"bound\n")


if __name__ == "__main__":
    logging.getLogger("paramiko").addHandler(logging.NullHandler())  # what it doesn't understand is what is meant
    main()
