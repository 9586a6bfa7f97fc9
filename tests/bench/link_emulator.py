#!/usr/bin/python3 -B
"""A link with a rate and a delay between two network namespaces of its own: see link.py, which starts it.

    link_emulator.py NEAR_ADDRESS FAR_ADDRESS BYTES_PER_SECOND ONE_WAY_SECONDS MTU

The same in both directions, in user space, so that it needs no `tc netem`, which not every kernel has: each namespace has a
TUN device, and packets pass from one to the other when their time has come. Prints `ready NEAR FAR`, the numbers of two of
its descriptors that are the namespaces, and ends when its standard input does; the namespaces go with whoever is the last
to use them.
"""

import collections
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
#: What waits in front of the slow part: more than any sender here leaves under way, so that a packet is never lost.
QUEUE_BYTES = 64 << 20
#: So that what is measured is SSH's flow control, not this machine's limits for one TCP connection.
SYSCTL = {
    "tcp_wmem": "4096 65536 67108864", "tcp_rmem": "4096 131072 67108864",
    # The route's metrics of an earlier connection would spare the later one its slow start.
    "tcp_no_metrics_save": "1",
}
#: Senders that fill what the line takes, as most do; the kernel may reserve the first for its own namespace.
CONGESTION_CONTROL = ("cubic", "reno")
LIBC = ctypes.CDLL(None, use_errno=True)


def set_sysctl(name, value):
    """Sets one of this namespace's settings of IPv4."""
    with open(f"/proc/sys/net/ipv4/{name}", "w", encoding="ascii") as file:
        file.write(value)


def enter_new_namespace(address, peer, mtu):
    """Moves this process to a new network namespace; returns (its descriptor, the descriptor of its end of the link)."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"line", IFF_TUN | IFF_NO_PI))
    for arguments in (["link", "set", "dev", "lo", "up"], ["link", "set", "dev", "line", "mtu", str(mtu), "txqueuelen", "10000", "up"],
                      ["address", "add", address, "peer", peer, "dev", "line"]):
        subprocess.run(["ip", *arguments], check=True)
    for name, value in SYSCTL.items():
        set_sysctl(name, value)
    for name in CONGESTION_CONTROL:
        try:
            set_sysctl("tcp_congestion_control", name)
            break
        except OSError:
            pass
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY), device


class Direction:
    """What is under way from one device to the other."""

    def __init__(self, source, sink, rate, delay):
        self._source, self._sink, self._rate, self._delay = source, sink, rate, delay
        self._free_at = 0.0  # when the slow part will have passed on everything that is in front of it
        self._under_way = collections.deque()

    def take(self, now):
        """Takes the packets that wait at the source."""
        for _ in range(64):  # then the other direction gets its turn
            try:
                packet = os.read(self._source, 65536)
            except BlockingIOError:
                return
            begins = max(now, self._free_at)
            if (begins - now) * self._rate > QUEUE_BYTES:
                continue
            self._free_at = begins + len(packet) / self._rate
            self._under_way.append((self._free_at + self._delay, packet))

    def deliver(self, now):
        """Hands over what is due; returns when the next packet is, if there is one."""
        while self._under_way and self._under_way[0][0] <= now:
            os.write(self._sink, self._under_way.popleft()[1])
        return self._under_way[0][0] if self._under_way else None


def run(near, far, rate, delay):
    """Passes packets until standard input ends."""
    directions = (Direction(near, far, rate, delay), Direction(far, near, rate, delay))
    while True:
        now = time.monotonic()
        due = [when for when in (direction.deliver(now) for direction in directions) if when is not None]
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        readable = select.select([near, far, 0], [], [], timeout)[0]
        if 0 in readable:
            return
        now = time.monotonic()
        for device, direction in ((near, directions[0]), (far, directions[1])):
            if device in readable:
                direction.take(now)


def main():
    near_address, far_address, rate, delay, mtu = sys.argv[1:]
    near_namespace, near = enter_new_namespace(near_address, far_address, mtu)
    far_namespace, far = enter_new_namespace(far_address, near_address, mtu)
    try:
        os.nice(-10)  # the link must not be what a busy machine slows down
    except OSError:
        pass
    print("ready", near_namespace, far_namespace, flush=True)
    run(near, far, float(rate), float(delay))


if __name__ == "__main__":
    main()
