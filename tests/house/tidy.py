#!/usr/bin/python3 -B
"""clang-tidy 14 over the product's sources, with the checks of .clang-tidy; a finding is a fault.

Without arguments it looks at the files that have changed since they were found clean: tidied.txt beside this has, for each source, a
digest of all that it reads of ours (itself, the headers that it includes of this tree, .clang-tidy, the flags). The analyzer, which takes three
times as long as all the other checks, runs with --all alone, which looks at every file. --keep writes what is clean now into tidied.txt.
Commands are those of build/dev, or of the folder that --build names.

Exit status 1 with the findings; 77, with a line that says so, where there is no clang-tidy 14.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import clang_tool

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "tests" / "house" / "tidied.txt"
#: Clang doesn't know them, or knows other warnings by them; findings are clang-tidy's alone.
NOT_FOR_CLANG = ["--extra-arg=-Wno-everything", "--extra-arg=-Qunused-arguments"]


def sources():
    return sorted(path for path in (ROOT / "src").rglob("*") if path.suffix in (".cpp", ".c"))


class Digests:
    """Of sources, with all that they include of this tree."""

    def __init__(self):
        self._included = {}

    def of(self, source):
        """Changes when clang-tidy could have something else to say."""
        seen, left = set(), [source]
        while left:
            path = left.pop()
            if path not in seen:
                seen.add(path)
                left += self._includes(path)
        digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + (ROOT / "cmake" / "Toolchain.cmake").read_bytes())
        for path in sorted(seen):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:20]

    def _includes(self, path):
        if path not in self._included:
            names = re.findall(r'^\s*#\s*include\s*["<]([^">]+)', path.read_text(), re.M)
            places = [[path.parent / name, ROOT / "src" / name, ROOT / "include" / name] for name in names]
            self._included[path] = [found.resolve() for found in (next((p for p in row if p.is_file()), None) for row in places) if found]
        return self._included[path]


def read_kept():
    """{source: the digest with which it was clean}"""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    return {name: digest for digest, name in (line.split(" ", 1) for line in lines)}


def findings(program, build, checks, path):
    """What clang-tidy has to say about one file, or why it couldn't look at it; empty: nothing."""
    done = subprocess.run([program, "-p", build, "--quiet", f"--checks={checks}", "--warnings-as-errors=*", *NOT_FOR_CLANG, path],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every file, also what was clean, and with the analyzer")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="files at a time (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="write tidied.txt")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev", metavar="FOLDER", help="a configured build (default: build/dev)")
    return parser.parse_args()


def main():
    chosen, program, digests = arguments(), clang_tool.find("clang-tidy"), Digests()
    if program is None:
        print("clang-tidy 14 isn't here: nothing was looked at")
        return 77
    compiled = {entry["file"] for entry in json.loads((chosen.build / "compile_commands.json").read_text())}
    now = {path.relative_to(ROOT).as_posix(): digests.of(path) for path in sources() if str(path) in compiled}
    kept = {} if chosen.all else read_kept()
    changed = [name for name, digest in now.items() if kept.get(name) != digest]
    checks = "" if chosen.all else "-clang-analyzer-*"
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        said = dict(zip(changed, pool.map(lambda name: findings(program, chosen.build, checks, ROOT / name), changed)))
    dirty = {name: text for name, text in said.items() if text}
    for text in dirty.values():
        print(text)
    print(f"{len(now)} files: {len(changed)} looked at, {len(dirty)} with findings")
    if chosen.keep:
        KEPT.write_text("".join(f"{digest} {name}\n" for name, digest in now.items() if name not in dirty))
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())
