"""The looking glass: people ask a node through the control plane, and the node's own agent answers, on a real BIRD and a real peer."""
import json
import threading
import time

import pytest

from lab import ControlPlane, ForeignRouter, MoenetNode, SessionKind, wait_for


@pytest.fixture
def plane(lab):
    return ControlPlane(lab)


def user_of(plane, asn=4242420101):
    """The token of a person who may no more than any other user."""
    token = (plane.state / "admin-token").read_text().strip()
    assert plane.http("POST", "/api/v1/users", {"asn": asn}, token)[0] in (201, 409)
    status, _, text = plane.http("POST", "/api/v1/tokens", {"label": "glass", "user": f"AS{asn}"}, token)
    assert status == 201, text
    return json.loads(text)["token"]


def ask(plane, token, tool, target, node="jp1", **more):
    """(status, body): of a node's answer or a problem."""
    status, _, text = plane.http("POST", f"/api/v1/nodes/{node}/queries", {"tool": tool, "target": target, **more}, token, seconds=40)
    return status, json.loads(text)


def answered(plane, token, tool, target, **more):
    """The body of an answer. Who asks too often is told when to come back; then it waits as long."""
    for _ in range(60):
        status, body = ask(plane, token, tool, target, **more)
        if status != 429:
            assert status == 200, f"{tool} {target}: {status} {body}"
            return body
        time.sleep(1)
    raise AssertionError("refused for a minute")


def node_with_peer(lab, plane, bird="bird2", **sections):
    node, foreign = MoenetNode(lab, bird=bird), ForeignRouter(lab, 1)
    node.expected_by(foreign)
    node.write_config(plane.url, plane.add_node(node), **sections)
    node.start_agent()
    plane.approve(plane.add_peer(node, foreign, SessionKind.LINK_LOCAL))
    wait_for("BGP", lambda: node.is_established(foreign.asn))
    wait_for("its routes", lambda: "172.20.1.0/24" in node.birdc.ask("show route")[1])
    wait_for("the way there", lambda: "172.20.1.0/24" in node.run("ip", "route"))
    return node, foreign


def offers(plane, tools, name="jp1"):
    wait_for("what it offers", lambda: sorted(plane.admin("GET", f"/nodes/{name}")[1]["lookingGlass"]) == sorted(tools), 20)


def test_route_path_and_ping_of_a_node_behind_nat(lab, plane, bird):
    """The control plane never connects to the node: nothing of the node listens where it could."""
    node, foreign = node_with_peer(lab, plane, bird)
    offers(plane, ["route", "path", "ping"])
    token = user_of(plane)

    route = answered(plane, token, "route", foreign.ipv4)
    assert (route["node"], route["tool"], route["target"]) == ("jp1", "route", foreign.ipv4)
    assert [(r["network"], r["best"], r["as_path"]["asns"]) for r in route["data"]["routes"]] == [("172.20.1.0/24", True, [foreign.asn])]
    assert "172.20.1.0/24" in route["result"]
    assert answered(plane, token, "route", "172.20.1.0/24")["data"]["routes"] == route["data"]["routes"]
    assert answered(plane, token, "path", foreign.ipv4)["result"] == f"{foreign.asn}\n"
    ping = answered(plane, token, "ping", foreign.ipv4)
    assert ping["data"]["received"] == ping["data"]["sent"] == 5 and "0% loss" in ping["result"]
    assert answered(plane, token, "route", "172.23.9.9")["result"] == "no route to 172.23.9.9\n"

    begun = time.monotonic()
    assert answered(plane, token, "path", foreign.ipv4)["data"]["path"]["asns"] == [foreign.asn]
    assert time.monotonic() - begun < 3, "an agent that waits is asked at once"
    assert node.status()["tasks"]["queryTask"]["failures"] == 0


def test_what_the_nodes_operator_does_not_allow_is_refused(lab, plane):
    node, foreign = node_with_peer(lab, plane)
    offers(plane, ["route", "path", "ping"])
    token = user_of(plane)

    status, problem = ask(plane, token, "tcping", f"{foreign.ipv4}:179")
    assert (status, problem["field"]) == (409, "tool") and "route" in problem["hint"], problem
    # The machine itself, its links and the world outside are not asked from it, whoever asks.
    for target in ("127.0.0.1", node.address, foreign.address, f"fe80::1%dn42-{foreign.asn}", "192.168.1.1", "8.8.8.8"):
        status, problem = ask(plane, token, "ping", target)
        assert status == 409 and "not asked" in problem["detail"], f"{target}: {status} {problem}"
        time.sleep(1)
    for target in ("; reboot", "172.20.1.1 all", "show memory", "-c1000", "172.20.1.1/99"):
        status, problem = ask(plane, token, "route", target)
        while status == 429:
            time.sleep(1)
            status, problem = ask(plane, token, "route", target)
        assert (status, problem["field"]) == (422, "target"), f"{target}: {status} {problem}"
    assert ask(plane, None, "ping", foreign.ipv4)[0] == 401

    # It says no more at all.
    node.stop_agent()
    text = json.loads((node.folder / "config.json").read_text())
    (node.folder / "config.json").write_text(json.dumps(text | {"lookingGlass": {"enabled": False}}))
    node.start_agent()
    offers(plane, [])
    status, problem = ask(plane, token, "path", foreign.ipv4)
    assert status == 409 and "takes no queries" in problem["detail"], problem
    assert "queryTask" not in node.status()["tasks"]


def test_an_agent_that_is_away_and_comes_back(lab, plane):
    node, foreign = node_with_peer(lab, plane)
    offers(plane, ["route", "path", "ping"])
    token = user_of(plane)
    answered(plane, token, "path", foreign.ipv4)
    node.stop_agent()
    begun = time.monotonic()
    status, problem = ask(plane, token, "path", foreign.ipv4)
    assert status == 504 and problem["status"] == 504 and "did not answer" in problem["detail"], problem
    assert 10 < time.monotonic() - begun < 25
    node.start_agent()
    wait_for("it answers again", lambda: ask(plane, token, "path", foreign.ipv4)[0] == 200, 60)
    assert plane.stop(plane.process) == 0
    plane.start_server()
    wait_for("also after the control plane was away", lambda: ask(plane, token, "path", foreign.ipv4)[0] == 200, 90)


def test_who_asks_too_often_is_limited_and_disturbs_nobody(lab, plane):
    node, foreign = node_with_peer(lab, plane)
    offers(plane, ["route", "path", "ping"])
    token = user_of(plane)
    statuses = []

    def flood():
        for _ in range(10):
            statuses.append(ask(plane, token, "ping", foreign.ipv4)[0])

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    # The operator's own tools have limits of their own, and no reconcile waits.
    assert node.api("/path", "POST", body={"target": foreign.ipv4})[0] == 200
    begun = time.monotonic()
    node.sync()
    assert time.monotonic() - begun < 10
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 429, 504} and statuses.count(429) >= 20 and 200 in statuses, statuses
    token_of_admin = (plane.state / "admin-token").read_text().strip()
    metrics = plane.http("GET", "/metrics", token=token_of_admin)[2]
    assert 'moenet_controlplane_queries_total{outcome="limited"}' in metrics
    assert node.is_established(foreign.asn)
