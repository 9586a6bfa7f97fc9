"""The servers between which clients are tried: targets of several makes, bastions in front of them one after the other, and sshds to jump
through. Everything is on loopback ports of its own, in a folder that goes when the world is closed."""

import dataclasses

import targets
from harness.config import bastion_config, local_target, route, ssh_target
from harness.sallyport import Sallyport
from harness.workspace import Workspace, login_name

#: What a client logs in with, by kind: not every library knows every kind.
CLIENT_KEYS = {"ed25519": "alice", "rsa": "alice_rsa", "ecdsa": "alice_ecdsa"}
#: A bastion leads to its targets, and through the one behind it. `nist` is a `near` for clients that know nothing newer than NIST's
#: curves.
_BEHIND = {"far": None, "middle": "far", "near": "middle", "nist": "middle"}
_NIST = '''kex = ["curve25519-sha256", "ecdh-sha2-nistp256"]
host_keys = ["ssh-ed25519", "ecdsa-sha2-nistp256"]
'''
_LIMITS = "max_startups_per_source = 0\nmax_connections_per_user = 1000\n"
_ALL_MAY_BE_REACHED = 'local_forwarding = ["*"]\n'

#: Through how many bastions, or sshds with ProxyJump, each way leads. On `via` the inner one carries a connection of the outer one's.
BASTIONS = {"direct": 0, "one": 1, "two": 2, "three": 3, "via": 2}
JUMPS = {"jump-1": 1, "jump-2": 2, "jump-3": 3}


@dataclasses.dataclass(frozen=True)
class Way:
    """Where a client connects to reach a target. `host_key` is the name of the key in the workspace that it must be shown; `jumps`
    says through how many sshds it gets there with ProxyJump, which only OpenSSH's client can."""

    name: str
    target: str
    port: int
    user: str
    host_key: str
    jumps: int = 0


class World:
    """A world with targets of these kinds (names of targets.KINDS; "openssh" is always there)."""

    def __init__(self, kinds=()):
        self.workspace = Workspace()
        self.targets, self._bastions, self._payloads = {}, {}, {}
        try:
            self._start(dict.fromkeys(("openssh", *kinds)))
        except BaseException:
            self.close()
            raise

    def _start(self, kinds):
        for name in ("upstream", "bastion_host", "target_host"):
            self.workspace.key(name)
        for name in ("bastion_ecdsa", "target_ecdsa"):
            self.workspace.key(name, "ecdsa")
        keys = [self.workspace.key(name, kind, 2048 if kind == "rsa" else None).name for kind, name in CLIENT_KEYS.items()]
        lines = "".join(f"{self.workspace.public_key(name)}\n" for name in ("upstream", *keys))
        authorized = self.workspace.write("authorized_keys/alice", lines)
        self.jump = self._keep("jump", targets.OpenSsh(self.workspace, authorized, "jump"))
        for kind in kinds:
            self._keep(kind, targets.KINDS[kind](self.workspace, authorized, kind))
        # It exchanges keys anew after each megabyte, for clients that can't be told to.
        self._keep("rekeying", targets.OpenSsh(self.workspace, authorized, "rekeying", RekeyLimit="1M"))
        self._keep("nist", targets.OpenSsh(self.workspace, authorized, "nist", "target_ecdsa"))

    def _keep(self, name, target):
        self.targets[name] = target
        target.start()
        self._known(target.port, target.host_key)
        return target

    def _known(self, port, host_key):
        with open(self.workspace / "upstream_known_hosts", "a", encoding="ascii") as file:
            file.write(f"[127.0.0.1]:{port} {self.workspace.public_key(host_key)}\n")

    def payload(self, size):
        """A file of so many random bytes, and its SHA-256."""
        if size not in self._payloads:
            self._payloads[size] = self.workspace.random_file(f"payload-{size}", size)
        return self._payloads[size]

    def close(self):
        """Stops everything; returns what was wrong with the ends of the daemons, a list of texts."""
        wrong = [text for bastion in reversed(self._bastions.values()) for text in bastion.stop()]
        for target in self.targets.values():
            target.stop()
        self.workspace.close()
        return wrong

    def bastion(self, name):
        """The daemon of that name, started when it is first asked for, with all that are behind it."""
        if name not in self._bastions:
            behind = self.bastion(_BEHIND[name]) if _BEHIND[name] else None
            sections = {"log": 'level = "info"\n', "audit": "", "limits": _LIMITS}
            if name == "nist":
                sections |= {"server": 'host_keys = ["keys/bastion_ecdsa"]\ncontrol_socket = "nist.sock"\n', "algorithms": _NIST}
            body = self._led_to(behind) + route("all", "{target}", targets=["*"])
            self._bastions[name] = Sallyport(self.workspace, bastion_config(body, name=name, **sections), name)
            self._known(self._bastions[name].start().port, "bastion_host")
        return self._bastions[name]

    def _led_to(self, behind):
        """The targets of a bastion with another one behind it, or none: `T`, `two-T` and `three-T` through so many bastions, and
        `via-T`, for which the one behind makes a connection."""
        body = local_target("here", more='jump = "direct"\n' + _ALL_MAY_BE_REACHED)
        if behind:
            body += _through(behind, "gate", "here")
        for name, target in self.targets.items():
            address = f"127.0.0.1:{target.port}"
            body += ssh_target(name, address=address, more=_ALL_MAY_BE_REACHED)
            if behind:
                body += _through(behind, f"two-{name}", name) + _through(behind, f"three-{name}", f"two-{name}")
                body += ssh_target(f"via-{name}", address=address, more='via = "gate"\n' + _ALL_MAY_BE_REACHED)
        return body

    def way(self, name, target="openssh", nist=False):
        """The way of that name (of BASTIONS or JUMPS) to that target."""
        if not BASTIONS.get(name):
            server = self.targets["nist" if nist else target]
            return Way(name, target, server.port, server.user, server.host_key, JUMPS.get(name, 0))
        asked = target if name == "one" else f"{name}-{target}"
        bastion, host_key = ("nist", "bastion_ecdsa") if nist else ("near", "bastion_host")
        return Way(name, target, self.bastion(bastion).port, f"alice+{asked}", host_key)


def _through(bastion, name, asked):
    """A target that is another bastion, asked for one of its own."""
    made = ssh_target(name, address=f"127.0.0.1:{bastion.port}", more=_ALL_MAY_BE_REACHED)
    return made.replace(f'user = "{login_name()}"', f'user = "alice+{asked}"')
