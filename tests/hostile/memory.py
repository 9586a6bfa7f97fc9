"""Floods that make a daemon hold memory for somebody who doesn't take what he asked for."""

import multiprocessing
import os
import select
import threading
import time

import peer
from harness.ports import SilentListener
from peer import Gone, Late, string, u32
from world import MIB, Figure, World, control, has_sanitizer, private_bytes, route, settled

#: What is sent by all attackers together: more than four times what may be held.
ENOUGH = 40 * MIB
PER_CLIENT, PER_USER, PER_STRANGER = 8 * MIB, 64 * MIB, 256 * 1024
ENDLESS = 0xffffffff


class Flood:
    """One kind: prepare() brings a connection to where it begins, batch() is what is then written again and again, if anything.
    `reads`: what comes is read and thrown away."""

    user, before_login, reads, options = "alice", False, False, {}
    fewest, most = 1, 100  # connections at a time

    def connect(self, port, key):
        connection = peer.connect(port, **self.options)
        if not self.before_login:
            connection.handshake().log_in(self.user, key)
        self.prepare(connection)
        return connection

    def prepare(self, connection):
        pass

    def payloads(self, _connection):
        return ()

    def batch(self, connection):
        return b"".join(map(connection.sealer.seal, self.payloads(connection)))


class Service(Flood):
    """Requests for the service that there is already."""

    def payloads(self, _):
        return [bytes([peer.SERVICE_REQUEST]) + string("ssh-userauth")] * 200


class Unimplemented(Flood):
    """Messages that nobody knows: each is answered."""

    def payloads(self, _):
        return [bytes([200])] * 200


class Pings(Flood):
    """Answered messages of OpenSSH's."""

    def payloads(self, _):
        return [bytes([192]) + string(b"x" * 8000)] * 20


class Globals(Flood):
    """Global requests that want answers."""

    def payloads(self, _):
        return [bytes([peer.GLOBAL_REQUEST]) + string("x@example.org") + b"\1"] * 200


class WaitingGlobals(Flood):
    """The same behind one whose answer is a target's that never comes."""

    user = "alice+silent"

    def prepare(self, connection):
        connection.send(bytes([peer.GLOBAL_REQUEST]) + string("tcpip-forward") + b"\1" + string("127.0.0.1") + u32(0))

    def payloads(self, _):
        return [bytes([peer.GLOBAL_REQUEST]) + string("keepalive@openssh.com") + b"\1"] * 200


class Opens(Flood):
    """Channels that are refused."""

    def payloads(self, _):
        return [bytes([peer.OPEN]) + string("nothing@example.org") + u32(1) + u32(1000) + u32(1000)] * 200


class Requests(Flood):
    """Requests of a running session, answered by the target."""

    def prepare(self, connection):
        self.channel = connection.run("cat")

    def payloads(self, connection):
        return [connection.request(0, "nobody-knows-this@example.org")] * 200


class Adjusts(Flood):
    """Window adjusts without end."""

    def prepare(self, connection):
        connection.run("cat", window=0)

    def payloads(self, _):
        return [bytes([peer.WINDOW_ADJUST]) + u32(0) + u32(1)] * 200


class Collected(Flood):
    """What is kept for programs that are never started: 128 KiB on each of 256 channels."""

    def prepare(self, connection):
        for number in range(256):
            connection.send(bytes([peer.OPEN]) + string("session") + u32(number) + u32(1 << 20) + u32(32768))
        for _ in range(256):
            if connection.receive(peer.OPEN_CONFIRMATION, peer.OPEN_FAILURE)[0] == peer.OPEN_FAILURE:
                return

    def __init__(self):
        self._left = {}

    def batch(self, connection):
        channel = self._left.setdefault(connection, 0)
        if channel == 256:
            return b""
        self._left[connection] += 1
        requests = (connection.request(channel, "env", string(f"N{number}") + string(b"v" * 8000), False) for number in range(16))
        return b"".join(map(connection.sealer.seal, requests))


class Unread(Flood):
    """A program's output into a window without end, and nobody reads."""

    command, channels = "cat /dev/zero", 1

    def prepare(self, connection):
        for number in range(self.channels):
            connection.run(self.command, number, ENDLESS)


class UnreadStderr(Unread):
    """The same on standard error."""

    command = "cat /dev/zero >&2"


class UnreadChannels(Unread):
    """The same on many channels."""

    channels, most = 24, 10


class Echoed(Flood):
    """What is sent comes back, and isn't read."""

    def prepare(self, connection):
        connection.run("cat", 0, ENDLESS)

    def payloads(self, _):
        return [bytes([peer.DATA]) + u32(0) + string(b"x" * 30000)] * 4


class TheirRekey(Unread):
    """A re-exchange that the client begins and doesn't go on with, while the target pours."""

    reads = True

    def prepare(self, connection):
        super().prepare(connection)
        connection.send(peer.kexinit())


class OurRekey(Globals):
    """A re-exchange that the daemon begins, after a GiB under that cipher, and that is left unanswered while the target pours and
    global requests want answers."""

    reads, most = True, 4
    options = {"cipher": peer.CHACHA}

    def connect(self, port, key):
        connection = peer.connect(port, **self.options).handshake()
        connection.send(bytes([peer.SERVICE_REQUEST]) + string("ssh-userauth"), connection.login_request(self.user, key))
        time.sleep(1)  # the answers can't be read
        connection.send(bytes([peer.OPEN]) + string("session") + u32(0) + u32(1 << 31) + u32(32768))
        connection.send(connection.request(0, "exec", string("cat /dev/zero")))
        got, end = 0, time.monotonic() + 180
        while select.select([connection.socket], [], [], 3)[0] and time.monotonic() < end:
            block = connection.socket.recv(1 << 20)
            if not block:
                break
            got += len(block)
            connection.write(connection.sealer.seal(bytes([peer.WINDOW_ADJUST]) + u32(0) + u32(len(block))), reading=False)
        if got < 1 << 29:
            raise Gone(f"only {got} bytes came")
        return connection


class Stranger(Flood):
    before_login, fewest = True, 10  # what one holds is lost in what the daemon needs for itself


class Refusals(Stranger):
    """Login requests whose refusals aren't read."""

    def prepare(self, connection):
        connection.handshake()
        connection.send(bytes([peer.SERVICE_REQUEST]) + string("ssh-userauth"))

    def payloads(self, _):
        return [bytes([peer.USERAUTH_REQUEST]) + string("alice") + string("ssh-connection") + string("none")] * 100


class StrangersService(Stranger):
    """Requests for the service, unread."""

    def prepare(self, connection):
        connection.handshake()

    def payloads(self, _):
        return [bytes([peer.SERVICE_REQUEST]) + string("ssh-userauth")] * 100


class StrangersUnimplemented(Stranger):
    """Messages that nobody knows, unread."""

    def prepare(self, connection):
        connection.handshake()

    def payloads(self, _):
        return [bytes([200])] * 200


class HalfPacket(Stranger):
    """The greater part of the largest packet that is taken."""

    def prepare(self, connection):
        connection.handshake()
        packet = connection.sealer.seal(bytes([peer.IGNORE]) + string(b"x" * 250000))
        connection.pour(packet[:-100], 3)


class HalfKexinit(Stranger):
    """Lists of names as long as a packet may be, and no more."""

    def prepare(self, connection):
        connection.exchange_versions()
        lists = (b"x," * 1700 + b"curve25519-sha256", b"ssh-ed25519", peer.GCM, peer.GCM, b"y," * 1700, b"y", b"none", b"none",
                 b"z" * 9000, b"z" * 9000)
        connection.send(bytes([peer.KEXINIT]) + os.urandom(16) + b"".join(map(string, lists)) + b"\0" * 5)


class Keys(Stranger):
    """A key of 30 KB, offered again and again."""

    def prepare(self, connection):
        connection.handshake()
        connection.send(bytes([peer.SERVICE_REQUEST]) + string("ssh-userauth"))

    def payloads(self, _):
        return [bytes([peer.USERAUTH_REQUEST]) + string("alice") + string("ssh-connection") + string("publickey") + b"\0"
                + string("ssh-rsa") + string(b"k" * 30000)] * 4


FLOODS = {
    "service": Service, "unimplemented": Unimplemented, "pings": Pings, "globals": Globals, "waiting-globals": WaitingGlobals, "opens": Opens,
    "requests": Requests, "adjusts": Adjusts, "collected": Collected, "unread": Unread, "unread-stderr": UnreadStderr,
    "unread-channels": UnreadChannels, "echoed": Echoed, "their-rekey": TheirRekey, "our-rekey": OurRekey,
    "stranger-refusals": Refusals, "stranger-service": StrangersService, "stranger-unimplemented": StrangersUnimplemented,
    "stranger-half-packet": HalfPacket, "stranger-kexinit": HalfKexinit, "stranger-keys": Keys,
}


def flood(kind, port, key_file, count, ready, stop, release, sent, begun):
    """A process's share of the attack."""
    key, connections = peer.load_key(key_file), {}
    for _ in range(count):
        try:
            connection = kind.connect(port, key)
            connections[connection.socket] = [connection, memoryview(b"")]
            with begun.get_lock():
                begun.value += 1
        except (Gone, Late, OSError) as error:
            print(f"    {type(kind).__name__}: no attack: {error!r}")
    with ready.get_lock():
        ready.value += 1
    while not stop.is_set():
        moved = False
        for sock in list(connections):
            entry = connections[sock]
            try:
                if kind.reads and select.select([sock], [], [], 0)[0]:
                    moved = bool(sock.recv(1 << 20)) or moved
                if not entry[1]:
                    entry[1] = memoryview(kind.batch(entry[0]))
                if entry[1]:
                    taken = sock.send(entry[1])
                    entry[1] = entry[1][taken:]
                    moved = True
                    with sent.get_lock():
                        sent.value += taken
            except BlockingIOError:
                pass
            except OSError:  # sent away
                del connections[sock]
        if not moved:
            time.sleep(0.02)
    release.wait()
    for sock in connections:
        sock.close()


class Watch:
    """The largest private memory of a process while it is watched."""

    def __init__(self, pid):
        self._pid, self.peak, self._stop = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.05):
            try:
                self.peak = max(self.peak, private_bytes(self._pid))
            except OSError:
                return

    def end(self):
        self._stop.set()
        self._thread.join()
        return self.peak


def attack(seconds, sent, watch, world):
    """Waits until the time is over, ENOUGH was sent, or nothing has moved for a while."""
    end = time.monotonic() + seconds
    before, moved = (0, 0), time.monotonic()
    while world.alive() and time.monotonic() < end and sent.value < ENOUGH:
        time.sleep(0.1)
        if sent.value > before[0] or watch.peak > before[1] * 1.01:
            before, moved = (sent.value, watch.peak), time.monotonic()
        elif time.monotonic() - moved > 5:
            return


def measure(name, count, seconds):
    """One flood by `count` clients: (findings, figures)."""
    kind, silent = FLOODS[name](), SilentListener()
    target = f'''
[target.silent]
address = "127.0.0.1:{silent.port}"
user = "nobody"
credentials = ["key:keys/upstream"]
known_hosts = "upstream_known_hosts"
connect_timeout = "5m"
remote_forwarding = ["*"]
'''
    world = World(target + route("silent", "silent", targets=["silent"])).start()
    sanitized, context = has_sanitizer(os.environ["SALLYPORT_DAEMON"]), multiprocessing.get_context("fork")
    try:
        world.stand_by("bob")
        key_file = str(world.workspace.key("alice"))
        for _ in range(8):  # what is allocated once
            peer.connect(world.port).handshake().log_in("alice", peer.load_key(key_file)).close()
        time.sleep(6)  # and given back
        before = private_bytes(world.bastion.pid)
        ready, sent, begun, stop, release = *(context.Value("q", 0) for _ in range(3)), context.Event(), context.Event()
        workers = min(4, count)
        shares = [count // workers + (number < count % workers) for number in range(workers)]
        processes = [context.Process(target=flood, args=(kind, world.port, key_file, share, ready, stop, release, sent, begun),
                                     daemon=True) for share in shares]
        watch = Watch(world.bastion.pid)
        for process in processes:
            process.start()
        end = time.monotonic() + 300
        while ready.value < workers and time.monotonic() < end and world.alive() and any(p.is_alive() for p in processes):
            time.sleep(0.05)
        attack(seconds, sent, watch, world)
        peak = watch.end() - before
        stop.set()
        release.set()
        for process in processes:
            process.join(20)
            process.kill()
        allowed = (4 if count == 1 else 8) * MIB
        after = settled(world, before + allowed) - before
        wrong = [f"memory {name}: {fault}" for fault in world.findings()]
        if begun.value == 0:
            wrong.append(f"memory {name}: nobody got as far as to attack")
        left = len((control(world, verb="connections") or {}).get("connections", ())) - len(world.bystanders)
        bar = PER_STRANGER * count if kind.before_login else PER_CLIENT if count == 1 else PER_USER
        note = f"{begun.value} began, {sent.value / MIB:.1f} MiB sent; {world.bystanders[0].summary()}"
        return wrong, [Figure("memory", f"{name} by {count}", peak / MIB, "MiB", None if sanitized else bar / MIB, note),
                       Figure("memory", f"{name} by {count}: 10 s after", after / MIB, "MiB", None if sanitized else allowed / MIB,
                       f"{max(left, 0)} connections left")]
    finally:
        silent.close()
        world.end()


def row(options):
    wrong, figures = [], []
    for name in options.floods or []:
        if name not in FLOODS:
            raise SystemExit(f"no flood {name}; there are {', '.join(FLOODS)}")
    for name in options.floods or FLOODS:
        for count in dict.fromkeys(max(FLOODS[name].fewest, min(FLOODS[name].most, count)) for count in options.counts):
            found, more = measure(name, count, options.seconds or 60)
            print(f"  {name} by {count}: {more[0].value:.1f} MiB, {more[1].value:.1f} after; {more[0].note}")
            wrong += found
            figures += more
    return wrong, figures
