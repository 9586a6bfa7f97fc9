"""The echo of somebody else beside clients who order work without paying for it, through the daemon and at an sshd alone."""

import contextlib
import multiprocessing
import os
import statistics
import subprocess
import time

import peer
from harness.process import PATIENCE
from harness.workspace import clean_environment, login_name
from peer import Gone, Late, string, u32
from world import Bystander, Figure, OpenSsh, World, put_first, put_second

BAR = 5.0  # milliseconds
REKEYERS, POURERS, POURED = 6, 6, 100_000


class Attackers:
    """Processes that attack until the context is left. They come after what is measured: on a real network they have another CPU."""

    def __init__(self, work, count, *arguments):
        context = multiprocessing.get_context("fork")
        self.done, self._stop = context.Value("q", 0), context.Event()
        self._processes = [context.Process(target=self._run, args=(work, number, arguments), daemon=True) for number in range(count)]

    def _run(self, work, number, arguments):
        put_second()
        while not self._stop.is_set():
            with contextlib.suppress(Gone, Late, OSError):
                work(self._stop, self.done, number, *arguments)

    def __enter__(self):
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for process in self._processes:
            process.join(5)
            process.kill()
            process.join()


def count(done, more=1):
    with done.get_lock():
        done.value += more


def rekey_with_openssh(stop, done, _number, client):
    """The stock client, moving bytes with a limit that has it exchange keys all the time. Its verbose log tells how often."""
    argv = client.with_(RekeyLimit=16).argv("cat > /dev/null", flags=("-v",))
    with open("/dev/zero", "rb") as zeros:
        process = subprocess.Popen(argv, stdin=zeros, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=clean_environment())
    try:
        for line in process.stderr:
            if b"SSH2_MSG_NEWKEYS received" in line:
                count(done)
            if stop.is_set():
                break
    finally:
        process.kill()
        process.wait()


def rekey_by_hand(stop, done, _number, port, user, key_file):
    """One exchange of keys behind the other."""
    connection = peer.connect(port).handshake().log_in(user, peer.load_key(key_file))
    while not stop.is_set():
        connection.exchange_keys()
        count(done)


def pour(stop, done, number, port, user, key_file):
    """Small messages, sealed beforehand and written as fast as they are taken: requests that are answered, data of one byte, window
    adjusts and messages that are ignored, one kind for each attacker."""
    connection = peer.connect(port).handshake().log_in(user, peer.load_key(key_file))
    channel = connection.run("cat > /dev/null")
    message = (bytes([peer.GLOBAL_REQUEST]) + string("x@example.org") + b"\1", bytes([peer.IGNORE]) + string("x"),
               bytes([peer.WINDOW_ADJUST]) + u32(channel) + u32(1), connection.request(channel, "nobody-knows-this@example.org"))[number % 4]
    while not stop.is_set():
        block = b"".join(connection.sealer.seal(message) for _ in range(POURED))
        for at in range(0, len(block), 1 << 16):
            if stop.is_set():
                return
            connection.write(block[at:at + (1 << 16)], patience=30)
            connection._buffer.clear()  # the answers are of no interest
        count(done, POURED)


def measured(client, seconds):
    """p50 and p99 of the echo in milliseconds, and how many echoes there were."""
    session = Bystander("bob", client, pause=0.002, patience=PATIENCE, first=True)
    time.sleep(seconds)
    faults = session.end()
    ordered = sorted(session.times)
    if faults or len(ordered) < 5:
        return None, None, faults or ["too few echoes"]
    return statistics.median(ordered) * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3, len(ordered)


def row(options):
    seconds, figures, wrong = options.seconds or 15, [], []
    world = World().start()
    for pid in (os.getpid(), world.bastion.pid, world.sshd.pid):
        put_first(pid)
    try:
        keys = {user: str(world.workspace.key(user)) for user in ("alice", "bob")}
        places = {"daemon": (world.port, "alice", world.client("alice"), world.client("bob")),
                  "sshd": (world.sshd.port, login_name(), *(OpenSsh(world.workspace, world.sshd.port, key=user) for user in ("alice", "bob")))}
        attacks = {
            "nobody": lambda place: Attackers(rekey_by_hand, 0),
            f"{REKEYERS} ssh with RekeyLimit=16": lambda place: Attackers(rekey_with_openssh, REKEYERS, place[2]),
            f"{REKEYERS} scripted re-exchangers": lambda place: Attackers(rekey_by_hand, REKEYERS, place[0], place[1], keys["alice"]),
            f"{POURERS} who pour small messages": lambda place: Attackers(pour, POURERS, place[0], place[1], keys["alice"]),
        }
        for attack, begin in attacks.items():
            found = {}
            for name, place in places.items():
                with begin(place) as attackers:
                    if attack != "nobody":
                        end = time.monotonic() + 60
                        while attackers.done.value == 0 and time.monotonic() < end:
                            time.sleep(0.05)
                    before, began = attackers.done.value, time.monotonic()
                    p50, p99, count_or_faults = measured(place[3], seconds)
                    rate = (attackers.done.value - before) / (time.monotonic() - began)
                if p50 is None:
                    wrong.append(f"echo beside {attack}, {name}: {count_or_faults}")
                else:
                    found[name] = p50, p99, f"p50 {p50:.2f}, p99 {p99:.2f} ms of {count_or_faults} ({rate:,.0f} a second)"
            if len(found) == 2:
                bar = None if attack == "nobody" else BAR
                figures.append(Figure("echo", f"p99 beside {attack}", found["daemon"][1], "ms", bar,
                                      f"{found['daemon'][2]}; sshd alone {found['sshd'][2]}"))
                print(f"  {attack}: {figures[-1].note}")
        wrong += world.findings()
    finally:
        wrong += world.end()
    return wrong, figures
