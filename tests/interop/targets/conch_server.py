"""twisted's conch as a server, with the sessions of the machine's accounts: `conch_server.py HOST_KEY AUTHORIZED_KEYS`."""

import os
import sys

from twisted.conch.checkers import InMemorySSHKeyDB, SSHPublicKeyChecker
from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import Key
from twisted.conch.unix import SFTPServerForUnixConchUser, UnixConchUser
from twisted.cred.portal import Portal
from twisted.internet import reactor
from twisted.python import log


class Account(UnixConchUser):
    """One whose shell reads no settings of the machine's."""

    def getShell(self):
        return "/bin/sh"


class Realm:
    """The accounts of the machine."""

    def requestAvatar(self, username, _mind, *interfaces):
        account = Account(os.fsdecode(username))
        return interfaces[0], account, account.logout


def absolute(self, path):
    """Relative to the home folder, which version 22.4 takes for something else than a text."""
    return os.path.join(str(getattr(self.avatar.getHomeDir(), "path", self.avatar.getHomeDir())), os.fsdecode(path))


class Anybody(dict):
    """Every user has the same keys."""

    def __init__(self, keys):
        super().__init__()
        self._keys = keys

    def get(self, name, default=None):
        return self._keys

    def __getitem__(self, name):
        return self._keys


def main():
    host_key, authorized = sys.argv[1:]
    SFTPServerForUnixConchUser._absPath = absolute
    key = Key.fromFile(host_key)
    with open(authorized, "rb") as lines:
        keys = [Key.fromString(line) for line in lines if line.strip()]
    factory = SSHFactory()
    factory.publicKeys, factory.privateKeys = {key.sshType(): key.public()}, {key.sshType(): key}
    factory.portal = Portal(Realm(), [SSHPublicKeyChecker(InMemorySSHKeyDB(Anybody(keys)))])
    factory.getPrimes = lambda: None  # no group exchange
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    log.startLogging(sys.stderr)
    print(f"listening on {port.getHost().port}", file=sys.stderr, flush=True)
    reactor.run()


main()
