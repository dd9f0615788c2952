"""DebianMachine: a machine that may become a node: this one's root file system beneath an overlay in memory, with dpkg's state of its
own. Nothing that runs there changes a file of this machine. There is no systemd."""
import shutil
import subprocess

from .space import Space

# Devices one by one: in a /dev that is this machine's own, a mistake there would be one here.
_MOUNT = """
mount -t proc proc proc; mount -t tmpfs dev dev -o mode=755
for device in null zero full random urandom tty; do : >dev/$device; mount --bind /dev/$device dev/$device; done
ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
"""

# Without what this machine's own moenet and BIRD have left.
_PREPARE = """
mkdir -p {at} && mount -t tmpfs memory {at} && mkdir {at}/upper {at}/work {at}/root
mount -t overlay overlay {at}/root -o lowerdir={lower},upperdir={at}/upper,workdir={at}/work
cd {at}/root && rm -rf etc/moenet-* etc/wireguard var/lib/moenet-* usr/local/sbin/mv
mkdir -p proc sys dev run tmp
mount -t tmpfs run run; mount -t tmpfs tmp tmp -o mode=1777
""" + _MOUNT


class DebianMachine(Space):
    def __init__(self, lab, name="machine", number=3, lower="/"):
        super().__init__(lab, name, number)
        at = self.folder / "disk"
        self.root = at / "root"  # seen in its own mount namespace only
        self.run("sh", "-euc", _PREPARE.format(at=at, lower=lower))
        # As Debian ships it, whatever this machine has
        self.shell("dpkg --purge moenet >/dev/null 2>&1 || :; rm -rf /etc/moenet-*; "
                   "f=$(find /usr/share/bird2 /usr/share/doc/bird2 -name 'bird.conf*' 2>/dev/null | head -n 1); "
                   "[ -z \"$f\" ] || { case $f in *.gz) zcat $f ;; *) cat $f ;; esac; } >/etc/bird/bird.conf", check=False)

    def shell(self, script, check=True, seconds=120):
        """With check=False: (status, output with errors)."""
        return self.run("chroot", self.root, "/usr/bin/env", "-i", "HOME=/root", "PATH=/usr/local/bin:/usr/bin:/bin", "sh", "-c", script,
                        check=check, seconds=seconds)

    def read(self, path):
        return self.shell(f"cat {path}")

    def exists(self, path):
        return self.shell(f"test -e {path}", check=False)[0] == 0

    def tree(self, *folders):
        """All files beneath with their times and sizes: equal means that nothing has changed."""
        return self.shell(f"find {' '.join(folders)} -printf '%p %s %T@ %m\\n' 2>/dev/null | sort || :")


class BareDebian:
    """A Debian of nothing but its essential packages, from the mirror, in a folder; with this machine's network, for apt's sake. No
    service starts in it, and what runs ends with the command that started it."""

    def __init__(self, folder, suite):
        self.root = folder / suite
        subprocess.run(["debootstrap", "--variant=minbase", "--include=curl", suite, self.root], check=True,
                       stdout=subprocess.DEVNULL, timeout=900)
        (self.root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (self.root / "usr/sbin/policy-rc.d").chmod(0o755)
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")

    def shell(self, script):
        """(status, output with errors)"""
        inside = f"set -eu; cd {self.root}; {_MOUNT}" \
                 "exec chroot . /usr/bin/env -i HOME=/root PATH=/usr/local/bin:/usr/bin:/bin sh -c \"$1\""
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside, "sh", script],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900, check=False)
        return done.returncode, done.stdout
