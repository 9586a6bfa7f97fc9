"""The base of the tests that drive a tool as its user does: with a home folder and an ssh configuration of its own."""

import subprocess

from .case import BastionCase
from .process import PATIENCE
from .workspace import clean_environment


class ToolCase(BastionCase):
    """One target with room for all channels on one trunk, reached as the host `box`; each test must leave one trunk.

    The clients find `home/ssh_config`: they are given it by -F, since ssh looks for its own configuration in the user's
    real home folder.
    """

    sshd_options = {"MaxSessions": "200"}
    target_options = 'channels_per_trunk = 200\nlocal_forwarding = ["*"]'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = cls.workspace / "home"
        cls.home.mkdir()
        server = cls.client()
        lines = [f"    {option[2:].replace('=', ' ', 1)}\n" for option in server.options() if option.startswith("-o")]
        cls.ssh_config = cls.workspace.write("home/ssh_config", "Host box box-*\n    HostName 127.0.0.1\n" + "".join(lines))
        cls.ssh = f"ssh -F {cls.ssh_config}"

    def tearDown(self):
        if self.bastion is not None:
            self.check_sharing()
        super().tearDown()

    def check_sharing(self):
        """Whatever the tools of this class have opened went over one login at the target."""
        trunks = self.bastion.rows("trunks")
        self.assertEqual([(row["user"], row["target"]) for row in trunks], [("alice", "main")])
        self.assertEqual(self.sshd.logins(), 1)

    def environment(self, **more):
        return clean_environment(HOME=str(self.home), **more)

    def run_tool(self, *argv, input=b"", timeout=PATIENCE, status=0, cwd=None, **environment):
        """Runs a program to its end, which must come with `status` (None: any); returns the finished process."""
        done = subprocess.run([str(word) for word in argv], input=input, capture_output=True, timeout=timeout, check=False,
                              env=self.environment(**environment), cwd=cwd or self.home, start_new_session=True)
        if status is not None and done.returncode != status:
            raise AssertionError(f"{argv} exited with {done.returncode}:\n{done.stdout.decode(errors='replace')}\n"
                                 f"{done.stderr.decode(errors='replace')}")
        return done

    def start_tool(self, *argv, **more):
        """Starts a program with pipes; it ends with the test."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0, **more}
        return self.spawn(subprocess.Popen([str(word) for word in argv], env=self.environment(), cwd=self.home,
                                           start_new_session=True, **pipes))
