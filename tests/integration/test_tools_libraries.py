"""Programs made with an SSH library, many channels on one connection: paramiko's, asyncssh's and Go's clients."""

import asyncio
import concurrent.futures
import os
import socket
import threading
import unittest
import warnings
from pathlib import Path

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the ciphers that it offers
        import asyncssh
except ImportError:  # the tests that need it are skipped
    asyncssh = None

from harness import raw
from harness.case import main, needs_bastion
from harness.golang import build_go, missing_go
from harness.process import PATIENCE
from harness.tools import ToolCase
from harness.workspace import sha256


class EchoServer:
    """Sends back what each connection brings, to its end."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with peer:
            try:
                while block := peer.recv(65536):
                    peer.sendall(block)
            except OSError:
                pass

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class ParamikoTest(ToolCase):
    def setUp(self):
        self.client_ = raw.paramiko.SSHClient()
        self.addCleanup(self.client_.close)
        self.client_.get_host_keys().add(f"[127.0.0.1]:{self.bastion.port}", "ssh-ed25519", raw.paramiko.Ed25519Key(
            filename=str(self.workspace.key("bastion_host"))))
        self.client_.connect("127.0.0.1", self.bastion.port, "alice", key_filename=str(self.workspace.key("alice")),
                             look_for_keys=False, allow_agent=False, timeout=PATIENCE, banner_timeout=PATIENCE,
                             auth_timeout=PATIENCE)

    def test_many_commands_at_once(self):
        def run(number):
            _, output, errors = self.client_.exec_command(f"echo {number}; echo err >&2; exit {number}", timeout=PATIENCE)
            return output.read(), errors.read(), output.channel.recv_exit_status()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            found = list(pool.map(run, range(40)))
        self.assertEqual(found, [(b"%d\n" % number, b"err\n", number) for number in range(40)])

    def test_sftp_with_many_requests_under_way(self):
        source, digest = self.workspace.random_file("paramiko-source", 2_000_000)
        with self.client_.open_sftp() as sftp:
            sftp.put(str(source), str(self.workspace / "paramiko-there"))
            sftp.get(str(self.workspace / "paramiko-there"), str(self.workspace / "paramiko-back"))
            self.assertIn("paramiko-there", sftp.listdir(str(self.workspace.path)))
        self.assertEqual(sha256(self.workspace / "paramiko-back"), digest)

    def test_forwarded_connections(self):
        server = EchoServer()
        self.addCleanup(server.close)
        self.client_.exec_command("true")[1].read()  # so that there is a trunk
        for _ in range(10):
            channel = self.client_.get_transport().open_channel("direct-tcpip", ("127.0.0.1", server.port), ("127.0.0.1", 1),
                                                                timeout=PATIENCE)
            channel.settimeout(PATIENCE)
            content = os.urandom(50_000)
            channel.sendall(content)
            channel.shutdown_write()
            received = b""
            while block := channel.recv(65536):
                received += block
            self.assertEqual(received, content)
            channel.close()


@needs_bastion
@unittest.skipUnless(asyncssh, "python3-asyncssh is not installed")
class AsyncsshTest(ToolCase):
    def run_with_connection(self, steps):
        async def connected():
            host_key = asyncssh.read_public_key(f"{self.workspace.key('bastion_host')}.pub")
            async with asyncssh.connect("127.0.0.1", self.bastion.port, username="alice", config=None, agent_path=None,
                                        client_keys=[str(self.workspace.key("alice"))], known_hosts=([host_key], [], [])) as connection:
                await steps(connection)
        asyncio.run(asyncio.wait_for(connected(), PATIENCE))

    def test_many_commands_at_once(self):
        async def steps(connection):
            found = await asyncio.gather(*(connection.run(f"cat; exit {number}", input=f"in {number}\n") for number in range(40)))
            self.assertEqual([(done.stdout, done.exit_status) for done in found],
                             [(f"in {number}\n", number) for number in range(40)])
        self.run_with_connection(steps)

    def test_a_terminal_signals_and_window_changes(self):
        async def steps(connection):
            process = await connection.create_process("trap 'stty size; exit 6' WINCH; echo ready; while :; do sleep 0.05; done",
                                                      term_type="xterm", term_size=(100, 30))
            self.assertEqual((await process.stdout.readline()).strip(), "ready")
            process.change_terminal_size(120, 40)
            done = await process.wait()
            self.assertEqual((done.stdout.strip(), done.exit_status), ("40 120", 6))
            killed = await connection.run("kill -KILL $$")
            self.assertEqual(killed.exit_signal[0], "KILL")
        self.run_with_connection(steps)

    def test_sftp(self):
        source, digest = self.workspace.random_file("asyncssh-source", 3_000_000)

        async def steps(connection):
            async with connection.start_sftp_client() as sftp:
                await sftp.put(str(source), str(self.workspace / "asyncssh-there"))
                await sftp.get(str(self.workspace / "asyncssh-there"), str(self.workspace / "asyncssh-back"))
        self.run_with_connection(steps)
        self.assertEqual(sha256(self.workspace / "asyncssh-back"), digest)

    def test_forwarded_connections(self):
        server = EchoServer()
        self.addCleanup(server.close)

        async def exchange(connection):
            reader, writer = await connection.open_connection("127.0.0.1", server.port)
            content = os.urandom(100_000)
            writer.write(content)
            writer.write_eof()
            self.assertEqual(await reader.read(), content)
            writer.close()

        async def steps(connection):
            await asyncio.gather(*(exchange(connection) for _ in range(20)))
        self.run_with_connection(steps)


@needs_bastion
@unittest.skipIf(missing_go(), missing_go())
class GoTest(ToolCase):
    """Not among what packaging/check installs: Go is half a gigabyte."""

    def test_a_client(self):
        program = build_go(self.workspace, Path(__file__).parent / "clients" / "client.go", "go-client")
        done = self.run_tool(program, f"127.0.0.1:{self.bastion.port}", "alice", self.workspace.key("alice"),
                             f"{self.workspace.key('bastion_host')}.pub")
        self.assertEqual(done.stdout.decode().split(), ["statuses", "data", "terminal", "killed", "forwards"], done.stderr)


if __name__ == "__main__":
    main()
