"""Passwords and one-time codes, and people who type them."""

import subprocess
import time

from .process import PATIENCE
from .sallyport import program
from .workspace import clean_environment

#: The secret of RFC 6238's examples, in base32.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def hashed(password):
    """A line's hash for a password file, made by sallyportctl."""
    made = subprocess.run([program("SALLYPORT_CONTROL", "sallyportctl"), "hash-password"], input=password + "\n",
                          capture_output=True, text=True, check=True, env=clean_environment())
    return made.stdout.strip()


def code(secret=SECRET, shift=0, **settings):
    """The one-time code of `shift` seconds from now, by oathtool; settings are digits and algorithm."""
    flags = [f"--totp={settings.get('algorithm', 'sha1')}", "--base32", f"--digits={settings.get('digits', 6)}",
             f"--time-step-size={settings.get('period', 30)}s", f"--now=@{int(time.time()) + shift}"]
    made = subprocess.run(["oathtool", *flags, secret], capture_output=True, text=True, check=True)
    return made.stdout.strip()


def typist(client, method="password", **options):
    """The client as somebody uses it who has no key at hand and types."""
    return client.with_(**{"BatchMode": "no", "PreferredAuthentications": method, "PubkeyAuthentication": "no",
                           "NumberOfPasswordPrompts": 1, **options})


def with_sshpass(client, password, *args, timeout=PATIENCE):
    """Runs ssh under sshpass, which types `password` at the first prompt for one."""
    argv = ["sshpass", "-p", password, *client.argv(*args)]
    return subprocess.run(argv, input=b"", capture_output=True, timeout=timeout, env=clean_environment(), check=False)


class Dialogue:
    """What was said on a terminal, and how the program ended."""

    def __init__(self, status, text):
        self.status, self.text = status, text


def answer(argv, exchanges, timeout=int(PATIENCE)):
    """Runs a program on a terminal under expect: each of `exchanges` is a pattern to wait for and what to type then. They
    have to come in this order."""
    def quoted(text):
        return "{" + text + "}"
    lines = [f"set timeout {timeout}", "log_user 1", "spawn -noecho " + " ".join(quoted(word) for word in argv)]
    for pattern, reply in exchanges:
        # Clauses on lines of their own: else expect takes all of it for one pattern.
        lines.append(f'expect {{\n-re {quoted(pattern)} {{}}\ntimeout {{ puts "TIMEOUT"; exit 99 }}\neof {{ puts "EOF"; exit 98 }}\n}}')
        lines.append(f"send -- {quoted(reply)}")
        lines.append('send "\\r"')
    lines += ["expect eof", "lassign [wait] pid spawn os_error status", "exit $status"]
    ran = subprocess.run(["expect", "-c", "\n".join(lines)], stdin=subprocess.DEVNULL, capture_output=True,
                         timeout=timeout + 20, env=clean_environment(TERM="dumb"), check=False)
    return Dialogue(ran.returncode, ran.stdout.decode(errors="replace") + ran.stderr.decode(errors="replace"))
