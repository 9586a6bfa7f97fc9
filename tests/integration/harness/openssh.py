"""A private sshd, and the stock OpenSSH client kept apart from the machine's configuration."""

import functools
import os
import signal
import subprocess
from pathlib import Path

from .ports import free_port
from .process import PATIENCE, LoggedProcess, Timeout, children, eventually, process_stat
from .workspace import clean_environment, find_program, login_name

_SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")


def sftp_server():
    """The path of OpenSSH's sftp-server, or None."""
    return next((path for path in _SFTP_SERVERS if os.access(path, os.X_OK)), None)


@functools.cache
def without_penalties():
    """What keeps sshd from refusing us after the failed logins that tests are made of: it does so from version 9.8 on."""
    tried = subprocess.run([find_program("sshd"), "-T", "-f", os.devnull, "-o", "PerSourcePenalties=no"], capture_output=True, text=True,
                           env=clean_environment(), check=False)
    return {} if "Bad configuration option" in tried.stderr else {"PerSourcePenalties": "no"}


class Sshd:
    """A stock sshd on a loopback port of its own, which knows the public keys it is given."""

    def __init__(self, workspace, authorized, name="sshd", host_key="target_host", address="127.0.0.1", within=(), **options):
        """`authorized` are names of keys in `workspace`; `options` are settings of sshd_config(5); `within` is a command
        that runs it in another network namespace, where `address` is."""
        self._workspace = workspace
        self.name, self.address, self._within = name, address, within
        self.host_key = workspace.key(host_key)
        for key in authorized:
            workspace.key(key)
        keys = workspace.write(f"{name}_authorized_keys", "".join(workspace.public_key(key) + "\n" for key in authorized))
        settings = {
            "HostKey": self.host_key, "AuthorizedKeysFile": keys, "ListenAddress": address, "PidFile": "none",
            "UsePAM": "no", "StrictModes": "no", "PermitRootLogin": "yes", "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no", "PermitUserRC": "no", "PrintMotd": "no", "PrintLastLog": "no",
            "MaxStartups": "1000", "AcceptEnv": "SP_*", "LogLevel": "VERBOSE", "X11Forwarding": "yes",
            # A bash that sshd starts reads ~/.bashrc unless it is nested: not part of what is tested or measured.
            "SetEnv": "SHLVL=2", "Subsystem": "sftp internal-sftp", **without_penalties(), **options,
        }
        text = "".join(f"{key} {value}\n" for key, value in settings.items())
        self._config = workspace.write(f"{name}_config", text)
        self.port = None
        self._process = None

    @property
    def pid(self):
        return self._process.pid

    def start(self, port=None, attempts=5):
        """Starts it and waits until it listens; on `port` when it has to be the same as before."""
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it when it runs as root
        for _ in range(attempts):
            self.port = port or free_port()
            argv = [*self._within, find_program("sshd"), "-D", "-e", "-f", str(self._config), "-p", str(self.port)]
            self._process = LoggedProcess(argv, clean_environment())
            try:
                self._process.wait_for(r"Server listening on")
                return self
            except Timeout:
                log = self._process.log()
                self._process.kill()
                if "Address already in use" not in log:
                    raise
        raise Timeout("sshd found no free port")

    def stop(self):
        if self._process is not None:
            self._process.kill()
            self._process = None

    def log(self, since=0):
        return self._process.log(since) if self._process else ""

    def mark(self):
        return self._process.mark()

    def wait_for(self, pattern, timeout=PATIENCE, since=0):
        return self._process.wait_for(pattern, timeout, since)

    def logins(self, since=0):
        """How many logins there have been, which is how many trunks were made."""
        return sum("Accepted publickey" in line for line in self._process.lines(since))

    def connections(self):
        """The process ids of the living sshd children, one (the monitor) for each connection."""
        return [pid for pid in children(self.pid) if (process_stat(pid) or "Z")[0] != "Z"]

    def drop_connections(self, number=signal.SIGKILL):
        """Ends every connection at once, as a crash of the target would."""
        for monitor in self.connections():
            for pid in [monitor, *children(monitor)]:  # not the program first, whose death sshd would report
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        eventually(lambda: not self.connections(), what="the end of sshd's connections")

    def known_hosts_line(self, host=None):
        return f"[{host or self.address}]:{self.port} {self._workspace.public_key(self.host_key.name)}\n"


class OpenSsh:
    """The stock client's command lines for one server, user and key."""

    def __init__(self, workspace, port, user=None, key="client", host_key="target_host", host="127.0.0.1", within=(), **options):
        """`host_key` names the key in `workspace` that the server must show; `within` is as for Sshd."""
        self.workspace, self.port, self.user, self.host = workspace, port, user or login_name(), host
        self._within = within
        self._key, self._host_key, self._options = key, host_key, options

    def with_(self, **options):
        """The same client with other or more options of ssh_config(5); `user`, `key` and `port` may be changed as well."""
        given = {"user": self.user, "key": self._key, "port": self.port, "host": self.host, "host_key": self._host_key,
                 "within": self._within, **self._options, **options}
        return OpenSsh(self.workspace, **given)

    def options(self):
        """-F and -o arguments, which ssh, scp and sftp all understand."""
        known_hosts = self.workspace / f"known_hosts.{self.port}.{self._host_key}"
        if not known_hosts.exists():  # written once: a client that is starting may be reading it
            self.workspace.write(known_hosts.name, f"[{self.host}]:{self.port} {self.workspace.public_key(self._host_key)}\n")
        settings = {
            "Port": self.port, "User": self.user, "IdentityFile": self.workspace.key(self._key), "IdentitiesOnly": "yes",
            "IdentityAgent": "none", "BatchMode": "yes", "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": known_hosts, "GlobalKnownHostsFile": known_hosts, "UpdateHostKeys": "no",
            "ConnectTimeout": int(PATIENCE), **self._options,
        }
        return ["-F", "none"] + [f"-o{key}={value}" for key, value in settings.items() if value is not None]

    def argv(self, *args, flags=()):
        """`ssh FLAGS HOST ARGS`."""
        return [*self._within, "ssh", *self.options(), *flags, self.host, *args]

    def run(self, *args, flags=(), input=b"", timeout=PATIENCE, program="ssh"):
        """Runs ssh to its end; the result has returncode, stdout and stderr (bytes)."""
        argv = self.argv(*args, flags=flags) if program == "ssh" else [*self._within, program, *self.options(), *flags, *args]
        return subprocess.run(argv, input=input, capture_output=True, timeout=timeout, env=clean_environment(),
                              check=False, start_new_session=True)

    def output(self, *args, **more):
        """The standard output of a command that must succeed."""
        result = self.run(*args, **more)
        if result.returncode != 0:
            raise AssertionError(f"ssh {args} exited with {result.returncode}: {result.stderr.decode(errors='replace')}")
        return result.stdout

    def popen(self, *args, flags=(), **more):
        """Starts ssh with pipes; the caller ends it (see Case.spawn)."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0,
                 "env": clean_environment(), "start_new_session": True, **more}
        return subprocess.Popen(self.argv(*args, flags=flags), **pipes)

    def command_line(self):
        """ssh with its options as one string, for rsync -e and GIT_SSH_COMMAND."""
        return " ".join(["ssh", *self.options()])
