#!/bin/bash
# mesh.sh [SCENARIO]: a backbone of three nodes on the kernel's own WireGuard and dummy: the agent, the control plane and BIRD 2
# and 3 as they are, in the machine that run.sh boots; what is asserted is in mesh_guest.sh, or in another SCENARIO of this folder.
# About 50 s of CPU.
# Needs what run.sh needs, build/release (or MOENET_BUILD), BIRD 2 and 3 (or MOENET_BIRD2, MOENET_BIRD3), wireguard-tools,
# iputils-ping, util-linux.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
here=$root/tests/e2e/kernel_guest
build=${MOENET_BUILD:-$root/build/release}
PATH=$PATH:/usr/sbin:/sbin
tree=$(mktemp -d); trap 'rm -rf "$tree"' EXIT

die() { echo "kernel_guest: $*" >&2; exit 2; }

# add_bird PROGRAM NAME: a BIRD and its birdcl as /bird/NAME/, with their libraries and their own loader, so that those of two
# Debians fit in one machine. PROGRAM is a BIRD, or what tools/get_bird leaves to start one. "/bird/NAME/run bird" runs it.
add_bird() {
  local program=$1 folder=$tree/bird/$2 unpacked list=(ldd)
  [ -x "$program" ] || die "$2 is missing: ./dev setup"
  unpacked=$(dirname "$(dirname "$(readlink -f "$program")")")/root
  if [ -x "$unpacked/usr/sbin/bird" ]; then
    program=$unpacked/usr/sbin/bird
    list=("$(find "$unpacked" -name ld-linux-x86-64.so.2 | head -n 1)"
      --library-path "$(dirname "$(find "$unpacked" -name libc.so.6 | head -n 1)")" --list)
  fi
  mkdir -p "$folder"
  cp -L "$program" "${program%/*}/birdcl" "$folder/"
  "${list[@]}" "$program" | sed -nE 's|.*[[:blank:]](/[^ ]+) \(0x.*|\1|p' | while read -r library; do cp -L "$library" "$folder/"; done
  strip --strip-debug "$folder"/* 2>/dev/null || :
  cat >"$folder/run" <<R
#!/sbin/dash
program=\$1; shift
exec /bird/$2/ld-linux-x86-64.so.2 --library-path /bird/$2 "/bird/$2/\$program" "\$@"
R
  chmod +x "$folder/run"
}
add_bird "${MOENET_BIRD2:-/usr/sbin/bird}" bird2
add_bird "${MOENET_BIRD3:-$root/.deps/bird3/bin/bird}" bird3

with=(--with "$here/nodes.sh")
for program in "$build/src/moenet-agent" "$build/src/moenet-controlplane" dash nsenter unshare ping wg nft; do
  path=$(command -v "$program") || die "$program is missing: ./dev build, ./dev setup"
  with+=(--with "$path")
done
BOOT_LIMIT=${BOOT_LIMIT:-900} "$here/run.sh" "${with[@]}" --tree "$tree" "$here/${1:-mesh_guest.sh}"
