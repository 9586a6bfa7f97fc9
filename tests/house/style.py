#!/usr/bin/python3 -B
"""Refuses C++ that clang-format 14 would write otherwise, and files that are too long. --fix formats them.

Exit status 1 with a line for each; 77, with a line that says so, where there is no clang-format 14 and nothing else is wrong.
"""

import concurrent.futures
import os
import subprocess
import sys
from pathlib import Path

import clang_tool

ROOT = Path(__file__).resolve().parents[2]
FOLDERS, SOURCES = ("include", "src", "tests"), {".hpp", ".cpp", ".h", ".c"}
#: Lines of a file of the product. Tests may have more: they are read one case at a time.
LONGEST = 400


def files():
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES)


def check_lengths(paths):
    faults = []
    for path in paths:
        name, lines = path.relative_to(ROOT).as_posix(), len(path.read_text().splitlines())
        if not name.startswith("tests/") and lines > LONGEST:
            faults.append(f"{name}: {lines} lines, {LONGEST} are allowed")
    return faults


def check_format(program, paths):
    def reads_otherwise(path):
        return subprocess.run([program, "--style=file", path], capture_output=True, check=True).stdout != path.read_bytes()

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = pool.map(reads_otherwise, paths)
    return [f"{path.relative_to(ROOT)}: not formatted; tests/house/style.py --fix does it" for path, other in zip(paths, wrong) if other]


def main():
    paths, program = files(), clang_tool.find("clang-format")
    if sys.argv[1:] == ["--fix"] and program:
        subprocess.run([program, "--style=file", "-i", *paths], check=True)
    faults = check_lengths(paths) + (check_format(program, paths) if program else [])
    print("\n".join(faults) or f"{len(paths)} files are in form")
    if program is None:
        print("clang-format 14 isn't here: formats were not looked at")
    return 1 if faults else 77 if program is None else 0


if __name__ == "__main__":
    sys.exit(main())
