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


async def handle(process):
    argv = ["/bin/sh", *(["-c", process.command] if process.command else [])]
    if process.term_type:
        await on_terminal(process, argv)
        return
    child = await asyncio.create_subprocess_exec(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr)
    status = await child.wait()
    await process.stdout.drain()
    await process.stderr.drain()
    process.exit(status if status >= 0 else 128 - status)


async def on_terminal(process, argv):
    master, slave = os.openpty()
    width, height, *_ = process.term_size
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    child = await asyncio.create_subprocess_exec(*argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    await process.redirect(stdin=os.dup(master), stdout=master)
    process.exit(await child.wait())


async def main():
    host_key, authorized = sys.argv[1:]
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Server, server_host_keys=[host_key], authorized_client_keys=authorized, process_factory=handle,
        encoding=None, sftp_factory=True, allow_scp=True, line_editor=False)
    print(f"listening on {server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
    await server.wait_closed()


asyncio.run(main())
