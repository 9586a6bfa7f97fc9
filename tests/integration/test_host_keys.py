"""The host keys of targets: which are believed, which are learnt, and what is said of those that are not."""

import subprocess

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.openssh import Sshd
from harness.workspace import clean_environment, find_program

_KINDS = ("ed25519", "ecdsa", "rsa")


@needs_bastion
class HostKeys(BastionCase):
    """A target with three host keys, and a known_hosts file for each test's own target."""

    targets = {
        "strict": "", "new": 'host_key_policy = "accept-new"', "learns": "update_host_keys = true",
        "old": "", "other": "", "other_new": 'host_key_policy = "accept-new"', "authority": "", "changed": "",
        "unlearnt": "", "pattern": "update_host_keys = true", "nowhere": 'host_key_policy = "accept-new"',
    }

    @classmethod
    def configuration(cls):
        paths = [cls.workspace.key(f"host_{kind}", kind) for kind in _KINDS]
        cls.many = Sshd(cls.workspace, ["upstream"], name="many", host_key="host_ed25519",
                        HostKey="\nHostKey ".join(str(path) for path in paths))
        cls.addClassCleanup(cls.many.stop)
        cls.many.start()
        for name in cls.targets:
            cls.file(name).write_text("")
        body = "".join(ssh_target(name, cls.many, more=more).replace('"upstream_known_hosts"', f'"hosts.{name}"')
                       for name, more in cls.targets.items())
        return bastion_config(body + route("all", "{target}", targets=list(cls.targets)))

    @classmethod
    def file(cls, name):
        return cls.workspace / f"hosts.{name}"

    def line(self, *keys, host=None):
        host = host or f"[127.0.0.1]:{self.many.port}"
        return "".join(f"{host} {self.workspace.public_key(key)}\n" for key in keys)

    def at(self, target):
        return self.client(f"alice+{target}", key="alice")

    def refusal(self, target):
        result = self.at(target).run("true")
        self.assertEqual(result.returncode, 255)
        return result.stderr.decode()

    def test_an_unknown_host_is_refused(self):
        self.assertIn("its host key is unknown: ssh-ed25519 " + self.workspace.fingerprint("host_ed25519"), self.refusal("strict"))
        self.assertEqual(self.file("strict").read_text(), "")

    def test_a_new_host_is_accepted_once_and_its_key_kept(self):
        self.assertEqual(self.at("new").output("echo in"), b"in\n")
        self.assertEqual(self.file("new").read_text(), self.line("host_ed25519"))
        self.bastion.wait_for("a new host key was accepted: ssh-ed25519 SHA256:")
        self.bastion.control("exit", "new")
        self.assertEqual(self.at("new").output("echo in"), b"in\n")
        self.assertEqual(self.file("new").read_text(), self.line("host_ed25519"))
        found = subprocess.run(["ssh-keygen", "-F", f"[127.0.0.1]:{self.many.port}", "-f", str(self.file("new"))],
                               capture_output=True, check=False, env=clean_environment())
        self.assertEqual(found.returncode, 0)

    def test_a_file_that_is_not_there_is_made(self):
        self.file("nowhere").unlink()
        self.assertEqual(self.at("nowhere").output("echo in"), b"in\n")
        self.assertEqual(self.file("nowhere").read_text(), self.line("host_ed25519"))

    def test_a_changed_key_is_told_with_both_fingerprints(self):
        self.workspace.key("impostor")
        self.file("changed").write_text(self.line("impostor"))
        told = self.refusal("changed")
        seen, expected = self.workspace.fingerprint("host_ed25519"), self.workspace.fingerprint("impostor")
        self.assertIn(f"host key mismatch: ssh-ed25519 {seen}, expected ssh-ed25519 {expected}", told)
        self.bastion.wait_for(rf"host key mismatch: ssh-ed25519 {seen}, expected ssh-ed25519 {expected}".replace("+", r"\+"))

    def test_the_types_that_are_known_are_asked_for(self):
        for kind in _KINDS:
            with self.subTest(kind):
                self.file("old").write_text(self.line(f"host_{kind}"))
                self.assertEqual(self.at("old").output("echo in"), b"in\n")
                self.bastion.control("exit", "old")

    def test_a_key_of_another_type_is_no_key_that_is_known(self):
        self.workspace.key("other_ecdsa", "ecdsa")
        line = self.line("other_ecdsa")
        for name in ("other", "other_new"):
            self.file(name).write_text(line)
            told = self.refusal(name)
            self.assertIn("expected ecdsa-sha2-nistp256 " + self.workspace.fingerprint("other_ecdsa"), told)
            self.assertEqual(self.file(name).read_text(), line)

    def test_a_line_of_a_certificate_authority_lets_nobody_in(self):
        self.file("authority").write_text("@cert-authority * " + self.workspace.public_key("host_ed25519") + "\n")
        self.assertIn("its host key is unknown", self.refusal("authority"))
        self.bastion.wait_for(r"host certificates aren\W+t supported")

    def test_further_keys_are_learnt_with_proof_and_old_ones_given_up(self):
        self.workspace.key("retired", "rsa")
        self.file("learns").write_text("# kept\n" + self.line("host_ed25519", "retired"))
        self.assertEqual(self.at("learns").output("echo in"), b"in\n")
        self.bastion.wait_for("host keys learnt target=learns added=2 removed=1")
        lines = self.file("learns").read_text().splitlines()
        self.assertEqual(lines[0], "# kept")
        self.assertEqual(sorted(lines[1:]), sorted(self.line(*(f"host_{kind}" for kind in _KINDS)).splitlines()))
        mark = self.bastion.mark()
        self.bastion.control("exit", "learns")
        self.assertEqual(self.at("learns").output("echo in"), b"in\n")
        self.assertNotIn("host keys learnt", self.bastion.log(mark))

    def test_nothing_is_learnt_unasked_or_for_a_pattern(self):
        self.file("unlearnt").write_text(self.line("host_ed25519"))
        self.file("pattern").write_text(self.line("host_ed25519", host="*"))
        before = {name: self.file(name).read_text() for name in ("unlearnt", "pattern")}
        for name, text in before.items():
            self.assertEqual(self.at(name).output("echo in"), b"in\n")
            self.assertEqual(self.at(name).output("echo in"), b"in\n")
            self.assertEqual(self.file(name).read_text(), text)

    def test_scan_prints_lines_to_accept(self):
        result = self.bastion.control("scan", "strict")
        self.assertEqual(result.status, 0, result.stderr)
        lines = [line for line in result.stdout.splitlines() if not line.startswith("#")]
        self.assertEqual(sorted(lines), sorted(self.line(*(f"host_{kind}" for kind in _KINDS)).splitlines()))
        for kind in _KINDS:
            self.assertIn(self.workspace.fingerprint(f"host_{kind}"), result.stdout)
        keys = self.bastion.query("scan", "strict")["keys"]
        self.assertEqual([key["type"] for key in keys], ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
        scanned = self.workspace.write("scanned", result.stdout)
        seen = subprocess.run([find_program("ssh-keygen"), "-lf", str(scanned)], capture_output=True, text=True, check=True)
        self.assertEqual(len(seen.stdout.splitlines()), 3)

    def test_scan_says_what_is_wrong(self):
        result = self.bastion.control("scan", "elsewhere")
        self.assertEqual(result.status, 1)
        self.assertIn("there is no target", result.stderr)
        port = self.many.port
        self.many.stop()
        try:
            result = self.bastion.control("scan", "strict")
            self.assertEqual(result.status, 1)
            self.assertIn("refused", result.stderr)
        finally:
            self.many.start(port)


if __name__ == "__main__":
    main()
