"""Which client is tried with what on which way, and what comes of it."""

import dataclasses
import traceback

import scenarios
from trial import Failed, TooLong, Trial
from world import JUMPS, Way

#: How much longer a transfer may take through one bastion than direct, and through several than through as many sshds.
BAR = 1.3
#: How fast several at once must be together, beside one alone.
SHARE = 0.8


@dataclasses.dataclass
class Row:
    client: str
    target: str
    scenario: str
    way: str
    result: str             # "ok", "slow", "FAILED", or "can't": not without a bastion either
    seconds: float | None = None
    ratio: float | None = None      # to direct
    to_jumps: float | None = None   # to ProxyJump through as many sshds
    share: float | None = None      # of several at once: their speed together, beside one alone
    least_share: float = 0.0        # what that must be: no more than it is without a bastion
    note: str = ""

    @property
    def bad(self):
        return self.result in ("slow", "FAILED")

    @property
    def over(self):
        """Whether a transfer was slower than it may be, or several beside one."""
        if self.share is not None and self.share < self.least_share:
            return True
        compared = {"one": self.ratio, "two": self.to_jumps, "three": self.to_jumps}.get(self.way)
        return compared is not None and compared > BAR

    def cells(self):
        jumps = f"{self.to_jumps:.2f} x ProxyJump" if self.to_jumps else ""
        alone = f"together {self.share:.2f} x one alone" if self.share else ""
        return (self.client, self.target, self.scenario, self.way, self.result, f"{self.seconds:.2f} s" if self.seconds else "",
                f"{'>' * (self.result == 'slow')}{self.ratio:.2f}" if self.ratio else "",
                "; ".join(filter(None, ("OVER THE BAR" * self.over, jumps, alone, self.note))))


class Matrix:
    """Runs rows and tells `report` of each. `size` is what a transfer moves, `patience` the seconds that a program may take."""

    def __init__(self, world, report, size=64_000_000, patience=60.0, rounds=3):
        self.world, self.report, self.size, self.patience, self.rounds = world, report, size, patience, rounds

    def run(self, client, target, ways, wanted=None):
        """All scenarios of that client, or those named, at that target."""
        for name, function in scenarios.of(client).items():
            if wanted and name not in wanted:
                continue
            goal = "rekeying" if name == "rekey" and target == "openssh" and not getattr(client, "rekey", None) else target
            trials = {way: self._trial(client, way, goal) for way in ways if _applies(client, name, way)}
            for row in _merged(self._compared(name, function, trials)):
                self.report(dataclasses.replace(row, client=client.name, target=target, scenario=name))

    def _trial(self, client, way, target) -> Trial:
        made: Way = self.world.way(way, target, client.nist)
        return Trial(client, made, self.size, self.patience)

    def _compared(self, name, function, trials):
        """A row for each way, with its ratio to direct. Transfers are made in turns and the best time counts, until all are within the
        bar or the rounds are over: a busy machine makes single times worse."""
        rows = {}
        for _ in range(self.rounds if name in scenarios.SPEED else 1):
            for way, trial in trials.items():
                if way not in rows or rows[way].result == "ok":
                    rows[way] = _better(rows.get(way), self._one(way, function, trial, rows.get("direct")))
                    if rows["direct"].bad:  # the client, the target or the scenario, but not the bastion
                        return [dataclasses.replace(rows["direct"], result="can't")]
            _compare(rows)
            if not any(row.over or _disturbed(row) for row in rows.values()):
                break
        return rows.values()

    def _one(self, way, function, trial, direct):
        if way != "direct" and direct and direct.seconds:  # whoever takes five times as long is slow, and isn't waited for any longer
            trial.patience = min(self.patience, 4.0 + 5 * direct.seconds)
        row = Row("", "", "", way, "ok")
        try:
            row.seconds = function(trial)
            row.share = trial.share
        except TooLong as slow:
            row.result, row.note = ("slow" if direct and direct.seconds else "FAILED"), str(slow)
            row.seconds = trial.patience if row.result == "slow" else None
        except (Failed, AssertionError) as failed:
            row.result, row.note = "FAILED", " ".join(str(failed).split())[:300]
        except Exception as error:  # the others shall be tried all the same
            row.result, row.note = "FAILED", " ".join(traceback.format_exception_only(error)).strip()[:300]
        return row


def _applies(client, name, way):
    """Jumps are what transfers of OpenSSH's are held against; only they are tried in company through several bastions."""
    if way in JUMPS:
        return client.jumps and name in scenarios.SPEED
    return way in ("direct", "one") or name not in scenarios.IN_COMPANY or client.jumps


def _merged(rows):
    """Rows without times that say the same are one."""
    merged = {}
    for row in rows:
        same = merged.setdefault((row.result, row.note, row.way if row.seconds else ""), row)
        if same is not row:
            same.way += f" {row.way}"
    return merged.values()


def _disturbed(row):
    """Whether direct took twice as long as a way through bastions: then it was the machine that did."""
    return row.way not in JUMPS and row.ratio is not None and row.ratio < 0.5


def _better(before, now):
    """The better of two rows of one way; one that went wrong is not forgotten."""
    if before is None or now.result == "FAILED" or (now.seconds or 0) < (before.seconds or 0):
        return now
    return before


def _compare(rows):
    """Fills in the ratios."""
    direct = rows.get("direct")
    for row in rows.values():
        if row is direct:
            continue
        if not row.seconds or not direct or not direct.seconds or row.way in JUMPS:
            continue
        row.ratio = row.seconds / direct.seconds
        row.least_share = min(SHARE, direct.share or 0.0)
        jump = rows.get({"two": "jump-2", "three": "jump-3"}.get(row.way, ""))
        if jump and jump.seconds:
            row.to_jumps = row.seconds / jump.seconds
