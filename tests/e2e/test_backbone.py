"""Nodes find each other, route through each other, and leave in order: mesh, Babel, iBGP and policy on real BIRD and WireGuard."""
import time

import pytest
from lab import BackboneNode, ControlPlane, ForeignRouter, SessionKind, wait_for
from lab.waiting import holds_for


class Backbone:
    """Two regions with a reflector in each and a client each: 1 (rr) - 2 in AS-E, 11 (rr) - 12 in EU-C."""

    def __init__(self, lab, birds):
        self.lab = lab
        self.control_plane = ControlPlane(lab, number=90)
        self.nodes = {}
        for (name, number, region, rr), bird in zip((("hk-rr", 1, "AS-E", True), ("jp1", 2, "AS-E", False),
                                                     ("de-rr", 11, "EU-C", True), ("de2", 12, "EU-C", False)), birds):
            self.nodes[number] = BackboneNode(lab, self.control_plane, name, number, region, rr, bird)
        for node in self.nodes.values():
            node.come_up()

    def converge(self, seconds=60):
        for node in self.nodes.values():
            for other in self.nodes.values():
                if node is not other:
                    wait_for(f"{node.name} reaches {other.name}", lambda n=node, o=other: n.reaches(o), seconds, 0.3)
        expected = {1: {2, 11}, 2: {1}, 11: {1, 12}, 12: {11}}
        for number, peers in expected.items():
            if number in self.nodes:
                wait_for(f"iBGP of {number}", lambda n=number, p=peers: self.nodes[n].ibgp() == p, seconds, 0.3)


@pytest.fixture(params=["bird2", "bird3", "mixed"])
def birds(request):
    return ["bird2", "bird3", "bird3", "bird2"] if request.param == "mixed" else [request.param] * 4


def test_nodes_join_and_peers_at_far_ends_reach_each_other(lab, birds):
    backbone = Backbone(lab, birds)
    jp1, de2 = backbone.nodes[2], backbone.nodes[12]
    backbone.converge()
    for node in backbone.nodes.values():
        wait_for(f"the mesh of {node.name}", lambda n=node: set(n.mesh().values()) == {"configured"}, 20)
    # a peer at each far end
    peers = []
    for i, node in ((1, jp1), (2, de2)):
        peer = ForeignRouter(lab, i)
        peer.peer(SessionKind.LINK_LOCAL, node, endpoint=f"{node.address}:{node.port_for(peer.asn)}")
        uuid = backbone.control_plane.add_peer(node, peer, SessionKind.LINK_LOCAL)
        backbone.control_plane.approve(uuid)
        wait_for(f"ENABLED at {node.name}", lambda u=uuid: backbone.control_plane.status_of(u) == "ENABLED", 30)
        peers.append(peer)
    a, b = peers
    wait_for("the far peer's routes", lambda: b.ipv4.rsplit(".", 1)[0] in a.birdc.routes("all") and "fd42:0:2::/48" in a.birdc.routes("all"), 40)
    wait_for("a ping from peer to peer, IPv4", lambda: a.run("ping", "-n", "-c1", "-W1", "-I", a.ipv4, b.ipv4), 20, 0.3)
    wait_for("a ping from peer to peer, IPv6", lambda: a.run("ping", "-n", "-c1", "-W1", "-I", a.ipv6, b.ipv6), 20, 0.3)
    # nothing changed: nothing is written
    configured = {n: node.birdc.protocols() for n, node in backbone.nodes.items()}
    before = [node.sync()["planned"] for node in backbone.nodes.values()]
    assert before == [0, 0, 0, 0]
    holds_for("no protocol moves", lambda: all(
        {k: v["since"] for k, v in node.birdc.protocols().items()} == {k: v["since"] for k, v in configured[n].items()}
        for n, node in backbone.nodes.items()), 1.5, 0.5)
    # what the control plane knows of it
    time.sleep(0)
    wait_for("the control plane hears of the mesh", lambda: all(
        link["state"] == "configured" for link in backbone.control_plane.admin("GET", "/nodes/jp1")[1]["mesh"]), 30)
