#!/usr/bin/env bash
# Puts a nats-server into DIR (build/nats, unless told) and prints its path, for the tests of jetstream/: the one of
# Debian sid, unpacked beside the system, whose own packages and sources stay as they are. Exits 1 and says why if it
# cannot be had.
set -eu
dir=${1:-"$(dirname "$0")/../build/nats"}
give_up() { echo "$1" >&2; exit 1; }

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
server=$dir/nats-server
if [ -x "$server" ]; then echo "$server"; exit; fi
for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null || give_up "there is no $tool"
done

# The same mirror as for the system's packages.
mirror=$(apt-get indextargets --format '$(SITE)' | grep -v security | sort -u | sed -n 1p)
[ -n "$mirror" ] || give_up "apt-get knows no mirror"
work=$(mktemp -d "$dir/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$work/sources"
cat >"$work/conf" <<CONF
Dir::Etc::SourceList "$work/sources";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$work/lists";
Dir::Cache "$work";
Dir::Cache::Archives "$work/archives";
CONF
export APT_CONFIG=$work/conf
cd "$work"
{ apt-get update && apt-get download nats-server; } >"$work/log" 2>&1 ||
  give_up "apt-get failed: $(tail -n 1 "$work/log")"
dpkg-deb -x nats-server_*.deb "$work/root"
# Renamed last, so that whatever is found under this name is complete.
mv "$work/root/usr/sbin/nats-server" "$server"
echo "$server"
