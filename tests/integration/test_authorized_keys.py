"""authorized_keys as sshd reads it: options, homes, ownership, and a program that knows the keys."""

import os
import pwd
import secrets
import subprocess
import unittest

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route
from harness.process import PATIENCE, children
from harness.workspace import login_name


class KeysBase(BastionCase):
    auth = 'authorized_keys = ["authorized_keys/{user}"]\n'

    @classmethod
    def configuration(cls):
        return bastion_config(local_target("shell") + route("everybody", "shell"), auth=cls.auth)

    def authorize(self, *lines, user="alice"):
        self.workspace.write(f"authorized_keys/{user}", "".join(line + "\n" for line in lines))

    def line(self, options="", key="alice"):
        return f"{options} {self.workspace.public_key(key)} {key}".strip()

    def refused(self, client=None):
        """The log's reason why a client is not let in."""
        client = client or self.client()
        mark = self.bastion.mark()
        result = client.run("true")
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"Permission denied", result.stderr)
        return self.bastion.wait_for(rf'key not accepted user="{client.user}".*reason="(.*)"', since=mark).group(1).replace("\\", "")


@needs_bastion
class OptionsTest(KeysBase):
    def test_from(self):
        for option, allowed in (('from="127.0.0.0/8"', True), ('from="127.0.0.?"', True), ('from="192.0.2.0/24"', False),
                                ('from="!127.0.0.1,*"', False), ('from="*.example.org"', False)):
            with self.subTest(option=option):
                self.authorize(self.line(option))
                if allowed:
                    self.assertEqual(self.client().output("echo in"), b"in\n")
                else:
                    self.assertIn("client's address", self.refused())

    def test_files_left_behind_are_no_users(self):
        for user in ("alice.bak", "alice.dpkg-old", "alice.disabled.1"):
            with self.subTest(user=user):
                self.authorize(self.line(), user=user)
                self.assertIn("left behind", self.refused(self.client(user, key="alice")))
        self.authorize("To let somebody in, put a file with a key here.", user="README")
        self.assertIn("not one of the user", self.refused(self.client("README", key="alice")))

    def test_a_command_takes_the_place_of_what_was_asked_for(self):
        self.authorize(self.line('command="echo \\"forced: $SSH_ORIGINAL_COMMAND\\""'))
        self.assertEqual(self.client().output("echo 'a b'"), b"forced: echo 'a b'\n")
        self.assertEqual(self.client().output(flags=["-T"]), b"forced: \n")

    def test_restrict_and_its_exceptions(self):
        tty = ["-tt"]
        self.authorize(self.line("restrict"))
        self.assertIn(b"PTY allocation request failed", self.client().run("true", flags=tty).stderr)
        self.authorize(self.line("restrict,pty"))
        self.assertIn(b"/dev/pts/", self.client().output("tty", flags=tty))
        self.authorize(self.line("no-pty"))
        self.assertIn(b"PTY allocation request failed", self.client().run("true", flags=tty).stderr)

    def test_expiry_time(self):
        self.authorize(self.line('expiry-time="20200101Z"'))
        self.assertIn("has expired", self.refused())
        self.authorize(self.line('expiry-time="20990101Z"'))
        self.assertEqual(self.client().output("echo in"), b"in\n")

    def test_an_unknown_option_keeps_out_and_is_logged_with_its_line(self):
        self.authorize("# first", self.line("no-such-option"))
        mark = self.bastion.mark()
        self.assertIn("is unknown", self.refused())
        self.bastion.wait_for(r"key file .*authorized_keys/alice:2: option", since=mark)

    def test_a_later_line_counts_when_an_earlier_one_keeps_out(self):
        self.authorize(self.line('from="192.0.2.1"'), "garbage", self.line("no-pty"))
        self.assertEqual(self.client().output("echo in"), b"in\n")

    def test_other_options_of_sshd_are_understood(self):
        self.authorize(self.line('no-user-rc,no-X11-forwarding,no-agent-forwarding,tunnel="0",environment="A=b",'
                                 'permitopen="db:5432",permitlisten="8080",no-touch-required,verify-required'))
        self.assertEqual(self.client().output("echo in $A"), b"in\n")

    def test_short_rsa_keys_are_refused(self):
        self.workspace.key("short", "rsa", 1024)
        self.authorize(self.line(key="short"))
        self.assertIn("1024 bits, 2048 are required", self.refused(self.client(key="short", RequiredRSASize="1024")))


@needs_bastion
class EnvironmentTest(KeysBase):
    auth = KeysBase.auth + 'permit_user_environment = ["LC_*", "LANG"]\n'

    def test_variables_that_are_permitted_are_set(self):
        self.authorize(self.line('environment="LC_ONE=a b",environment="LC_ONE=c",environment="LD_TWO=x",environment="LANG="'))
        self.assertEqual(self.client().output('echo "$LC_ONE-$LD_TWO-${LANG-unset}-"'), b"a b---\n")


@needs_bastion
class StrictModesTest(KeysBase):
    def setUp(self):
        self.authorize(self.line())

    def unavailable(self):
        mark = self.bastion.mark()
        self.assertEqual(self.client().run("true").returncode, 255)
        return self.bastion.wait_for(r'keys unavailable .*reason="(.*)"', since=mark).group(1)

    def test_what_others_may_write_is_not_believed(self):
        file, folder = self.workspace / "authorized_keys/alice", self.workspace / "authorized_keys"
        file.chmod(0o620)
        self.assertIn("its group or others may write it", self.unavailable())
        file.chmod(0o600)
        folder.chmod(0o777)
        self.assertIn("is not safe", self.unavailable())
        folder.chmod(0o755)
        self.assertEqual(self.client().output("echo in"), b"in\n")

    @unittest.skipUnless(os.getuid() == 0, "only root gives files away")
    def test_a_file_of_somebody_elses_is_not_believed(self):
        file = self.workspace / "authorized_keys/alice"
        os.chown(file, 12345, 12345)
        self.addCleanup(file.unlink)
        self.assertIn("its owner is neither", self.unavailable())


@needs_bastion
class HomeTest(KeysBase):
    auth = 'authorized_keys = ["authorized_keys/{user}", "{home}/.ssh/sallyport-test-none", "{home}/../{user}/none"]\n'

    def test_a_file_in_a_home_that_is_not_there_and_a_user_without_account(self):
        self.authorize(self.line())
        self.assertEqual(self.client().output("echo in"), b"in\n")
        self.authorize(self.line(), user=login_name())
        self.assertEqual(self.client(login_name(), key="alice").output("echo in"), b"in\n")
        self.assertIn("not one of the user's", self.refused(self.client(key="bob")))


@needs_bastion
@unittest.skipUnless(os.getuid() == 0, "needs an account of its own")
class AccountHomeTest(KeysBase):
    """An account that the test makes, with a home that only it can read."""

    auth = 'authorized_keys = ["{home}/.ssh/authorized_keys"]\n'
    account = f"sp-keys-{os.getpid()}"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.workspace.path.chmod(0o711)
        cls.home = cls.workspace / "home"
        made = subprocess.run(["useradd", "-M", "-d", cls.home, "-s", "/bin/sh", cls.account], capture_output=True, check=False)
        if made.returncode != 0:
            cls.tearDownClass()
            raise unittest.SkipTest("no account can be made")
        cls.addClassCleanup(subprocess.run, ["userdel", cls.account], capture_output=True, check=False)
        entry = pwd.getpwnam(cls.account)
        (cls.home / ".ssh").mkdir(parents=True)
        keys = cls.workspace.write("home/.ssh/authorized_keys", cls.workspace.public_key("alice") + "\n")
        for path in (cls.home, cls.home / ".ssh", keys):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        cls.home.chmod(0o700)
        cls.keys = keys

    def test_the_users_own_file_is_read(self):
        self.assertEqual(self.client(self.account, key="alice").output("echo in"), b"in\n")
        self.assertIn("not one of the user's", self.refused())

    def test_a_link_out_of_the_home_reaches_only_what_the_user_can_read(self):
        self.workspace.write("roots-own", self.workspace.public_key("bob") + "\n")
        link = self.home / ".ssh/authorized_keys.saved"
        self.keys.rename(link)
        self.keys.symlink_to(self.workspace / "roots-own")
        mark = self.bastion.mark()
        try:
            self.assertEqual(self.client(self.account, key="bob").run("true").returncode, 255)
            self.bastion.wait_for(r'keys unavailable .*reason=".*Permission denied', since=mark)
        finally:
            self.keys.unlink()
            link.rename(self.keys)


@needs_bastion
class CommandTest(KeysBase):
    """authorized_keys_command with real programs."""

    runner = "nobody" if os.getuid() == 0 else login_name()
    nap = f"sleep 600.{secrets.randbelow(10 ** 9):09d}"  # by which those of this test are known
    auth = f'''authorized_keys = ["authorized_keys/none"]
authorized_keys_command_user = "{runner}"
authorized_keys_command_timeout = "5m"
max_authorized_keys_size = "4KiB"
authorized_keys_command = ["/bin/sh", "-c", """
case $1 in
  alice) echo "# of $1 $4"; echo "command=\\\\"echo $(id -un) $(env | cut -d= -f1 | sort | tr '\\\\n' ' ')$PWD\\\\" $2 $3" ;;
  failing) echo "$2 $3"; echo "no database" >&2; exit 3 ;;
  slow) echo "$2 $3"; {nap} & {nap} ;;
  endless) exec yes ;;
  background) echo "$2 $3"; {nap} & ;;
  killed) echo "$2 $3"; kill -9 $$ ;;
esac
""", "keys", "{{user}}", "{{key_type}}", "{{key}}", "{{fingerprint}}"]
'''

    def unavailable(self, user):
        mark = self.bastion.mark()
        self.assertEqual(self.client(user, key="alice").run("true").returncode, 255)
        return self.bastion.wait_for(r'keys unavailable .*reason="(.*)"', since=mark).group(1)

    def test_it_runs_as_the_given_user_in_an_environment_from_scratch(self):
        words = self.client().output().split()
        home = pwd.getpwnam(self.runner).pw_dir
        self.assertEqual(words[0].decode(), self.runner)
        self.assertEqual(set(words[1:-1]), {b"HOME", b"LOGNAME", b"PATH", b"PWD", b"SHELL", b"USER"} | ({b"OLDPWD"} & set(words)) | ({b"_"} & set(words)))
        self.assertIn(words[-1].decode(), (home, "/"))

    def test_who_it_does_not_know_is_refused(self):
        self.assertIn("not one of the user's", self.refused(self.client("carol", key="alice")))

    def test_its_failure_is_nobodys_login(self):
        self.assertRegex(self.unavailable("failing"), "ended with status 3: .*no database$")
        self.assertIn("ended by a signal", self.unavailable("killed"))

    def test_it_is_ended_when_it_says_too_much(self):
        self.assertIn("wrote too much", self.unavailable("endless"))

    def test_nothing_of_it_is_left_behind(self):
        self.assertEqual(self.client("background", key="alice").output("echo in"), b"in\n")
        # The class's end demands that the daemon has no children; none of this group may be left either.
        self.wait_until(lambda: not self.napping(), what="the end of its group")

    def napping(self):
        found = subprocess.run(["pgrep", "-f", f"^{self.nap}$"], capture_output=True, text=True, check=False).stdout.split()
        return [pid for pid in found if _is_ours(pid, self.bastion.pid)]


@needs_bastion
class SlowCommandTest(CommandTest):
    """The same program with less time than it wants."""

    auth = CommandTest.auth.replace('"5m"', '"2s"')
    test_it_runs_as_the_given_user_in_an_environment_from_scratch = test_who_it_does_not_know_is_refused = None
    test_its_failure_is_nobodys_login = test_it_is_ended_when_it_says_too_much = test_nothing_of_it_is_left_behind = None

    def test_it_is_ended_when_it_takes_too_long(self):
        self.assertIn("took too long", self.unavailable("slow"))
        self.wait_until(lambda: not self.napping(), what="the end of its group")

    def test_other_logins_go_on_meanwhile(self):
        self.authorize(self.line(), user="none")
        slow = self.spawn(self.client("slow", key="bob").popen("true"))
        self.assertEqual(self.client("carol", key="alice").output("echo in"), b"in\n")
        self.assertEqual(slow.wait(PATIENCE), 255)
        (self.workspace / "authorized_keys/none").unlink()


@needs_bastion
class GivenUpCommandTest(KeysBase):
    """A program that takes for ever: nobody waits so long for it."""

    auth = f'''authorized_keys_command = ["/bin/sh", "-c", "exec sleep 600"]
authorized_keys_command_user = "{CommandTest.runner}"
authorized_keys_command_timeout = "5m"
'''

    @classmethod
    def configuration(cls):
        return super().configuration() + '[limits]\nlogin_grace_time = "6s"\n'  # which the way to the program must not use up

    def test_it_ends_with_the_grace_time_and_does_not_hold_up_the_daemons_end(self):
        client = self.client("carol", key="bob")
        process = self.spawn(client.popen("true"))
        self.wait_until(lambda: children(self.bastion.pid), what="the program")
        self.wait_until(lambda: not children(self.bastion.pid), what="the program's end")
        self.assertEqual(process.wait(PATIENCE), 255)
        self.spawn(client.popen("true"))
        self.wait_until(lambda: children(self.bastion.pid), what="the next program")
        # The class's end wants the daemon's within seconds, and no child of it.


def _is_ours(pid, daemon):
    """Whether a process is below the daemon, or was and has lost its parent (its session is not ours then)."""
    try:
        fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    except OSError:
        return False
    return int(fields[1]) in (1, daemon) and fields[0] != "Z"


if __name__ == "__main__":
    main()
