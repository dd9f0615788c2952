"""A small client of BIRD's control socket, and which BIRDs there are. Replies are cut by code: `NNNN ` ends one, `NNNN-` does not."""
import functools
import os
import pathlib
import re
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]


@functools.lru_cache
def bird_programs():
    """{"bird2": path, "bird2.17": path, "bird3": path}; "bird2" is the system's, 2.0.12 on Debian 12. A missing one is a fault of the
    machine, said at once: `./dev setup` mends it."""
    found = {}
    for path in (os.environ.get("MOENET_BIRD2"), "/usr/sbin/bird", os.environ.get("MOENET_BIRD3"), ROOT / ".deps/bird3/bin/bird"):
        if path and os.access(path, os.X_OK):
            answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
            version = re.search(r"version (\d)\.", answer.stdout + answer.stderr)
            if version:
                found.setdefault(f"bird{version[1]}", str(path))
    newest2 = ROOT / ".deps/bird2.17/bin/bird"
    if os.access(newest2, os.X_OK):
        found["bird2.17"] = str(newest2)
    return found


class Birdc:
    """One connection per question: a test never depends on what an earlier one left in the stream."""

    def __init__(self, path):
        self.path = str(path)

    def ask(self, command, seconds=10):
        """(code, text) of the reply; code is the last line's."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(seconds)
            link.connect(self.path)
            stream = link.makefile("rb")
            self._reply(stream)
            link.sendall(command.encode() + b"\n")
            return self._reply(stream)

    @staticmethod
    def _reply(stream):
        lines = []
        for raw in stream:
            line = raw.decode(errors="replace").rstrip("\n")
            if line.startswith("+"):
                continue
            lines.append(line[5:] if re.match(r"\d{4}[ -]", line) else line[1:])
            if re.match(r"\d{4} ", line):
                return int(line[:4]), "\n".join(lines)
        raise ConnectionError("BIRD closed the connection")

    def version(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(5)
            link.connect(self.path)
            return self._reply(link.makefile("rb"))[1]

    def protocols(self):
        """{name: {"proto", "state", "since", "info"}}"""
        rows = {}
        for line in self.ask("show protocols")[1].splitlines():
            words = line.split()
            if len(words) >= 5 and words[0] != "Name":
                rows[words[0]] = {"proto": words[1], "state": words[3], "since": _since(words)[0], "info": _since(words)[1]}
        return rows

    def established(self, name):
        row = self.protocols().get(name)
        return bool(row) and row["state"] == "up" and row["info"].startswith("Established")

    def routes(self, *what):
        return self.ask("show route " + " ".join(what))[1]


class Since(str):
    """A moment as BIRD prints it. BIRD works it out anew for each answer, from two clocks, so that one moment is a millisecond earlier or
    later the next time: two that are as close as that are equal."""
    __hash__ = None

    def __eq__(self, other):
        apart = abs(self._seconds() - Since(other)._seconds())
        return min(apart, 86400 - apart) < 0.5

    def __ne__(self, other):
        return not self == other

    def _seconds(self):
        hours, minutes, seconds = self.split()[-1].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _since(words):
    """`since` is one word today ("21:03:54.123") and two for another day or with iso long."""
    if re.match(r"\d{4}-\d\d-\d\d$", words[4]) and len(words) > 5 and re.match(r"\d\d:\d\d", words[5]):
        return Since(" ".join(words[4:6])), " ".join(words[6:])
    return Since(words[4]), " ".join(words[5:])
