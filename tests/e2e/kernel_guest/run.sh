#!/bin/bash
# run.sh [--with FILE | --tree FOLDER]... [PROGRAM [ARGUMENT...]]: boots Debian's cloud kernel in QEMU and runs PROGRAM
# (build/release's net_guest_test when none is given) as root in it; its exit status is the program's. The machine has no disk
# and no network: the program, its libraries, `ip`, and the kernel modules travel in the initramfs, and so do each FILE, as
# /sbin/NAME with its libraries, and what is in FOLDER, as it is. About 10 s of CPU.
# Needs apt-get, qemu-system-x86_64, busybox (static), cpio, kmod, binutils.
# The kernel package is fetched once into .deps/kernel (27 MB) by the machine's own apt.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
with=() trees=()
while [ $# -gt 0 ]; do
  case $1 in
    --with) with+=("$2") ;;
    --tree) trees+=("$2") ;;
    *) break ;;
  esac
  shift 2
done
program=${1:-$root/build/release/tests/net/guest/net_guest_test}
[ $# -gt 0 ] && shift
deps=$root/.deps/kernel
PATH=$PATH:/usr/sbin:/sbin

die() { echo "kernel_guest: $*" >&2; exit 2; }
[ "$(uname -m)" = x86_64 ] || die "this test knows x86_64 only"
[ -x "$program" ] || die "$program is not built (cmake --build build/release --target net_guest_test)"
for tool in qemu-system-x86_64 busybox cpio modprobe depmod strip ip; do
  command -v $tool >/dev/null || die "$tool is missing: ./dev setup"
done

# The package that the metapackage stands for now; without apt's lists, the one that was fetched last.
package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image-/ {print $2; exit}')
if [ -z "$package" ]; then
  package=$({ find "$deps" -mindepth 1 -maxdepth 1 -type d ! -name '*.new' -printf '%T@ %f\n' 2>/dev/null || :; } |
    sort -n | awk 'END {print $2}')
  [ -n "$package" ] || die "apt knows no linux-image-cloud-amd64: apt-get update"
fi
kernel=$deps/$package
if [ ! -d "$kernel" ]; then
  echo "kernel_guest: fetching $package" >&2
  rm -rf "$kernel.new"; mkdir -p "$kernel.new"
  (cd "$kernel.new" && apt-get download -qq -o APT::Sandbox::User=root "$package") ||
    die "apt-get download $package failed"
  # 50 MB of its 160: the kernel, and the modules that a network test may ask for.
  dpkg-deb --fsys-tarfile "$kernel.new/$package"_*.deb | tar -x -C "$kernel.new" --wildcards \
    './boot/vmlinuz-*' '*/modules.builtin*' '*/modules.order' \
    '*/kernel/arch/*' '*/kernel/crypto/*' '*/kernel/lib/*' '*/kernel/net/*' '*/kernel/drivers/net/*'
  rm "$kernel.new/$package"_*.deb
  if [ ! -d "$kernel.new/lib/modules" ]; then  # Debian 13
    mkdir -p "$kernel.new/lib"; ln -s ../usr/lib/modules "$kernel.new/lib/modules"
  fi
  depmod -b "$kernel.new" "$(ls "$kernel.new/lib/modules/")"
  mv "$kernel.new" "$kernel"
fi
version=$(ls "$kernel/lib/modules/")

work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
image=$work/image
mkdir -p "$image"/{bin,sbin,proc,sys,dev,run,tmp,modules,etc,var}
ln -s ../run "$image/var/run"
echo 'root:x:0:0:root:/:/bin/sh' >"$image/etc/passwd"
cp "$(command -v busybox)" "$image/bin/busybox"
add_with_libraries() { # add_with_libraries FILE PATH-IN-IMAGE
  cp -L "$1" "$image$2"
  { ldd "$1" 2>/dev/null | grep -oE '/[^ ]+' || :; } | while read -r library; do
    mkdir -p "$image${library%/*}"
    [ ! -e "$image$library" ] || continue
    cp -L "$library" "$image$library"
    strip --strip-debug "$image$library" 2>/dev/null || :
  done
}
add_with_libraries "$(command -v ip)" /sbin/ip
add_with_libraries "$program" /program
for file in "${with[@]}"; do add_with_libraries "$file" "/sbin/${file##*/}"; done
strip --strip-debug "$image/program" "$image"/sbin/* 2>/dev/null || :  # a script has nothing to strip
for tree in "${trees[@]}"; do cp -R "$tree/." "$image/"; done
# modprobe's own resolution, done here: modules in load order, each once. What is built into the kernel has no file.
count=0
while read -r module; do
  count=$((count + 1)); name=$(printf '%03d.ko' $count)
  case $module in *.xz) xz -dc "$module" >"$image/modules/$name" ;; *) cp "$module" "$image/modules/$name" ;; esac
done < <(for module in wireguard dummy veth bridge ip_gre ip6_gre nf_tables nft_ct; do
  modprobe -S "$version" -d "$kernel" --show-depends $module
done | awk '$1 == "insmod" && !seen[$2]++ {print $2}')
[ $count -gt 0 ] || die "no modules found in $kernel"
printf '%q ' "$@" >"$image/arguments"

cat >"$image/init" <<'I'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/sbin:/bin HOME=/ TERM=dumb GTEST_COLOR=no
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run
# ip_gre would put a gre0 and more, which nobody can remove, into each network namespace.
echo 2 >/proc/sys/net/core/fb_tunnels_only_for_init_net
for module in /modules/*; do insmod $module || echo "kernel_guest: insmod $module failed"; done
echo "kernel_guest: Linux $(uname -r), ready after $(cut -d' ' -f1 /proc/uptime) s"
eval "/program $(cat /arguments)"
echo "kernel_guest: exit status $?"
reboot -f
I
chmod +x "$image/init"
(cd "$image" && find . | cpio -o -H newc --quiet) >"$work/initrd"

# TCG and nothing else: /dev/kvm may open and still hang the guest. -no-reboot turns the guest's reboot into QEMU's end.
# Without mitigations and timer calibration the boot is faster; entropy comes from the emulated CPU. On a busy host the emulated
# timer may be so late that the kernel takes it for broken and panics: no_timer_check.
timeout "${BOOT_LIMIT:-180}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 512 \
  -nodefaults -no-user-config -display none -serial stdio -no-reboot \
  -kernel "$(echo "$kernel"/boot/vmlinuz-*)" -initrd "$work/initrd" \
  -append "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off random.trust_cpu=on tsc=reliable no_timer_check reboot=t" \
  </dev/null | tr -d '\r' | tee "$work/output"
status=$(sed -n 's/^kernel_guest: exit status //p' "$work/output" | tail -n 1)
[ -n "$status" ] || die "the guest ended without a result"
exit "$status"
