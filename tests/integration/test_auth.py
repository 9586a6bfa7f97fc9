"""Logging in to the bastion: kinds of keys, refusals, limits, host keys, algorithms."""

import re
import socket
import subprocess
import time
import unittest

from harness import raw
from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route, ssh_target
from harness.openssh import OpenSsh
from harness.process import PATIENCE
from harness.sallyport import Sallyport


class LocalBastion(BastionCase):
    """A bastion whose only target is a local shell."""

    @classmethod
    def configuration(cls):
        return bastion_config(local_target("shell") + route("everybody", "shell"), **cls.sections)


@needs_bastion
class KeysTest(LocalBastion):
    sections = {"auth": 'authorized_keys = ["authorized_keys/{user}"]\nfailure_delay = "50ms"\n'}  # names that are none are told late

    def authorize(self, *names, options=""):
        self.workspace.write("authorized_keys/alice", "# alice's keys\n\nnot a key at all\n" + "".join(
            f"{options}{self.workspace.public_key(name)} comment of {name}\n" for name in names))

    def test_every_kind_of_key(self):
        kinds = {"ed": ("ed25519", None), "p256": ("ecdsa", 256), "p384": ("ecdsa", 384), "p521": ("ecdsa", 521), "rsa": ("rsa", 2048)}
        for name, (kind, bits) in kinds.items():
            self.workspace.key(name, kind, bits)
        self.authorize(*kinds)
        for name in kinds:
            with self.subTest(key=name):
                self.assertEqual(self.client(key=name).output("echo in"), b"in\n")
        for algorithm in ("rsa-sha2-256", "rsa-sha2-512"):
            with self.subTest(algorithm=algorithm):
                self.assertEqual(self.client(key="rsa", PubkeyAcceptedAlgorithms=algorithm).output("echo in"), b"in\n")

    def test_ssh_rsa_with_sha1_is_refused(self):
        self.workspace.key("rsa", "rsa", 2048)
        self.authorize("rsa")
        self.assertEqual(self.client(key="rsa", PubkeyAcceptedAlgorithms="ssh-rsa").run("true").returncode, 255)

    def test_a_key_that_is_not_listed_is_refused(self):
        self.authorize("alice")
        self.workspace.key("stranger")
        result = self.client(key="stranger").run("true")
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"Permission denied", result.stderr)

    def test_anothers_key_is_refused(self):
        self.authorize("alice")
        self.assertEqual(self.client(key="bob").run("true").returncode, 255)

    def test_an_unknown_user_is_refused_and_paths_cannot_be_made_of_names(self):
        self.authorize("alice")
        for user in ("carol", "../authorized_keys/alice", "alice/", ".", "..", "", "a" * 3000):
            with self.subTest(user=user[:30]):
                self.assertEqual(self.client(user or "+main", key="alice").run("true").returncode, 255)

    def test_no_password_and_no_none(self):
        result = self.client(PubkeyAuthentication="no", PreferredAuthentications="none,password").run("true")
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"Permission denied (publickey)", result.stderr)

    @unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
    def test_none_and_password_as_another_client_sends_them(self):
        for attempt in (lambda transport: transport.auth_none("alice"), lambda transport: transport.auth_password("alice", "x")):
            transport = raw.start_transport(self.bastion.port)
            self.addCleanup(transport.close)
            with self.assertRaises(raw.paramiko.SSHException):
                attempt(transport)
            self.assertFalse(transport.is_authenticated())


@needs_bastion
class GraceTimeTest(LocalBastion):
    """For those who don't want in: a slow machine's ssh may need longer."""

    sections = {"limits": 'login_grace_time = "2s"\n'}

    def ended(self, data):
        mark = self.bastion.mark()
        begun = time.monotonic()
        self.assertIsNotNone(raw.exchange(self.bastion.port, data), "still connected")
        self.assertTrue(1 < time.monotonic() - begun < 30)  # far from the usual minute
        self.bastion.wait_for("closed before login .*grace time", since=mark)

    def test_a_silent_peer_is_ended_after_the_grace_time(self):
        self.ended(b"")

    def test_a_peer_that_stops_in_the_handshake_as_well(self):
        self.ended(b"SSH-2.0-slow\r\n")


@needs_bastion
class LimitsTest(LocalBastion):
    sections = {"limits": 'max_auth_tries = 2\nmax_connections_per_user = 3\n'}

    def test_too_many_attempts(self):
        names = [f"wrong{number}" for number in range(6)]
        for name in names:
            self.workspace.key(name)
        client = self.client(key=names[0])
        flags = [word for name in names[1:] for word in ("-i", self.workspace.key(name))]
        mark = self.bastion.mark()
        result = client.run("true", flags=[str(flag) for flag in flags] + ["-i", str(self.workspace.key("alice"))])
        self.assertEqual(result.returncode, 255)
        self.assertRegex(result.stderr.decode(), r"(?i)too many authentication failures")
        self.bastion.wait_for(r"(?i)too many", since=mark)

    def test_too_many_connections_of_one_user(self):
        sessions = [self.echo_session() for _ in range(3)]
        self.assertNotEqual(self.client().run("true").returncode, 0)
        self.assertEqual(self.client("bob").output("echo other"), b"other\n")
        sessions[0][0].stdin.close()
        sessions[0][0].wait(PATIENCE)
        self.wait_until(lambda: self.client().run("true").returncode == 0, what="a free place")


@needs_bastion
class BannerTest(LocalBastion):
    sections = {"server": 'host_keys = ["keys/bastion_host"]\ncontrol_socket = "bastion.sock"\nbanner = "@banner"\n'}

    @classmethod
    def configuration(cls):
        cls.lines = [f"{number:05} żółw\n" for number in range(8000)]
        cls.workspace.write("banner", "".join(cls.lines))
        return super().configuration()

    def test_a_long_one_is_shown_whole(self):
        result = self.client(LogLevel="INFO").run("true")
        self.assertEqual(result.returncode, 0, result.stderr)
        shown = result.stderr.decode(errors="replace").replace("\r", "")
        self.assertEqual([line[:5] for line in shown.splitlines()][:8000], [line[:5] for line in self.lines])

    @unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
    def test_to_a_client_that_takes_small_packets(self):
        transport = raw.start_transport(self.bastion.port)
        self.addCleanup(transport.close)
        transport.auth_publickey("alice", raw.paramiko.Ed25519Key(filename=str(self.workspace.key("alice"))))
        self.assertTrue(transport.is_authenticated())


@needs_bastion
class HostKeysTest(LocalBastion):
    def other(self, name, listen=("127.0.0.1:0",), **sections):
        """One more bastion, with its own configuration."""
        bastion = Sallyport(self.workspace, bastion_config(local_target("shell") + route("all", "shell"), name=name, listen=listen, **sections), name)
        self.addCleanup(lambda: self.assertEqual(bastion.stop(), []))
        return bastion.start()

    def server(self, keys, name):
        listed = ", ".join(f'"keys/{key}"' for key in keys)
        return f'host_keys = [{listed}]\ncontrol_socket = "{name}.sock"\n'

    def test_all_kinds_of_host_keys(self):
        kinds = {"host_ed": ("ed25519", None, "ssh-ed25519"), "host_p384": ("ecdsa", 384, "ecdsa-sha2-nistp384"),
                 "host_p256": ("ecdsa", 256, "ecdsa-sha2-nistp256"), "host_p521": ("ecdsa", 521, "ecdsa-sha2-nistp521"),
                 "host_rsa": ("rsa", 2048, "rsa-sha2-512")}
        for name, (kind, bits, _) in kinds.items():
            self.workspace.key(name, kind, bits)
        bastion = self.other("kinds", server=self.server(kinds, "kinds"))
        for name, (_, _, algorithm) in kinds.items():
            with self.subTest(key=name):
                client = OpenSsh(self.workspace, bastion.port, "alice", "alice", name, HostKeyAlgorithms=algorithm)
                self.assertEqual(client.output("echo in"), b"in\n")
                # And the same one again in each exchange of keys.
                moved = client.with_(RekeyLimit="64K").run("head -c 8000000 /dev/zero", flags=["-vv"])
                self.assertEqual(len(moved.stdout), 8000000, moved.stderr[-500:])
                exchanges = re.findall(rf"kex: host key algorithm: {algorithm}\b", moved.stderr.decode())
                self.assertGreater(len(exchanges), 2)
                offered = re.findall("host key algorithms: (.*)", moved.stderr.decode())
                self.assertTrue(all(all(row[2] in names for row in kinds.values()) for names in offered[1::2]), offered)

    def test_a_missing_host_key_is_made_once(self):
        bastion = self.other("made", server=self.server(["made_key"], "made"))
        path = self.workspace / "keys" / "made_key"
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        if not path.with_suffix(".pub").exists():
            shown = subprocess.run(["ssh-keygen", "-yf", path], check=True, capture_output=True, text=True).stdout
            path.with_suffix(".pub").write_text(shown)
        client = OpenSsh(self.workspace, bastion.port, "alice", "alice", "made_key")
        self.assertEqual(client.output("echo in"), b"in\n")

    def test_the_chosen_algorithms_and_no_others(self):
        bastion = self.other("chosen", algorithms='kex = ["curve25519-sha256"]\nciphers = ["aes256-gcm@openssh.com"]\n')
        client = OpenSsh(self.workspace, bastion.port, "alice", "alice", "bastion_host")
        shown = client.run("true", flags=["-v"]).stderr
        self.assertIn(b"kex: algorithm: curve25519-sha256", shown)
        self.assertIn(b"cipher: aes256-gcm@openssh.com", shown)
        self.assertEqual(client.with_(Ciphers="aes128-ctr").run("true").returncode, 255)

    def test_post_quantum_key_exchange_comes_first_and_strict_kex_is_used(self):
        shown = self.client().run("true", flags=["-vvv"]).stderr.decode()
        self.assertRegex(shown, r"kex: algorithm: (mlkem768x25519|sntrup761x25519)")
        self.assertIn("strict", shown)
        self.assertRegex(shown, r"remote software version OpenSSH_")

    def test_two_listeners_also_of_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
            second = "[::1]:0"
        except OSError:
            second = "127.0.0.1:0"
        bastion = self.other("two", listen=("127.0.0.1:0", second))
        pattern = r"listening address=\[::1\]:(\d+)" if "::1" in second else r"listening address=127\.0\.0\.1:(\d+)"
        port = int(bastion.wait_for(pattern, since=0).group(1))
        host = "::1" if "::1" in second else "127.0.0.1"
        client = OpenSsh(self.workspace, port, "alice", "alice", "bastion_host", host)
        self.assertEqual(client.output("echo in"), b"in\n")


@needs_bastion
class SntrupTest(BastionCase):
    """The exchange whose polynomials are multiplied by code of ours (cmake/libssh), in both roles, with OpenSSH's at the other end."""

    @classmethod
    def configuration(cls):
        return bastion_config(ssh_target("main", cls.sshd) + route("all", "main"), algorithms='kex = ["sntrup761x25519-sha512@openssh.com"]\n')

    def test_both_legs(self):
        for user in ("alice", "bob") * 3:
            result = self.client(user).run("echo through", flags=["-v"])
            self.assertEqual((result.returncode, result.stdout), (0, b"through\n"), result.stderr)
            self.assertIn(b"kex: algorithm: sntrup761x25519-sha512@openssh.com", result.stderr)


if __name__ == "__main__":
    main()
