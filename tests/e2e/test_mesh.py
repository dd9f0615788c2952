"""The tunnels of the mesh: that they come up, whatever is not known yet; that drift goes and nothing foreign is touched; and that what the
node tells of them is true."""
import signal
import time

from lab import Network, Stream, wait_for
from lab.waiting import holds_for


def pair(lab, settings=None, **node):
    network = Network(lab, settings)
    rr, client = network.add("hk-rr", 1, rr=True, **node), network.add("jp1", 2, **node)
    network.converge()
    return network, rr, client


def handshake(node, interface):
    """Seconds since 1970; 0 for never."""
    return int(node.wireguard(interface)[1][0][4])


def preshared_key(node, interface):
    return node.wireguard(interface)[1][0][1]


def test_preshared_keys_come_to_both_ends_of_running_tunnels(lab):
    network, rr, client = pair(lab)
    assert preshared_key(rr, "dn42-wg-igp-2") == "(none)"
    network.change_settings({"mesh": {"presharedKeys": True}})
    wait_for("a key at both ends", lambda: preshared_key(rr, "dn42-wg-igp-2") == preshared_key(client, "dn42-wg-igp-1") != "(none)", 10)
    # a tunnel that begins anew has it from the start
    rr.run("ip", "link", "del", "dn42-wg-igp-2")
    wait_for("a handshake with it", lambda: handshake(rr, "dn42-wg-igp-2"), 15, 0.2)
    network.converge()
    assert preshared_key(rr, "dn42-wg-igp-2") == preshared_key(client, "dn42-wg-igp-1") != "(none)"
    assert preshared_key(rr, "dn42-wg-igp-2") not in rr.agent_log() + network.control_plane.run("cat", network.control_plane.folder / "controlplane.log")


def test_node_without_a_key_is_waited_for(lab):
    network = Network(lab)
    rr = network.add("hk-rr", 1, rr=True)
    late = network.add("jp1", 2, start=False)
    wait_for("it is named", lambda: rr.mesh().get(2, "").startswith("error: publicKey: not known yet"), 5)
    assert not rr.links_to(2)
    late.come_up()
    begun = time.monotonic()
    wait_for("it comes up", lambda: rr.mesh() == {2: "configured"}, 10)
    network.converge()
    print(f"up {time.monotonic() - begun:.1f} s after its agent started")


def test_endpoints_by_ipv6_and_without_any(lab):
    """1 is reached by IPv6 only, 2 at no address at all: it dials."""
    network = Network(lab)
    nodes = [network.add("hk-rr", 1, rr=True, start=False, reached_at=("--public-ipv6", "2001:db8:42::1")),
             network.add("jp1", 2, start=False, reached_at=())]
    for node in nodes:
        node.run("ip", "addr", "add", f"2001:db8:42::{node.number}/64", "dev", "eth0", "nodad")
    for node in nodes:
        node.come_up()
    network.converge()
    rr, client = nodes
    assert client.wireguard("dn42-wg-igp-1")[1][0][2] == "[2001:db8:42::1]:51822"
    assert rr.wireguard("dn42-wg-igp-2")[1][0][2] == "[2001:db8:42::2]:51821"  # learned from what it sent


def test_drift_is_repaired(lab):
    _, rr, client = pair(lab)
    interface = "dn42-wg-igp-2"
    as_wanted = rr.addresses_of(interface)
    assert as_wanted == {f"{rr.link_local}/64", f"{rr.ipv4}/32"}
    rr.run("wg", "set", interface, "peer", client.public_key, "remove")
    wait_for("the peer is back", lambda: rr.wireguard(interface)[1] and rr.wireguard(interface)[1][0][0] == client.public_key, 8)
    for address in sorted(as_wanted):
        rr.run("ip", "addr", "del", address, "dev", interface)
        wait_for(f"{address} is back", lambda: rr.addresses_of(interface) == as_wanted, 3)
    rr.run("ip", "link", "set", interface, "down")
    wait_for("it is up again", lambda: "UP" in rr.links()[interface]["flags"], 3)
    rr.run("ip", "link", "del", interface)
    wait_for("the link is back", lambda: rr.addresses_of(interface) == as_wanted, 5)
    wait_for("it carries again", lambda: rr.reaches(client) and rr.ibgp() == {2}, 20, 0.2)


def test_tunnel_of_a_node_deleted_meanwhile_goes_at_the_start(lab):
    network, rr, _ = pair(lab)
    rr.stop_agent()
    daemon = rr.daemons()["dn42-wg-igp-2"]
    network.control_plane.command("node", "delete", "jp1")
    network.nodes.pop(2).stop_agent()
    assert rr.links_to(2)
    rr.start_agent()
    wait_for("the tunnel goes", lambda: not rr.links_to(2) and "dn42-wg-igp-2" not in rr.daemons(), 5)
    wait_for("its iBGP goes", lambda: "ibgp_2" not in rr.birdc.protocols(), 5)
    wait_for("status follows", lambda: rr.mesh() == {}, 5)
    assert daemon not in rr.daemons().values()


def test_killed_agent_without_its_state_disturbs_nothing(lab):
    network, rr, client = pair(lab)
    # an operator's own link with a name that looks like ours
    rr.run("ip", "link", "add", "dn42-wg-igp-60", "type", "bridge")
    rr.run("ip", "addr", "add", "192.0.2.60/32", "dev", "dn42-wg-igp-60")
    foreign = rr.links()["dn42-wg-igp-60"]
    echoes = Stream(client, client.ipv6, rr.ipv6, 100)
    adjacent, daemons, handshaken = rr.adjacencies(), rr.daemons(), handshake(rr, "dn42-wg-igp-2")
    rr.stop_agent(signal.SIGKILL)
    rr.run("rm", "-r", rr.folder / "state")
    rr.start_agent()
    wait_for("it knows its mesh again", lambda: rr.mesh() == {2: "configured"}, 15)
    rr.sync()
    holds_for("nothing flaps", lambda: (rr.adjacencies(), rr.daemons()) == (adjacent, daemons), 2, 0.5)
    assert handshake(rr, "dn42-wg-igp-2") >= handshaken
    assert rr.links()["dn42-wg-igp-60"] == foreign
    assert echoes.lost_since(1)[1] == 0


def test_foreign_link_in_the_way_stays_and_is_named(lab):
    network = Network(lab)
    rr = network.add("hk-rr", 1, rr=True)
    rr.run("ip", "link", "add", "dn42-wg-igp-60", "type", "bridge")
    network.add("jp1", 60)
    wait_for("it is named", lambda: "dn42-wg-igp-60" in rr.mesh().get(60, "") and rr.mesh()[60].startswith("error: "), 10)
    assert rr.links()["dn42-wg-igp-60"]["linkinfo"]["info_kind"] == "bridge" and "ifalias" not in rr.links()["dn42-wg-igp-60"]
    rr.run("ip", "link", "del", "dn42-wg-igp-60")
    wait_for("it comes up once the name is free", lambda: rr.mesh() == {60: "configured"}, 15, 0.2)


def told(network, node):
    """{neighbor id: state} as the control plane shows it to an operator."""
    return {link["id"]: link["state"] for link in network.control_plane.admin("GET", f"/nodes/{node.name}")[1]["mesh"]}


def test_neighbor_that_is_silent_is_told_of(lab):
    """No handshake tells of it before 135 s; Babel does, after three hellos."""
    network, rr, client = pair(lab)
    wait_for("the control plane hears of the mesh", lambda: told(network, rr) == {2: "configured"}, 10)
    # a firewall in between
    client.run("nft", "-f", "-", text="""table inet wall {
        chain input { type filter hook input priority 0; udp dport 51821 drop; }
        chain output { type filter hook output priority 0; udp sport 51821 drop; }
    }""")
    begun = time.monotonic()
    wait_for("it is told", lambda: rr.mesh() == {2: "error: Babel hears no neighbor"}, 25, 0.2)
    print(f"told after {time.monotonic() - begun:.1f} s")
    wait_for("the control plane knows", lambda: told(network, rr) == {2: "error: Babel hears no neighbor"}, 12, 0.2)


def test_neighbor_whose_daemon_hangs_is_told_of(lab):
    network, rr, client = pair(lab)
    daemon = client.daemons()["dn42-wg-igp-1"]
    client.run("kill", "-STOP", daemon)
    wait_for("the far end tells", lambda: rr.mesh() == {2: "error: Babel hears no neighbor"}, 25, 0.2)
    wait_for("its own end tells", lambda: client.mesh()[1].startswith("error: "), 5, 0.2)
    client.run("kill", "-CONT", daemon)
    wait_for("the far end is well again", lambda: rr.mesh() == {2: "configured"}, 20, 0.2)
