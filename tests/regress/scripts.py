"""OpenSSH's regress scripts: which say something about a bastion, and why the others don't."""

_PROGRAMS = "tests another program, and connects to nobody"
_CLIENT = "tests what the client makes of its own configuration"
_SERVER = "tests what sshd makes of its own configuration"
_LOGIN = "tests sshd's login, which at the bastion is another one"
_HOST_KEYS = "tests the host keys of sshd; the bastion has its own"
_ALGORITHMS = "wants all that sshd knows, also what sallyportd doesn't offer"

#: By script, why it isn't run through the daemon.
NOT_APPLICABLE = {
    **dict.fromkeys(("agent-getpeereid", "agent-timeout", "agent-ptrace", "agent-subprocess", "keygen-change", "keygen-comment",
                     "keygen-convert", "keygen-knownhosts", "keygen-moduli", "keygen-sshfp", "krl", "sshsig", "addrmatch", "sftp",
                     "sftp-cmds", "sftp-badcmds", "sftp-batch", "sftp-glob", "sftp-perm"), _PROGRAMS),
    **dict.fromkeys(("sshcfgparse", "percent", "host-expand", "cfginclude", "portnum", "knownhosts", "knownhosts-command", "brokenkeys"),
                    _CLIENT),
    **dict.fromkeys(("cfgparse", "cfgmatch", "cfgmatchlisten", "reconfigure", "reexec", "servcfginclude", "allow-deny-users", "banner",
                     "connect-privsep", "sftp-chroot", "forward-control", "login-timeout", "connection-timeout", "channel-timeout",
                     "forcecommand"), _SERVER),
    **dict.fromkeys(("cert-userkey", "cert-file", "keys-command", "principals-command", "multipubkey", "limit-keytype", "authinfo",
                     "hostbased", "key-options", "keytype", "agent", "agent-restrict", "agent-pkcs11"), _LOGIN),
    **dict.fromkeys(("cert-hostkey", "hostkey-agent", "hostkey-rotate", "keyscan", "sshfp-connect"), _HOST_KEYS),
    **dict.fromkeys(("try-ciphers", "kextype", "dhgex", "rekey", "cipher-speed"), _ALGORITHMS),
    "proto-version": "speaks to `sshd -i` without a client",
    "proto-mismatch": "speaks to `sshd -i` without a client",
    "integrity": "changes what `sshd -i` sends, by the client's proxy command",
    "scp": "copies by a program of its own in place of ssh",
    "scp-uri": "copies by a program of its own in place of ssh",
    "broken-pipe": "names a configuration that isn't there, and connects to nobody",
    "proxy-connect": "tests the client's proxy command",
}
#: All that may be run: those of the Makefile's LTESTS but for the above.
ALL = ("connect", "connect-uri", "exit-status", "exit-status-signal", "envpass", "transfer", "stderr-data", "stderr-after-eof",
       "yes-head", "scp3", "sftp-uri", "dynamic-forward", "forwarding", "multiplex", "localcommand")
