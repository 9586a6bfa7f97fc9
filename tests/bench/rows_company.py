"""The rows with several bastions one after the other, several clients at once, and many commands one after the other."""

import contextlib
import os
import shlex
import statistics
import subprocess
import sys
import time

from harness import peers
from harness.config import bastion_config, route, ssh_target
from harness.openssh import OpenSsh
from harness.sallyport import Sallyport
from harness.workspace import login_name
from probes import Measure
from setting import LIMITS, clean_environment, cpu_seconds, timed_run

GIB = 1 << 30

#: Reads to the end of its input and prints the longest time between two reads, in seconds.
_LONGEST_GAP = """
import os, time
longest, last = 0.0, None
while os.read(0, 1 << 16):
    now = time.perf_counter()
    longest, last = max(longest, now - (last or now)), now
print(longest)
"""


@contextlib.contextmanager
def _in_series(setting, count):
    """The stock client to the first of so many bastions, each the target of the one before."""
    bastions, next_one = [], setting.target
    keys = "".join(setting.workspace.public_key(name) + "\n" for name in ("alice", "upstream"))
    setting.workspace.write("authorized_keys/alice", keys)
    try:
        for number in range(count, 0, -1):
            target = ssh_target("next", address=f"127.0.0.1:{next_one.port}")
            if bastions:
                target = target.replace(f'user = "{login_name()}"', 'user = "alice"')
            name = f"series-{count}-{number}"
            config = bastion_config(target + route("all", "next"), name=name, log='level = "info"\n', audit="", limits=LIMITS)
            next_one = Sallyport(setting.workspace, config, name).start()
            bastions.append(next_one)
            with open(setting.workspace / "upstream_known_hosts", "a", encoding="ascii") as file:
                file.write(f"[127.0.0.1]:{next_one.port} {setting.workspace.public_key('bastion_host')}\n")
        yield OpenSsh(setting.workspace, next_one.port, "alice", "alice", "bastion_host")
    finally:
        for bastion in reversed(bastions):
            bastion.abandon()


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
        with open(_zeros(client, size), "rb") as zeros:
            done = subprocess.run(client.argv(shlex.join(gauge)), stdin=zeros, capture_output=True, env=clean_environment(), check=True,
                                  timeout=100)
        return float(done.stdout)
    process = client.popen(f"head -c {size} /dev/zero", stdin=subprocess.DEVNULL)
    try:
        return float(subprocess.run(gauge, stdin=process.stdout, capture_output=True, check=True, timeout=100).stdout)
    finally:
        process.kill()
        process.communicate()


def _zeros(client, size):
    """A file of so many zeros, without a block on the disk."""
    path = client.workspace / f"zeros-{size}"
    with open(path, "ab") as file:
        file.truncate(size)
    return path


def series(setting, scale):
    """The longest time in which nothing comes of a stream of OpenSSH's, through several bastions and through as many sshds."""
    size, measures = scale(256) << 20, []
    for count in (2, 3):
        with _in_series(setting, count) as ours:
            clients = {"ours": ours, "jump": _jumping(setting, count), "direct": setting.direct()}
            for client in clients.values():
                timed_run(client.argv("true"))
            for direction in ("down", "up"):
                gaps = {name: [] for name in clients}
                for _ in range(5):
                    for name, client in clients.items():
                        gaps[name].append(_longest_gap(client, direction, size) * 1e3)
                found = {name: statistics.median(values) for name, values in gaps.items()}
                measures.append(Measure("series", f"{count} bastions, {direction}: longest gap", found["ours"], "ms", 20.0,
                                        f"worst of 5 {max(gaps['ours']):.1f}; ProxyJump {found['jump']:.1f} (worst "
                                        f"{max(gaps['jump']):.1f}), direct {found['direct']:.1f} ms"))
    return measures


def _all_at_once(client, direction, size, count):
    """Bytes a second of so many connections together, and the CPU seconds of their clients for a GiB."""
    command = f"head -c {size} /dev/zero" if direction == "down" else "cat > /dev/null"
    path = _zeros(client, size)
    begun, processes = time.perf_counter(), []
    for _ in range(count):
        with open(os.devnull if direction == "down" else path, "rb") as source:
            processes.append(subprocess.Popen(client.argv(command), stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                              env=clean_environment()))
    cpu = 0.0
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu += usage.ru_utime + usage.ru_stime
    taken = time.perf_counter() - begun
    if any(process.returncode for process in processes):
        raise RuntimeError("a transfer failed")
    return size * count / taken, cpu * GIB / (size * count)


def eight(setting, scale):
    """Eight connections at once, each with a stream: together beside a Go proxy, and what they cost their clients beside direct ones."""
    cipher, count, size = "aes128-gcm@openssh.com", 8, scale(128) << 20
    clients = {"ours": setting.through_us("aes128-gcm", f'ciphers = ["{cipher}"]\n', Ciphers=cipher), "direct": setting.direct(Ciphers=cipher)}
    go = setting.through_go(cipher)[1]
    if go:
        clients["go"] = go
    measures = []
    for client in clients.values():
        timed_run(client.argv("true"))
    for direction in ("up", "down"):
        rates, cpu = {name: [] for name in clients}, {name: [] for name in clients}
        for _ in range(5):
            for name, client in clients.items():
                rate, spent = _all_at_once(client, direction, size, count)
                rates[name].append(rate / 1e6)
                cpu[name].append(spent)
        rate, spent = ({name: statistics.median(values) for name, values in each.items()} for each in (rates, cpu))
        measures += [
            Measure("eight", f"eight at once, {direction}", rate["ours"] / rate["go"] if go else None, "x Go", 1.0,
                    f"ours {rate['ours']:.0f} MB/s, Go {rate.get('go', 0):.0f}, direct {rate['direct']:.0f}", True),
            Measure("eight", f"eight at once, {direction}: client CPU", spent["ours"] / spent["direct"], "x direct", 1.3,
                    f"ours {spent['ours']:.2f} s/GiB, Go {spent.get('go', 0):.2f}, direct {spent['direct']:.2f}"),
        ]
    return measures


def _run_one_by_one(client, count):
    """Seconds for so many commands, one after the other."""
    begun = time.perf_counter()
    for _ in range(count):
        channel = client.run("true")
        channel.receive(peers.CLOSE)
        channel.send(peers.CLOSE)
    return time.perf_counter() - begun


def execs(setting, scale):
    """One command after the other on one connection, by a client that costs little: their rate, and the daemon's CPU for each."""
    if peers.peer is None:
        return [Measure("execs", "commands one after the other", None, "x direct", None, "python3-cryptography is not installed")]
    count, daemon, rounds = scale(200), setting.bastion(), 7
    timed_run(setting.through_us().argv("true"))
    clients = {"ours": peers.Client(setting.workspace, daemon.port, "alice"),
               "direct": peers.Client(setting.workspace, setting.target.port, login_name(), "client")}
    taken, cpu = {name: [] for name in clients}, []
    try:
        for client in clients.values():
            client.peer.keeps = False
            _run_one_by_one(client, 20)
        for _ in range(rounds):
            for name, client in clients.items():
                before = cpu_seconds(daemon.pid)
                taken[name].append(_run_one_by_one(client, count))
                if name == "ours":
                    cpu.append((cpu_seconds(daemon.pid) - before) / count)
    finally:
        for client in clients.values():
            client.close()
    rate = {name: count / statistics.median(values) for name, values in taken.items()}
    return [
        Measure("execs", "commands one after the other", rate["ours"] / rate["direct"], "x direct", 0.9,
                f"ours {rate['ours']:.0f} a second, direct {rate['direct']:.0f}", True),
        Measure("execs", "the daemon's CPU for each", statistics.median(cpu) * 1e3, "ms", 0.2),
    ]


ROWS = {"series": series, "eight": eight, "execs": execs}
