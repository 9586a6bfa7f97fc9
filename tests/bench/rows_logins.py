"""The rows about logins: their rate and cost by kind of key and key exchange, a storm of bad ones, garbage."""

import contextlib
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

from harness.config import bastion_config, local_target, route
from harness.openssh import OpenSsh, Sshd
from harness.process import eventually, pss_bytes
from harness.sallyport import Sallyport
from probes import Measure, echo_once, percentiles
from setting import LIMITS, clean_environment, cpu_seconds, openssh_cpu_seconds, supports, timed_run

KEYS = {"ed25519": ("ed25519", None), "ecdsa-p256": ("ecdsa", 256), "rsa-3072": ("rsa", 3072)}
EXCHANGES = ("curve25519-sha256", "sntrup761x25519-sha512@openssh.com", "mlkem768x25519-sha256")
AT_A_TIME = 4


@contextlib.contextmanager
def local_bastion(setting, name, penalties="enabled = false\n", **sections):
    """A sallyportd whose only target is a shell here, so that nothing but logins is measured."""
    config = bastion_config(local_target("shell") + route("all", "shell"), name=name, log='level = "info"\n', audit="",
                            limits=LIMITS, penalties=penalties, **sections)
    bastion = Sallyport(setting.workspace, config, name).start()
    try:
        yield bastion
    finally:
        bastion.abandon()


def _rate(argv, count):
    """Logins a second, with AT_A_TIME clients at a time."""
    left = iter(range(count))
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if next(left, None) is None:
                    return
            timed_run(argv)
    workers = [threading.Thread(target=work) for _ in range(AT_A_TIME)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return count / (time.perf_counter() - begun)


def logins(setting, scale):
    """`ssh true` with a program on the bastion: CPU for each and how many go in a second, beside an sshd that does the same."""
    measures = []
    keys = {name: setting.workspace.key(f"bench-{name}", *kind) for name, kind in KEYS.items()}
    lines = "".join(setting.workspace.public_key(f"bench-{name}") + "\n" for name in keys)
    setting.workspace.write("authorized_keys/carol", lines)
    sshd = Sshd(setting.workspace, [f"bench-{name}" for name in keys], "logins", "logins_host", LogLevel="INFO").start()
    try:
        with local_bastion(setting, "logins") as bastion:
            for kex in EXCHANGES:
                if not supports("kex", kex):
                    measures.append(Measure("logins", kex, None, "ms", None, "the installed ssh lacks it"))
                    continue
                for name in keys:
                    options = {"KexAlgorithms": kex}
                    ours = OpenSsh(setting.workspace, bastion.port, "carol", f"bench-{name}", "bastion_host", **options).argv("true")
                    theirs = OpenSsh(setting.workspace, sshd.port, key=f"bench-{name}", host_key="logins_host", **options).argv("true")
                    timed_run(ours), timed_run(theirs)
                    count = scale(100)
                    before = cpu_seconds(bastion.pid)
                    our_rate = _rate(ours, count)
                    cpu = (cpu_seconds(bastion.pid) - before) / count * 1e3
                    before = openssh_cpu_seconds(sshd)
                    their_rate = _rate(theirs, count)
                    their_cpu = (openssh_cpu_seconds(sshd) - before) / count * 1e3
                    measures.append(Measure("logins", f"{kex.split('@')[0]}, {name}: daemon CPU", cpu, "ms", None,
                                            f"sshd {their_cpu:.1f} ms; {our_rate:.0f} logins/s, sshd {their_rate:.0f}"))
    finally:
        sshd.stop()
    return measures


def storm(setting, scale, rate=200):
    """The echo of an open session while so many clients a second try to log in with a key that isn't the user's."""
    storm_program = Path(os.environ["SALLYPORT_DAEMON"]).parent / "login_storm"
    setting.workspace.key("unknown")
    measures = []
    with local_bastion(setting, "storm") as bastion:
        client = OpenSsh(setting.workspace, bastion.port, "alice", "alice", "bastion_host")
        known_hosts = setting.workspace.write("storm_known_hosts", f"[127.0.0.1]:{bastion.port} {setting.workspace.public_key('bastion_host')}\n")
        session = client.popen("cat")
        try:
            for _ in range(50):
                echo_once(session)
            count = scale(4000)

            def echoes():
                taken = []
                for _ in range(count):
                    taken.append(echo_once(session))
                    time.sleep(0.002)  # a person's, not a transfer
                return percentiles(taken)
            quiet = echoes()
            failed_before = bastion.query("status")["logins_failed"]
            attack = subprocess.Popen([storm_program, str(bastion.port), setting.workspace.key("unknown"), known_hosts, str(rate)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment())
            try:
                eventually(lambda: bastion.query("status")["logins_failed"] > failed_before + rate // 4, 20)
                begun, before = time.perf_counter(), bastion.query("status")["logins_failed"]
                cpu_before = cpu_seconds(bastion.pid)
                stormy = echoes()
                seconds = time.perf_counter() - begun
                seen = (bastion.query("status")["logins_failed"] - before) / seconds
                cpu = (cpu_seconds(bastion.pid) - cpu_before) / seconds
            finally:
                attack.communicate(b"x\n", timeout=20)
            measures.append(Measure("storm", f"echo p99 beside {rate} bad logins/s", stormy[1] / quiet[1], "x quiet", 3.0,
                                    f"p50/p99 {stormy[0] * 1e3:.2f}/{stormy[1] * 1e3:.2f} ms, quiet {quiet[0] * 1e3:.2f}/{quiet[1] * 1e3:.2f}; "
                                    f"{seen:.0f} refused a second, daemon {cpu * 100:.0f} % of a core"))
        finally:
            session.kill()
            session.communicate()
    return measures


GARBAGE = (b"\xff" * 4000, b"SSH-2.0-x\r\n" + b"\0\0\xff\xff" * 1000, b"SSH-1.5-x\r\n", b"", b"\r\n" * 3000,
           b"SSH-2.0-x\r\n\0\0\0\x0c\x0a\x14" + b"\0" * 10, b"GET / HTTP/1.0\r\n\r\n")


def garbage(setting, scale):
    """Connections that send what is no SSH: what the daemon keeps of them."""
    count = scale(10000)
    with local_bastion(setting, "garbage") as bastion:
        client = OpenSsh(setting.workspace, bastion.port, "alice", "alice", "bastion_host")

        def throw(connections):
            for first in range(0, connections, 200):
                peers = []
                for number in range(first, min(first + 200, connections)):
                    peer = socket.create_connection(("127.0.0.1", bastion.port), 20)
                    with contextlib.suppress(OSError):
                        peer.sendall(GARBAGE[number % len(GARBAGE)])
                    peers.append(peer)
                for peer in peers:
                    peer.close()
            timed_run(client.argv("true"))

        def descriptors():
            return len(os.listdir(f"/proc/{bastion.pid}/fd"))
        throw(400)  # what is allocated once
        time.sleep(6)  # and given back: see LoopIo::kTrimInterval
        memory, open_before = pss_bytes(bastion.pid), descriptors()
        throw(count)
        eventually(lambda: descriptors() <= open_before, 30)
        time.sleep(6)
        return [Measure("garbage", f"memory after {count} connections of garbage", (pss_bytes(bastion.pid) - memory) / 1024, "KiB", None,
                        f"{memory / 1024:.0f} KiB before"),
                Measure("garbage", "descriptors after them", descriptors() - open_before, "more", 0)]


ROWS = {"logins": logins, "storm": storm, "garbage": garbage}
