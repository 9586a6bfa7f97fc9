"""The rows on the loopback, one client at a time: each is a function from (setting, scale) to a list of Measure."""

import os
import statistics
import subprocess
import time

from harness.process import pss_bytes
from probes import Bulk, Measure, echo_times, percentiles, stream
from setting import cpu_seconds, master_of, openssh_cpu_seconds, supports, timed_run

CURVE = "curve25519-sha256"
GIB = 1 << 30


def interleaved(commands, rounds):
    """The median seconds of each of the commands, run in turns so that a noisy moment hits all of them alike."""
    taken = {name: [] for name in commands}
    for _ in range(rounds):
        for name, argv in commands.items():
            taken[name].append(timed_run(argv))
    return {name: statistics.median(values) for name, values in taken.items()}


def login(setting, scale):
    """A new `ssh … true` while the trunk is warm, against a direct login."""
    measures = []
    for name, kex in (("curve25519", CURVE), ("default key exchange", None)):
        options = {"KexAlgorithms": kex} if kex else {}
        ours = setting.through_us(**options)
        timed_run(ours.argv("true"))
        found = interleaved({"ours": ours.argv("true"), "direct": setting.direct(**options).argv("true"),
                             "jump": setting.proxy_jump(**options).argv("true"),
                             "force": setting.forced(**options).argv("true")}, scale(30))
        direct = found["direct"]
        measures.append(Measure(
            "login", f"ssh true, {name}", found["ours"] / direct, "x direct", 0.08 if kex else None,
            f"ours {found['ours'] * 1e3:.1f} ms, direct {direct * 1e3:.1f} ms, ProxyJump {found['jump'] / direct:.2f}, "
            f"ForceCommand {found['force'] / direct:.2f}"))
    return measures


def control_master(setting, scale):
    """A command over the client's own ControlMaster."""
    masters = []
    try:
        commands = {}
        for name, client in (("ours", setting.through_us()), ("direct", setting.direct())):
            master, passenger = master_of(client, setting.workspace / f"cm-{name}")
            masters.append(master)
            commands[name] = passenger.argv("true")
            timed_run(commands[name])
        found = interleaved(commands, scale(100))
    finally:
        for master in masters:
            master.kill()
            master.communicate()
    return [Measure("control-master", "exec over ControlMaster", found["ours"] / found["direct"], "x direct", 1.1,
                    f"ours {found['ours'] * 1e3:.1f} ms, direct {found['direct'] * 1e3:.1f} ms")]


def bulk(setting, scale):
    """One stream through the bastion and its rivals: MB/s, and the daemon's CPU for a GiB."""
    measures = []
    size = scale(256) << 20
    for cipher, bound in (("aes128-gcm@openssh.com", 0.65), ("chacha20-poly1305@openssh.com", 0.8)):
        short = cipher.split("@")[0].replace("-poly1305", "")
        ours = setting.through_us(short, f'ciphers = ["{cipher}"]\n', Ciphers=cipher)
        daemon = setting.bastion(short)
        clients = {"ours": ours, "direct": setting.direct(Ciphers=cipher), "jump": setting.proxy_jump(Ciphers=cipher),
                   "force": setting.forced(Ciphers=cipher)}
        timed_run(ours.argv("true"))
        for direction in ("down", "up"):
            speeds, cpu, force_cpu = {name: [] for name in clients}, [], []
            for _ in range(3):
                for name, client in clients.items():
                    before, force_before = cpu_seconds(daemon.pid), openssh_cpu_seconds(setting.force)
                    speeds[name].append(size / 1e6 / stream(client, direction, size))
                    if name == "ours":
                        cpu.append((cpu_seconds(daemon.pid) - before) * GIB / size)
                    if name == "force":
                        force_cpu.append((openssh_cpu_seconds(setting.force) - force_before) * GIB / size)
            found = {name: statistics.median(values) for name, values in speeds.items()}
            best = max(found["jump"], found["force"])
            measures.append(Measure("bulk", f"{short} {direction}", found["ours"], "MB/s", best,
                                    f"ProxyJump {found['jump']:.0f}, ForceCommand {found['force']:.0f}, direct {found['direct']:.0f}", True))
            measures.append(Measure("bulk", f"{short} {direction}: daemon CPU", statistics.median(cpu), "s/GiB", bound,
                                    f"ForceCommand {statistics.median(force_cpu):.2f} s/GiB"))
    return measures


def login_cpu(setting, scale):
    """The daemon's CPU for a login and a command on a warm trunk."""
    measures = []
    for kex, bound in ((CURVE, 0.45), ("sntrup761x25519-sha512@openssh.com", None), ("mlkem768x25519-sha256", None)):
        if not supports("kex", kex):
            measures.append(Measure("login-cpu", kex, None, "ms", None, "the installed ssh lacks it"))
            continue
        client = setting.through_us(KexAlgorithms=kex)
        daemon = setting.bastion()
        timed_run(client.argv("true"))
        count = scale(200)
        before = cpu_seconds(daemon.pid)
        for _ in range(count):
            timed_run(client.argv("true"))
        taken = cpu_seconds(daemon.pid) - before
        direct = setting.quiet(KexAlgorithms=kex)
        sshd_before, sshd_count = openssh_cpu_seconds(setting.jump), scale(50)
        for _ in range(sshd_count):
            timed_run(direct.argv("true"))
        sshd_taken = openssh_cpu_seconds(setting.jump) - sshd_before
        measures.append(Measure("login-cpu", kex.split("@")[0], taken / count * 1e3, "ms", bound,
                                f"sshd {sshd_taken / sshd_count * 1e3:.1f} ms"))
    return measures


def _idle_sessions(client, count):
    """Starts shells that have moved a megabyte, a few at a time, and leaves them open."""
    sessions = []
    for first in range(0, count, 10):
        batch = [client.popen(flags=["-T"], stderr=subprocess.DEVNULL) for _ in range(min(10, count - first))]
        sessions += batch
        for process in batch:
            process.stdin.write(b"head -c 1000000 /dev/zero\n")
        for process in batch:
            left = 1_000_000
            while left > 0:
                block = os.read(process.stdout.fileno(), 1 << 16)
                if not block:
                    raise RuntimeError("a session ended early")
                left -= len(block)
    return sessions


def memory(setting, scale):
    """Memory of the daemon for each idle session that has moved a megabyte."""
    count = scale(1000)
    client = setting.through_us("memory", KexAlgorithms=CURVE)
    daemon = setting.bastion("memory")
    timed_run(client.argv("true"))
    before = pss_bytes(daemon.pid)
    sessions = []
    try:
        sessions = _idle_sessions(client, count)
        time.sleep(2)  # idle is what is measured: buffers may be given back some time after the traffic
        ours = (pss_bytes(daemon.pid) - before) / count / 1024
    finally:
        for process in sessions:
            process.kill()
        for process in sessions:
            process.communicate()
    return [Measure("memory", f"PSS per idle session, {count} of them", ours, "KiB", 40)]


def echo(setting, scale):
    """One byte there and back: alone, beside bulk of another client of the same user, beside bulk on the same connection."""
    count = scale(1000)
    measures = []
    for name, client in (("ours", setting.through_us()), ("direct", setting.direct())):
        timed_run(client.argv("true"))
        alone = echo_times(client, count)
        with Bulk(client, "down"):
            beside = echo_times(client, count)
        path = setting.workspace / f"echo-{name}"
        master, passenger = master_of(client, path)
        try:
            timed_run(passenger.argv("true"))
            with Bulk(passenger, "down"):
                same = echo_times(passenger, count)
        finally:
            master.kill()
            master.communicate()
        for label, times, bound in (("alone", alone, None), ("beside another client's bulk", beside, 3.0),
                                    ("beside bulk on its own connection", same, 8.0)):
            p50, p99 = percentiles(times)
            ratio = p50 / statistics.median(alone)
            measures.append(Measure("echo", f"{name}: {label}", ratio, "x alone, p50", bound if name == "ours" else None,
                                    f"p50 {p50 * 1e6:.0f} us, p99 {p99 * 1e6:.0f} us"))
    return measures


ROWS = {"login": login, "control-master": control_master, "bulk": bulk, "login-cpu": login_cpu, "memory": memory, "echo": echo}
