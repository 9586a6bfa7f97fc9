"""The rows on the loopback with many channels, or with a client that misbehaves."""

import hashlib
import os
import select
import socket
import statistics
import subprocess
import threading
import time

from harness import raw
from harness.ports import free_port
from harness.process import eventually
from probes import Bulk, Measure, echo_once, echo_times, mastered, percentiles
from setting import timed_run

MIB = 1 << 20


def echo_both_ways(setting, scale):
    """One byte there and back beside bulk on the same trunk, without a slow line."""
    measures, count = [], scale(1000)
    ours_alone = setting.through_us()
    with mastered(ours_alone, setting.workspace / "both-ours") as ours, \
         mastered(setting.direct(), setting.workspace / "both-direct") as direct:
        timed_run(ours.argv("true"))
        for direction in ("down", "up"):
            with Bulk(direct, direction, settle=0.5):
                theirs = percentiles(echo_times(direct, count))
            for way, echoing in (("one connection", ours), ("two clients, one trunk", ours_alone)):
                with Bulk(ours, direction, settle=0.5):
                    found = percentiles(echo_times(echoing, count))
                measures.append(Measure(
                    "loopback-echo", f"{way}, bulk {direction}: p99", found[1] * 1e3, "ms", 3.0,
                    f"p50/p99 {found[0] * 1e3:.2f}/{found[1] * 1e3:.2f} ms, ControlMaster of direct ssh "
                    f"{theirs[0] * 1e3:.2f}/{theirs[1] * 1e3:.2f} ms"))
    return measures


class _FileServer:
    """Sends the same bytes to everybody who connects."""

    def __init__(self, content):
        self._content = content
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with peer:
            try:
                peer.sendall(self._content)
            except OSError:
                pass

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _fetch_all(port, count, digest):
    """Seconds until `count` connections made at once have brought what has that digest; the number that have not."""
    wrong = []

    def fetch():
        received = hashlib.sha256()
        try:
            with socket.create_connection(("127.0.0.1", port), 30) as peer:
                peer.settimeout(60)
                while block := peer.recv(1 << 16):
                    received.update(block)
        except OSError:
            pass
        if received.digest() != digest:
            wrong.append(1)

    threads = [threading.Thread(target=fetch) for _ in range(count)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun, len(wrong)


def parallel_forwards(setting, scale):
    """A hundred connections at once through one -L, 50 MB in all, checked, against direct ssh -L."""
    count, content = 100, os.urandom(500_000)
    digest, server, processes, ports = hashlib.sha256(content).digest(), _FileServer(content), [], {}
    clients = {"ours": setting.through_us("forwards", options='local_forwarding = ["127.0.0.1:*"]\n'),
               "direct": setting.direct()}
    try:
        for name, client in clients.items():
            ports[name] = free_port()
            processes.append(client.popen(flags=["-N", "-oExitOnForwardFailure=yes", "-L",
                                                 f"127.0.0.1:{ports[name]}:127.0.0.1:{server.port}"],
                                          stderr=subprocess.DEVNULL))
            eventually(lambda port=ports[name]: _fetch_all(port, 1, digest)[1] == 0, 20, "the first forwarded connection")
        taken, wrong = {name: [] for name in clients}, {name: 0 for name in clients}
        for _ in range(scale(5)):
            for name, port in ports.items():
                seconds, failed = _fetch_all(port, count, digest)
                taken[name].append(seconds)
                wrong[name] += failed
    finally:
        for process in processes:
            process.kill()
            process.communicate()
        server.close()
    found = {name: statistics.median(values) for name, values in taken.items()}
    return [
        Measure("forwards", f"{count} forwarded connections, 50 MB", found["ours"] / found["direct"], "x direct", 1.0,
                f"ours {found['ours']:.2f} s, direct ssh -L {found['direct']:.2f} s"),
        Measure("forwards", "connections that brought something else", wrong["ours"], "", 0, f"direct {wrong['direct']}"),
    ]


class _StalledClient(raw.RawConnection if raw.paramiko else object):
    """A client that offers a window of 2 GiB and stops reading its socket as soon as data comes."""

    def __init__(self, *args):
        self._reading = threading.Event()
        super().__init__(*args)

    def _receiver(self, kind):
        def receive(*called):
            self._messages.put((kind, called[-1].asbytes()))
            if kind == raw.DATA:
                self._reading.wait(300)  # this is the thread that reads the socket
        return receive

    def stall(self):
        """Asks for endless data and takes the first of it."""
        channel = self.open(window=(1 << 31) - 1)
        self.exec(channel, "cat /dev/zero", want_reply=False)
        self.expect(raw.DATA)

    def close(self):
        self._reading.set()
        super().close()


def _resident(pid):
    """The resident memory of a process in bytes."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def stalled_client(setting, scale):
    """Clients that stop reading: what the daemon grows by, and an echo of their neighbour on the same trunk."""
    if raw.paramiko is None:
        return [Measure("stalled", "a client that stops reading", None, "MiB", None, "python3-paramiko is not installed")]
    count = scale(1000)
    client = setting.through_us("stalled")
    daemon = setting.bastion("stalled")
    timed_run(client.argv("true"))
    before_times = percentiles(echo_times(client, count))
    before, grown = _resident(daemon.pid), 0
    stalled = _StalledClient(daemon.port, "alice", setting.workspace.key("alice"))
    try:
        stalled.stall()
        end = time.monotonic() + 3
        while time.monotonic() < end:  # bytes that nobody takes would be seen within a moment
            grown = max(grown, _resident(daemon.pid) - before)
            time.sleep(0.05)
        beside = percentiles(echo_times(client, count))
        grown = max(grown, _resident(daemon.pid) - before)
    finally:
        stalled.close()
    return [
        Measure("stalled", "a client with a window of 2 GiB stops reading: daemon", grown / MIB, "MiB", 8.0, "more than before"),
        Measure("stalled", "its neighbour's echo on the same trunk, p99", beside[1] / before_times[1], "x before", 1.5,
                f"p50/p99 {beside[0] * 1e6:.0f}/{beside[1] * 1e6:.0f} us, before {before_times[0] * 1e6:.0f}/{before_times[1] * 1e6:.0f} us"),
    ]


def many_channels(setting, scale):
    """Two hundred sessions of one user: trunks, refusals, echoes."""
    count, sessions, refused = 200, [], 0
    client = setting.through_us("many", options="channels_per_trunk = 10\n")
    with mastered(client, setting.workspace / "many") as passenger:
        try:
            for _ in range(0, count, 20):
                batch = [passenger.popen("cat", stderr=subprocess.DEVNULL) for _ in range(20)]
                for process in batch:
                    process.stdin.write(b"x")
                    if select.select([process.stdout], [], [], 30)[0] and os.read(process.stdout.fileno(), 1) == b"x":
                        sessions.append(process)
                    else:
                        refused += 1
                        process.kill()
                        process.communicate()
            trunks = len(setting.bastion("many").rows("trunks"))
            times = [echo_once(process) for _ in range(scale(20)) for process in sessions]
        finally:
            for process in sessions:
                process.kill()
            for process in sessions:
                process.communicate()
    with mastered(setting.direct(), setting.workspace / "many-direct") as passenger:
        alone = percentiles(echo_times(passenger, scale(1000)))
    found = percentiles(times)
    return [
        Measure("channels", f"{count} channels of one user: trunks", trunks, "", 20, "", True),
        Measure("channels", "refused", refused, "", 0),
        Measure("channels", "echo among them, p50", found[0] * 1e3, "ms", 1.0,
                f"p99 {found[1] * 1e3:.2f} ms; one channel of direct ssh {alone[0] * 1e3:.2f}/{alone[1] * 1e3:.2f} ms"),
    ]


ROWS = {"loopback-echo": echo_both_ways, "forwards": parallel_forwards, "stalled": stalled_client, "channels": many_channels}
