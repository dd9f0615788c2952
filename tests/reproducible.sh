#!/bin/bash
# reproducible.sh: the packages of the last commit, built in two clones of different names, are the same bytes: one with the compiler's
# cache, which other folders have filled, one with nothing. Part of `./dev soak`; as long as a cold build. Of npm's packages the ones
# that build/web has are taken; the page is built anew in both.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

build() {
  local clone=$work/$1
  git clone --quiet --shared "$root" "$clone"
  if [ -f "$root/build/web/installed" ]; then
    mkdir -p "$clone/build/web"
    cp -a "$root"/build/web/{node_modules,installed,package.json,package-lock.json} "$clone/build/web/"
  fi
  (cd "$clone" && cmake --preset release -DMOENET_BENCH=OFF >/dev/null &&
    cmake --build build/release -j "${JOBS:-$(nproc)}" --target moenet-agent moenet-controlplane >"$work/$1.log")
  "$clone/packaging/build_deb" "$clone/build/release" "$work/$1.deb"
}

build one
CCACHE_DISABLE=1 build another-name
cd "$work"
for package in one.deb/*.deb; do
  cmp "$package" "another-name.deb/$(basename "$package")" || { echo "reproducible: $(basename "$package") differs"; exit 1; }
  sha256sum "$package"
done
echo "dev-says: the same bytes from two builds"
