"""The rows on the loopback, one client at a time: each is a function from (setting, scale) to a list of Measure."""

import dataclasses
import os
import resource
import statistics
import subprocess
import time

from harness.process import pss_bytes
from probes import Bulk, Measure, echo_times, percentiles, stream
from setting import cpu_seconds, floor_cpu_seconds, master_of, missing_go, openssh_cpu_seconds, supports, timed_run

CURVE = "curve25519-sha256"
GIB = 1 << 30


def interleaved(commands, rounds):
    """The median seconds of each of the commands, run in turns so that a noisy moment hits all of them alike."""
    taken = {name: [] for name in commands}
    for _ in range(rounds):
        for name, argv in commands.items():
            taken[name].append(timed_run(argv))
    return {name: statistics.median(values) for name, values in taken.items()}


def client_cpu(argv, rounds):
    """The CPU seconds of one run of a command, on average."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(rounds):
        timed_run(argv)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / rounds


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
        # No bastion can be faster than the client computes, and the target starts the command.
        client = client_cpu(ours.argv("true"), scale(30))
        measures.append(Measure(
            "login", f"ssh true, {name}", found["ours"] / direct, "x direct", 0.08 if kex else None,
            f"ours {found['ours'] * 1e3:.1f} ms (the client's own CPU alone {client * 1e3:.1f} ms, {client / direct:.3f}), "
            f"direct {direct * 1e3:.1f} ms, ProxyJump {found['jump'] / direct:.2f}, ForceCommand {found['force'] / direct:.2f}"))
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


def _share(row, name, ours, theirs, whose, bound=None):
    """What ours takes as a share of another's, for bars that hold on any machine; None of theirs: it can't be measured here."""
    why_not = (missing_go() or f"{whose}'s library has none of these algorithms") if theirs is None else ""
    return Measure(row, f"{name}, share of {whose}'s", None if theirs is None else ours / theirs, f"x {whose}", bound, why_not)


def _figure(value, form, unit=""):
    return f"{value:{form}}{unit}" if value is not None else "not available"


@dataclasses.dataclass
class Bars:
    """What the daemon's CPU for a GiB may be: in seconds, and as a share of what the others take."""

    seconds: float
    of_force: float
    of_go: float


# The shares are those that the seconds have in what the others took on the machine where they were set: 0.82 and 0.98, 1.57 and 3.1.
BULK_BARS = {"aes128-gcm@openssh.com": Bars(0.65, 0.79, 0.66), "chacha20-poly1305@openssh.com": Bars(0.8, 0.51, 0.26)}


def _bulk_one_way(setting, cipher, direction, size):
    """One stream that way, with that cipher on both legs."""
    short, bars = cipher.split("@")[0].replace("-poly1305", ""), BULK_BARS[cipher]
    clients = {"ours": setting.through_us(short, f'ciphers = ["{cipher}"]\n', Ciphers=cipher), "direct": setting.direct(Ciphers=cipher),
               "jump": setting.proxy_jump(Ciphers=cipher), "force": setting.forced(Ciphers=cipher)}
    daemon = setting.bastion(short)
    counters = {"ours": lambda: cpu_seconds(daemon.pid), "force": lambda: openssh_cpu_seconds(setting.force)}
    proxy, through_go = setting.through_go(cipher)
    if proxy:
        clients["go"], counters["go"] = through_go, lambda: cpu_seconds(proxy.pid)
    timed_run(clients["ours"].argv("true"))

    # CPU is counted without a login and the first megabytes, which cost ForceCommand more than the next hundred.
    beginning = size // 8
    speeds, cpu, floors = {name: [] for name in clients}, {name: [] for name in counters}, []
    for _ in range(3):
        for name, client in clients.items():
            read = counters.get(name, lambda: 0.0)
            start = read()
            stream(client, direction, beginning)
            before = read()
            speeds[name].append(size / 1e6 / stream(client, direction, size))
            if name in cpu:
                cpu[name].append((read() - before - (before - start)) * GIB / (size - beginning))
        floors.append(floor_cpu_seconds(short, size))

    speed = {name: statistics.median(values) for name, values in speeds.items()}
    taken = {name: statistics.median(values) for name, values in cpu.items()}
    floor = {part: statistics.median(run[part] for run in floors) for part in ("total", "ciphers", "sockets")}
    ours, go, title = taken["ours"], taken.get("go"), f"{short} {direction}"
    return [
        Measure("bulk", title, speed["ours"], "MB/s", max(speed["jump"], speed["force"]),
                f"ProxyJump {speed['jump']:.0f}, ForceCommand {speed['force']:.0f}, Go {_figure(speed.get('go'), '.0f')}, "
                f"direct {speed['direct']:.0f}", True),
        Measure("bulk", f"{title}: daemon CPU", ours, "s/GiB", bars.seconds,
                f"ForceCommand {taken['force']:.2f} s/GiB, Go {_figure(go, '.2f')}, floor {floor['total']:.2f} "
                f"(ciphers alone {floor['ciphers']:.2f}, sockets alone {floor['sockets']:.2f})"),
        _share("bulk", f"{title}: daemon CPU", ours, taken["force"], "ForceCommand", bars.of_force),
        _share("bulk", f"{title}: daemon CPU", ours, go, "Go", bars.of_go)]


def bulk(setting, scale):
    """One stream through the bastion and its rivals: MB/s, and the daemon's CPU for a GiB."""
    return [measure for cipher in BULK_BARS for direction in ("down", "up")
            for measure in _bulk_one_way(setting, cipher, direction, scale(256) << 20)]


def _login_cpu_with(setting, kex, count):
    """CPU seconds for each of `count` logins by who serves them, and of fewer by sshd, in turns of a few."""
    options = {"KexAlgorithms": kex}
    daemon = setting.bastion()
    clients = {"ours": setting.through_us(**options), "sshd": setting.quiet(**options)}
    counters = {"ours": lambda: cpu_seconds(daemon.pid), "sshd": lambda: openssh_cpu_seconds(setting.jump)}
    if earlier := os.environ.get("SALLYPORT_EARLIER"):
        before_ours = setting.bastion("earlier", daemon=earlier)
        clients["earlier"], counters["earlier"] = setting.through_us("earlier", **options), lambda: cpu_seconds(before_ours.pid)
    proxy, through_go = setting.through_go(**options)
    if proxy:
        clients["go"], counters["go"] = through_go, lambda: cpu_seconds(proxy.pid)
    commands = {name: client.argv("true") for name, client in clients.items()}
    for argv in commands.values():
        timed_run(argv)

    turns = 10
    in_a_turn = {name: max(1, count // turns // (4 if name == "sshd" else 1)) for name in commands}
    # Read before the first turn and after the last: between its turns nobody has anything to do but end its connections.
    before = {name: read() for name, read in counters.items()}
    for _ in range(turns):
        for name, argv in commands.items():
            for _ in range(in_a_turn[name]):
                timed_run(argv)
    return {name: (read() - before[name]) / turns / in_a_turn[name] for name, read in counters.items()}


def login_cpu(setting, scale):
    """The daemon's CPU for a login and a command on a warm trunk."""
    measures = []
    for kex, bound, of_go in ((CURVE, 0.45, 1.0), ("sntrup761x25519-sha512@openssh.com", None, None), ("mlkem768x25519-sha256", None, None)):
        name = kex.split("@")[0]
        if not supports("kex", kex):
            measures.append(Measure("login-cpu", name, None, "ms", None, "the installed ssh lacks it"))
            continue
        found = {who: seconds * 1e3 for who, seconds in _login_cpu_with(setting, kex, scale(200)).items()}
        ours, go = found["ours"], found.get("go")
        measures.append(Measure("login-cpu", name, ours, "ms", bound, f"sshd {found['sshd']:.1f} ms, Go {_figure(go, '.2f', ' ms')}"))
        if "earlier" in found:
            measures.append(Measure("login-cpu", f"{name}, share of the earlier daemon's", ours / found["earlier"], "x earlier",
                                    0.67 if "sntrup" in name else None, f"{found['earlier']:.2f} ms"))
        if of_go or go:
            measures.append(_share("login-cpu", name, ours, go, "Go", of_go))
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
    return [Measure("memory", f"PSS per idle session, {count} of them", ours, "KiB", 25)]


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
