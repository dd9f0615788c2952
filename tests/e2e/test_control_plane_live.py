"""Our control plane and our agent together: an approval reaches the node within two seconds, and each token opens one node only."""
import json
import re
import secrets
import time

import pytest

from lab import ControlPlane, ForeignRouter, MoenetNode, SessionKind, wait_for


@pytest.fixture
def plane(lab):
    return ControlPlane(lab)


@pytest.mark.parametrize("kind", list(SessionKind), ids=lambda kind: kind.name.lower())
def test_approval_is_enabled_within_two_seconds_and_removal_leaves_nothing(lab, plane, kind):
    node, foreign = MoenetNode(lab), ForeignRouter(lab, 1)
    node.expected_by(foreign, kind)
    node.write_config(plane.url, plane.add_node(node), controlPlane={"syncInterval": 60})
    node.start_agent()
    node.sync()
    uuid = plane.add_peer(node, foreign, kind)
    assert plane.status_of(uuid) == "PENDING"
    begun = time.monotonic()
    plane.approve(uuid)
    wait_for("ENABLED", lambda: plane.status_of(uuid) == "ENABLED", 10)
    assert time.monotonic() - begun < 2.0
    wait_for("BGP", lambda: node.is_established(foreign.asn) and foreign.is_established(node.asn))
    plane.disable(uuid)
    wait_for("nothing is left", lambda: node.traces_of(foreign.asn) == [])
    plane.approve(uuid)
    wait_for("ENABLED again", lambda: plane.status_of(uuid) == "ENABLED", 10)
    plane.delete(uuid)
    wait_for("the row is gone", lambda: plane.status_of(uuid) is None)
    assert node.traces_of(foreign.asn) == []


def test_a_claimed_bootstrap_token_alone_brings_a_node_up(lab, plane):
    node, foreign = MoenetNode(lab), ForeignRouter(lab, 1)
    node.expected_by(foreign)
    before = plane.add_node(node)
    agent = {"bird": {"controlSocket": str(node.birdc.path), "peerConfDir": str(node.folder / "peers")},
             "wireguard": {"privateKeyPath": str(node.key_file), "publicKeyPath": str(node.folder / "public.key")}}
    status, body = plane.admin("PATCH", "/settings", {"agent": agent})
    assert status == 200, body

    line = plane.command("node", "bootstrap", node.name).splitlines()[-1]
    path = re.fullmatch(r"curl -sS (\S+) \| sh", line)[1].removeprefix(plane.url)
    assert plane.http("GET", path)[0] == plane.http("GET", path)[0] == 200, "reading the script uses nothing up"
    token = secrets.token_urlsafe(32)  # which the machine makes for itself
    assert plane.http("POST", path, body=token)[0] == plane.http("POST", path, body=token)[0] == 200, "again, as after a cut"
    assert plane.http("POST", path, body=secrets.token_urlsafe(32))[0] == 409, "another machine"
    assert plane.http("GET", "/api/v1/agent/jp1/config", token=before)[0] == 401, "the token of before has ended"
    # What the script writes (test_bootstrap_line.py), and what a test's node has elsewhere than a real one.
    file = node.folder / "config.json"
    file.write_text(json.dumps({"bootstrap": {"controlPlaneUrl": plane.url, "nodeName": node.name, "token": token},
                                "controlPlane": {"pathsBelow": [str(node.folder)]},
                                "server": {"listen": "127.0.0.1:24368"}, "wireguard": {"backend": "userspace"},
                                "stateDir": str(node.folder / "state")}))
    file.chmod(0o600)
    node.start_agent()
    uuid = plane.add_peer(node, foreign, SessionKind.LINK_LOCAL)
    plane.approve(uuid)
    wait_for("ENABLED", lambda: plane.status_of(uuid) == "ENABLED", 20)
    wait_for("BGP", lambda: node.is_established(foreign.asn))


def test_a_nodes_token_opens_that_node_only(lab, plane):
    first, second = MoenetNode(lab), MoenetNode(lab, "jp2", 3)
    one, two = plane.add_node(first), plane.add_node(second)
    assert one != two
    get = lambda name, token: plane.http("GET", f"/api/v1/agent/{name}/sessions", token=token)[0]  # noqa: E731
    assert get("jp1", one) == 200 and get("jp2", two) == 200
    assert get("jp2", one) in (401, 403) and get("jp1", two) in (401, 403) and get("jp1", None) == 401
    assert plane.http("GET", "/api/v1/admin/nodes", token=one)[0] in (401, 403)


def test_what_the_agent_would_refuse_the_control_plane_refuses_by_field(lab, plane):
    node = MoenetNode(lab)
    plane.add_node(node)
    good = {"node": "jp1", "asn": 4242420101, "publicKey": node.public_key, "ipv6LinkLocal": "fe80::1", "mpBgp": True,
            "extendedNextHop": True}
    for field, value in (("asn", -1), ("publicKey", "short"), ("mtu", 100), ("endpoint", "a b"), ("port", 70000),
                         ("ipv6LinkLocal", node.link_local), ("interface", "a/b"), ("policy", "best")):
        status, body = plane.admin("POST", "/sessions", {**good, field: value})
        assert status == 422 and field in json.dumps(body), (field, status, body)
    assert plane.admin("POST", "/sessions", good)[0] == 201
    assert plane.admin("POST", "/sessions", good)[0] == 422, "(node, asn) is unique"


def test_a_control_plane_restart_costs_nothing(lab, plane):
    node, foreign = MoenetNode(lab), ForeignRouter(lab, 1)
    node.expected_by(foreign)
    node.write_config(plane.url, plane.add_node(node))
    node.start_agent()
    uuid = plane.add_peer(node, foreign, SessionKind.LINK_LOCAL)
    plane.approve(uuid)
    wait_for("BGP", lambda: node.is_established(foreign.asn))
    begun = time.monotonic()
    assert plane.stop(plane.process) == 0
    assert time.monotonic() - begun < 5
    plane.start_server()
    assert plane.status_of(uuid) == "ENABLED"
    assert node.is_established(foreign.asn)
    plane.delete(uuid)
    wait_for("the row is gone", lambda: plane.status_of(uuid) is None, 30)
    assert node.traces_of(foreign.asn) == []
