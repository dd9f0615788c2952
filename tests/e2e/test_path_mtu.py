"""A path that carries less than the tunnel over it promises: said, applied when that is asked for, and nothing else notices."""
import json

import pytest

from conftest import World
from lab import Network, Sea, Stream, wait_for
from lab.metrics import parse

PATH = 1400  # bytes of a whole packet; 1340 fit into the tunnel beneath IPv4
INTERVAL = 1


class Strait:
    """A node and a foreign router, each a shore of a sea whose width can be changed."""

    def __init__(self, lab, bird):
        self.world = World(lab, bird)
        self.node = self.world.node
        self.probe("advise")
        self.foreign, self.uuid = self.world.add()
        self.sea = Sea(lab)
        self.sea.part([self.node], [self.foreign], 0)
        self.interface = f"dn42_{self.foreign.asn}"

    def probe(self, kind):
        self.node.write_config(self.world.fake.url, self.world.fake.token, mtu={"probe": kind, "interval": INTERVAL},
                               controlPlane={"syncInterval": 1, "metricInterval": 1})

    def start(self):
        self.node.start_agent()
        self.world.reaches(self.uuid, 2, 30)
        self.world.up(self.foreign, 40)

    def narrow(self, size):
        self.sea.run("ip", "link", "set", "relay0", "mtu", size)

    def session(self):
        return self.node.status()["sessions"][0]

    def mtu(self):
        return self.node.links()[self.interface]["mtu"]

    def since(self):
        """When BGP came up, as both ends' BIRDs say."""
        ends = ((self.node, f"dn42_{self.foreign.asn}"), *((self.foreign, name) for name in self.foreign.birdc.protocols()))
        return [end.birdc.protocols()[name]["since"] for end, name in ends if end.birdc.protocols()[name]["proto"] == "BGP"]

    def searched(self, path):
        wait_for(f"a path of {path}", lambda: self.session()["path_mtu_bytes"] == path, 40)

    def changes(self):
        """What the agent did to the tunnel that it had made, as its log says."""
        return [line.split(f"~ {self.interface} ")[1].split()[:2] for line in self.node.agent_log().splitlines()
                if f"~ {self.interface} " in line]


@pytest.fixture
def strait(lab, bird):
    return Strait(lab, bird)


def test_a_narrow_path_is_advised_then_applied_and_bgp_never_notices(strait):
    strait.start()
    strait.searched(1500)
    assert strait.session()["mtu_advice"] == ""
    since = strait.since()
    assert len(since) == 2

    strait.narrow(PATH)
    strait.searched(PATH)
    session = strait.session()
    assert session["mtu_advice"].startswith("lower the tunnel's MTU from 1420 to 1340 at both ends"), session
    series = parse(strait.node.api("/metrics")[1])
    labels = (("asn", str(strait.foreign.asn)), ("interface", strait.interface))
    assert series["moenet_session_path_mtu_bytes", labels] == PATH and series["moenet_session_mtu_bytes", labels] == 1420
    assert strait.mtu() == 1420, "advice changes nothing"

    strait.node.stop_agent()
    strait.probe("apply")
    strait.node.start_agent()
    wait_for("the tunnel follows", lambda: strait.mtu() == 1340, 40)
    wait_for("no advice is left", lambda: (row := strait.session())["mtu_advice"] == "" and row["mtu_bytes"] == 1340, 20)
    assert json.loads(strait.node.agent("plan", "--json"))["changes"] == 0

    # drift is repaired to what is wanted now, and an agent that was just started wants the same before it has searched
    strait.node.run("ip", "link", "set", strait.interface, "mtu", 1420)
    wait_for("drift", lambda: strait.mtu() == 1340, 20)
    strait.node.stop_agent()
    done = [["mtu", "1340"]] * 2  # to begin with, and the drift
    assert strait.changes() == done
    strait.node.start_agent()
    strait.node.sync()
    strait.searched(PATH)
    assert strait.changes() == done and strait.mtu() == 1340

    strait.narrow(1500)
    wait_for("raised again", lambda: strait.mtu() == 1420, 40)
    wait_for("once", lambda: strait.changes() == [*done, ["mtu", "1420"]])
    assert strait.since() == since, "BGP flapped"
    assert strait.world.fake.status_of(strait.uuid) == 2


def test_the_mesh_follows_and_tells_its_round_trip(lab):
    network = Network(lab)
    sections = {"mtu": {"probe": "apply", "interval": INTERVAL}, "metric": {"rttInterval": 1, "pingCount": 2}}
    rr, client = (network.add(name, number, rr=number == 1, sections=sections) for name, number in (("hk-rr", 1), ("jp1", 2)))
    sea = Sea(lab)
    sea.part([rr], [client], 10)
    network.converge()
    ends = ((rr, "dn42-wg-igp-2"), (client, "dn42-wg-igp-1"))
    before = [end.adjacencies() for end, _ in ends]
    echoes = Stream(client, client.ipv6, rr.ipv6, 100)
    sea.run("ip", "link", "set", "relay0", "mtu", PATH)
    for end, interface in ends:
        wait_for(f"{interface} follows", lambda end=end, name=interface: end.links()[name]["mtu"] == 1340, 40)
    sea.run("ip", "link", "set", "relay0", "mtu", 1500)
    for end, interface in ends:
        wait_for(f"{interface} is raised", lambda end=end, name=interface: end.links()[name]["mtu"] == 1420, 40)
    assert echoes.lost_since(1)[1] == 0, "Babel took its route away"
    assert [end.adjacencies() for end, _ in ends] == before, "iBGP flapped"

    # told with the next change of a link's state, or 2 minutes later
    rr.run("ip", "link", "del", "dn42-wg-igp-2")

    def told():
        link = network.control_plane.admin("GET", f"/nodes/{rr.name}")[1]["mesh"][0]
        return link["state"] == "configured" and 20 <= link.get("rtt", 0) < 500

    wait_for("the round trip", told, 60)
