#!/usr/bin/env bash
# server.sh PACKAGE PROGRAM: prints the folder of a program that a peer needs as its server. One that the system lacks
# is unpacked from Debian's packages into build/servers/, beside the system, which stays as it is. Exits 1 and says why
# if it cannot be had.
set -eu
cd "$(dirname "$0")/.."
package=$1 program=$2
give_up() { echo "$1" >&2; exit 1; }

found=$(command -v "$program" || ls -d /usr/lib/postgresql/*/bin/"$program" 2>/dev/null | tail -n 1 || true)
if [ -n "$found" ]; then dirname "$(readlink -f "$found")"; exit; fi
place=$PWD/build/servers/$package
if [ -x "$place/bin/$program" ]; then echo "$place/bin"; exit; fi
for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null || give_up "there is no $tool"
done
mkdir -p build/servers
work=$(mktemp -d "$PWD/build/servers/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
mkdir archives root bin
# The package, and what it needs and the system has not.
missing() { apt-get install -s --no-install-recommends "$package" | awk '$1 == "Inst" { print $2 }'; }
fetch() { (cd archives && apt-get download -qq $(missing)); }
{ fetch || { apt-get update && fetch; }; } >log 2>&1 || give_up "apt-get failed: $(tail -n 1 log)"
for archive in archives/*.deb; do dpkg-deb -x "$archive" root; done
rm -r archives
# A program for each of its own, which finds the libraries that came along.
path=$(find root/usr -name "$program" -path '*/bin/*' | head -n 1)
[ -n "$path" ] || give_up "$package has no $program"
libraries=$(find root -name '*.so.*' -printf '%h\n' | sort -u | sed 's|^|$here/|' | paste -sd:)
for file in "$(dirname "$path")"/*; do
  printf '#!/bin/sh\nhere=$(dirname "$0")/..\nLD_LIBRARY_PATH=%s exec "$here/%s" "$@"\n' "$libraries" "$file" >"bin/$(basename "$file")"
done
chmod +x bin/*
mv "$work" "$place"
echo "$place/bin"
