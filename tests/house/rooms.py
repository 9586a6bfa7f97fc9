#!/usr/bin/python3 -B
"""Holds every #include of src/ and include/ against src/rooms.txt, and the picture in src/README.md as well.

Says for each line that it doesn't allow FILE:LINE and why; exit status 1 when there is one.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {".hpp", ".cpp", ".h", ".c"}


def read_table(path):
    """{room: the rooms that it may use}, in the file's order."""
    table = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            room, _, uses = line.partition(":")
            table[room] = set(uses.split())
    return table


def includes(path):
    """(line, what it includes, whether in quotes) of each #include of a file."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if found := re.match(r'\s*#\s*include\s*(["<])([^">]+)', line):
            yield number, found[2], found[1] == '"'


def room_of(source, included, root):
    """The room of a header of ours, as a file in src/ names it; None: it is somebody else's."""
    for path in (source.parent / included, root / "src" / included):
        if path.exists():
            return path.resolve().parent.relative_to((root / "src").resolve()).as_posix()
    return None


def check_includes(table, root):
    """What each file may not include, and what the table allows for nothing."""
    faults, needed = [], {room: set() for room in table}
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in SOURCES:
            continue
        room = path.parent.relative_to(root / "src").as_posix()
        if room not in table:
            faults.append(f"{path.relative_to(root)}:1: {room} is no room of src/rooms.txt")
            continue
        for number, included, quoted in includes(path):
            other = room_of(path, included, root) if quoted else None
            if other is None or other == room:
                continue
            needed[room].add(other)
            if other not in table[room]:
                faults.append(f"{path.relative_to(root)}:{number}: {room} may not use {other}: \"{included}\"")
    for room, uses in table.items():
        faults += [f"src/rooms.txt: {room} may use {other}, and nothing there does" for other in sorted(uses - needed[room])]
    return faults


def check_public(root):
    """include/sallyport leans on nobody."""
    return [f"{path.relative_to(root)}:{number}: include/sallyport may not use \"{included}\""
            for path in sorted((root / "include").rglob("*.hpp")) for number, included, quoted in includes(path) if quoted]


def check_circles(table):
    """The rooms stand lowest first, so that none can lean on one that stands later."""
    faults, known = [], set()
    for room, uses in table.items():
        faults += [f"src/rooms.txt: {room} uses {other}, which doesn't stand before it" for other in sorted(uses - known)]
        known.add(room)
    return faults


def check_picture(table, readme):
    """Each room stands in one row of README's picture, above all that it uses."""
    text = readme.read_text()
    rows = re.search(r"```rooms\n(.*?)```", text, re.S)
    if not rows:
        return [f"{readme.name}: there is no picture of the rooms"]
    level = {}
    for row, line in enumerate(rows[1].splitlines()):
        for room in line.split():
            if room in level:
                return [f"{readme.name}: {room} stands twice in the picture"]
            level[room] = row
    faults = [f"{readme.name}: the picture lacks {room}" for room in table if room not in level]
    faults += [f"{readme.name}: {room} of the picture is no room" for room in level if room not in table]
    if faults:
        return faults
    faults = [f"{readme.name}: {room} doesn't stand above {other}, which it uses"
              for room, uses in table.items() for other in sorted(uses) if level[room] >= level[other]]
    return faults + [f"{readme.name}: no line says what {room} is for" for room in table if f"| `{room}/` |" not in text]


def main():
    table = read_table(ROOT / "src" / "rooms.txt")
    faults = check_circles(table) + check_includes(table, ROOT) + check_public(ROOT) + check_picture(table, ROOT / "src" / "README.md")
    print("\n".join(faults) or f"{len(table)} rooms, {sum(map(len, table.values()))} edges: all includes are allowed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
