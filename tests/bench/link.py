"""A slow or a long link between two network namespaces, and the programs at its two ends."""

import os
import subprocess
import sys
from pathlib import Path

from harness.config import bastion_config, route, ssh_target
from harness.openssh import OpenSsh, Sshd
from harness.sallyport import Sallyport
from harness.workspace import Workspace, find_program
from setting import LIMITS

NEAR, FAR = "198.18.0.1", "198.18.0.2"  # of the network that RFC 2544 sets apart for benchmarks


def why_unavailable():
    """What keeps this machine from having such a link; None when nothing does."""
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "the kernel has no TUN devices"
    if not os.path.exists("/proc/self/ns/net"):
        return "the kernel has no network namespaces"
    missing = [name for name in ("ip", "nsenter") if not find_program(name)]
    return f"{missing[0]} is not installed" if missing else None


class Link:
    """A link of `rate` bytes a second and `round_trip` seconds. It goes with this process, whatever becomes of that."""

    def __init__(self, rate, round_trip, mtu):
        self._emulator = subprocess.Popen(
            [sys.executable, "-B", str(Path(__file__).resolve().parent / "link_emulator.py"), NEAR, FAR, str(rate),
             str(round_trip / 2), str(mtu)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        words = self._emulator.stdout.readline().split()
        if len(words) != 3:
            self.close()
            raise RuntimeError("the link could not be made")
        self.near, self.far = (["nsenter", f"--net=/proc/{self._emulator.pid}/fd/{int(number)}", "--"] for number in words[1:])

    def close(self):
        self._emulator.stdin.close()
        try:
            self._emulator.wait(5)
        except subprocess.TimeoutExpired:
            self._emulator.kill()
            self._emulator.wait()
        self._emulator.stdout.close()


class LinkSetting:
    """A client, a bastion and a target with the link on one `leg`: "upstream", in front of the target, or "downstream"."""

    def __init__(self, leg, rate, round_trip, mtu=1500):
        self.workspace = Workspace()
        self._link = Link(rate, round_trip, mtu)
        self._servers = []
        try:
            self._start(leg)
        except BaseException:
            self.close()
            raise

    def _start(self, leg):
        for key in ("upstream", "client", "alice", "bastion_host"):
            self.workspace.key(key)
        self.workspace.write("authorized_keys/alice", self.workspace.public_key("alice") + "\n")
        self.target = Sshd(self.workspace, ["upstream", "client"], within=self._link.far, address=FAR,
                           LogLevel="INFO").start()
        self._servers.append(self.target.stop)
        self.workspace.write("upstream_known_hosts", self.target.known_hosts_line())
        within, address = (self._link.near, NEAR) if leg == "upstream" else (self._link.far, FAR)
        config = bastion_config(ssh_target("main", self.target) + route("all", "main"), listen=[f"{address}:0"],
                                log='level = "info"\n', audit="", limits=LIMITS)
        self.bastion = Sallyport(self.workspace, config, within=within)
        self._servers.append(self.bastion.abandon)
        self.bastion.start()
        self._bastion_address = address

    def through_us(self, **options):
        """The stock client to our bastion."""
        return OpenSsh(self.workspace, self.bastion.port, "alice", "alice", "bastion_host", self._bastion_address,
                       within=self._link.near, **options)

    def direct(self, **options):
        """The stock client straight to the target."""
        return OpenSsh(self.workspace, self.target.port, key="client", host=FAR, within=self._link.near, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for stop in reversed(self._servers):
            stop()
        self._link.close()
        self.workspace.close()
