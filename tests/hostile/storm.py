"""Random messages with resets at random points: from a logged-in client, from a target, and before a login.

Each connection has a random source of its own, seeded by the run's seed, the role and the connection's number, so that a run can
be repeated from any connection on (--seed, --from); what the kernel and the daemon make of the time between is theirs.
"""

import contextlib
import multiprocessing
import random
import select
import socket
import struct
import time

import peer
from messages import Messages
from peer import Gone, Late, string, u32
from world import MIB, Figure, World, control, has_sanitizer, local_target, private_bytes, route, settled

ROLES = ("client", "target", "before-login")
#: What a connection may still send when the daemon has ended it isn't counted, so no more than this is sent without a look.
BATCH = 24


def connection_rng(seed, role, number):
    return random.Random(f"{seed}:{role}:{number}")


def say_goodbye(rng, connection):
    """One of the ways to end a connection."""
    how = rng.random()
    try:
        if how < 0.5:
            connection.reset()
        elif how < 0.65:  # in the middle of a packet
            packet = connection.sealer.seal(bytes([peer.IGNORE]) + string(b"x" * 200))
            connection.write(packet[:rng.randrange(1, len(packet))], patience=1)
            connection.reset()
        elif how < 0.75:
            connection.send(bytes([peer.DISCONNECT]) + u32(11) + string("bye") + string(""), patience=1)
            connection.close()
        elif how < 0.85:
            connection.socket.shutdown(socket.SHUT_WR)
            select.select([connection.socket], [], [], rng.random() * 0.05)
            connection.reset()
        else:
            connection.close()
    except (Gone, Late, OSError):
        connection.close()


class Sender:
    """Sends messages of a source over a connection and looks at what comes back."""

    def __init__(self, rng, connection, messages):
        self.rng, self.connection, self.messages, self.sent = rng, connection, messages, 0

    def look(self):
        for payload in self.connection.poll():
            self.messages.note(payload)

    def batch(self, count):
        payloads = [self.messages.next() for _ in range(count)]
        self.connection.send(*payloads, patience=10)
        self.sent += count
        if self.rng.random() < 0.5:
            select.select([self.connection.socket], [], [], self.rng.choice((0, 0, 0.001, 0.01)))
        if self.rng.random() < 0.9:
            self.look()


def how_many(rng):
    """How many messages a connection gets: mostly few, sometimes very many."""
    return min(3000, int(rng.paretovariate(0.7) * 8))


def how_malicious(rng):
    return rng.choice((0, 0.005, 0.03, 0.3, 1))


def log_in_or_leave(rng, port, user, key):
    """A login; with some luck it is left by a reset at some point of it, and None comes back."""
    connection = peer.connect(port)
    try:
        point = rng.randrange(40)
        if point == 0:
            connection.reset()
            return None
        connection.exchange_versions()
        if point == 1:
            connection.reset()
            return None
        connection.exchange_keys()
        request = connection.login_request(user, key)
        connection.send(bytes([peer.SERVICE_REQUEST]) + string("ssh-userauth"), request)
        if point < 10:  # while the answer is under way
            time.sleep(rng.random() * 0.006)
            connection.reset()
            return None
        answer = connection.receive(peer.USERAUTH_SUCCESS, peer.USERAUTH_FAILURE)
        if answer[0] == peer.USERAUTH_FAILURE:
            raise Gone("the login was refused")
        return connection
    except BaseException:
        connection.reset()
        raise


class ClientStorm:
    """A logged-in client, as the same user as one of the bystanders: they share a connection to the target."""

    def __init__(self, plan):
        self.plan, self.key = plan, peer.load_key(plan.keys["alice"])

    def run(self, number):
        rng = connection_rng(self.plan.seed, "client", number)
        connection = log_in_or_leave(rng, self.plan.port, "alice" + rng.choice(("", "", "", "+shell")), self.key)
        if connection is None:
            return 0
        sender = Sender(rng, connection, Messages(rng, how_malicious(rng), self.plan.folder))
        try:
            if rng.random() < 0.6:  # a running session, so that what follows goes on to the target
                connection.send(bytes([peer.OPEN]) + string("session") + u32(0) + u32(1 << 20) + u32(32768))
                answer = connection.receive(peer.OPEN_CONFIRMATION, peer.OPEN_FAILURE)
                sender.messages.note(answer)
                if answer[0] == peer.OPEN_CONFIRMATION:
                    connection.send(connection.request(sender.messages.theirs[-1], "exec", string("cat")))
            for left in range(how_many(rng), 0, -BATCH):
                sender.batch(min(left, rng.randint(1, BATCH)))
                if rng.random() < 0.03:
                    connection.exchange_keys()
        except (Gone, Late, OSError, struct.error):
            pass
        say_goodbye(rng, connection)
        return sender.sent


class TargetStorm:
    """A hostile server that the daemon logs in to, for a user who is new each time: no pause after failures then."""

    def __init__(self, plan, worker):
        self.plan, self.worker = plan, worker
        self.key, self.host_key = peer.load_key(plan.keys["mallory"]), peer.load_key(plan.keys["evil_host"])
        self.listener = plan.listeners[worker]
        self.listener.settimeout(5)

    def run(self, number):
        rng = connection_rng(self.plan.seed, "target", number)
        self.forget_earlier()
        client = peer.connect(self.plan.port)
        server = None
        try:
            client.handshake().log_in(f"m{number}+evil{self.worker}", self.key)
            channel = client.open_session()
            if rng.random() < 0.3:
                client.send(client.request(channel, "auth-agent-req@openssh.com"), client.request(channel, "x11-req", b"\0" + string("MIT-MAGIC-COOKIE-1") + string("00" * 16) + u32(0)))
            if rng.random() < 0.2:
                client.send(bytes([peer.GLOBAL_REQUEST]) + string("tcpip-forward") + b"\1" + string("127.0.0.1") + u32(0))
            client.send(client.request(channel, "exec", string("cat")))
            try:
                accepted, _ = self.listener.accept()
            except TimeoutError:
                return 0
            server = peer.Peer(accepted, self.host_key, patience=10)
            return self.serve(rng, server, client)
        finally:
            client.reset() if rng.random() < 0.5 else client.close()
            if server is not None:
                server.reset()

    def forget_earlier(self):
        """Dials of clients who had left before they were accepted."""
        while select.select([self.listener], [], [], 0)[0]:
            self.listener.accept()[0].close()

    def serve(self, rng, server, client):
        messages = Messages(rng, how_malicious(rng), self.plan.folder, server=True)
        sender = Sender(rng, server, messages)
        count, point = how_many(rng), rng.randrange(24)
        try:
            server.exchange_versions(rng.choice((b"", b"", b"", b"hello\r\n", b"x" * 200 + b"\n")) + peer.VERSION + b"\r\n")
            if point == 0:
                sender.batch(min(count, BATCH))
            server.exchange_keys(extra=[messages.next()] if point == 1 else ())
            if point == 2:
                sender.batch(min(count, BATCH))
            if point < 8:  # messages, the success and the end in one go
                self.success_among(rng, server, messages, sender)
                return sender.sent
            server.let_in()
            while sender.sent < count:
                sender.batch(min(count - sender.sent, rng.randint(1, BATCH)))
                for payload in client.poll():  # it lets in what the target opens
                    if payload[0] == peer.OPEN:
                        _, offset = peer.read_string(payload, 1)
                        client.send(bytes([peer.OPEN_CONFIRMATION]) + payload[offset:offset + 4] + u32(rng.randrange(1, 9)) + u32(1 << 20) + u32(32768))
                if rng.random() < 0.03:
                    server.exchange_keys()
        except (Gone, Late, OSError, struct.error):
            pass
        say_goodbye(rng, server)
        return sender.sent

    @staticmethod
    def success_among(rng, server, messages, sender):
        server.receive(peer.SERVICE_REQUEST)
        accept = bytes([peer.SERVICE_ACCEPT]) + string("ssh-userauth")
        if rng.random() < 0.6:
            server.send(accept)
            server.receive(peer.USERAUTH_REQUEST)
            accept = None
        before = [messages.next() for _ in range(rng.choice((0, 1, 1, 3)))]
        after = [messages.next() for _ in range(rng.choice((0, 0, 1, 5)))]
        server.send(*([accept] if accept else []), *before, bytes([peer.USERAUTH_SUCCESS]), *after)
        sender.sent += 1 + len(before) + len(after)
        if rng.random() < 0.5:
            time.sleep(rng.random() * 0.003)
        server.reset()


class BeforeLoginStorm:
    """Whoever comes: at each point before the login has succeeded."""

    def __init__(self, plan):
        self.plan, self.key = plan, peer.load_key(plan.keys["evil_host"])  # which lets nobody in

    def run(self, number):
        rng = connection_rng(self.plan.seed, "before-login", number)
        connection = peer.connect(self.plan.port, strict=rng.random() < 0.7)
        messages = Messages(rng, how_malicious(rng), self.plan.folder, before_login=rng.random() < 0.8)
        sender, count = Sender(rng, connection, messages), how_many(rng)
        point = rng.choice(("version", "clear", "kexinit", "keys", "keys", "service", "service", "service", "refused"))
        try:
            if point == "version" and rng.random() < 0.5:
                connection.write(rng.randbytes(rng.choice((1, 20, 300, 40000))))
                count = 1
            else:
                connection.exchange_versions()
            if point == "kexinit":
                connection.send(peer.kexinit(strict=connection.strict))
            if point in ("keys", "service", "refused"):
                connection.exchange_keys()
            if point in ("service", "refused"):
                connection.send(bytes([peer.SERVICE_REQUEST]) + string("ssh-userauth"))
            if point == "refused":
                connection.send(connection.login_request("alice", self.key))
            while sender.sent < count:
                sender.batch(min(count - sender.sent, rng.randint(1, BATCH)))
                if rng.random() < 0.02 and connection.session_id:
                    connection.exchange_keys()
        except (Gone, Late, OSError, struct.error):
            pass
        say_goodbye(rng, connection)
        return sender.sent


class Plan:
    """What the workers need to know."""

    def __init__(self, world, seed, role, first, wanted, workers, listeners):
        self.seed, self.role, self.wanted, self.workers, self.listeners = seed, role, wanted, workers, listeners
        self.port, self.folder = world.port, world.workspace.path
        self.keys = {name: str(world.workspace.key(name)) for name in ("alice", "mallory", "evil_host")}
        self.next = multiprocessing.Value("q", first)
        self.sent, self.connections = multiprocessing.Value("q", 0), multiprocessing.Value("q", 0)
        self.stop = multiprocessing.Event()
        self.under_way = multiprocessing.Array("q", [-1] * workers)


def work(plan, worker):
    """Makes one connection after the other until enough is sent or the daemon is gone."""
    role = {"client": ClientStorm, "before-login": BeforeLoginStorm}.get(plan.role)
    storm = role(plan) if role else TargetStorm(plan, worker)
    refused = 0
    while not plan.stop.is_set() and plan.sent.value < plan.wanted:
        with plan.next.get_lock():
            number = plan.next.value
            plan.next.value += 1
        plan.under_way[worker] = number
        try:
            sent = storm.run(number)
            refused = 0
        except ConnectionRefusedError:
            refused += 1
            if refused > 20:
                return
            sent = 0
            time.sleep(0.05)
        except (Gone, Late, OSError):
            sent = 0
        with plan.sent.get_lock():
            plan.sent.value += sent
            plan.connections.value += 1


def evil_world(workers, more=""):
    """A world with a hostile target for each worker, where everybody whose name begins with m has mallory's key."""
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(workers)]
    targets = "".join(f'''
[target.evil{number}]
address = "127.0.0.1:{listener.getsockname()[1]}"
user = "nobody"
credentials = ["key:keys/upstream"]
known_hosts = "evil_known_hosts"
forward_agent = true
forward_x11 = true
remote_forwarding = ["*"]
connect_timeout = "4s"
''' for number, listener in enumerate(listeners))
    routes = "".join(route(f"evil{number}", f"evil{number}", targets=[f"evil{number}"]) for number in range(workers))
    world = World(targets + local_target("shell") + routes + route("shell", "shell", targets=["shell"]) + more,
                  auth='authorized_keys = ["authorized_keys/{user}", "authorized_keys/mallory"]\n')
    world.workspace.key("evil_host")
    line = world.workspace.public_key("evil_host")
    world.workspace.write("evil_known_hosts", "".join(f"[127.0.0.1]:{listener.getsockname()[1]} {line}\n" for listener in listeners))
    return world, listeners


def storm(role, messages, seed, first=0, workers=4, say=print):
    """Runs one role's storm: (findings, figures)."""
    wrong, figures = [], []
    world, listeners = evil_world(workers if role == "target" else 1)
    world.start()
    try:
        world.stand_by("alice", "bob")
        before = private_bytes(world.bastion.pid)
        plan = Plan(world, seed, role, first, messages, workers, listeners)
        context = multiprocessing.get_context("fork")
        began = time.monotonic()
        processes = [context.Process(target=work, args=(plan, number), daemon=True) for number in range(workers)]
        for process in processes:
            process.start()
        said = began
        while any(process.is_alive() for process in processes):
            time.sleep(0.2)
            faults = world.findings()
            if faults:
                wrong += [*faults, f"under way were the connections {sorted(plan.under_way)} of --seed {seed} --roles {role}"]
                plan.stop.set()
                break
            if time.monotonic() - said > 30:
                said = time.monotonic()
                say(f"  {role}: {plan.sent.value} messages, {plan.connections.value} connections, {said - began:.0f} s")
        for process in processes:
            process.join(20)
            if process.is_alive():
                process.kill()
        seconds = time.monotonic() - began
        for listener in listeners:
            listener.close()
        if not wrong:
            wrong += settle(world, role, before, figures)
        figures.append(Figure("storm", f"{role}: messages", plan.sent.value, "",
                              note=f"{plan.connections.value} connections, {programs(world)} programs started, {seconds:.0f} s, seed {seed}; " + "; ".join(b.summary() for b in world.bystanders)))
        if plan.sent.value < messages and not wrong:
            wrong.append(f"{role}: only {plan.sent.value} messages could be sent")
    finally:
        ended = world.end()
    if not wrong:
        wrong += ended
    return wrong, figures


def programs(world):
    """How many programs the audit trail knows: a storm that starts none has missed the target."""
    with contextlib.suppress(OSError), open(world.bastion.audit_file, "rb") as lines:
        return sum(b'"event":"exec"' in line for line in lines)
    return 0


def settle(world, role, before, figures):
    """After the storm: its connections are gone, newcomers are let in, memory is given back."""
    deadline = time.monotonic() + 60
    while True:
        rows = (control(world, verb="connections") or {}).get("connections", [])
        if len(rows) <= len(world.bystanders):
            break
        if time.monotonic() > deadline:
            return [f"{role}: {len(rows)} connections are still there a minute after the storm: {str(rows[:3])[:600]}"]
        time.sleep(0.2)
    result = world.client("bob").run("echo", "in")
    if result.stdout != b"in\n":
        return [f"{role}: a newcomer isn't let in: {result.stderr!r}"]
    grown = (settled(world, before + 8 * MIB) - before) / MIB
    figures.append(Figure("storm", f"{role}: memory 10 s after", grown, "MiB more", None if has_sanitizer(f"/proc/{world.bastion.pid}/exe") else 8.0))
    return world.findings()


def repeated(what, times, attack):
    """attack(world, listeners, number) so many times, beside bystanders: findings."""
    world, listeners = evil_world(1)
    world.start()
    wrong = []
    try:
        world.stand_by("alice", "bob")
        for number in range(times):
            with contextlib.suppress(Gone, Late, OSError):
                attack(world, listeners, number)
            if not world.alive():
                wrong.append(f"{what} ended the daemon, the time number {number + 1}")
                break
        time.sleep(0.3)
        wrong += world.findings()
    finally:
        for listener in listeners:
            listener.close()
        ended = world.end()
    return wrong or ended


def success_then_reset(times=16):
    """A target answers with a message that nobody knows and the success in one write, and resets: findings."""
    def attack(world, listeners, number):
        target = TargetStorm(Plan(world, 0, "target", 0, 1, 1, listeners), 0)
        one_success_then_reset(world.port, target, number)
    return repeated("a target's success with a reset behind it", times, attack)


def one_success_then_reset(port, target, number):
    target.forget_earlier()
    with contextlib.closing(peer.connect(port)) as client:
        client.handshake().log_in(f"m{number}+evil0", target.key)
        channel = client.open_session()
        client.send(client.request(channel, "exec", string("true")))
        accepted, _ = target.listener.accept()
        server = peer.Peer(accepted, target.host_key, patience=20)
        server.handshake()
        server.receive(peer.SERVICE_REQUEST)
        server.send(bytes([peer.SERVICE_ACCEPT]) + string("ssh-userauth"))
        server.receive(peer.USERAUTH_REQUEST)
        server.send(bytes([200]) + string("x"), bytes([peer.USERAUTH_SUCCESS]))
        server.reset()
        client.receive(peer.CLOSE, patience=20)


def reset_at_success(times=120):
    """A client resets while its success is being written: findings."""
    rng = random.Random(times)

    def attack(world, _listeners, _number):
        key = peer.load_key(world.workspace.key("mallory"))
        connection = peer.connect(world.port).handshake()
        connection.send(bytes([peer.SERVICE_REQUEST]) + string("ssh-userauth"))
        connection.receive(peer.SERVICE_ACCEPT)
        connection.send(connection.login_request("mallory", key))
        time.sleep(rng.random() * 0.004)
        connection.reset()
    return repeated("a client's reset at the success", times, attack)


def row(options, say=print):
    """The row: the two killers, then the storms."""
    wrong, figures = [], []
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    say(f"  seed {seed}")
    if not options.first:
        for name, killer in (("a target's success, then a reset", success_then_reset), ("a client's reset at the success", reset_at_success)):
            found = killer()
            figures.append(Figure("storm", name, len(found), "findings", 0))
            wrong += found
    for role in options.roles:
        found, more = storm(role, options.messages, seed, options.first, options.workers, say)
        wrong += found
        figures += more
        figures.append(Figure("storm", f"{role}: findings", len(found), "", 0))
    return wrong, figures
