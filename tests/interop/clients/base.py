"""What every client is to the scenarios: command lines."""

import dataclasses
from pathlib import Path

from harness.workspace import find_program
from world import CLIENT_KEYS

HERE = Path(__file__).resolve().parent


@dataclasses.dataclass
class Call:
    """A command line. Standard input and output are files if given; with `prints_seconds` it says how long its transfer took,
    without what it takes to start."""

    argv: list
    stdin: Path | None = None
    stdout: Path | None = None
    prints_seconds: bool = False


class Client:
    """A program that people connect with. A subclass has those of these methods that it can do, each of which returns a Call:

    exec(way, command), pty(way, command)       with the input, output and exit status of the command
    get(way, there, here), put(way, here, there)   files
    forward(way, port)      joins its input and output with a port of the target's
    rekey(way, command)     exec, with keys that are exchanged anew in the middle of the output
    four(way, command)      the command four times at once on one connection; prints the SHA-256 of each output
    """

    name = ""
    programs = ()        # what has to be installed
    key_kind = "ed25519"
    nist = False         # knows neither curve25519 nor Ed25519
    takes_input = True   # sends a command what comes on its standard input
    jumps = False        # can go through sshds with ProxyJump

    def __init__(self, world):
        self.world, self.workspace = world, world.workspace
        self.home = self.workspace / f"home-{self.name}"
        self.home.mkdir(exist_ok=True)

    @classmethod
    def missing(cls):
        """Why it can't be tried here; an empty text when it can."""
        return next((f"{program} is not installed" for program in cls.programs if not find_program(program)), "")

    def prepare(self):
        """Makes what the client needs, once."""

    def environment(self):
        """Variables for its programs."""
        return {"HOME": str(self.home)}

    def scenarios(self):
        """Scenarios of its own: functions of a Trial, by name."""
        return {}

    @property
    def key(self):
        """The private key that it logs in with."""
        return self.workspace / "keys" / CLIENT_KEYS[self.key_kind]

    def host_key(self, way):
        """The path of the public key that the server must show."""
        return self.workspace / "keys" / f"{way.host_key}.pub"


class Library(Client):
    """A program made with a library, for all of them the same arguments: HOST PORT USER KEY HOST_KEY_FILE OPERATION ARGUMENTS."""

    operations = ("exec", "pty", "get", "put", "forward", "rekey", "four")

    def command(self):
        """How the program is run."""
        raise NotImplementedError

    def _call(self, way, operation, *arguments):
        words = [*self.command(), "127.0.0.1", way.port, way.user, self.key, self.host_key(way), operation, *arguments]
        return Call(words, prints_seconds=operation in ("get", "put"))

    def __getattr__(self, operation):
        if operation in Library.operations and operation in type(self).operations:
            return lambda way, *arguments: self._call(way, operation, *arguments)
        raise AttributeError(operation)


class ShellClient(Client):
    """One that is used as ssh is: a command behind the host, options in front of it. A subclass has argv(way, *words, flags=())."""

    terminal = "-t"      # asks for one
    relay = "-W"         # joins input and output with a port, which follows

    def exec(self, way, command):
        return Call(self.argv(way, command))

    def pty(self, way, command):
        return Call(self.argv(way, command, flags=[self.terminal]))

    def get(self, way, there, here):
        return Call(self.argv(way, f"cat {there}"), stdout=here)

    def put(self, way, here, there):
        return Call(self.argv(way, f"cat > {there}"), stdin=here)

    def forward(self, way, port):
        return Call(self.argv(way, flags=[self.relay, f"127.0.0.1:{port}"]))
