"""docs/api.yaml, held against the agent while it runs: each path, method and status of its API in it is seen, and each answer is as it
says. The control plane's half is test_api_contract.py; what no test can have, lab/api_promises.py."""
import http.client
import json
import time

from lab import ControlPlane, ForeignRouter, MoenetNode, SessionKind, wait_for
from lab.api_promises import AGENT, NOBODY, expect_all, named
from lab.birdc import ROOT
from lab.openapi import OpenApi


class AgentTalk:
    """Requests to an agent's own API, likewise."""

    def __init__(self, node, contract):
        self.node, self.contract = node, contract

    def ask(self, method, target, body, token):
        with self.node.entered():
            link = http.client.HTTPConnection("127.0.0.1", 24368, timeout=70)
            link.connect()
        try:
            link.request(method, target, body=None if body is None else json.dumps(body), headers={"Authorization": f"Bearer {token}"} if token else {})
            answer = link.getresponse()
            return answer, answer.read().decode()
        finally:
            link.close()

    def __call__(self, expected, method, target, body=None, token="local-token"):
        for attempt in range(20):
            try:
                answer, text = self.ask(method, target, body, token)
                break
            except ConnectionError:  # a reload, as after the first configuration, closes the API for an instant
                assert attempt < 19
                time.sleep(0.05)
        self.contract.check(method, target, answer.status, dict(answer.getheaders()), text)
        assert answer.status in (expected if isinstance(expected, tuple) else (expected,)), f"{method} {target}: {answer.status} {text}"
        return json.loads(text) if "json" in answer.getheader("Content-Type", "") else text


def ask_tool(talk, tool, body):
    """Who asks too often waits until the bucket has one again."""
    for _ in range(30):
        answer = talk((200, 429), "POST", f"/{tool}", body)
        if "result" in answer:
            return answer
        time.sleep(1.1)
    raise AssertionError("refused for half a minute")


def start_full(lab, plane):
    """A node whose agent owns all of BIRD: without that there is no maintenance."""
    node = MoenetNode(lab, "jp2", 3, ownership="full")
    own = {"localAsn": node.asn, "ownPrefixes": ["172.22.188.0/26", "fd00:4242:7777::/48"]}
    node.write_config(plane.url, plane.add_node(node), bird=own)
    node.agent("render", node.folder / "rendered")
    node.stop(node.bird_process)
    (node.folder / "bird.conf").write_text((node.folder / "rendered/bird.conf").read_text())
    node.start_bird()
    node.start_agent()
    node.sync()  # nothing is drained before the node was looked at
    return node


def drain(talk):
    assert talk(200, "POST", "/maintenance/start", {"timeout_seconds": 0})["state"] != "off"
    talk(200, "GET", "/maintenance")
    talk(200, "POST", "/maintenance/stop")


def test_the_agent_keeps_its_word(lab):
    contract = OpenApi(ROOT / "docs/api.yaml")
    plane, foreign = ControlPlane(lab), ForeignRouter(lab, 1)
    node = MoenetNode(lab)
    node.expected_by(foreign)
    node.write_config(plane.url, plane.add_node(node), server={"listen": "0.0.0.0:24368"})
    node.start_agent()
    uuid = plane.add_peer(node, foreign, SessionKind.LINK_LOCAL)
    plane.approve(uuid)
    wait_for("ENABLED", lambda: plane.status_of(uuid) == "ENABLED", 20)
    talk = AgentTalk(node, contract)
    talk(200, "GET", "/status")
    talk(200, "GET", "/metrics")
    assert talk(200, "GET", "/events?limit=1000")["events"]
    talk(422, "GET", "/events?limit=0")
    assert talk(200, "GET", f"/sessions/{uuid}")["uuid"] == uuid
    talk(404, "GET", f"/sessions/{NOBODY}")
    for method in ("GET", "POST"):
        talk(202, method, "/sync")
        talk(200, method, "/sync?wait=1")
    assert talk(200, "GET", "/maintenance")["state"] == "off"
    talk(422, "POST", "/maintenance/start", {"colour": 1})
    talk(409, "POST", "/maintenance/start", {})
    talk(200, "POST", "/maintenance/stop")
    drain(AgentTalk(start_full(lab, plane), contract))
    talk(200, "POST", "/restart", {"peer_name": f"dn42_{foreign.asn}", "bgp_only": True})
    talk(404, "POST", "/restart", {"peer_name": "dn42_1"})
    talk(422, "POST", "/restart", {})
    targets = {"ping": {"target": node.ipv4}, "tcping": {"target": node.ipv4, "port": 9}, "trace": {"target": node.ipv4},
               "route": {"target": node.ipv4}, "path": {"target": node.ipv4}, "mtu": {"target": node.ipv4}}
    for tool, body in targets.items():
        ask_tool(talk, tool, body)
        talk(422, "POST", f"/{tool}", {"target": "; reboot"})
    talk(422, "POST", "/dig", {"target": "; reboot"})
    assert any("error" in talk((200, 429), "POST", "/path", targets["path"]) for _ in range(40)), "the bucket never was empty"
    for (method, path), operation in contract.operations.items():
        servers = [server["description"] for server in contract.resolve(contract.document["paths"][path]).get("servers", ())]
        if AGENT in servers and path not in ("/status", "/metrics"):
            talk(401, method, named(path), None if method == "GET" else {}, token=None)
    # From loopback these two are open, so they are asked from elsewhere.
    for path in ("/status", "/metrics"):
        with plane.entered():
            link = http.client.HTTPConnection(node.address, 24368, timeout=10)
            link.connect()
        link.request("GET", path)
        answer = link.getresponse()
        contract.check("GET", path, answer.status, dict(answer.getheaders()), answer.read().decode())
        assert answer.status == 401
        link.close()
    expect_all(contract, AGENT)
