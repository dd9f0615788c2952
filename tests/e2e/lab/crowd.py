"""Crowd: many connections of people who mean no good, and what it costs the program that they trouble."""
import errno
import os
import pathlib
import re
import resource
import socket
import threading

_SPARE = 500  # descriptors for everything else of this process


def raise_file_limit(pid, wanted):
    """As far as this machine lets us. Returns how many files the process may have open."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    for limit in (max(hard, wanted), hard):
        try:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (max(soft, min(limit, wanted)), max(hard, limit)))
            break
        except (PermissionError, ValueError):  # only root may raise the hard limit, and not everywhere
            continue
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]


class Cost:
    """What a process holds: open files and memory."""

    def __init__(self, pid):
        self.folder = pathlib.Path(f"/proc/{pid}")

    def files(self):
        return len(os.listdir(self.folder / "fd"))

    def _kilobytes(self, name):
        return int(re.search(rf"^{name}:\s+(\d+) kB$", (self.folder / "status").read_text(), re.MULTILINE)[1])

    def rss_mb(self):
        return self._kilobytes("VmRSS") / 1024

    def forget_peak(self):
        (self.folder / "clear_refs").write_text("5")  # proc(5)

    def peak_mb(self):
        return self._kilobytes("VmHWM") / 1024


class Crowd:
    """`count` connections that each say `first`, then `drip` again and again, and read nothing. Whoever is cut off comes again."""

    def __init__(self, space, address, count, first=b"", drip=b""):
        self.count = min(count, raise_file_limit(0, count + _SPARE) - _SPARE)
        self.space, self.address, self.first, self.drip = space, address, first, drip
        self.members, self.silent, self.came, self.failure = [], set(), 0, None
        self._ends, self._is_here = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._is_here.wait(60), "the crowd did not come together"
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()
        for member in self.members:
            member.close()
        assert self.failure is None, self.failure

    def _run(self):
        try:
            with self.space.entered():
                self.members = [self._come() for _ in range(self.count)]
                self._is_here.set()
                while not self._ends.wait(0.05):
                    self._go_on()
        except Exception as error:  # pylint: disable=broad-except  # __exit__ shows it
            self.failure = error
            self._is_here.set()

    def _come(self):
        self.came += 1
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        link.settimeout(0.002)  # who is not let in at once goes on trying
        try:
            link.connect(self.address)
            link.sendall(self.first)
        except OSError:
            self.silent.add(link)
        link.setblocking(False)
        return link

    def _go_on(self):
        for place, member in enumerate(self.members):
            if self._ends.is_set():
                return
            if self._is_cut(member):
                member.close()
                self.silent.discard(member)
                self.members[place] = self._come()

    def _is_cut(self, member):
        try:
            if member in self.silent:
                member.send(self.first)
                self.silent.remove(member)
            elif self.drip:
                member.send(self.drip)
            return member.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError as error:
            return error.errno != errno.ENOTCONN  # on its way
