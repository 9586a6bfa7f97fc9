"""A client's own ControlMaster through the bastion: many fast commands in one connection, each with its own status."""

import concurrent.futures
import subprocess

from harness.case import BastionCase, main, needs_bastion
from harness.process import PATIENCE, eventually
from harness.workspace import clean_environment


class ControlMasterTest(BastionCase):
    sshd_options = {"MaxSessions": "20"}
    target_options = "channels_per_trunk = 20"

    def setUp(self):
        self.master_socket = self.workspace / "cm"
        self.master = self.spawn(self.client(ControlMaster="yes", ControlPath=self.master_socket).popen(flags=["-N"]))
        eventually(self.master_socket.exists, what="the client's control socket")
        self.addCleanup(lambda: self.master_socket.unlink(missing_ok=True))
        self.passenger = ["ssh", "-F", "none", "-S", str(self.master_socket), "-oControlMaster=no", "-n", "x"]

    def status(self, number):
        """What a passenger gets for `exit number`, and its output."""
        done = subprocess.run([*self.passenger, f"echo {number}; exit {number % 256}"], capture_output=True, timeout=PATIENCE,
                              env=clean_environment(), check=False)
        return number, done.returncode, done.stdout

    def check(self, results):
        wrong = [(number, status, output) for number, status, output in results
                 if status != number % 256 or output != b"%d\n" % number]
        self.assertEqual(wrong, [])

    def test_a_thousand_fast_commands_give_a_thousand_right_statuses(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.check(list(pool.map(self.status, range(1000))))
        self.assertIsNone(self.master.poll(), "the client's master ended")

    @needs_bastion
    def test_more_commands_at_once_than_a_trunk_holds(self):
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            self.check(list(pool.map(self.status, range(80))))


if __name__ == "__main__":
    main()
