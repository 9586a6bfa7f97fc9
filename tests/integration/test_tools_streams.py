"""Streams that last: Docker's `system dial-stdio`, the ways of mosh and of VS Code's Remote-SSH."""

import concurrent.futures
import hashlib
import os
import pty
import socket
import struct
import subprocess

from harness.case import main, needs_bastion, needs_program, read_line, read_until
from harness.ports import free_port
from harness.process import PATIENCE
from harness.tools import ToolCase
from harness.workspace import find_program

#: What `docker system dial-stdio` is to the client: HTTP over standard input and output, then (attach, exec) a raw stream
#: that the client half-closes, after which the rest of the output still comes.
DIAL_STDIO = '''#!/usr/bin/python3
import hashlib, sys
source, sink = sys.stdin.buffer, sys.stdout.buffer
assert sys.argv[1:] == ["system", "dial-stdio"], sys.argv
while True:
    request = source.readline()
    while source.readline() != b"\\r\\n":
        pass
    if b"attach" in request:
        break
    sink.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nOK")
    sink.flush()
sink.write(b"HTTP/1.1 101 UPGRADED\\r\\n\\r\\n")
sink.flush()
digest = hashlib.sha256()
while block := source.read1(65536):
    digest.update(block)
    sink.write(block)
    sink.flush()
sink.write(b"\\nall of it: " + digest.hexdigest().encode() + b"\\n" + b"." * 200000)
'''

#: What VS Code's script does in the end: a server on a port of its own, told in a line that the client looks for.
SERVER_SCRIPT = '''
listening() {{
  /usr/bin/python3 -c '
import os, socket, sys, threading
def serve(peer):
    with peer:
        while block := peer.recv(65536):
            peer.sendall(block)
def accept(server):
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
unix = socket.socket(socket.AF_UNIX)
unix.bind("{path}")
unix.listen(64)
tcp = socket.create_server(("127.0.0.1", 0), backlog=64)
for server in (unix, tcp):
    threading.Thread(target=accept, args=(server,), daemon=True).start()
print("listeningOn==%d==" % tcp.getsockname()[1], flush=True)
sys.stdin.read()
'
}}
printf 'start %s\\n' "$(printf %s "$PADDING" | wc -c)"
listening <&3
echo over
exit 5
'''


@needs_bastion
class DockerTest(ToolCase):
    """`docker -H ssh://box` runs `ssh box -- docker system dial-stdio` for each of its HTTP connections."""

    def setUp(self):
        self.docker = self.workspace.write("docker", DIAL_STDIO, 0o755)

    def dial(self):
        return self.start_tool("ssh", "-F", self.ssh_config, "-o", f"ConnectTimeout={PATIENCE:.0f}", "-T", "--", "box",
                               self.docker, "system", "dial-stdio")

    def ping(self, process):
        process.stdin.write(b"HEAD /_ping HTTP/1.1\r\nHost: api\r\n\r\n")
        self.assertEqual(read_until(process.stdout, lambda data: data.endswith(b"\r\n\r\nOK")),
                         b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")

    def attach(self, process, content):
        process.stdin.write(b"POST /containers/x/attach HTTP/1.1\r\nUpgrade: tcp\r\n\r\n")
        self.assertEqual(read_until(process.stdout, lambda data: data.endswith(b"\r\n\r\n")), b"HTTP/1.1 101 UPGRADED\r\n\r\n")
        output, errors = process.communicate(content, timeout=PATIENCE)  # closes our half and reads on
        digest = hashlib.sha256(content).hexdigest().encode()
        self.assertEqual(output, content + b"\nall of it: " + digest + b"\n" + b"." * 200_000, errors)
        self.assertEqual(process.returncode, 0, errors)

    def test_streams_are_half_closed_and_answer_to_their_end(self):
        streams = [self.dial() for _ in range(4)]
        for _ in range(10):
            for process in streams:
                self.ping(process)
        with concurrent.futures.ThreadPoolExecutor(len(streams)) as pool:
            list(pool.map(lambda process: self.attach(process, os.urandom(500_000)), streams))


@needs_bastion
class MoshTest(ToolCase):
    """mosh starts its server with `ssh -tt`, reads a line from it, and needs ssh to end although the server goes on."""

    def test_a_server_is_started_and_left_behind(self):
        pid_file = self.workspace / "mosh-server.pid"
        server = self.workspace.write("mosh-server", f'''#!/bin/sh
[ -t 0 ] && [ "$1" = new ] || exit 9
printf '\\r\\nMOSH CONNECT 60001 %s\\r\\n' 'fL+oUtfXJfHbBbIuXwVBkQ'
setsid sh -c 'echo $$ > {pid_file}; exec sleep 60' </dev/null >/dev/null 2>&1 &
until [ -s {pid_file} ]; do sleep 0.01; done
printf '[mosh-server detached, pid = %d]\\r\\n' "$(cat {pid_file})"
''', 0o755)
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        process = self.start_tool("ssh", "-F", self.ssh_config, "-n", "-tt", "-S", "none", "box", "--",
                                  f"{server} new -c 256 -s -l LANG=C.UTF-8", stdin=slave)
        os.close(slave)
        try:
            output, errors = process.communicate(timeout=PATIENCE)
        finally:
            left = int(pid_file.read_text()) if pid_file.exists() and pid_file.stat().st_size else None
        self.assertIsNotNone(left, "the server was not started")
        try:
            os.kill(left, 0)  # it lives on
        finally:
            os.kill(left, 15)
        self.assertIn(b"\r\nMOSH CONNECT 60001 fL+oUtfXJfHbBbIuXwVBkQ\r\n", output.replace(b"\r\r", b"\r"))
        self.assertEqual(process.returncode, 0, errors)


def socks_connect(proxy_port, port):
    """A connection to a port of the target through ssh -D, by name as VS Code does it."""
    peer = socket.create_connection(("127.0.0.1", proxy_port), PATIENCE)
    host = b"127.0.0.1"
    peer.sendall(b"\x05\x01\x00" + b"\x05\x01\x00\x03" + bytes([len(host)]) + host + struct.pack(">H", port))
    answer = b""
    while len(answer) < 12:
        block = peer.recv(12 - len(answer))
        if not block:
            break
        answer += block
    if answer[:4] != b"\x05\x00\x05\x00":
        peer.close()
        raise AssertionError(f"SOCKS: {answer!r}")
    return peer


def exchange(peer, content):
    """What an echo server makes of the content and of the end of it."""
    with peer, concurrent.futures.ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: (peer.sendall(content), peer.shutdown(socket.SHUT_WR)))
        received = b""
        while block := peer.recv(65536):
            received += block
        sending.result(PATIENCE)
    return received


@needs_bastion
class VsCodeTest(ToolCase):
    """Remote-SSH: a long script on the standard input of a shell without a terminal, with -D or -L to the server that
    it starts, and dozens of connections to that server."""

    def start(self, *forward):
        self.socket_path = self.workspace / "server.sock"
        self.socket_path.unlink(missing_ok=True)
        process = self.start_tool("ssh", "-F", self.ssh_config, "-v", "-T", *forward, "-o", "ExitOnForwardFailure=yes",
                                  "-o", f"ConnectTimeout={PATIENCE:.0f}", "box", "bash", stderr=subprocess.DEVNULL)
        padding = "x" * 150_000  # more than fits in a pipe or in one message
        process.stdin.write(f"PADDING='{padding}'\nexec 3<&0\n{{\n{SERVER_SCRIPT.format(path=self.socket_path)}}}\n".encode())
        self.assertEqual(read_line(process), b"start 150000\n")
        words = read_line(process).split(b"==")
        self.assertEqual(words[0], b"listeningOn")
        return process, int(words[1])

    def finish(self, process):
        process.stdin.close()
        process.stdin = None
        self.assertEqual(process.communicate(timeout=PATIENCE)[0], b"over\n")
        self.assertEqual(process.returncode, 5)

    def check_connections(self, connect):
        contents = [os.urandom(100_000) for _ in range(36)]
        with concurrent.futures.ThreadPoolExecutor(len(contents)) as pool:
            found = list(pool.map(lambda content: exchange(connect(), content), contents))
        self.assertEqual([hashlib.sha256(content).digest() for content in found],
                         [hashlib.sha256(content).digest() for content in contents])

    def test_connections_through_a_dynamic_forward(self):
        proxy = free_port()
        process, port = self.start("-D", f"127.0.0.1:{proxy}")
        self.check_connections(lambda: socks_connect(proxy, port))
        self.finish(process)

    def test_connections_to_a_unix_socket(self):
        local = self.workspace / "local.sock"
        process, _ = self.start("-L", f"{local}:{self.workspace / 'server.sock'}")

        def connect():
            peer = socket.socket(socket.AF_UNIX)
            peer.settimeout(PATIENCE)
            peer.connect(str(local))
            return peer
        self.check_connections(connect)
        self.finish(process)


@needs_bastion
class NetcatTest(ToolCase):
    """A connection of the target's on standard input and output, by every client that has an option for it."""

    def setUp(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.at = "127.0.0.1:%d" % self.server.getsockname()[1]

    def check(self, *argv):
        """The program must bring 300 kB there, and back what the server answers to its end."""
        content = os.urandom(300_000)

        def serve():
            peer, _ = self.server.accept()
            with peer:
                received = b""
                while len(received) < len(content) and (block := peer.recv(65536)):
                    received += block
                peer.sendall(received[::-1])
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            self.server.settimeout(PATIENCE)
            serving = pool.submit(serve)
            done = self.run_tool(*argv, input=content)
            serving.result(PATIENCE)
        self.assertEqual(hashlib.sha256(done.stdout).digest(), hashlib.sha256(content[::-1]).digest(), done.stderr)

    def test_ssh(self):
        self.check("ssh", "-F", self.ssh_config, "-W", self.at, "box")

    @needs_program("plink")
    @needs_program("puttygen")
    def test_plink(self):
        key = self.workspace / "alice.ppk"
        self.run_tool("puttygen", self.workspace.key("alice"), "-O", "private", "-o", key)
        self.check("plink", "-ssh", "-batch", "-noagent", "-i", key, "-P", self.bastion.port, "-l", "alice", "-hostkey",
                   self.workspace.fingerprint("bastion_host"), "-nc", self.at, "127.0.0.1")

    @needs_program("dbclient")
    @needs_program("dropbearconvert")
    def test_dbclient(self):
        key = self.workspace / "alice.dropbear"
        self.run_tool(find_program("dropbearconvert"), "openssh", "dropbear", self.workspace.key("alice"), key)
        self.workspace.write("home/.ssh/known_hosts", f"127.0.0.1 {self.workspace.public_key('bastion_host')}\n")
        self.check("dbclient", "-y", "-i", key, "-p", self.bastion.port, "-l", "alice", "-B", self.at, "127.0.0.1")


if __name__ == "__main__":
    main()
