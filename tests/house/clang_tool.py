"""Clang's tools, of the one version whose opinion counts here, since each has its own."""

import re
import shutil
import subprocess


def find(name):
    """The program, by its name with or without the version; None where there is none of version 14."""
    for candidate in (f"{name}-14", name):
        program = shutil.which(candidate)
        if program and re.search(r"version 14\.", subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout):
            return program
    return None
