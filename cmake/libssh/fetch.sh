#!/usr/bin/env bash
# fetch.sh FOLDER [PACKAGE VERSION]: downloads libssh 0.12's Debian source package into FOLDER and prints the path of its .dsc
# file; or the one of another package whose version begins so.
#
# It reads the machine's own apt sources, asks the same archive for another suite, and lets apt verify what comes: the
# archive's signature covers the index, the index the package. The machine's configuration isn't touched, root isn't needed.
set -euo pipefail

readonly folder=$1 package=${2:-libssh} wanted=${3:-0.12.}

say() { printf '%s: %s\n' "$package" "$*" >&2; }

for tool in apt-get apt-cache dpkg-source; do
  command -v "$tool" >/dev/null || { say "$tool is missing (packages apt and dpkg-dev)"; exit 1; }
done

# apt drops its rights to the user _apt, who must be able to reach the state: not below somebody's private home folder.
umask 022
state=$(mktemp -d "${TMPDIR:-/tmp}/sallyport-apt.XXXXXX")
readonly state
trap 'rm -rf -- "$state"' EXIT
chmod 755 "$state"
: >"$state/empty.list"

# Prints the Debian archives that the machine takes packages from, one a line, separated by tabs:
#   addresses, suites, options for the new entry (deb822 lines, their line ends written as \001)
# Both formats of apt's sources are read. Left out: entries that are switched off, without `main`, for security or updates
# alone, and foreign repositories, which are those that have no suite of Debian's.
archives() {
  local etc codename
  etc=$(apt-config shell dir Dir::Etc/d | sed "s/^dir='\(.*\)'$/\1/")
  codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-stable}")
  local files=()
  for file in "$etc"/sources.list "$etc"/sources.list.d/*.list "$etc"/sources.list.d/*.sources; do
    [[ -r $file ]] && files+=("$file")
  done
  [[ ${#files[@]} -gt 0 ]] || return 0
  awk -v codename="$codename" '
    function flush_entry(   n, i, word, kept, good) {
      if (types != "" && tolower(enabled) !~ /^(no|false|0|off)$/ && (" " components " ") ~ / main /) {
        n = split(uris, word, " "); kept = ""
        for (i = 1; i <= n; i++) if (word[i] !~ /^cdrom:/ && word[i] !~ /security/) kept = kept (kept == "" ? "" : " ") word[i]
        n = split(suites, word, " "); good = ""
        for (i = 1; i <= n; i++) if (word[i] in known) good = good (good == "" ? "" : " ") word[i]
        if (kept != "" && good != "") printf "%s\t%s\t%s\n", kept, good, options
      }
      types = uris = suites = components = enabled = options = field = ""
    }
    BEGIN {
      n = split("oldoldstable oldstable stable testing unstable sid bookworm trixie forky duke " codename, word, " ")
      for (i = 1; i <= n; i++) known[word[i]] = 1
    }
    FNR == 1 { flush_entry(); deb822 = FILENAME ~ /\.sources$/ }
    /^[ \t]*#/ { next }
    deb822 && /^[ \t]*$/ { flush_entry(); next }
    deb822 {
      if ($0 ~ /^[ \t]/) {                      # a continuation, such as a key that stands in the entry itself
        value = $0
        if (field == "signed-by") { options = options "\001" value; next }
      } else {
        field = tolower($0); sub(/[ \t]*:.*/, "", field)
        value = $0; sub(/^[^:]*:[ \t]*/, "", value)
        if (field == "signed-by" || field == "check-valid-until") { options = options "\001" $0; next }
      }
      gsub(/[ \t]+/, " ", value); sub(/^ /, "", value); sub(/ $/, "", value)
      if (field == "types") types = types value
      else if (field == "uris") uris = uris (uris == "" ? "" : " ") value
      else if (field == "suites") suites = suites (suites == "" ? "" : " ") value
      else if (field == "components") components = components (components == "" ? "" : " ") value
      else if (field == "enabled") enabled = value
      next
    }
    /^[ \t]*deb(-src)?[ \t]/ {                  # deb [option=value ...] address suite component...
      line = $0; sub(/[ \t]#.*/, "", line); sub(/^[ \t]*deb(-src)?[ \t]+/, "", line)
      if (line ~ /^\[/) {
        given = line; sub(/^\[[ \t]*/, "", given); sub(/\].*/, "", given); sub(/^\[[^]]*\][ \t]*/, "", line)
        n = split(given, word, " ")
        for (i = 1; i <= n; i++) {
          value = word[i]; sub(/^[^=]*=/, "", value); gsub(/,/, " ", value)
          if (word[i] ~ /^signed-by=/) options = options "\001Signed-By: " value
          if (word[i] ~ /^check-valid-until=/) options = options "\001Check-Valid-Until: " value
        }
      }
      n = split(line, word, " ")
      types = "deb"; uris = word[1]; suites = word[2]
      for (i = 3; i <= n; i++) components = components (i == 3 ? "" : " ") word[i]
      flush_entry()
    }
    END { flush_entry() }' "${files[@]}" | sort -u
}

# apt, seeing nothing but the one entry.
with_entry() {
  local program=$1
  shift
  "$program" -q -o Dir::Etc::sourcelist="$state/empty.list" -o Dir::Etc::sourceparts="$state/entry" \
    -o Dir::State::lists="$state/lists" -o Dir::Cache="$state/cache" -o Acquire::Languages=none "$@"
}

# try URIS SUITE OPTIONS: true when FOLDER has the package afterwards.
try() {
  local version
  rm -rf -- "$state"/{entry,lists,cache,package}
  mkdir -p "$state/entry" "$state/lists/partial" "$state/cache/archives/partial" "$state/package"
  if [[ $EUID -eq 0 ]] && id _apt >/dev/null 2>&1; then
    chown _apt "$state/lists/partial" "$state/package"
  fi
  printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main%s\n' "$1" "$2" "${3//$'\001'/$'\n'}" \
    >"$state/entry/sallyport.sources"

  with_entry apt-get update -o APT::Update::Error-Mode=any >"$state/log" 2>&1 || { sed 's/^/  /' "$state/log" >&2; return 1; }
  version=$(with_entry apt-cache showsrc --only-source "$package" 2>/dev/null |
    awk -v wanted="$wanted" '$1 == "Version:" { v = $2; sub(/^[0-9]+:/, "", v); if (index(v, wanted) == 1) print $2 }' |
    sort -rV | head -n 1)
  [[ -n $version ]] || { say "$2 has no $wanted"; return 1; }

  say "downloading $version from $2"
  (cd "$state/package" && with_entry apt-get source --download-only --only-source "$package=$version") \
    >"$state/log" 2>&1 || { sed 's/^/  /' "$state/log" >&2; return 1; }
  mkdir -p "$folder"
  cp -- "$state/package"/* "$folder/"
  ls -- "$folder/${package}_${version#*:}.dsc"
}

archives >"$state/archives"
[[ -s $state/archives ]] || { say "the machine's apt sources name no Debian archive"; exit 1; }

while IFS=$'\t' read -r uris suites options; do
  for suite in $suites forky testing sid; do
    case $suite in
      oldoldstable | oldstable | bookworm | trixie) [[ $package == libssh ]] && continue ;;  # 0.10 and 0.11, for good
    esac
    [[ " ${tried:-} " == *" $uris=$suite "* ]] && continue
    tried="${tried:-} $uris=$suite"
    say "asking the machine's Debian archive for suite $suite"
    try "$uris" "$suite" "$options" && exit 0
  done
done <"$state/archives"
say "none of the suites has $package $wanted"
exit 1
