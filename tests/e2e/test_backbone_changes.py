"""Nodes come, go, move and follow one another under one id: whoever is not concerned notices nothing, and nobody keeps a trace."""
import json

from lab import FakeControlPlane, Network, Space, Stream, wait_for
from lab.backbone import BackboneNode


def told_of(node):
    """All that a node's files, links and BIRD say, for traces of what is gone."""
    texts = [path.read_text() for path in sorted((node.folder / "peers").glob("*.conf"))]
    texts += [json.dumps(node.links()), node.birdc.ask("show protocols all")[1], *(
        node.run("wg", "show", name, "dump") for name in node.links_to())]
    return "\n".join(texts)


def handshakes(node):
    return {name: node.wireguard(name)[1][0][0] for name in node.links_to()}


def test_adding_and_removing_a_node_disturbs_no_other(lab):
    network = Network(lab)
    rr = network.add("hk-rr", 1, rr=True, bird="bird3")
    jp1 = network.add("jp1", 2)
    network.converge()
    adjacent = {node: node.adjacencies() for node in (rr, jp1)}
    daemons = {node: node.daemons() for node in (rr, jp1)}
    echoes = Stream(jp1, jp1.ipv6, rr.ipv6, 100)
    network.add("jp2", 3)
    network.converge()
    for node in (rr, jp1):
        now = node.adjacencies()
        assert adjacent[node].items() <= now.items(), (adjacent[node], now)
        assert daemons[node].items() <= node.daemons().items()
        assert "dn42-wg-igp-3" in node.babel() and len(node.babel()) == 2
    # and the other way
    network.control_plane.command("node", "delete", "jp2")
    network.nodes.pop(3).stop_agent()
    for node in (rr, jp1):
        wait_for(f"{node.name} lets go", lambda n=node: not n.links_to(3) and "ibgp_3" not in n.birdc.protocols(), 10)
        assert node.adjacencies() == adjacent[node] and node.daemons() == daemons[node]
    assert echoes.lost_since(1)[1] == 0


def test_id_is_used_again_by_another_node(lab):
    network = Network(lab, {"mesh": {"presharedKeys": True}})
    rr = network.add("hk-rr", 1, rr=True)
    de = network.add("de-rr", 11, region="EU-C", rr=True)
    old = network.add("sg-old", 12)
    network.converge()
    old_key, old_psk = old.public_key, rr.wireguard("dn42-wg-igp-12")[1][0][1]
    assert old_psk != "(none)" and "sg-old" in told_of(rr)
    network.control_plane.command("node", "delete", "sg-old")
    network.nodes.pop(12)
    old.stop_agent()
    old.stop(old.bird_process)
    for daemon in old.daemons().values():
        old.run("kill", daemon)
    new = BackboneNode(lab, network.control_plane, "fr-new", 12, "EU-C", reached_at=("--public-ipv4", "198.51.100.13"))
    new.run("ip", "addr", "add", "198.51.100.13/24", "dev", "eth0")
    new.come_up()
    network.nodes[12] = new
    wait_for("the old region lets go", lambda: not rr.links_to(12), 10)
    network.converge()
    assert handshakes(de)["dn42-wg-igp-12"] == new.public_key != old_key
    for node in (rr, de):
        for trace in ("sg-old", old_key, old_psk, old.ipv6, "ibgp_12" if node is rr else old.link_local):
            assert trace not in told_of(node), (node.name, trace)


def test_node_moves_to_another_region(lab):
    network = Network(lab)
    rr = network.add("hk-rr", 1, rr=True)
    de = network.add("de-rr", 11, region="EU-C", rr=True)
    mover = network.add("mover", 2)
    network.converge()
    adjacent, before = rr.adjacencies()["ibgp_11"], (mover.ipv6, mover.link_local)
    network.control_plane.command("node", "change", "mover", "--region", "EU-C")
    mover.place("EU-C")
    wait_for("its loopback", lambda: mover.addresses_of("dn42-lo") == {f"{mover.ipv4}/32", f"{mover.ipv6}/128"}, 10)
    wait_for("its link-local", lambda: mover.addresses_of("dn42-wg-igp-11") == {f"{mover.ipv4}/32", f"{mover.link_local}/64"}, 10)
    network.converge()
    assert not rr.links_to(2) and not mover.links_to(1)
    assert rr.adjacencies() == {"ibgp_11": adjacent}
    for node in (rr, de, mover):
        for address in before:
            assert address not in told_of(node), node.name


def test_one_loopback_is_one_nodes(lab):
    """The control plane refuses a second claim; one that does not is contradicted by the agent."""
    network = Network(lab)
    network.add("hk-rr", 1, rr=True, start=False)
    network.add("jp1", 2, start=False)
    status, answer = network.control_plane.admin("PATCH", "/nodes/jp1", {"loopbackIpv4": "172.22.188.1"})
    assert (status, answer["field"], answer["detail"]) == (422, "loopbackIpv4", "172.22.188.1 is that of hk-rr")


def test_agent_names_a_clash_and_keeps_the_others(lab):
    network = Network(lab)
    rr, jp1 = network.add("hk-rr", 1, rr=True), network.add("jp1", 2)
    network.converge()
    adjacent = rr.adjacencies()
    mesh = json.loads(network.control_plane.http("GET", "/api/v1/agent/hk-rr/mesh", token=rr.token)[2])
    policy = json.loads(network.control_plane.http("GET", "/api/v1/agent/hk-rr/bird-config", token=rr.token)[2])
    config = json.loads(network.control_plane.http("GET", "/api/v1/agent/hk-rr/config", token=rr.token)[2])
    second = {**mesh["data"]["peers"][0], "nodeId": 3, "nodeName": "twin"}
    own = {**second, "nodeId": 4, "loopbackIpv4": rr.ipv4, "loopbackIpv6": "fd00:4242:7777:101:4::1"}
    mesh["data"]["peers"] += [second, own]
    fake = FakeControlPlane(Space(lab, "fake", 91), token=rr.token)
    fake.say(mesh=mesh, config=config, **{"bird-config": policy})
    rr.control_plane = fake
    rr.stop_agent()
    rr.write_bootstrap()
    rr.start_agent()
    wait_for("both are named", lambda: rr.mesh() == {2: "configured", 3: f"error: loopbackIpv4: {jp1.ipv4} is node 2's too",
                                                     4: f"error: loopbackIpv4: {rr.ipv4} is our own"}, 15, 0.2)
    assert set(rr.links_to()) == {"dn42-wg-igp-2"} and rr.adjacencies() == adjacent
