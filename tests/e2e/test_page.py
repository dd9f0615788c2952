"""The control plane's page with a real agent behind it: what the node does shows in a browser as it happens."""
from lab import ControlPlane, ForeignRouter, MoenetNode, Space, wait_for
from lab.page import Page


def test_a_session_is_asked_for_approved_set_up_broken_and_removed_before_ones_eyes(lab):
    registry = lab.folder / "registry"
    registry.mkdir()
    plane = ControlPlane(lab, config={"registry": str(registry)})
    node, foreign, desk = MoenetNode(lab), ForeignRouter(lab, 1), Space(lab, "desk", 3)
    assert plane.admin("PATCH", "/settings", {"peering": {"privateEndpoints": True}})[0] == 200  # the lab's are
    node.expected_by(foreign)
    node.write_config(plane.url, plane.add_node(node), health={"problemAfter": 3, "okAfter": 1},
                      controlPlane={"metricInterval": 1}, metric={"rttInterval": 2})
    node.start_agent()
    page = Page(desk, {"url": plane.url, "token": (plane.state / "admin-token").read_text().strip(), "registry": str(registry),
                       "node": node.name, "publicKey": foreign.public_key, "endpoint": f"{foreign.address}:{foreign.port_of(0)}",
                       "linkLocal": foreign.link_local})
    word, uuid = page.sees().split()
    assert word == "pending" and plane.status_of(uuid) == "PENDING" and node.traces_of(foreign.asn) == []
    assert page.sees() == "enabled"
    wait_for("BGP", lambda: node.is_established(foreign.asn) and foreign.is_established(node.asn))
    assert node.wireguard(node.link_of(foreign.asn))[1][0][0] == foreign.public_key
    page.go_on()
    assert page.sees() == "works"
    foreign.forget(node)
    page.go_on()
    word, cause = page.sees().split(" ", 1)
    assert word == "problem" and cause.startswith("BGP is not established: ") and plane.session(uuid)["lastError"] == cause
    foreign.remember(node, node.endpoint_for(foreign))
    page.go_on()
    assert page.sees() == "gone"
    assert plane.status_of(uuid) is None and node.traces_of(foreign.asn) == []
