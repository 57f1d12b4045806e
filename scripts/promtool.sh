#!/usr/bin/env bash
# Puts promtool, which reads what Prometheus reads, into build/ and prints its path, for the tests of prometheus/:
# unpacked from Debian's package, which is not installed, as that would start a server. Exits 1 and says why if it
# cannot be had.
set -eu
cd "$(dirname "$0")/.."
give_up() { echo "$1" >&2; exit 1; }

promtool=$PWD/build/promtool
if [ -x "$promtool" ]; then echo "$promtool"; exit; fi
for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null || give_up "there is no $tool"
done
mkdir -p build
work=$(mktemp -d "$PWD/build/promtool.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download prometheus >log 2>&1 || { apt-get update && apt-get download prometheus; } >log 2>&1 ||
  give_up "apt-get failed: $(tail -n 1 log)"
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
# Renamed last, so that whatever is found under this name is complete.
mv usr/bin/promtool "$promtool"
echo "$promtool"
