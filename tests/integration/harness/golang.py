"""Go programs that use golang.org/x/crypto/ssh, built without a network from Debian's packages: optional, since Go is large."""

import subprocess
from pathlib import Path

from .workspace import clean_environment, find_program

_SOURCES = Path("/usr/share/gocode")  # where Debian's packages of Go libraries are


def missing_go():
    """What has to be installed before build_go() works; an empty text when nothing is."""
    if not find_program("go"):
        return "go is not installed"
    if not (_SOURCES / "src/golang.org/x/crypto/ssh").is_dir():
        return "golang-golang-x-crypto-dev is not installed"
    return ""


def build_go(workspace, source, name):
    """The path of the program `name` in `workspace`, made from one source file."""
    program = workspace / name
    environment = clean_environment(GO111MODULE="off", GOPATH=str(_SOURCES), GOCACHE=str(workspace / "go-cache"), GOFLAGS="-p=2",
                                    HOME=str(workspace.path))
    done = subprocess.run(["go", "build", "-o", str(program), str(source)], env=environment, cwd=workspace.path, check=False,
                          capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{source} can't be built:\n{done.stderr}")
    return program
