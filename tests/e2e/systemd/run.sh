#!/bin/bash
# run.sh: the Debian packages under a running systemd, from a bare machine's first start to the packages' purge: checks.sh, as root, in
# a machine made of this one. That is an overlay of its root file system, kept in memory, with namespaces and a cgroup of its own, a
# network of nothing but `lo`, and this machine's systemd as pid 1. Nothing of this machine changes. About two minutes, most of it waits
# for watchdogs.
# Needs root, systemd, build/release (or MOENET_BUILD), and what ./dev setup installs.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
here=$root/tests/e2e/systemd
build=${MOENET_BUILD:-$root/build/release}

die() { echo "systemd: $*" >&2; exit 2; }
[ "$(id -u)" = 0 ] || die "this needs root"
init=$(readlink -f /lib/systemd/systemd 2>/dev/null) && [ -x "$init" ] || die "there is no systemd to run: apt install systemd"
cgroups=$(findmnt -rn -t cgroup2 -o TARGET | head -n 1)
[ -n "$cgroups" ] || die "no cgroup2 file system is mounted"

work=$(mktemp -d)
cgroup=$cgroups/moenet-test.$$
machine=
pid1() { pgrep -P "$machine" | head -n 1; }
clean_up() {
  [ -z "$machine" ] || kill -KILL "$(pid1)" 2>/dev/null || :  # with pid 1 goes all that runs there
  wait 2>/dev/null || :
  find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || :
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

"$root/packaging/build_deb" "$build" "$work" >/dev/null
# The same with a higher version, to update to
mkdir "$work/newer"
for package in "$work"/*.deb; do
  dpkg-deb -R "$package" "$work/newer/tree"
  sed -i 's/^Version: .*/&+newer/' "$work/newer/tree/DEBIAN/control"
  dpkg-deb --root-owner-group -Zgzip --build "$work/newer/tree" "$work/newer/$(basename "$package")" >/dev/null
  rm -r "$work/newer/tree"
done
mkdir "$cgroup"

# The machine's file system, before its systemd: nothing of this machine's services, mounts and names is in it.
cat >"$work/prepare" <<'P'
set -eu
work=$1 here=$2 init=$3 machine=$1/machine
mkdir "$work/memory" "$machine"
mount -t tmpfs memory "$work/memory"
mkdir "$work/memory/upper" "$work/memory/work"
mount -t overlay overlay "$machine" -o "lowerdir=/,upperdir=$work/memory/upper,workdir=$work/memory/work"
cd "$machine"
rm -rf etc/systemd/system/*.wants etc/systemd/system/moenet-* etc/moenet-agent etc/wireguard etc/bird/peers var/lib/moenet-* \
  var/lib/private/moenet-* var/log/journal usr/sbin/policy-rc.d
: >etc/fstab; : >etc/machine-id
mkdir -p root run sys proc dev opt/moenet-test
cp -r "$work"/*.deb "$work/newer" "$here"/{checks,far_end,privileges}.sh opt/moenet-test/
mount -t proc proc proc; mount -t sysfs sys sys; mount -t tmpfs run run -o mode=755; mount -t tmpfs dev dev -o mode=755
mount -t cgroup2 cgroup sys/fs/cgroup
for device in null zero full random urandom tty; do : >"dev/$device"; mount --bind "/dev/$device" "dev/$device"; done
mkdir dev/pts dev/shm dev/net
mknod -m 666 dev/net/tun c 10 200
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666,mode=620,gid=5; ln -s pts/ptmx dev/ptmx
mount -t tmpfs shm dev/shm
ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
hostname moenet-test; ip link set lo up
mkdir .before; pivot_root . .before; umount -l .before
mount --make-rshared /  # systemd's credentials are mounted so that they spread
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin "$init" --unit=basic.target --show-status=0 </dev/null
P
(
  echo "$BASHPID" >"$cgroup/cgroup.procs"
  exec unshare --fork --kill-child --pid --mount --net --uts --ipc --cgroup --propagation private \
    bash "$work/prepare" "$work" "$here" "$init" >"$work/boot.log" 2>&1
) &
machine=$!

inside() { nsenter -t "$(pid1)" -a env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"; }
for ((i = 0; ; i++)); do
  kill -0 "$machine" 2>/dev/null && [ $i -lt 300 ] || { cat "$work/boot.log"; die "the machine does not start"; }
  sleep 0.2
  # not before it has its own root file system; `degraded`: some unit of this machine's cannot run there
  [ "$(cat "/proc/$(pid1)/comm" 2>/dev/null)" = systemd ] || continue
  case $(inside systemctl is-system-running 2>/dev/null || :) in running | degraded) break ;; esac
done
echo "systemd: $(inside systemctl --version | head -n 1) is up"
inside bash /opt/moenet-test/checks.sh
