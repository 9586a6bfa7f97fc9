"""The rows that need a link: an echo beside bulk where the line is slow, and bulk alone where it is long."""

import statistics

from link import LinkSetting, why_unavailable
from probes import Bulk, Measure, echo_times, mastered, percentiles, stream
from setting import timed_run

#: 5 MB/s with nothing but the line's own delay: what an echo takes is what stands in front of it.
SLOW = {"rate": 5e6, "round_trip": 0.0, "mtu": 1500}
#: 1 Gbit/s over 100 ms. Large packets, since a program in user space passes them on.
LONG = {"rate": 125e6, "round_trip": 0.1, "mtu": 9000}
#: OpenSSH's client and its sshd let a session have 2 MiB under way: 21 MB/s over 100 ms, whoever is in between. To be
#: reached is as much as those windows let through.
LONG_TARGET = 0.97


def _beside(echoing, transferring, direction, count, seconds):
    with Bulk(transferring, direction, settle=2.0):
        return percentiles(echo_times(echoing, count, seconds, warm_up=5))


def _shown(found):
    return f"{found[0] * 1e3:.1f}/{found[1] * 1e3:.1f} ms"


def slow_link(setting, scale):
    """One byte there and back beside bulk on the same trunk, over 5 MB/s: median and 99th percentile."""
    unavailable = why_unavailable()
    if unavailable:
        return [Measure("slow-link", "echo beside bulk over 5 MB/s", None, "ms", None, unavailable)]
    measures, count, seconds = [], scale(400), scale(20)  # today's ControlMaster takes half a second for each
    for leg in ("upstream", "downstream"):
        with LinkSetting(leg, **SLOW) as at, mastered(at.through_us(), at.workspace / "ours") as ours, \
             mastered(at.direct(), at.workspace / "direct") as direct:
            timed_run(ours.argv("true"))
            for direction in ("down", "up"):
                ways = {"one connection": (ours, ours)}
                if leg == "upstream":
                    ways["two clients, one trunk"] = (at.through_us(), ours)
                theirs = _beside(direct, direct, direction, count, seconds)
                for way, (echoing, transferring) in ways.items():
                    found = _beside(echoing, transferring, direction, count, seconds)
                    for name, value, bound in zip(("p50", "p99"), found, (25, 40)):
                        measures.append(Measure(
                            "slow-link", f"{leg} leg, {way}, bulk {direction}: {name}", value * 1e3, "ms", bound,
                            f"p50/p99 {_shown(found)}, ControlMaster of direct ssh {_shown(theirs)}"))
    return measures


def long_link(setting, scale):
    """One stream over 1 Gbit/s with 100 ms there and back, against direct ssh over the same link."""
    unavailable = why_unavailable()
    if unavailable:
        return [Measure("long-link", "bulk over 100 ms, 1 Gbit/s", None, "MB/s", None, unavailable)]
    measures, size = [], scale(100) << 20
    for leg in ("upstream", "downstream"):
        with LinkSetting(leg, **LONG) as at:
            clients = {"ours": at.through_us(), "direct": at.direct()}
            timed_run(clients["ours"].argv("true"))
            for direction in ("down", "up"):
                speeds = {name: [] for name in clients}
                for _ in range(2):
                    for name, client in clients.items():
                        speeds[name].append(size / 1e6 / stream(client, direction, size))
                found = {name: statistics.median(values) for name, values in speeds.items()}
                measures.append(Measure("long-link", f"{leg} leg, bulk {direction}", found["ours"] / found["direct"], "x direct",
                                        LONG_TARGET,
                                        f"ours {found['ours']:.1f} MB/s, direct {found['direct']:.1f} MB/s", True))
    return measures


ROWS = {"slow-link": slow_link, "long-link": long_link}
