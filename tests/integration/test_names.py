"""User names that aren't plain ASCII words: with a domain, as directory services have them, and of other scripts."""

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route, ssh_target

NAMES = {"CORP\\alice": "CORP%5Calice", "j\u00fcrgen": "j\u00fcrgen", "\u738b\u82b3": "\u738b\u82b3"}


@needs_bastion
class NamesTest(BastionCase):
    @classmethod
    def configuration(cls):
        for file in NAMES.values():
            cls.workspace.write(f"authorized_keys/{file}", cls.workspace.public_key("alice") + "\n")
        far = ssh_target("far", cls.sshd).replace('user = "', 'user = "{user}"\n# "', 1)
        rule = route("a domain's", "shell", users=["CORP\\\\*"], targets=["own"])
        return bastion_config(local_target("shell") + far + rule + route("far", "far", targets=["far"]) + route("everybody", "shell"))

    def as_user(self, name):
        return self.client(name, key="alice")

    def test_they_log_in_with_a_key(self):
        for name in NAMES:
            with self.subTest(name=name):
                self.assertEqual(self.as_user(name).output("echo in"), b"in\n")

    def test_they_are_the_login_name_at_a_target(self):
        for name, logged in (("CORP\\alice", r"CORP\\+alice"), ("j\u00fcrgen", r"j.*rgen")):
            with self.subTest(name=name):
                mark = self.sshd.mark()
                self.as_user(f"{name}+far").run("true")
                self.sshd.wait_for(f"Invalid user {logged} from", since=mark)

    def test_rules_know_them(self):
        self.assertEqual(self.as_user("CORP\\alice+own").output("echo in"), b"in\n")
        self.assertIn(b"no route", self.as_user("j\u00fcrgen+own").run("true").stderr)

    def test_names_that_could_lead_elsewhere_let_nobody_in(self):
        for name in ("..\\alice", "CORP\\", "\\alice", "A\\B\\alice", "CORP%5Calice", "j\u00fcr\u202egen", "a\u2215b", "alice\u200b"):
            with self.subTest(name=name):
                refused = self.as_user(name).run("true")
                self.assertEqual(refused.returncode, 255)  # some the client itself doesn't take
                self.assertRegex(refused.stderr, b"Permission denied|invalid characters")


if __name__ == "__main__":
    main()
