"""A drained node carries nothing that has another way, stays reachable, and no packet is lost over its leaving and return."""
import json
import re
import time

import pytest

from lab import ForeignRouter, Network, Sea, SessionKind, Stream, answer_traces, trace, wait_for

DRAINED_TRANSIT = 8192  # what a way through a drained node costs more (src/bird/policy_babel.cpp)


def way(node, other):
    return [address for address, _ in trace(node, node.ipv4, other.ipv4)]


def cost_through(node, neighbor, target):
    """Of the way to that target that the neighbor offers."""
    _, text = node.birdc.ask("show babel routes")
    return int(re.search(rf"{re.escape(target.ipv4)}/32 .* dn42-wg-igp-{neighbor.number} +(\d+)", text)[1])


def standing(nodes):
    """What must not begin anew: the mesh protocol and iBGP, since when, and whom Babel hears."""
    return {node.name: (node.birdc.protocols()["mesh"]["since"], node.adjacencies(), node.babel()) for node in nodes}


def drain(node):
    text = node.agent("maintenance", "start", "--wait", "--timeout", "60")
    assert "drained since" in text, text
    assert json.loads(node.agent("maintenance", "status", "--json"))["settled"]


@pytest.mark.parametrize("birds", ["2222", "3333", "2323", "3232"])
def test_the_mesh_goes_around_a_drained_node(lab, birds):
    """jp1 has tunnels with the two reflectors of its region, and these with Europe's: two ways of two hops from jp1 to de-rr."""
    network = Network(lab)
    jp1, hk, tw, de = nodes = [network.add(name, number, region, rr=rr, bird=f"bird{bird}") for (name, number, region, rr), bird in zip(
        (("jp1", 3, "AS-E", False), ("hk-rr", 1, "AS-E", True), ("tw-rr", 2, "AS-E", True), ("de-rr", 11, "EU-C", True)), birds)]
    for node in nodes:
        answer_traces(node)
    network.converge()
    ways = {one.ipv4: (one, other) for one, other in ((hk, tw), (tw, hk))}
    carrier, other = wait_for("a way", lambda: ways[way(jp1, de)[0]], 20, 0.2)
    before = standing(nodes)
    streams = [Stream(source, source.ipv6 if ":" in address else source.ipv4, address, 20)
               for source, address in ((jp1, de.ipv4), (jp1, de.ipv6), (jp1, carrier.ipv4), (de, carrier.ipv6), (de, other.ipv6))]
    marks, begun = [stream.mark() for stream in streams], time.monotonic()

    # Babel tells of the new cost with the next update, within 4 s; it is worse, so a new sequence number of the target must come for it
    # to be taken, and the other way may need one as well.
    drain(carrier)
    wait_for("the other way", lambda: way(jp1, de) == [other.ipv4, de.ipv4], 30, 0.2)
    wait_for("and back", lambda: way(de, jp1) == [other.ipv4, jp1.ipv4], 30, 0.2)
    print(f"the mesh goes around {carrier.name} after {time.monotonic() - begun:.1f} s")
    assert way(jp1, carrier) == [carrier.ipv4], "it is as near as it was"

    # with no way but through drained nodes they carry it all the same
    drain(other)
    wait_for("both are drained", lambda: all(cost_through(jp1, by, de) >= DRAINED_TRANSIT for by in (hk, tw)), 30, 0.2)
    assert way(jp1, de)[-1:] == [de.ipv4]

    # each takes its place again; the one that is in service first carries everything
    carrier.agent("maintenance", "stop", "--wait")
    wait_for("the first way again", lambda: way(jp1, de) == [carrier.ipv4, de.ipv4], 30, 0.2)
    wait_for("and back", lambda: way(de, jp1) == [carrier.ipv4, jp1.ipv4], 30, 0.2)
    other.agent("maintenance", "stop", "--wait")
    wait_for("both are in service", lambda: all(cost_through(jp1, by, de) < DRAINED_TRANSIT for by in (hk, tw)), 30, 0.2)
    assert standing(nodes) == before
    assert [stream.lost_since(mark)[1] for stream, mark in zip(streams, marks)] == [0] * len(streams)
    for stream in streams:
        stream.stop()


def enters_by(node, prefix, other):
    """Does the best route of that prefix in its BIRD lead to the other node?"""
    return other.ipv6 in node.birdc.routes(f"{prefix} all primary")


def test_nothing_circles_while_a_node_leaves_and_returns(lab, bird):
    """home peers with hk-rr and us-rr, far with tw-rr, which prefers hk-rr. When hk-rr leaves for us-rr it goes through tw-rr: at once
    where round trips count, because between hk-rr and us-rr there is a slow sea."""
    network, sea = Network(lab), Sea(lab)
    hk, tw, us = nodes = [network.add(name, number, region, rr=True, bird=bird, start=False)
                          for name, number, region in (("hk-rr", 1, "AS-E"), ("tw-rr", 2, "AS-E"), ("us-rr", 21, "NA-W"))]
    sea.part([hk], [us], 75)
    for node in nodes:
        answer_traces(node)
        node.come_up()
    network.converge()
    home, far = ForeignRouter(lab, 1, bird), ForeignRouter(lab, 2, bird)
    far.peer(SessionKind.LINK_LOCAL, tw, endpoint=f"{tw.address}:{tw.port_for(far.asn)}")
    for node, peer in zip((hk, us, tw), (*home.homes([hk, us]), far)):
        network.control_plane.approve(network.control_plane.add_peer(node, peer, SessionKind.LINK_LOCAL))
    for address in (home.ipv4, home.ipv6):
        wait_for(f"far reaches {address}", lambda a=address: far.run("ping", "-n", "-c1", "-W1", a), 60, 0.3)
    prefix = f"172.20.{home.i}.0/24"
    wait_for("both ways at hk", lambda: hk.birdc.routes(prefix).count("[") >= 2, 60, 0.3)
    wait_for("tw prefers hk", lambda: enters_by(tw, prefix, hk), 20, 0.3)
    if bird == "bird3":
        wait_for("hk reaches us through tw", lambda: way(hk, us) == [tw.ipv4, us.ipv4], 40, 0.3)
    time.sleep(21)  # the kernel was scanned since, were it every 20 s: what BIRD 3 has seen then it takes for written when it comes back
    before = standing(nodes)
    streams = [Stream(far, far.ipv4, home.ipv4, 20), Stream(far, far.ipv6, home.ipv6, 20)]
    marks = [stream.mark() for stream in streams]
    for _ in range(3):
        drain(hk)
        assert enters_by(tw, prefix, us) and enters_by(hk, prefix, us)
        hk.agent("maintenance", "stop", "--wait")
        wait_for("tw prefers hk again", lambda: enters_by(tw, prefix, hk), 10, 0.1)
    assert [stream.lost_since(mark)[1] for stream, mark in zip(streams, marks)] == [0, 0]
    assert standing(nodes) == before
    for stream in streams:
        stream.stop()
