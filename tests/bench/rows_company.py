"""The rows with several clients at once, and with many commands one after the other."""

import os
import statistics
import subprocess
import time

from harness import peers
from harness.workspace import login_name
from probes import Measure, zeros
from setting import clean_environment, cpu_seconds, timed_run

GIB = 1 << 30


def _all_at_once(client, direction, size, count):
    """Bytes a second of so many connections together, and the CPU seconds of their clients for a GiB."""
    command = f"head -c {size} /dev/zero" if direction == "down" else "cat > /dev/null"
    path = zeros(client, size)
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


ROWS = {"eight": eight, "execs": execs}
