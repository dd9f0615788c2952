"""A reboot with the control plane down: nothing is left but the disk, and the node comes up as it was."""
import signal

from lab import SessionKind, fake_controlplane, wait_for

ENABLED, DELETE = 2, 5


def lose_all_but_the_disk(node):
    """As power loss does: processes, links and rules at once, also what was half written."""
    node.stop_agent(signal.SIGKILL)
    node.stop(node.bird_process, number=signal.SIGKILL)
    node.run("kill", "-KILL", *node.daemons().values())
    for name in node.links():
        if name.startswith("dn42"):
            node.run("ip", "link", "del", name)
    node.run("sh", "-c", "rm -f /run/wireguard/*")
    node.run("nft", "flush", "ruleset")
    (node.folder / "state/.sessions.state.1-0.tmp").write_text("half a")
    assert not node.daemons() and set(node.links()) == {"lo", "eth0"}


def test_the_node_comes_up_as_it_was(world):
    node, fake = world.node, world.fake
    node.write_config(fake.url, fake.token, firewall={"mode": "nftables"})
    sessions = [world.add(kind) for kind in (SessionKind.LINK_LOCAL, SessionKind.ULA, SessionKind.IPV4)]
    node.start_agent()
    for foreign, uuid in sessions:
        world.reaches(uuid, ENABLED)
        world.up(foreign)
    before = (sorted(node.links()), node.files(), node.run("nft", "list", "ruleset"))
    lose_all_but_the_disk(node)
    fake.misbehave("*", fake_controlplane.hang_up)
    fake.rows.remove(next(row for row in fake.rows if row["uuid"] == sessions[0][1]))  # its operator left meanwhile
    node.start_bird()
    node.start_agent()
    for foreign, _ in sessions:
        world.up(foreign, 40)
    assert (sorted(node.links()), node.files(), node.run("nft", "list", "ruleset")) == before
    status = node.status()
    assert status["sessions_from"] == "state_file" and status["tasks"]["sessionSyncTask"]["failures"] > 0
    assert not list((node.folder / "state").glob(".*.tmp"))
    kept = node.birdc.protocols()[f"dn42_{sessions[1][0].asn}"]
    fake.behave()
    wait_for("the one that left is removed", lambda: node.traces_of(sessions[0][0].asn) == [], 60)
    assert node.status()["sessions_from"] == "control_plane"
    assert node.birdc.protocols()[f"dn42_{sessions[1][0].asn}"] == kept
