"""Lab and Space: one network and mount namespace per node, joined by a bridge in a hub namespace (198.51.100.0/24, RFC 5737)."""
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from .waiting import wait_for

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000

# The holder is the namespace. /run is private because WireGuard's UAPI sockets live in the file system, not in the network
# namespace: equal interface names on two nodes would collide.
_HOLDER = ("mount -t tmpfs none /run && mkdir /run/wireguard && ip link set lo up && "
           "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 "
           "net.ipv4.conf.default.rp_filter=0 && echo ready && exec sleep 1000000")


class Lab:
    """Owns the namespaces, their processes and a folder. Several labs run at once without knowing of each other."""

    def __init__(self):
        if os.geteuid() != 0:
            raise PermissionError("network namespaces need root: run it through ./dev test or ./dev demo")
        self.spaces = {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="moenet-", dir="/tmp"))  # short: a socket path has 107 bytes
        self._janitor = subprocess.Popen([sys.executable, "-S", str(pathlib.Path(__file__).with_name("janitor.py"))],
                                         stdin=subprocess.PIPE, text=True, start_new_session=True)
        self._tell(f"dir {self.folder}")
        self._processes = []
        self.at_exit = []  # callables, run first: servers of this process that live in a namespace
        self.hub = Space(self, "hub", None)
        self.hub.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.hub.run("ip", "link", "set", "br0", "up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _tell(self, line):
        self._janitor.stdin.write(line + "\n")
        self._janitor.stdin.flush()

    def adopt(self, namespace_inode):
        self._tell(f"ns {namespace_inode}")

    def remember(self, process):
        self._processes.append(process)

    def keep(self):
        """Leaves everything running when this process ends. Returns the script that removes it."""
        inodes = " ".join(str(space.inode) for space in self.spaces.values())
        script = self.folder / "remove"
        script.write_text("#!/bin/sh\n"
                          f"[ -d {self.folder} ] || exit 0\n"
                          f"{{ for i in {inodes}; do echo ns $i; done; echo dir {self.folder}; }} | "
                          f"{sys.executable} -S {pathlib.Path(__file__).with_name('janitor.py')}\n")
        script.chmod(0o755)
        self._tell("keep")
        self._processes = []
        return script

    def close(self):
        for action in self.at_exit:
            action()
        self.at_exit = []
        if not self._janitor.stdin.closed:
            self._janitor.stdin.close()
        self._janitor.wait(timeout=300)  # 10,000 links take a minute
        for process in self._processes:
            process.wait(timeout=60)  # what holds a TUN device ends when the kernel has time to remove that (over 10 s seen on a busy machine)
        self._processes = []

    def logs(self, lines=25):
        """The end of every log, for a failure's report."""
        for path in sorted(self.folder.glob("*/*.log")):
            # without wireguard-go's banner
            text = [line for line in path.read_text(errors="replace").splitlines() if not line.startswith(("┌", "│", "└"))]
            if text:
                yield f"{path.relative_to(self.folder)}", "\n".join(text[-lines:])

    def save_logs(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder, ignore=lambda where, names: [
            n for n in names if not (os.path.isdir(f"{where}/{n}") or n.endswith((".log", ".conf", ".json")))])


class Space:
    """A node: namespaces, a folder, and an address on the underlay (none for the hub)."""

    def __init__(self, lab, name, number):
        self.lab, self.name, self.number = lab, name, number
        self.folder = lab.folder / name
        self.folder.mkdir()
        self._holder = subprocess.Popen(["unshare", "-n", "-m", "sh", "-c", _HOLDER], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, start_new_session=True)
        lab.remember(self._holder)
        self.inode = self._wait_for_namespace()
        lab.adopt(self.inode)
        if self._holder.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the namespace of {name} did not come up")
        lab.spaces[name] = self
        if number is not None:
            self.address = f"198.51.100.{number}"
            self._join_underlay()

    def _wait_for_namespace(self):
        own = os.stat("/proc/self/ns/net").st_ino

        def look():
            inode = os.stat(f"/proc/{self._holder.pid}/ns/net").st_ino
            return inode if inode != own else None

        return wait_for(f"namespace of {self.name}", look, 10, 0.002)

    def _join_underlay(self):
        hub = self.lab.hub
        port = f"p-{self.name}"[:15]
        self.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", str(hub.pid))
        self.run("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")
        hub.run("ip", "link", "set", port, "master", "br0", "up")

    @property
    def pid(self):
        return self._holder.pid

    def inside(self, command):
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", f"--mount=/proc/{self.pid}/ns/mnt", "--", *map(str, command)]

    def run(self, *command, check=True, text=None, seconds=20):
        """Runs to the end and returns its standard output. With check=False: (status, output with errors)."""
        done = subprocess.run(self.inside(command), input=text, stdout=subprocess.PIPE, text=True, timeout=seconds, check=False,
                              stderr=subprocess.PIPE if check else subprocess.STDOUT, stdin=None if text else subprocess.DEVNULL)
        if not check:
            return done.returncode, done.stdout
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, command))}: {done.stderr.strip() or done.returncode}")
        return done.stdout

    def start(self, name, *command, **environment):
        """Starts a process with its output in NAME.log, appended. Its pid is that of the program itself: nsenter does not fork."""
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(self.inside(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, env={**os.environ, **environment})
        self.lab.remember(process)
        return process

    def stop(self, process, seconds=30, number=signal.SIGTERM):
        process.send_signal(number)
        return process.wait(timeout=seconds)

    @contextlib.contextmanager
    def entered(self):
        """This thread inside the network namespace: sockets made here stay in it. Files and other threads are not affected."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            _setns(there)
            yield
        finally:
            _setns(before)
            os.close(before)
            os.close(there)

    def links(self):
        import json
        return {link["ifname"]: link for link in json.loads(self.run("ip", "-j", "-d", "addr", "show"))}


def processes_in_namespace(inode):
    """(pid, words of the command line) of each process in a network namespace."""
    for entry in os.scandir("/proc"):
        try:
            if entry.name.isdigit() and os.stat(f"/proc/{entry.name}/ns/net").st_ino == inode:
                words = pathlib.Path(f"/proc/{entry.name}/cmdline").read_text().rstrip("\0").split("\0")
                yield int(entry.name), words
        except OSError:
            continue  # it ended meanwhile


def _setns(descriptor):
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
