"""What a client is told when its target can't be had: distinct, short, with a non-zero status, in time."""

import re
import time

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.ports import ClosedPort, SilentListener
from harness.process import PATIENCE
from harness.workspace import login_name


@needs_bastion
class ErrorsTest(BastionCase):
    @classmethod
    def configuration(cls):
        cls.silent = SilentListener()
        cls.addClassCleanup(cls.silent.close)
        cls.mute = SilentListener(b"SSH-2.0-mute\r\n")
        cls.addClassCleanup(cls.mute.close)
        refused = ClosedPort()
        cls.addClassCleanup(refused.close)
        cls.workspace.key("stranger")
        cls.workspace.key("other_host")
        pattern = f"[127.0.0.1]:{cls.sshd.port} "
        cls.workspace.write("known_hosts_changed", pattern + cls.workspace.public_key("other_host") + "\n")
        cls.workspace.write("known_hosts_revoked", f"@revoked * {cls.workspace.public_key('target_host')}\n"
                            + pattern + cls.workspace.public_key("target_host") + "\n")
        cls.workspace.write("known_hosts_empty", "# nobody\n")

        def variant(name, known_hosts="upstream_known_hosts", key="upstream"):
            return (f'\n[target.{name}]\naddress = "127.0.0.1:{cls.sshd.port}"\nuser = "{login_name()}"\n'
                    f'credentials = ["key:keys/{key}"]\nknown_hosts = "{known_hosts}"\n')
        body = (
            ssh_target("main", cls.sshd)
            + ssh_target("refused", address=f"127.0.0.1:{refused.port}")
            + ssh_target("nameless", address="no-such-host.invalid:22")
            + ssh_target("silent", address=f"127.0.0.1:{cls.silent.port}", more='connect_timeout = "2s"')
            + ssh_target("mute", address=f"127.0.0.1:{cls.mute.port}", more='connect_timeout = "2s"')
            + variant("changed", "known_hosts_changed") + variant("revoked", "known_hosts_revoked")
            + variant("unknown", "known_hosts_empty") + variant("denied", key="stranger")
            + variant("unlisted", "known_hosts_missing") + variant("keyless", key="missing")
            + route("wanted", "{target}", targets=["*"]))
        return bastion_config(body)

    def refusal(self, target):
        """The message for alice+target: shown on standard error, with a non-zero status."""
        result = self.client(f"alice+{target}").run("true")
        self.assertNotEqual(result.returncode, 0)
        text = result.stderr.decode()
        self.assertNotIn(str(self.workspace.path), text, "a path of the bastion is shown")
        self.assertNotIn("bob", text)
        return text

    def test_no_route(self):
        result = self.client().run("true")  # the only route wants a target
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr.decode(), r"(?i)no route")

    def test_refused(self):
        self.assertRegex(self.refusal("refused"), r"(?i)can't be reached: connection refused")

    def test_name_not_found(self):
        self.assertRegex(self.refusal("nameless"), r"(?i)can't be reached: .*(name|not known|not found|unknown node)")

    def test_a_target_that_never_answers(self):
        for target in ("silent", "mute"):
            with self.subTest(target=target):
                begun = time.monotonic()
                self.assertRegex(self.refusal(target), r"(?i)can't be reached: .*tim(e|ed).?-?out")
                self.assertLess(time.monotonic() - begun, 60)  # a slow machine's login and connect_timeout, not the client's patience

    def test_files_of_the_bastions_own_are_not_the_clients_fault(self):
        self.addCleanup((self.workspace / "known_hosts_missing").unlink, missing_ok=True)
        for _ in range(3):
            for target in ("unlisted", "keyless"):
                text = self.refusal(target)
                self.assertIn("the bastion's configuration for it is at fault", text)
                self.assertNotIn("next attempt", text)
        self.workspace.write("known_hosts_missing", self.sshd.known_hosts_line())
        self.assertEqual(self.client("alice+unlisted").output("echo in"), b"in\n")

    def test_a_reload_ends_the_pause_after_a_refused_login(self):
        self.wait_until(lambda: "next attempt" in self.refusal("denied"), what="a pause")
        self.bastion.reload()
        self.assertNotIn("next attempt", self.refusal("denied"))

    def test_login_refused(self):
        self.assertRegex(self.refusal("denied"), r"(?i)refused the login")

    def test_a_changed_host_key_is_named_by_its_fingerprint(self):
        text = self.refusal("changed")
        self.assertRegex(text, r"(?i)host key mismatch")
        self.assertIn(self.workspace.fingerprint("target_host"), text)

    def test_an_unknown_host_key(self):
        text = self.refusal("unknown")
        self.assertRegex(text, r"(?i)host key is unknown")
        self.assertIn(self.workspace.fingerprint("target_host"), text)

    def test_a_revoked_host_key(self):
        self.assertRegex(self.refusal("revoked"), r"(?i)host key is revoked")

    def test_all_waiting_clients_fail_together(self):
        processes = [self.spawn(self.client("alice+silent").popen("true")) for _ in range(5)]
        for process in processes:
            _, errors = process.communicate(timeout=PATIENCE)
            self.assertNotEqual(process.returncode, 0)
            self.assertTrue(re.search(rb"(?i)can't be reached", errors), errors)

    def test_one_failure_leaves_other_targets_alone(self):
        self.refusal("refused")
        self.assertEqual(self.client("alice+main").output("echo fine"), b"fine\n")


if __name__ == "__main__":
    main()
