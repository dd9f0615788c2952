# shellcheck shell=bash disable=SC2154,SC2034  # shares its variables with ./dev
# What ./dev needs on Debian 12 and 13, and how it gets there. dpkg is asked each time (40 ms) instead of a stamp that could lie.
# Sourced by ./dev; expects $root and dev_steps.sh.

# NAME or NAME|OTHER: the first that this Debian knows. NAME@COMMAND: not needed where there is that command, whoever brought it: a
# nodejs from elsewhere has an npm of its own, beside which Debian's cannot be installed. One group per kind of work.
packages_build="python3 g++ cmake ninja-build pkg-config|pkgconf ccache git libfmt-dev libboost-json1.81-dev|libboost-json-dev
  libcli11-dev libcurl4-openssl-dev libmicrohttpd-dev libgnutls28-dev libmnl-dev libnftables-dev libsodium-dev libsoci-dev libsqlite3-dev libpq-dev
  libbenchmark-dev prometheus-cpp-dev nodejs@node npm@npm"
packages_run="python3 iproute2 iputils-ping procps util-linux wireguard-go wireguard-tools bird2|bird3 openssh-client gpgv"
packages_page="chromium fonts-dejavu-core"
packages_test="curl libgtest-dev librapidcheck-dev python3-pytest python3-pytest-xdist python3-yaml shellcheck openssl clang-19 libclang-rt-19-dev
  qemu-system-x86 busybox-static cpio xz-utils kmod dash nftables fping prometheus postgresql gpg gpg-agent gpgconf
  mandoc zsh fish"
# version 19 by name: Debian 12 and 13 both have it, so both format alike, and Debian 12's own clang-tidy cannot read <expected>
packages_lint="shellcheck clang-format-19 clang-tidy-19"
packages_bench="fping postgresql"
packages_soak="systemd debootstrap valgrind"

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii ' ]; }

# missing_packages GROUP...: the entries of which no alternative is installed, one per line, without their commands.
missing_packages() {
  local group entry name list have
  have=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^ii  *//p')
  for group in "$@"; do
    list=packages_$group
    for entry in ${!list}; do
      [[ $entry != *@* ]] || ! command -v "${entry#*@}" >/dev/null || continue
      entry=${entry%@*}
      for name in ${entry//|/ }; do grep -qxF -- "$name" <<<"$have" && continue 2; done
      echo "$entry"
    done
  done | sort -u
}

# choose ENTRY...: for each entry the first alternative that apt can install; fails on the first that has none. `apt-cache show` would
# not do: it is content with a name that only another package's Breaks: mentions.
choose() {
  local entry name
  for entry in "$@"; do
    for name in ${entry//|/ }; do
      if [ -n "$(apt-cache madison "$name" 2>/dev/null)" ]; then
        echo "$name"
        continue 2
      fi
    done
    return 1
  done
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300 "$@"; }

# Packages such as bird2 start their service. While ours go in, a policy-rc.d (invoke-rc.d(8)) forbids that; an existing one is left
# alone, ours is taken away whatever happens. A bird that was not there before is also not enabled for the next boot.
quiet_install() {
  local policy=/usr/sbin/policy-rc.d ours='' fresh_bird='' rc=0
  [ -e $policy ] || ours=yes
  is_installed bird2 || fresh_bird=yes
  [ -z $ours ] || printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin $policy
  # shellcheck disable=SC2064  # the values of now
  [ -z $ours ] || trap "as_root rm -f $policy" EXIT
  apt install -y --no-install-recommends "$@" || rc=$?
  [ -z $ours ] || { as_root rm -f $policy && trap - EXIT; }
  if [ -n "$fresh_bird" ] && [ -d /run/systemd/system ] && is_installed bird2; then as_root systemctl disable --quiet bird.service || :; fi
  return $rc
}

# The package lists of apt are fetched only when they do not know a name, or name files that the mirror no longer has.
install_packages() {
  local chosen=()
  if mapfile -t chosen < <(choose "$@") && [ ${#chosen[@]} = $# ] && quiet_install "${chosen[@]}"; then
    echo "dev-says: ${#chosen[@]} packages"
    return
  fi
  apt update
  mapfile -t chosen < <(choose "$@")
  [ ${#chosen[@]} = $# ] || { echo "apt knows not all of: $*"; return 1; }
  quiet_install "${chosen[@]}"
  echo "dev-says: ${#chosen[@]} packages"
}

# setup GROUP...: whatever is missing of these groups.
setup() {
  local missing group
  command -v apt-get >/dev/null || die "this is no Debian: install what tools/dev_setup.sh lists, then use cmake --preset dev"
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} -gt 0 ]; then
    prepare_root
    step "install packages" install_packages "${missing[@]}"
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} = 0 ] || die "still missing after apt-get: ${missing[*]}"
  fi
  for group in "$@"; do
    case $group in
      run)
        bird 2 >/dev/null || step "unpack BIRD 2.17" tools/get_bird 2.17
        bird 3 >/dev/null || step "unpack BIRD 3" tools/get_bird 3
        ;;
      test)
        [ -x .deps/bird2.17/bin/bird ] || step "unpack BIRD 2.17" tools/get_bird 2.17
        # the guest's kernel is fetched by its test, which asks apt what it is called
        [ -d .deps/kernel ] || apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1 || { prepare_root; step "apt-get update" apt update; }
        ;;
    esac
  done
  return 0
}

# bird MAJOR: the path of a BIRD of that major version, when there is one. The system has at most one: bird2 and bird3 exclude each other.
bird() {
  local candidate
  for candidate in /usr/sbin/bird "$root"/.deps/bird*/bin/bird; do
    if "$candidate" --version 2>&1 | grep -q "version $1\."; then echo "$candidate" && return; fi
  done
  return 1
}
