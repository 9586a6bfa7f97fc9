"""The bastion's own host keys: several of one type, told to clients and proved, so that they can be exchanged for others."""

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.sallyport import run_daemon


@needs_bastion
class RotationTest(BastionCase):
    """OpenSSH's client with UpdateHostKeys, and a file of its own in which it knows the first key."""

    @classmethod
    def write(cls, *keys):
        listed = ", ".join(f'"keys/{key}"' for key in keys)
        return bastion_config(ssh_target("main", cls.sshd) + route("everybody", "main"),
                              server=f'host_keys = [{listed}]\ncontrol_socket = "bastion.sock"')

    @classmethod
    def configuration(cls):
        for name, kind, bits in (("next_host", "ed25519", None), ("rsa_host", "rsa", 3072), ("ecdsa_host", "ecdsa", 384)):
            cls.workspace.key(name, kind, bits)
        return cls.write("bastion_host")

    def use(self, *keys):
        self.bastion.write_config(self.write(*keys))
        self.assertEqual(self.bastion.control("reload").status, 0)

    def line(self, name):
        return f"[127.0.0.1]:{self.bastion.port} {self.workspace.public_key(name)}\n"

    def pupil(self, *known, **options):
        """A client that learns, with a file in which it has these keys."""
        self.file = self.workspace.write("learnt", "".join(map(self.line, known)))
        return self.client(UpdateHostKeys="yes", UserKnownHostsFile=self.file, GlobalKnownHostsFile=self.workspace / "none", **options)

    def wait_for_keys(self, *names):
        expected = sorted(self.workspace.public_key(name) for name in names)
        self.wait_until(lambda: sorted(" ".join(line.split()[1:3]) for line in self.file.read_text().splitlines()) == expected,
                        what=f"the keys {names} in the client's file")

    def test_a_key_is_exchanged_for_another_and_no_client_is_stopped(self):
        client = self.pupil("bastion_host")
        self.use("bastion_host", "next_host")  # announced, and the old one is shown
        self.echo_session(client)
        self.wait_for_keys("bastion_host", "next_host")
        self.use("next_host", "bastion_host")  # the other way round
        self.assertEqual(client.output("echo in"), b"in\n")
        self.use("next_host")  # the old one has gone
        self.echo_session(client)
        self.wait_for_keys("next_host")

    def test_keys_of_other_types_are_learnt_and_used(self):
        self.use("bastion_host", "rsa_host", "ecdsa_host")
        for algorithm, known in (("ssh-ed25519", "bastion_host"), ("rsa-sha2-256", "rsa_host"), ("rsa-sha2-512", "rsa_host")):
            with self.subTest(algorithm=algorithm):
                client = self.pupil(known, HostKeyAlgorithms=f"{algorithm},ssh-ed25519,rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp384")
                self.echo_session(client)
                self.wait_for_keys("bastion_host", "rsa_host", "ecdsa_host")
        self.assertEqual(client.with_(HostKeyAlgorithms="ecdsa-sha2-nistp384").output("echo in"), b"in\n")

    def test_the_first_of_a_type_is_shown(self):
        self.use("next_host", "bastion_host")
        refused = self.pupil("bastion_host", StrictHostKeyChecking="yes").with_(UpdateHostKeys="no").run("true")
        self.assertIn(b"Host key verification failed", refused.stderr)
        self.assertEqual(self.pupil("next_host").output("echo in"), b"in\n")

    def test_the_same_key_twice_is_a_mistake(self):
        config = self.workspace.write("twice.toml", self.write("bastion_host", "bastion_host"))
        checked = run_daemon("-t", "-f", config)
        self.assertEqual(checked.status, 3)
        self.assertIn("the same key as", checked.stderr)


if __name__ == "__main__":
    main()
