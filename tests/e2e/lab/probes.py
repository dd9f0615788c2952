"""What an operator would watch with: the hops of a path, and a ping that goes on while things happen."""
import os
import re
import select
import signal
import socket
import struct
import time

from .waiting import wait_for

_ECHO_REPLY, _ECHO, _TIME_EXCEEDED = 0, 8, 11  # RFC 792


def answer_traces(space):
    """A router that has just said "unreachable" or "exceeded" a few times says nothing for a second: not this one."""
    space.run("sysctl", "-qw", "net.ipv4.icmp_ratelimit=0")


def trace(space, source, target, most=12, seconds=1.0):
    """[(address that answered or None, round trip in ms)] of each hop, IPv4, with echoes of growing TTL."""
    with space.entered():
        link = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    hops = []
    with link:
        link.bind((source, 0))
        for ttl in range(1, most + 1):
            link.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            begun = time.monotonic()
            link.sendto(_echo(ttl), (target, 0))
            address = _answer(link, ttl, begun + seconds)
            hops.append((address, (time.monotonic() - begun) * 1000))
            if address == target:
                break
    return hops


def _echo(sequence):
    head = struct.pack("!BBHHH", _ECHO, 0, 0, os.getpid() & 0xFFFF, sequence)
    total = sum(struct.unpack("!4H", head))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return head[:2] + struct.pack("!H", checksum) + head[4:]


def _answer(link, sequence, deadline):
    """Who answered the echo with that sequence: its target, or a router on the way that quotes it behind an IP header."""
    while select.select([link], [], [], max(0, deadline - time.monotonic()))[0]:
        packet, (address, _) = link.recvfrom(2048)
        message = packet[(packet[0] & 15) * 4:]
        if message[0] == _TIME_EXCEEDED:
            quoted = message[8:]
            message = quoted[(quoted[0] & 15) * 4:]
        elif message[0] != _ECHO_REPLY:
            continue
        if struct.unpack("!HH", message[4:8]) == (os.getpid() & 0xFFFF, sequence):
            return address
    return None


class Stream:
    """Echoes without a pause from one address to another. A `mark` is the next sequence number at that moment."""

    def __init__(self, space, source, target, milliseconds=50):
        self.space, self.milliseconds, self.target = space, milliseconds, target
        self.log = space.folder / f"ping-{target.replace(':', '-')}.log"
        self.process = space.start(self.log.stem, "ping", "-n", "-D", "-i", milliseconds / 1000, "-I", source, target)
        wait_for(f"the first answer of {target}", self.answers, 10)

    def answers(self):
        """{sequence number: when its answer came, in seconds}"""
        lines = re.findall(r"^\[([\d.]+)\] .*icmp_seq=(\d+) ttl=", self.log.read_text(), re.MULTILINE)
        return {int(number): float(at) for at, number in lines}

    def mark(self):
        return max(self.answers()) + 1

    def lost_since(self, mark):
        """(sent, lost) from `mark` to one that is answered from now on; what is still under way does not count."""
        before = self.mark()
        newest = wait_for(f"an answer of {self.target}", lambda: self.mark() > before and self.mark(), 30) - 1
        time.sleep(0.2)  # chosen: more than two ways can differ by, so that nobody is called lost who was only overtaken
        answered = [number for number in self.answers() if mark <= number <= newest]
        sent = newest - mark + 1
        return sent, sent - len(answered)

    def longest_silence_since(self, mark):
        """Seconds between two answers in a row."""
        times = [at for number, at in sorted(self.answers().items()) if number >= mark - 1]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def answers_after(self, moment):
        """Whether an answer came later than `moment`, a time.time()."""
        return max(self.answers().values(), default=0) > moment

    def stop(self):
        self.space.stop(self.process, 10, signal.SIGINT)
