"""The node's own addresses: where they are put, that they come back, and that they move without a gap."""
import json

from lab import Network, Stream, wait_for
from lab.address_marks import marked_addresses
from lab.waiting import holds_for

MARK = "moenet-agent loopback"


def pair(lab, bird="bird2", **first):
    """A reflector and a client of one region."""
    network = Network(lab)
    network.add("hk-rr", 1, rr=True, bird=bird, **first)
    network.add("jp1", 2, bird="bird2" if bird == "bird3" else bird)
    network.converge()
    return network, network[1], network[2]


def wants(node):
    return {f"{node.ipv4}/32", f"{node.ipv6}/128"}


def test_link_of_our_own_comes_back_and_so_do_babel_and_ibgp(lab):
    _, rr, client = pair(lab, bird="bird3")
    link = rr.links()["dn42-lo"]
    assert link["linkinfo"]["info_kind"] in ("dummy", "ifb", "bridge") and link["ifalias"]== MARK, link
    assert rr.addresses_of("dn42-lo") == wants(rr) and "UP" in link["flags"], link
    # an address is deleted by hand
    for address in sorted(wants(rr)):
        rr.run("ip", "addr", "del", address, "dev", "dn42-lo")
        wait_for(f"{address} is back", lambda: rr.addresses_of("dn42-lo") == wants(rr), 5)
    wait_for("both hear each other again", lambda: rr.reaches(client) and client.reaches(rr), 10, 0.2)
    # the link itself is
    rr.run("ip", "link", "del", "dn42-lo")
    wait_for("the link is back", lambda: rr.addresses_of("dn42-lo") == wants(rr), 5)
    assert rr.links()["dn42-lo"]["ifalias"] == MARK
    wait_for("Babel carries it again", lambda: client.reaches(rr), 10, 0.2)
    wait_for("iBGP", lambda: rr.ibgp() == {2} and client.ibgp() == {1}, 15, 0.2)


def test_kind_lo_shares_it_with_an_operator(lab):
    network, rr, client = pair(lab, sections={"loopback": {"kind": "lo"}})
    assert "dn42-lo" not in rr.links()
    rr.run("ip", "addr", "add", "172.22.188.60/32", "dev", "lo")
    rr.run("ip", "addr", "add", "192.0.2.7/32", "dev", "lo")
    assert marked_addresses(rr, "lo") == wants(rr)
    foreign = {"127.0.0.1/8", "::1/128", "172.22.188.60/32", "192.0.2.7/32"}
    rr.sync()
    assert rr.addresses_of("lo") == wants(rr) | foreign
    # ours moves, theirs stay
    network.control_plane.command("node", "change", "hk-rr", "--loopback-ipv4", "172.22.188.40")
    rr.ipv4 = "172.22.188.40"
    wait_for("the new address", lambda: rr.addresses_of("lo") == wants(rr) | foreign, 10)
    wait_for("the neighbor learns it", lambda: client.reaches(rr), 10, 0.2)
    assert rr.links()["lo"].get("ifalias") is None


def test_kind_none_makes_nothing(lab):
    network = Network(lab)
    node = network.add("hk-rr", 1, rr=True, start=False, sections={"loopback": {"kind": "none"}})
    before = node.links()
    node.come_up()
    wait_for("the policy is in BIRD", lambda: "mesh" in node.birdc.protocols(), 10)
    holds_for("no link and no address", lambda: node.links().keys() == before.keys() and node.addresses_of("lo") == {
        "127.0.0.1/8", "::1/128"}, 1.5, 0.3)


def test_renumbering_leaves_no_gap(lab):
    network, rr, client = pair(lab, bird="bird3")
    echoes = Stream(client, client.ipv6, rr.ipv6)
    old = rr.ipv4
    network.control_plane.command("node", "change", "hk-rr", "--loopback-ipv4", "172.22.188.40")
    rr.ipv4 = "172.22.188.40"
    wait_for("the address moves", lambda: rr.addresses_of("dn42-lo") == wants(rr), 10)
    wait_for("it moves on the links of the mesh", lambda: f"{rr.ipv4}/32" in rr.addresses_of("dn42-wg-igp-2"), 5)
    wait_for("the neighbor learns it", lambda: client.reaches(rr), 15, 0.2)
    assert old not in json.dumps(rr.links())
    # for a while it is held as unreachable, so that nothing less specific attracts its traffic (RFC 8966 section 2.8). 3.1.8 does not always
    # send the retraction when the address of the link changes in the same moment (1 of 5 times); then it ends as any route that nobody
    # tells of again: after 3.5 updates of 16 s.
    wait_for("the neighbor forgets the old one", lambda: "unicast" not in client.birdc.routes(f"{old}/32"), 70, 0.2)
    wait_for("iBGP", lambda: rr.ibgp() == {2} and client.ibgp() == {1}, 20, 0.2)
    assert echoes.lost_since(1)[1] == 0
