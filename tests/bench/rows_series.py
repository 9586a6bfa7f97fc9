"""The rows with bastions in series on the loopback, and with other people's clients: bulk with and without a keystroke beside it."""

import contextlib
import shlex
import statistics
import subprocess
import sys
import threading

from harness.config import bastion_config, route, ssh_target
from harness.openssh import OpenSsh
from harness.sallyport import Sallyport
from probes import Measure, echo_once, mastered, percentiles, stream, zeros
from setting import LIMITS, clean_environment, timed_run

#: From one keystroke to the next, in seconds.
TYPING = 0.02

#: Reads to the end of its input and prints the longest time between two reads, in seconds.
_LONGEST_GAP = """
import os, time
longest, last = 0.0, None
while os.read(0, 1 << 16):
    now = time.perf_counter()
    longest, last = max(longest, now - (last or now)), now
print(longest)
"""


class Typist:
    """Somebody who types into a `cat` of `client` while something else is measured."""

    def __init__(self, client):
        self.times = []
        self._process = client.popen("cat")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._type, daemon=True)

    def _type(self):
        while not self._over.wait(TYPING):
            self.times.append(echo_once(self._process))

    def __enter__(self):
        echo_once(self._process)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(60)
        self._process.kill()
        self._process.communicate()


@contextlib.contextmanager
def in_series(setting, count):
    """The client of the outermost of `count` bastions, each of which is the target of the next one; the last one's is the sshd."""
    workspace, started = setting.workspace, []
    workspace.key("series_host")
    workspace.write("authorized_keys/inner", workspace.public_key("upstream") + "\n")
    address, user = f"127.0.0.1:{setting.target.port}", None
    known = setting.target.known_hosts_line()
    try:
        for number in range(count):
            name = f"series-{count}-{number}"
            workspace.write(f"{name}-known_hosts", known)
            target = ssh_target("main", address=address).replace("upstream_known_hosts", f"{name}-known_hosts")
            if user:
                target = "\n".join(f'user = "{user}"' if line.startswith("user = ") else line for line in target.split("\n"))
            config = bastion_config(target + route("all", "main"), name=name, log='level = "info"\n', audit="", limits=LIMITS,
                                    server=f'host_keys = ["keys/series_host"]\ncontrol_socket = "{name}.sock"\n')
            bastion = Sallyport(workspace, config, name)
            started.append(bastion)
            bastion.start()
            address, user = f"127.0.0.1:{bastion.port}", "inner"
            known = f"[127.0.0.1]:{bastion.port} {workspace.public_key('series_host')}\n"
        yield OpenSsh(workspace, started[-1].port, "alice", "alice", "series_host")
    finally:
        for bastion in started:
            bastion.abandon()


def _with_and_without(client, direction, size, rounds):
    """MB/s without and with a keystroke beside it, in turns, and the times of the echoes."""
    alone, beside, echoes = [], [], []
    for _ in range(rounds):
        alone.append(size / 1e6 / stream(client, direction, size))
        with Typist(client) as typist:
            beside.append(size / 1e6 / stream(client, direction, size))
        echoes += typist.times
    return statistics.median(alone), statistics.median(beside), percentiles(echoes)


def series(setting, scale):
    """One stream through one, two and three bastions: its speed with a keystroke beside it as a part of that without."""
    measures, size, rounds = [], scale(128) << 20, 3
    for count in (0, 1, 2, 3):
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(in_series(setting, count)) if count else setting.direct()
            client = stack.enter_context(mastered(first, setting.workspace / f"series-{count}"))
            timed_run(client.argv("true"))
            for direction in ("down", "up"):
                alone, beside, echo = _with_and_without(client, direction, size, rounds)
                measures.append(Measure(
                    "series", f"{count} bastions, bulk {direction}: with a keystroke beside it", beside / alone, "x without",
                    0.8 if count else None,
                    f"{beside:.0f} and {alone:.0f} MB/s, echo p50/p99 {echo[0] * 1e3:.2f}/{echo[1] * 1e3:.2f} ms", True))
    return measures


def _jumping(setting, count):
    """The stock client through so many sshds (here the same one again and again), as ProxyJump does it."""
    command = None
    for port in [setting.jump.port] * (count - 1) + [setting.target.port]:
        hop = setting.quiet(**({"ProxyCommand": command} if command else {}))
        command = shlex.join(map(str, hop.argv(flags=["-W", f"127.0.0.1:{port}"])))
    return setting.direct(ProxyCommand=command)


def _longest_gap(client, direction, size):
    """Seconds in which nothing came, at the worst, of a stream of `size` bytes."""
    gauge = [sys.executable, "-S", "-c", _LONGEST_GAP]
    if direction == "up":
        with open(zeros(client, size), "rb") as source:
            done = subprocess.run(client.argv(shlex.join(gauge)), stdin=source, capture_output=True, env=clean_environment(), check=True,
                                  timeout=100)
        return float(done.stdout)
    process = client.popen(f"head -c {size} /dev/zero", stdin=subprocess.DEVNULL)
    try:
        return float(subprocess.run(gauge, stdin=process.stdout, capture_output=True, check=True, timeout=100).stdout)
    finally:
        process.kill()
        process.communicate()


def series_gaps(setting, scale):
    """The longest time in which nothing comes of a stream of OpenSSH's, through several bastions and through as many sshds."""
    size, measures = scale(256) << 20, []
    for count in (2, 3):
        with in_series(setting, count) as ours:
            clients = {"ours": ours, "jump": _jumping(setting, count), "direct": setting.direct()}
            for client in clients.values():
                timed_run(client.argv("true"))
            for direction in ("down", "up"):
                gaps = {name: [] for name in clients}
                for _ in range(5):
                    for name, client in clients.items():
                        gaps[name].append(_longest_gap(client, direction, size) * 1e3)
                found = {name: statistics.median(values) for name, values in gaps.items()}
                measures.append(Measure("series-gaps", f"{count} bastions, {direction}: longest gap", found["ours"], "ms", 20.0,
                                        f"worst of 5 {max(gaps['ours']):.1f}; ProxyJump {found['jump']:.1f} (worst "
                                        f"{max(gaps['jump']):.1f}), direct {found['direct']:.1f} ms"))
    return measures


ROWS = {"series": series, "series-gaps": series_gaps}
