"""Targets that know nothing of today's algorithms: NIST curves alone, SHA-1 and CBC, ssh-rsa with 1024 bits."""

import subprocess

import paramiko

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.openssh import Sshd
from harness.paramiko_server import Echoing, ParamikoServer
from harness.process import PATIENCE
from harness.sallyport import run_daemon
from harness.workspace import clean_environment

# sshd tells in any case that it takes signatures with SHA-2, which old gear doesn't: see OldGearTest.
OLD = {"HostKeyAlgorithms": "ssh-rsa", "PubkeyAcceptedAlgorithms": "+ssh-rsa", "MACs": "hmac-sha1"}


class LegacyCase(BastionCase):
    """Targets main (today's sshd), and one of each kind of old sshd, with legacy_algorithms and (NAME-strict) without."""

    kinds = {}

    @classmethod
    def configuration(cls):
        cls.workspace.key("old_host", kind="rsa", bits=1024)
        cls.workspace.key("old_login", kind="rsa", bits=1024)
        body = ssh_target("main", cls.sshd) + route("everybody", "main")
        lines = cls.sshd.known_hosts_line()
        cls.old = {}
        for name, (options, host_key) in cls.kinds.items():
            sshd = Sshd(cls.workspace, ["old_login", "upstream"], name=f"sshd_{name}", host_key=host_key, **options)
            cls.addClassCleanup(sshd.stop)
            sshd.start()
            cls.old[name] = sshd
            lines += sshd.known_hosts_line()
            for suffix, more in (("", "legacy_algorithms = true\n"), ("-strict", "")):
                body += ssh_target(name + suffix, sshd, more=more).replace("keys/upstream", "keys/old_login")
        cls.workspace.write("upstream_known_hosts", lines)
        return bastion_config(body + route("by name", "{target}", targets=["*"]))

    def reached(self, target):
        return self.client(f"alice+{target}").run("echo there")


@needs_bastion
class OldSshdTest(LegacyCase):
    kinds = {
        "group1": ({"KexAlgorithms": "diffie-hellman-group1-sha1", "Ciphers": "3des-cbc", **OLD}, "old_host"),
        "group14": ({"KexAlgorithms": "diffie-hellman-group14-sha1", "Ciphers": "aes128-cbc", **OLD}, "old_host"),
        "gex": ({"KexAlgorithms": "diffie-hellman-group-exchange-sha1", "Ciphers": "aes256-cbc", **OLD}, "old_host"),
        "gex256": ({"KexAlgorithms": "diffie-hellman-group-exchange-sha256", "Ciphers": "aes192-cbc", **OLD}, "old_host"),
    }

    def test_they_are_reached_with_it_and_refused_without(self):
        for name in self.kinds:
            with self.subTest(target=name):
                good = self.reached(name)
                self.assertEqual((good.returncode, good.stdout), (0, b"there\n"), good.stderr)
                refused = self.reached(f"{name}-strict")
                self.assertEqual(refused.returncode, 255)
                self.assertIn(b"no algorithm in common", refused.stderr)

    def test_data_gets_through_unharmed_and_keys_are_exchanged_again(self):
        path, digest = self.workspace.random_file("data", 3 << 20)
        for name in ("group1", "gex"):
            with open(path, "rb") as file:
                sent = subprocess.run(self.client(f"alice+{name}").argv("sha256sum"), stdin=file, capture_output=True, timeout=4 * PATIENCE,
                                      env=clean_environment(), check=False)
            self.assertEqual(sent.stdout.split()[0].decode(), digest)

    def test_the_check_warns_and_so_does_the_log(self):
        checked = run_daemon("-t", "-f", self.bastion.config_file)
        self.assertRegex(checked.stderr, r"legacy_algorithms: SHA-1, CBC and short RSA keys .*\(warning\)")
        self.bastion.wait_for("warn +.*legacy_algorithms: SHA-1")


class OldGear(ParamikoServer):
    """A server that takes signatures by ssh-rsa alone, in a conversation of SHA-1, and says nothing of extensions."""

    class transport_class(paramiko.Transport):
        _preferred_keys = ("ssh-rsa",)
        _preferred_kex = ("diffie-hellman-group1-sha1",)
        _preferred_ciphers = ("aes128-cbc",)
        _preferred_macs = ("hmac-sha1",)
        _preferred_pubkeys = ("ssh-rsa",)

    class Session(Echoing):
        def __init__(self, login):
            self._login = login

        def get_allowed_auths(self, _username):
            return "publickey"

        def check_auth_publickey(self, _username, key):
            return paramiko.AUTH_SUCCESSFUL if key == self._login else paramiko.AUTH_FAILED

    def __init__(self, workspace):
        self._login = paramiko.RSAKey.from_private_key_file(str(workspace.key("old_login")))
        super().__init__(paramiko.RSAKey.from_private_key_file(str(workspace.key("old_host"))))

    def interface(self, _transport):
        return self.Session(self._login)


@needs_bastion
class OldGearTest(LegacyCase):
    @classmethod
    def configuration(cls):
        config = super().configuration()
        cls.gear = OldGear(cls.workspace)
        cls.addClassCleanup(cls.gear.close)
        known = cls.workspace / "upstream_known_hosts"
        known.write_text(known.read_text() + cls.gear.known_hosts_line())
        return config + "".join(ssh_target(name, cls.gear, more=more).replace("keys/upstream", "keys/old_login")
                                for name, more in (("gear", "legacy_algorithms = true\n"), ("gear-strict", "")))

    def test_both_sides_sign_by_ssh_rsa(self):
        good = self.reached("gear")
        self.assertEqual((good.returncode, good.stdout), (0, b"echo there"), good.stderr)
        self.assertIn(b"no algorithm in common", self.reached("gear-strict").stderr)


@needs_bastion
class NistTest(LegacyCase):
    kinds = {"nist": ({"KexAlgorithms": "ecdh-sha2-nistp256,ecdh-sha2-nistp384"}, "target_host")}

    def test_nist_curves_are_offered_to_targets(self):
        for name in ("nist", "nist-strict"):
            self.assertEqual(self.reached(name).stdout, b"there\n")

    def test_and_not_to_clients_unless_they_are_named(self):
        only = self.client(KexAlgorithms="ecdh-sha2-nistp256")
        self.assertIn(b"no matching key exchange method", only.run("true").stderr)
        self.bastion.write_config(self.bastion.config_file.read_text().replace(
            "[log]", '[algorithms]\nkex = ["curve25519-sha256", "ecdh-sha2-nistp256"]\n[log]', 1))
        self.bastion.reload()
        self.assertEqual(only.output("echo in"), b"in\n")


if __name__ == "__main__":
    main()
