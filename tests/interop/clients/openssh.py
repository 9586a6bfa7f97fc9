"""OpenSSH's own clients."""

import shlex

from clients.base import Call, ShellClient
from harness.openssh import OpenSsh


class Ssh(ShellClient):
    name, programs, jumps, terminal = "ssh", ("ssh",), True, "-tt"

    def stock(self, way, **options):
        """The stock client for that way."""
        if way.jumps:
            options["ProxyCommand"] = f"ssh -F {self._jump_config()} -W 127.0.0.1:{way.port} jump-{way.jumps}"
        return OpenSsh(self.workspace, way.port, way.user, self.key.name, way.host_key, **options)

    def _jump_config(self):
        """A configuration in which jump-2 is behind jump-1, and so on."""
        path = self.workspace / "jumps.conf"
        if not path.exists():
            jump = self.world.jump
            options = OpenSsh(self.workspace, jump.port, jump.user, self.key.name, jump.host_key).options()
            lines = "".join(f"  {option[2:].replace('=', ' ', 1)}\n" for option in options if option.startswith("-o"))
            self.workspace.write(path.name, "".join(
                f"Host jump-{hop}\n  HostName 127.0.0.1\n" + (f"  ProxyJump jump-{hop - 1}\n" if hop > 1 else "") for hop in (1, 2, 3))
                + f"Host *\n{lines}")
        return path

    def argv(self, way, *words, flags=()):
        return self.stock(way).argv(*words, flags=flags)

    def rekey(self, way, command):
        return Call(self.stock(way, RekeyLimit="1M").argv(command))

    def four(self, way, command):
        path = self.workspace / f"master-{way.name}-{way.target}"
        client = self.stock(way, ControlPath=path)
        ssh = shlex.join(map(str, ["ssh", *client.options()]))
        # The master isn't put in the background by itself: it must end with whoever ends this.
        master = f"{ssh} -M -N {client.host} & master=$!; until [ -S {path} ]; do kill -0 $master || exit; sleep 0.01; done"
        at_once = f"(for i in 1 2 3 4; do {ssh} {client.host} {shlex.quote(command)} | sha256sum & done; wait)"
        return Call(["sh", "-c", f"rm -f {path}; {master}; {at_once}; kill $master"])


class Sftp(Ssh):
    name, programs = "sftp", ("sftp",)

    def _batch(self, way, operation, source, sink):
        batch = self.workspace.write(f"{sink}-batch", f"{operation} {source} {sink}\n")
        return Call(["sftp", "-q", "-b", batch, *self.stock(way).options(), "127.0.0.1"])

    def get(self, way, there, here):
        return self._batch(way, "get", there, here)

    def put(self, way, here, there):
        return self._batch(way, "put", here, there)

    exec = pty = forward = rekey = four = None


class Scp(Ssh):
    """With the protocol of sftp, as it does today."""

    name, programs, protocol = "scp", ("scp",), "-s"

    def _copy(self, way, source, sink):
        return Call(["scp", "-q", self.protocol, *self.stock(way).options(), source, sink])

    def get(self, way, there, here):
        return self._copy(way, f"127.0.0.1:{there}", here)

    def put(self, way, here, there):
        return self._copy(way, here, f"127.0.0.1:{there}")

    exec = pty = forward = rekey = four = None


class OldScp(Scp):
    """With its own, as it did before 2022."""

    name, protocol = "scp-O", "-O"


CLIENTS = (Ssh, Sftp, Scp, OldScp)
