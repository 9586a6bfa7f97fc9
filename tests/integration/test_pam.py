"""Passwords, accounts and sessions by PAM: a service file of the test's own, and accounts that go with it. For root."""

import os
import secrets
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

from harness import raw
from harness.case import BastionCase, main, needs_bastion, needs_program
from harness.config import bastion_config, local_target, route
from harness.factors import answer, typist, with_sshpass
from harness.process import PATIENCE, children, process_stat
from harness.sallyport import run_daemon
from harness.workspace import clean_environment, find_program

needs_root = unittest.skipUnless(os.getuid() == 0 and find_program("useradd") and Path("/etc/pam.d").is_dir(),
                                 "needs root, useradd and /etc/pam.d")


def run(*argv, text=""):
    subprocess.run(argv, input=text, text=True, check=True, capture_output=True, env=clean_environment())


class PamCase(BastionCase):
    """A bastion with a PAM service, for accounts that account() makes. Sessions leave lines in the file `sessions`."""

    methods = '"publickey", "password", "keyboard-interactive"'
    auth_lines = "auth required pam_unix.so\n"
    account_lines = "account required pam_unix.so\n"
    shipped = ""  # the whole file, in place of these lines
    limits = ""
    failures = 0  # max_password_failures_per_user

    @classmethod
    def configuration(cls):
        cls.service = f"sallyport-test-{secrets.token_hex(4)}"
        hook = cls.workspace.write("hook", f'#!/bin/sh\necho "$PAM_TYPE $PAM_USER $PAM_RHOST $PAM_SERVICE" >> {cls.workspace.path}/sessions\n', 0o755)
        file = Path("/etc/pam.d") / cls.service
        cls.addClassCleanup(file.unlink)
        file.write_text(cls.shipped or f"{cls.auth_lines}{cls.account_lines}password required pam_unix.so\nsession required pam_exec.so quiet {hook}\n")
        auth = f'''authorized_keys = ["authorized_keys/{{user}}"]
methods = [{cls.methods}]
pam_service = "{cls.service}"
failure_delay = "100ms"
max_password_failures_per_user = {cls.failures}
'''
        return bastion_config(local_target("shell") + route("everybody", "shell"), auth=auth, limits=cls.limits)

    def account(self, password="Apple-7-tree", **changes):
        """An account of the machine for this test alone, with alice's key at the bastion; `changes` are flags of chage."""
        name = f"sp-{secrets.token_hex(4)}"
        run("useradd", "--no-create-home", "--shell", "/bin/sh", name)
        self.addCleanup(run, "userdel", name)
        run("chpasswd", text=f"{name}:{password}\n")
        for flag, value in changes.items():
            run("chage", f"--{flag}", value, name)
        self.workspace.write(f"authorized_keys/{name}", self.workspace.public_key("alice") + "\n")
        return name

    def someone(self, name, method="password", **options):
        return typist(self.client(name, key="alice"), method, **options)

    def sessions(self):
        file = self.workspace / "sessions"
        return file.read_text().splitlines() if file.exists() else []

    def helpers(self):
        """Those of the daemon's children that are PAM helpers and live."""
        found = []
        for pid in children(self.bastion.pid):
            try:
                if "sallyport-pam" in Path(f"/proc/{pid}/cmdline").read_text():
                    found.append(pid)
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has gone since
        return found

    def only_helper(self):
        """The helper of the one login that there is; those of the logins before it may be on their way out."""
        self.wait_until(lambda: len(self.helpers()) == 1, what="the end of the other helpers")
        return self.helpers()[0]

    def assert_in(self, result):
        self.assertEqual((result.returncode, result.stdout), (0, b"in\n"), result.stderr)


@needs_bastion
@needs_root
@needs_program("sshpass")
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class LockedTest(PamCase):
    failures = 2

    def test_the_right_answer_behind_the_lock_is_refused(self):
        """The prompt is open while others guess; what PAM says then is of no use any more, and is put away."""
        name = self.account()

        def when_asked(title, instructions, prompts):
            for _ in range(self.failures):
                with_sshpass(self.someone(name), "wrong", "true")
            return ["Apple-7-tree" for _ in prompts]
        with raw.start_transport(self.bastion.port) as transport:
            mark = self.bastion.mark()
            with self.assertRaises(raw.paramiko.AuthenticationException):
                transport.auth_interactive(name, when_asked)
        self.bastion.wait_for(f'authentication refused user="{name}" .*method=keyboard-interactive reason="too many wrong passwords', since=mark)
        self.wait_until(lambda: not self.helpers(), what="the end of the helpers")
        self.assert_in(self.client(name, key="alice").run("echo in"))


@needs_bastion
@needs_root
@needs_program("sshpass")
class UnixAccountTest(PamCase):
    def test_a_password(self):
        name = self.account()
        for method in ("password", "keyboard-interactive"):
            with self.subTest(method=method):
                mark = self.bastion.mark()
                self.assert_in(with_sshpass(self.someone(name, method), "Apple-7-tree", "echo in"))
                self.bastion.wait_for(rf"authenticated user={name} method={method} ", since=mark)
                self.assertNotIn("Apple-7-tree", self.bastion.log())

    def test_wrong_passwords_and_unknown_users(self):
        name = self.account()
        for user, reason in ((name, "pam_authenticate: Authentication failure"), ("sp-nobody", "pam_authenticate: ")):
            for method in ("password", "keyboard-interactive"):
                with self.subTest(user=user, method=method):
                    mark = self.bastion.mark()
                    result = with_sshpass(self.someone(user, method), "wrong", "true")
                    self.assertEqual(result.returncode, 255)
                    self.assertIn(b"Permission denied", result.stderr)
                    self.bastion.wait_for(rf'authentication refused user="{user}" source=127[.]0[.]0[.]1 port=\d+ method={method} reason="{reason}', since=mark)
        self.wait_until(lambda: not self.helpers(), what="the end of the helpers")

    def test_putty(self):
        if not find_program("plink"):
            self.skipTest("plink is not installed")
        listed = subprocess.run(["ssh-keygen", "-lf", str(self.workspace / "keys/bastion_host.pub")], capture_output=True, text=True, check=True)
        ran = subprocess.run(["plink", "-batch", "-P", str(self.bastion.port), "-hostkey", listed.stdout.split()[1], "-l", self.account(),
                              "-pw", "Apple-7-tree", "127.0.0.1", "echo in"], capture_output=True, timeout=PATIENCE, check=False,
                             env=clean_environment(HOME=str(self.workspace.path)), stdin=subprocess.DEVNULL)
        self.assert_in(ran)

    @needs_program("expect")
    def test_an_expired_password_is_changed_by_questions(self):
        name = self.account(lastday="0")
        said = answer(self.someone(name, "keyboard-interactive").argv("echo in"),
                      [("Password: $", "Apple-7-tree"), ("Current password: $", "Apple-7-tree"), ("New password: $", "Pear-8-bush"),
                       ("new password: $", "Pear-8-bush")])
        self.assertEqual(said.status, 0, said.text)
        self.assertIn("in", said.text.splitlines())
        self.assert_in(with_sshpass(self.someone(name), "Pear-8-bush", "echo in"))
        self.assertNotIn("Pear", self.bastion.log())

    @needs_program("expect")
    def test_an_expired_password_is_changed_by_the_method_password(self):
        name = self.account(lastday="0")
        said = answer(self.someone(name).argv("echo in"),
                      [("password: $", "Apple-7-tree"), ("old password: $", "Apple-7-tree"), ("new password: $", "Pear-8-bush"),
                       ("new password: $", "Pear-8-bush")])
        self.assertEqual(said.status, 0, said.text)
        self.assertIn("in", said.text.splitlines())
        self.assert_in(with_sshpass(self.someone(name), "Pear-8-bush", "echo in"))

    @needs_program("expect")
    def test_an_expired_password_and_a_wrong_old_one(self):
        name = self.account(lastday="0")
        said = answer(self.someone(name, "keyboard-interactive").argv("echo in"),
                      [("Password: $", "Apple-7-tree"), ("Current password: $", "wrong")])
        self.assertEqual(said.status, 255, said.text)
        self.assertNotIn("in", said.text.splitlines())

    def test_an_expired_password_shuts_keys_out_too(self):
        name = self.account(lastday="0")
        mark = self.bastion.mark()
        result = self.client(name, key="alice").run("echo in")
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"may not log in now", result.stderr)
        self.bastion.wait_for("the password has expired", since=mark)

    def test_an_expired_account(self):
        name = self.account(expiredate="1")
        for attempt in (lambda: self.client(name, key="alice").run("echo in"),
                        lambda: with_sshpass(self.someone(name), "Apple-7-tree", "echo in"),
                        lambda: with_sshpass(self.someone(name, "keyboard-interactive"), "Apple-7-tree", "echo in")):
            mark = self.bastion.mark()
            result = attempt()
            self.assertEqual(result.returncode, 255, result.stdout)
            self.assertIn(b"Your account has expired", result.stderr)  # PAM's own words
            self.bastion.wait_for('authentication refused .*pam_acct_mgmt: User account has expired', since=mark)

    def test_a_key_without_an_account(self):
        self.assertIn(b"may not log in now", self.client("alice").run("true").stderr)

    def test_a_session_lasts_as_long_as_the_connection(self):
        for how in ("key", "password"):
            with self.subTest(by=how):
                name = self.account()
                line = f"{name} 127.0.0.1 {self.service}"
                if how == "key":
                    process, echo = self.echo_session(self.client(name, key="alice"))
                    self.assertEqual([text for text in self.sessions() if name in text], [f"open_session {line}"])
                    self.only_helper()
                    echo(b"still there")
                    process.kill()
                else:
                    self.assert_in(with_sshpass(self.someone(name), "Apple-7-tree", "echo in"))
                self.wait_until(lambda name=name: [text for text in self.sessions() if name in text]
                                == [f"open_session {line}", f"close_session {line}"], what="the end of the session")
                self.wait_until(lambda: not self.helpers(), what="the end of the helper")

    def test_the_daemons_end_closes_sessions(self):
        name = self.account()
        self.echo_session(self.client(name, key="alice"))
        self.assertEqual(self.bastion.stop(), [])
        self.bastion.start()
        self.assertEqual([text.split()[0] for text in self.sessions() if name in text], ["open_session", "close_session"])

    def test_the_daemons_sudden_death_closes_sessions_too(self):
        name = self.account()
        self.echo_session(self.client(name, key="alice"))
        helper = self.only_helper()
        os.kill(self.bastion.pid, signal.SIGKILL)
        self.wait_until(lambda: [text.split()[0] for text in self.sessions() if name in text] == ["open_session", "close_session"],
                        what="the end of the session")
        self.wait_until(lambda: (process_stat(helper) or "Z")[0] == "Z", what="the end of the helper")
        self.bastion.abandon()
        self.bastion.start()

    def test_a_helper_that_is_killed_meanwhile(self):
        name = self.account()
        process, echo = self.echo_session(self.client(name, key="alice"))
        os.kill(self.only_helper(), signal.SIGKILL)
        self.bastion.wait_for("PAM helper ended signal=KILL")
        echo(b"still there")
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)


@needs_bastion
@needs_root
@needs_program("sshpass")
class ChainTest(PamCase):
    methods = '"publickey+keyboard-interactive"'

    def test_a_key_and_then_pam(self):
        name = self.account()
        mark = self.bastion.mark()
        self.assert_in(with_sshpass(self.someone(name, "publickey,keyboard-interactive", PubkeyAuthentication="yes"), "Apple-7-tree", "echo in"))
        self.bastion.wait_for(rf"authenticated user={name} method=publickey[+]keyboard-interactive ", since=mark)
        self.bastion.wait_for_audit("auth", login=name, success=True, mfa=True)


@needs_bastion
@needs_root
@needs_program("sshpass")
@unittest.skipUnless(Path("/etc/pam.d/common-auth").exists(), "not a Debian")
class ShippedServiceTest(PamCase):
    """packaging/pam.d/sallyport as it is."""

    shipped = (Path(__file__).parents[2] / "packaging/pam.d/sallyport").read_text()

    def test_it_lets_in_by_password_and_by_key(self):
        name = self.account()
        for method in ("password", "keyboard-interactive"):
            self.assert_in(with_sshpass(self.someone(name, method), "Apple-7-tree", "echo in"))
        self.assertEqual(self.client(name, key="alice").output("echo in"), b"in\n")
        self.assertEqual(with_sshpass(self.someone(name), "wrong", "true").returncode, 255)


@needs_bastion
@needs_root
@needs_program("expect")
class TextsTest(PamCase):
    """What PAM tells goes with the next question, or on a round of its own."""

    @classmethod
    def configuration(cls):
        before = cls.workspace.write("before", "Mind the gap.\n")
        after = cls.workspace.write("after", "Mind the stairs.\n")
        cls.auth_lines = f"auth optional pam_echo.so file={before}\nauth required pam_unix.so\nauth optional pam_echo.so file={after}\n"
        return super().configuration()

    def test_texts_are_shown(self):
        name = self.account()
        said = answer(self.someone(name, "keyboard-interactive").argv("echo in"), [("Mind the gap.*Password: $", "Apple-7-tree")])
        self.assertEqual(said.status, 0, said.text)
        self.assertLess(said.text.index("Mind the stairs."), said.text.index("\nin"))
        said = answer(self.someone(name).argv("echo in"), [("password: $", "Apple-7-tree")])
        self.assertEqual(said.status, 0, said.text)
        self.assertIn("Mind the stairs.", said.text)


@needs_bastion
@needs_root
@needs_program("sshpass")
class StuckTest(PamCase):
    """A module that never answers."""

    limits = 'login_grace_time = "10s"\n'  # by which the others have to be in, on a slow machine too
    methods = '"password", "publickey"'

    @classmethod
    def configuration(cls):
        stuck = cls.workspace.write("stuck", '#!/bin/sh\ncase "$PAM_USER" in *stuck*) exec sleep 1000 ;; esac\n', 0o755)
        cls.auth_lines = f"auth required pam_exec.so quiet {stuck}\nauth required pam_unix.so\n"
        cls.account_lines = "account required pam_permit.so\n"
        return super().configuration()

    def test_the_others_are_not_held_up_and_the_helper_goes(self):
        name = self.account()
        waiting = self.spawn(subprocess.Popen(["sshpass", "-p", "x", *self.someone("stuck").argv("true")], stdin=subprocess.DEVNULL,
                                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), start_new_session=True))
        self.wait_until(self.helpers, what="the helper")
        self.assert_in(with_sshpass(self.someone(name), "Apple-7-tree", "echo in"))
        self.assertNotEqual(waiting.wait(PATIENCE), 0)
        self.wait_until(lambda: not self.helpers(), what="the end of the helper")
        self.bastion.wait_for("no login within the grace time")


@needs_bastion
class HelperTest(BastionCase):
    def test_a_service_that_pam_does_not_know_is_refused(self):
        auth = 'methods = ["password"]\npam_service = "sallyport-no-such-service"\n'
        self.workspace.write("other.toml", bastion_config(local_target("shell") + route("all", "shell"), name="other", auth=auth))
        started = run_daemon("-f", self.workspace / "other.toml")
        self.assertEqual(started.status, 3)
        self.assertIn("/etc/pam.d/sallyport-no-such-service", started.stderr)

    def test_it_is_not_for_people(self):
        helper = shutil.which("sallyport-pam", path=str(Path(os.environ["SALLYPORT_DAEMON"]).parent))
        ran = subprocess.run([helper], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
                             env=clean_environment())
        self.assertEqual(ran.returncode, 2)
        self.assertIn("sallyportd", ran.stderr)


if __name__ == "__main__":
    main()
