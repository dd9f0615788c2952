"""What nobody asked to change does not change: BIRD's `since`, WireGuard's daemons, and what is not ours."""
from lab import SessionKind, wait_for
from lab.foreign import make_keys

ENABLED = 2


def since_of(node, asns):
    protocols = node.birdc.protocols()
    return {asn: protocols[f"dn42_{asn}"]["since"] for asn in asns}


def shape_of(node):
    return {name: (link["ifindex"], link["mtu"], "UP" in link["flags"], link.get("ifalias"), sorted(a["local"] for a in link["addr_info"]))
            for name, link in node.links().items()}


def test_established_sessions_survive_syncs_changes_of_others_and_agent_restarts(world):
    kinds = [SessionKind.LINK_LOCAL, SessionKind.ULA, SessionKind.IPV4]
    kept = [world.add(kind) for kind in kinds]
    other, other_uuid = world.add()
    world.node.start_agent()
    for foreign, uuid in kept + [(other, other_uuid)]:
        world.reaches(uuid, ENABLED)
        world.up(foreign)
    asns = [foreign.asn for foreign, _ in kept]
    before, tunnels, configured = since_of(world.node, asns), world.node.daemons(), world.node.configured_count()
    assert len(tunnels) == 4

    for _ in range(3):
        world.node.sync()
    assert world.node.configured_count() == configured, "a sync without a change configured BIRD"

    world.fake.change(other_uuid, policy=1)  # another file changes
    wait_for("the change of the other", lambda: world.node.configured_count() == configured + 1)
    world.fake.change(other_uuid, status=5)
    wait_for("the other is gone", lambda: world.node.traces_of(other.asn) == [])
    assert since_of(world.node, asns) == before

    begun = world.node.configured_count()
    assert world.node.stop_agent() == 0
    assert all(foreign.is_established(world.node.asn) for foreign, _ in kept)
    world.node.start_agent()
    world.node.sync()
    assert since_of(world.node, asns) == before
    assert {name: pid for name, pid in tunnels.items() if str(other.asn) not in name} == world.node.daemons()
    assert world.node.configured_count() == begun, "the restart configured BIRD"


def test_what_is_not_ours_is_never_touched(world2):
    node = world2.node
    private, public = make_keys()
    (node.folder / "operator.key").write_text(private)
    (node.folder / "peers/dn42_4242429999.conf").write_text("# the operator's own, by hand\n")
    node.start("wg-operator", "wireguard-go", "-f", "dn42_4242429999", LOG_LEVEL="error")
    wait_for("the operator's tunnel", lambda: node.run("wg", "show", "dn42_4242429999", seconds=1, check=False)[0] == 0)
    node.run("wg", "set", "dn42_4242429999", "private-key", node.folder / "operator.key", "listen-port", 29999)
    node.run("ip", "link", "add", "mybridge", "type", "bridge")
    node.run("ip", "addr", "add", "172.20.99.1/24", "dev", "mybridge")
    links, before = shape_of(node), node.wireguard("dn42_4242429999")

    foreign, uuid = world2.add()
    node.start_agent()
    world2.reaches(uuid, ENABLED)
    world2.fake.change(uuid, status=5)
    wait_for("ours is gone", lambda: node.traces_of(foreign.asn) == [])
    node.sync()
    assert shape_of(node) == links and node.wireguard("dn42_4242429999") == before
    assert (node.folder / "peers/dn42_4242429999.conf").read_text() == "# the operator's own, by hand\n"
