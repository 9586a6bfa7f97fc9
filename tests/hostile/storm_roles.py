"""Who sends random messages in a storm: a logged-in client, a target, and whoever comes before a login. run(number) makes one
connection and returns how many messages it has sent."""

import random
import select
import socket
import struct
import time

import peer
from messages import Messages
from peer import Gone, Late, string, u32

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
                display = b"\0" + string("MIT-MAGIC-COOKIE-1") + string("00" * 16) + u32(0)
                client.send(client.request(channel, "auth-agent-req@openssh.com"), client.request(channel, "x11-req", display))
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
            if rng.random() < 0.75:  # a session that runs, so that what follows goes on to the client
                messages.note(server.receive(peer.OPEN))
                server.send(messages.confirm())
                server.receive(peer.REQUEST)
                server.send(bytes([peer.SUCCESS]) + u32(messages.theirs[-1]))
            while sender.sent < count:
                sender.batch(min(count - sender.sent, rng.randint(1, BATCH)))
                for payload in client.poll():  # it lets in what the target opens
                    if payload[0] == peer.OPEN:
                        _, offset = peer.read_string(payload, 1)
                        client.send(bytes([peer.OPEN_CONFIRMATION]) + payload[offset:offset + 4] + u32(rng.randrange(1, 9))
                                    + u32(1 << 20) + u32(32768))
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
