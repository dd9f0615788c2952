"""Sea: what lies between two regions. A namespace through which the nodes of one region reach those of another, late; a link between
two nodes can be cut there and joined again, while everything else goes on."""
import pathlib
import sys

from .probes import answer_traces
from .relay import tell
from .space import Space
from .waiting import wait_for

PROGRAM = pathlib.Path(__file__).with_name("relay.py")
_NUMBER = 254  # on the underlay
_TABLE = 100


class Sea(Space):
    """What comes in is routed into the relay's TUN device; what the relay gives back is routed on. Addresses stay as they are."""

    def __init__(self, lab, name="sea", number=_NUMBER):
        super().__init__(lab, name, number)
        answer_traces(self)
        self.control = self.folder / "relay"
        self.start("relay", sys.executable, "-S", PROGRAM, self.control, "serve", "relay0")
        wait_for("the relay", self.control.exists, 10, 0.01)
        self.run("ip", "link", "set", "relay0", "up")
        self.run("ip", "rule", "add", "iif", "eth0", "table", _TABLE)
        self.run("ip", "route", "add", "default", "dev", "relay0", "table", _TABLE)

    def part(self, shore, other_shore, milliseconds):
        """Packets between a space of one shore and one of the other go over here and take so long, one way."""
        for one in shore:
            for other in other_shore:
                for here, there in ((one, other), (other, one)):
                    here.run("ip", "route", "replace", f"{there.address}/32", "via", self.address)
                self.delay(one, other, milliseconds)

    def delay(self, one, other, milliseconds):
        self.tell("delay", one.address, other.address, milliseconds)

    def cut(self, one, other):
        self.tell("cut", one.address, other.address)

    def join(self, one, other):
        self.tell("join", one.address, other.address)

    def tell(self, *words):
        """See relay.py for what it understands."""
        tell(self.control, *words)

    def describe_command(self, verb, one, other):
        return f"{sys.executable} {PROGRAM} {self.control} {verb} {one.address} {other.address}"
