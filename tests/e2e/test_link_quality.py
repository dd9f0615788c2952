"""Round trips of sessions, from echoes through a real delay to the community that a router behind this node sees."""
import pytest

from conftest import World
from lab import Sea, wait_for
from lab.route_speaker import parse_routes

ONE_WAY_MS = 14  # 28 ms are tier 4 (up to 55 ms), however busy the machine


class Crossing:
    """Two foreign routers with one node that owns its BIRD, of which the first is far away."""

    def __init__(self, lab, bird):
        self.world = World(lab, bird, ownership="full")
        self.node, self.fake = self.world.node, self.world.fake
        self.node.write_config(self.fake.url, self.fake.token, metric={"rttInterval": 1, "pingCount": 2, "pingTimeout": 2},
                               bird={"localAsn": self.node.asn, "ownPrefixes": ["172.22.188.0/26"], "topology": True})
        self.node.agent("render", self.node.folder / "rendered")
        self.node.stop(self.node.bird_process)
        (self.node.folder / "bird.conf").write_text((self.node.folder / "rendered/bird.conf").read_text())
        self.node.start_bird()
        (self.far, uuid), (self.near, other) = self.world.add(), self.world.add()
        Sea(lab).part([self.node], [self.far], ONE_WAY_MS)
        self.node.start_agent()
        for one in (uuid, other):
            self.world.reaches(one, 2, 30)
        for foreign in (self.far, self.near):
            self.world.up(foreign, 40)

    def session(self, foreign):
        return next(session for session in self.node.status()["sessions"] if session["asn"] == foreign.asn)

    def tags(self):
        """The communities of the far router's prefix where it arrives after this node."""
        routes = parse_routes(self.near.birdc.routes("172.20.1.0/24", "all"))
        return routes["172.20.1.0/24"][0].communities if routes else None

    def told_of(self, foreign):
        """What the control plane was told of a session's neighbor."""
        return [entry for body in list(self.fake.round_trips) for entry in body["measurements"] if entry["target"] == foreign.link_local]

    def last_configured(self):
        """As BIRD says it: which moment, and so how often."""
        return [line for line in self.node.birdc.ask("show status")[1].splitlines() if line.startswith("Last reconfiguration")]

    def passes(self, rounds):
        """So many more rounds of measuring are told of."""
        goal = len(self.fake.round_trips) + rounds
        wait_for(f"{rounds} rounds", lambda: len(self.fake.round_trips) >= goal, 30)


@pytest.fixture
def crossing(lab, bird):
    return Crossing(lab, bird)


def test_a_round_trip_becomes_a_community_and_nothing_else_is_configured(crossing):
    wait_for("the tier where the route arrives", lambda: (64511, 4) in (crossing.tags() or ()), 40)
    assert crossing.tags() == {(64511, 4), (64511, 34), (64511, 91), (64511, 83)}
    session = crossing.session(crossing.far)
    assert 2 * ONE_WAY_MS <= session["smoothed_rtt_ms"] < 55, session
    assert 2 * ONE_WAY_MS <= session["rtt_ms"] < 100, session
    assert (session["latency_tier"], session["loss_class"], session["loss_percent"]) == (4, 91, 0), session
    assert crossing.session(crossing.near)["rtt_ms"] < session["rtt_ms"]
    entry = crossing.told_of(crossing.far)[-1]
    assert 2 * ONE_WAY_MS <= entry["rtt_ms"] < 100 and entry["loss"] == 0, entry

    # each round has other numbers, and BIRD is told none of them
    wait_for("the other link's tier", lambda: crossing.session(crossing.near)["latency_tier"], 20)
    crossing.node.sync()
    configured, files = crossing.last_configured(), peer_files(crossing.node)
    crossing.passes(4)
    crossing.node.sync()
    assert configured == crossing.last_configured() and files == peer_files(crossing.node)

    # nor does a restart make it forget
    crossing.node.stop_agent()
    crossing.node.start_agent()
    crossing.node.sync()
    assert crossing.session(crossing.far)["latency_tier"] == 4
    crossing.passes(2)
    assert configured == crossing.last_configured() and files == peer_files(crossing.node)


def test_a_neighbor_that_answers_no_echoes_is_not_known_and_not_lost(crossing):
    wait_for("the tier", lambda: crossing.session(crossing.far)["latency_tier"] == 4, 40)
    for name in ("net.ipv6.icmp.echo_ignore_all", "net.ipv4.icmp_echo_ignore_all"):
        crossing.far.run("sysctl", "-qw", f"{name}=1")
    wait_for("no answer", lambda: crossing.session(crossing.far)["rtt_ms"] is None, 30)
    told = len(crossing.told_of(crossing.far))
    crossing.passes(2)
    session = crossing.session(crossing.far)
    assert session["loss_percent"] is None and session["latency_tier"] == 4, session
    assert len(crossing.told_of(crossing.far)) == told, "nothing is told of it"
    assert (64511, 4) in crossing.tags()


def peer_files(node):
    return {name: (node.folder / "peers" / name).read_text() for name in node.files()}
