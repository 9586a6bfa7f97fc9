"""Bastions in series: one's target is another one, in front of an sshd or of programs of its own, as in packaging/quickstart."""

import hashlib
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route, ssh_target
from harness.process import PATIENCE
from harness.sallyport import Sallyport
from harness.workspace import clean_environment


@needs_bastion
class SeriesTest(BastionCase):
    """The targets `far` and `programs` are another bastion's; `main` is the sshd behind both of them."""

    size = 20 << 20

    @classmethod
    def configuration(cls):
        cls.workspace.key("inner_host")
        cls.workspace.write("authorized_keys/inner", cls.workspace.public_key("upstream") + "\n")
        inner = bastion_config(ssh_target("far", cls.sshd) + local_target("programs") + route("wanted", "{target}", targets=["*"]),
                               name="inner", server='host_keys = ["keys/inner_host"]\ncontrol_socket = "inner.sock"\n')
        cls.inner = Sallyport(cls.workspace, inner, "inner")
        cls.addClassCleanup(cls.inner.abandon)
        cls.inner.start()
        address = f"127.0.0.1:{cls.inner.port}"
        host, port = address.split(":")
        cls.workspace.write("upstream_known_hosts", cls.sshd.known_hosts_line()
                            + f"[{host}]:{port} {cls.workspace.public_key('inner_host')}\n")

        def behind(name):
            target = ssh_target(name, address=address)
            return "\n".join(f'user = "inner+{name}"' if line.startswith("user = ") else line for line in target.split("\n"))
        return bastion_config(ssh_target("main", cls.sshd) + behind("far") + behind("programs")
                              + route("wanted", "{target}", targets=["*"]))

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        wrong = cls.inner.stop()
        if wrong:
            raise AssertionError("\n".join(wrong))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file, cls.digest = cls.workspace.random_file("large", cls.size)

    def exchange(self, target, streams=1):
        """Moves the file there and back in so many sessions of one connection at once; the seconds that it took."""
        client = self.client(f"alice+{target}")
        path = self.workspace / f"master-{target}"
        master = self.spawn(client.with_(ControlMaster="yes", ControlPath=path).popen(flags=["-N"]))
        self.wait_until(path.exists, what="the client's control socket")
        begun = time.monotonic()
        passengers = []
        for _ in range(streams):
            with open(self.file, "rb") as source:
                passengers.append(self.spawn(subprocess.Popen(
                    client.with_(ControlPath=path).argv("tee /dev/null | sha256sum; exec cat " + str(self.file)), stdin=source,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), start_new_session=True)))
        with ThreadPoolExecutor(streams) as readers:
            ended = list(readers.map(lambda passenger: passenger.communicate(timeout=3 * PATIENCE), passengers))
        for passenger, (output, errors) in zip(passengers, ended):
            self.assertEqual(passenger.returncode, 0, errors)
            there, back = output.split(b"\n", 1)
            self.assertEqual(there.split()[0].decode(), self.digest)
            self.assertEqual(hashlib.sha256(back).hexdigest(), self.digest)
        taken = time.monotonic() - begun
        master.terminate()
        master.wait(PATIENCE)
        return taken

    def expect_no_stall(self, target, streams=1):
        # The stalls that there were took four hundred milliseconds for each 128 KiB: more than a minute.
        self.assertLess(self.exchange(target, streams), 10 + 6 * self.exchange("main", streams))

    def test_one_stream_to_a_target(self):
        self.expect_no_stall("far")

    def test_one_stream_to_a_program(self):
        self.expect_no_stall("programs")

    def test_four_streams_of_one_connection(self):
        self.expect_no_stall("far", streams=4)


if __name__ == "__main__":
    main()
