"""asyncssh as a server: `asyncssh_server.py HOST_KEY AUTHORIZED_KEYS`. Commands run in a shell, with a terminal if asked for."""

import asyncio
import fcntl
import os
import struct
import subprocess
import sys
import termios

import asyncssh


class Server(asyncssh.SSHServer):
    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        return True  # it connects there


class Descriptor:
    """A terminal as a stream."""

    def __init__(self, number):
        self._number = number

    async def read(self, length):
        return await asyncio.to_thread(os.read, self._number, length)

    def write(self, data):
        os.write(self._number, data)

    async def drain(self):
        pass


async def copy(source, sink):
    """Writes to sink what source gives, to its end."""
    try:
        while block := await source.read(65536):
            sink.write(block)
            await sink.drain()
    except (OSError, asyncssh.Error):  # one of them has gone
        pass


async def feed(process, sink):
    await copy(process.stdin, sink)
    sink.close()


async def handle(process):
    argv = ["/bin/sh", *(["-c", process.command] if process.command else [])]
    if process.term_type is not None:
        await on_terminal(process, argv)
        return
    child = await asyncio.create_subprocess_exec(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    feeding = asyncio.create_task(feed(process, child.stdin))
    await asyncio.gather(copy(child.stdout, process.stdout), copy(child.stderr, process.stderr))
    process.exit(shell_status(await child.wait()))
    feeding.cancel()


async def on_terminal(process, argv):
    master, slave = os.openpty()
    width, height, *_ = process.term_size
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    child = await asyncio.create_subprocess_exec(*argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    feeding = asyncio.create_task(copy(process.stdin, Descriptor(master)))
    await copy(Descriptor(master), process.stdout)
    process.exit(shell_status(await child.wait()))
    feeding.cancel()


def shell_status(status):
    """As a shell tells of a signal."""
    return status if status >= 0 else 128 - status


async def main():
    host_key, authorized = sys.argv[1:]
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Server, server_host_keys=[host_key], authorized_client_keys=authorized, process_factory=handle,
        encoding=None, sftp_factory=True, allow_scp=True, line_editor=False)
    print(f"listening on {server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
    await server.wait_closed()


asyncio.run(main())
