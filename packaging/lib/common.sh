# Shared by packaging/check and packaging/quickstart, which source it.
# shellcheck shell=bash

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root

say() { printf '== %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Runs a command as root: directly, or through sudo.
as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "needs root for: $* (no sudo here; run that as root and start again)"
  fi
}

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# install_missing SET...: installs those packages of the sets in packaging/lib/packages that aren't there.
install_missing() {
  local set package missing=()
  command -v apt-get >/dev/null || die "this machine has no apt; packaging/lib/packages lists what is needed"
  while read -r set package _; do
    [[ " $* " == *" $set "* ]] || continue
    [[ " ${missing[*]} " == *" $package "* ]] || is_installed "$package" || missing+=("$package")
  done < <(grep -v '^#' "$root/packaging/lib/packages")
  [[ ${#missing[@]} -gt 0 ]] || return 0

  say "installing ${missing[*]}"
  # The tests want sshd's program, not a daemon that listens on this machine from now on: its units are masked while
  # the package is set up, and disabled afterwards. (RUNLEVEL says the same to init scripts.)
  local hold_sshd=''
  if [[ " ${missing[*]} " == *' openssh-server '* && -d /run/systemd/system ]]; then
    hold_sshd=yes
    as_root systemctl mask --runtime ssh.service ssh.socket
  fi
  local status=0
  as_root apt-get -q update || status=$?
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get -q -y --no-install-recommends install "${missing[@]}" || status=$?
  if [[ -n $hold_sshd ]]; then
    as_root systemctl unmask --runtime ssh.service ssh.socket
    as_root systemctl disable ssh.service ssh.socket || true
  fi
  for package in "${missing[@]}"; do
    is_installed "$package" || die "could not install $package (apt-get ended with status $status)"
  done
}

# As many compilers at a time as there are processors, and at most one for each 1.5 GB of memory.
jobs() {
  local processors by_memory
  processors=$(nproc)
  by_memory=$(awk '/^MemAvailable:/ { n = int($2 / 1500000); print n < 1 ? 1 : n }' /proc/meminfo)
  echo $((processors < by_memory ? processors : by_memory))
}

# build PRESET [TARGET...]: configures and builds; what was built before is kept.
build() {
  local preset=$1
  shift
  say "building preset $preset"
  (cd "$root" && cmake --preset "$preset" && cmake --build --preset "$preset" --parallel "$(jobs)" ${1+--target "$@"})
}
