"""Random messages with resets at random points: from a logged-in client, from a target, and before a login.

Each connection has a random source of its own, seeded by the run's seed, the role and the connection's number, so that a run can
be repeated from any connection on (--seed, --from); what the kernel and the daemon make of the time between is theirs.
"""

import contextlib
import multiprocessing
import os
import random
import socket
import time

import peer
from peer import Gone, Late, string
from storm_roles import BeforeLoginStorm, ClientStorm, TargetStorm
from world import MIB, Figure, World, control, has_sanitizer, local_target, private_bytes, route, settled


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
                  auth='authorized_keys = ["authorized_keys/{user}", "authorized_keys/mallory"]\n',
                  defaults='local_forwarding = ["*"]\nremote_forwarding = ["*"]\nforward_agent = true\nforward_x11 = true\n')
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
                              note=f"{plan.connections.value} connections, {programs(world)} programs started, {seconds:.0f} s, seed {seed}; "
                              + "; ".join(bystander.summary() for bystander in world.bystanders)))
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
    figures.append(Figure("storm", f"{role}: memory 10 s after", grown, "MiB more", None if has_sanitizer(os.environ["SALLYPORT_DAEMON"]) else 8.0))
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
