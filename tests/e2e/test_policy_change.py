"""The policy of a node whose BIRD the agent owns: it follows the control plane, in one transaction, whole or not at all."""
from lab import BackboneNode, ControlPlane, ForeignRouter, SessionKind, wait_for
from lab.waiting import holds_for


def node_with_peer(lab, bird):
    control_plane = ControlPlane(lab, number=90)
    node = BackboneNode(lab, control_plane, "jp1", 2, bird=bird)
    node.come_up()
    peer = ForeignRouter(lab, 1)
    peer.peer(SessionKind.LINK_LOCAL, node, endpoint=f"{node.address}:{node.port_for(peer.asn)}")
    uuid = control_plane.add_peer(node, peer, SessionKind.LINK_LOCAL)
    control_plane.approve(uuid)
    wait_for("the session", lambda: node.is_established(peer.asn), 30)
    return control_plane, node, peer, uuid


def policy_text(node, name="20_filters.conf"):
    return (node.folder / "peers" / name).read_text()


def test_a_setting_reaches_bird_and_no_session_notices(lab, bird):
    control_plane, node, peer, _ = node_with_peer(lab, bird)
    since = node.birdc.protocols()[f"dn42_{peer.asn}"]["since"]
    assert control_plane.admin("PATCH", "/settings", {"policy": {"asPathMaxLen": 7, "blocklist": {"asns": [4242429999]}}})[0] == 200
    wait_for("the new length", lambda: "bgp_path.len > 7" in policy_text(node) and "4242429999" in policy_text(node), 15)
    wait_for("one step more", lambda: node.sync()["planned"] == 0, 15)
    assert node.birdc.protocols()[f"dn42_{peer.asn}"]["since"] == since
    assert node.is_established(peer.asn)


def test_a_policy_that_bird_refuses_leaves_the_old_one_and_sessions_go_on(lab, bird):
    control_plane, node, peer, uuid = node_with_peer(lab, bird)
    before = policy_text(node)
    # the operator's own file has a name that the next policy brings
    (node.folder / "peers/06_mine.conf").write_text("protocol static rpki_new { ipv4; }\n")
    servers = [{"name": "new", "host": "198.51.100.77", "port": 8082}]
    assert control_plane.admin("PATCH", "/settings", {"policy": {"asPathMaxLen": 7, "rpkiServers": servers}})[0] == 200
    problem = wait_for("the refusal in /status", lambda: node.status()["bird"]["policy_problem"], 20)
    assert problem.startswith("10_roa.conf:") and "rpki_new" in problem, problem
    assert "policy" in node.agent("status") and "REFUSED, the old one stays" in node.agent("status")
    assert policy_text(node) == before
    assert node.is_established(peer.asn)
    holds_for("ENABLED", lambda: control_plane.status_of(uuid) == "ENABLED", 1.0, 0.2)
    (node.folder / "peers/06_mine.conf").unlink()
    node.sync()
    wait_for("the new policy", lambda: "bgp_path.len > 7" in policy_text(node), 40, 0.3)
    wait_for("no problem any more", lambda: node.status()["bird"]["policy_problem"] == "", 15)
