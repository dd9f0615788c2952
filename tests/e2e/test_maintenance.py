"""A node is drained before work on it and restored afterwards, and no packet is lost; one session is set up anew and no other is."""
import json
import re
import signal
import time

from lab import BackboneNode, ControlPlane, ForeignRouter, SessionKind, Stream, wait_for

MESSAGE = "new disk; back at 20:00 UTC – ask in #moenet"


class Network:
    """1 (rr) - 2 in AS-E, 11 (rr) - 12 in EU-C. `home` peers with 1 and 2, `far` with 12."""

    def __init__(self, lab, bird):
        self.control_plane = ControlPlane(lab, number=90)
        self.nodes = {}
        for name, number, region, rr in (("hk-rr", 1, "AS-E", True), ("jp1", 2, "AS-E", False),
                                         ("de-rr", 11, "EU-C", True), ("de2", 12, "EU-C", False)):
            self.nodes[number] = BackboneNode(lab, self.control_plane, name, number, region, rr, bird)
        for node in self.nodes.values():
            node.come_up()
        self.home, self.far = ForeignRouter(lab, 1, bird), ForeignRouter(lab, 2, bird)
        self.homes = self.home.homes([self.nodes[1], self.nodes[2]])
        de2 = self.nodes[12]
        self.far.peer(SessionKind.LINK_LOCAL, de2, endpoint=f"{de2.address}:{de2.port_for(self.far.asn)}")
        for node, peer in ((self.nodes[1], self.homes[0]), (self.nodes[2], self.homes[1]), (de2, self.far)):
            self.control_plane.approve(self.control_plane.add_peer(node, peer, SessionKind.LINK_LOCAL))
        for pattern in ("home1", "home2"):
            wait_for(f"BGP {pattern}", lambda name=pattern: self.home.birdc.established(name), 60, 0.3)
        wait_for("a ping from far to home", lambda: self.far.run("ping", "-n", "-c1", "-W1", self.home.ipv4), 60, 0.3)
        wait_for("both paths at the reflector", lambda: len(self.paths(1)) == 2, 30, 0.3)
        # the way that maintenance leaves the traffic to carries none before: it must be there as well
        for node in self.nodes.values():
            for other in self.nodes.values():
                wait_for(f"{node.name} reaches {other.name}", lambda n=node, o=other: n is o or n.reaches(o), 40, 0.2)
            for foreign in (self.home, self.far):
                wait_for(f"{node.name} knows {foreign.name}",
                         lambda n=node, i=foreign.i: "unicast" in n.birdc.routes(f"172.20.{i}.0/24 primary"), 30, 0.2)

    def paths(self, number):
        """Where a node's BIRD has `home`'s prefix from, best first."""
        text = self.nodes[number].birdc.routes(f"172.20.{self.home.i}.0/24 all")
        return re.findall(r"\[(\w+) \d\d:\d\d", text)

    def best_home(self):
        """By which of its sessions `home` leaves for `far`."""
        text = self.home.birdc.routes(f"172.20.{self.far.i}.0/24 primary")
        return re.findall(r"\[(\w+) \d\d:\d\d", text)


def lost(echoes, mark):
    """Since `mark`, and within two seconds from now: what is lost late counts too."""
    until = echoes.mark() + 100
    wait_for("two seconds of echoes", lambda: echoes.mark() > until)
    return echoes.lost_since(mark)[1]


def maintenance(node):
    return json.loads(node.agent("maintenance", "status", "--json"))


def since(node):
    return {name: row["since"] for name, row in node.birdc.protocols().items()}


def test_a_node_is_drained_and_restored_without_a_lost_packet(lab, bird):
    network = Network(lab, bird)
    hk, jp1, de2 = network.nodes[1], network.nodes[2], network.nodes[12]
    session = f"dn42_{network.home.asn}"
    assert network.paths(1)[0] == session
    assert maintenance(hk)["state"] == "off"
    before = {node.name: since(node) for node in network.nodes.values()}
    echoes = Stream(network.far, network.far.ipv4, network.home.ipv4, 20)
    mark = echoes.mark()

    # drained: hk, the others and the neighbor itself prefer jp1; nothing is down
    text = hk.agent("maintenance", "start", "--wait", "--timeout", "60")
    assert "drained since" in text and "0 routes of peers still preferred" in text, text
    assert network.paths(1)[0] == "ibgp_2"
    wait_for("home prefers jp1", lambda: network.best_home() == ["home2"], 10)
    wait_for("de2 leaves through jp1", lambda: jp1.ipv6 in de2.birdc.routes(f"172.20.{network.home.i}.0/24 all primary"), 10)
    assert {node.name: since(node) for node in network.nodes.values()} == before
    assert hk.status()["maintenance"]["state"] == "drained"
    assert "maintenance     drained" in hk.agent("status")
    wait_for("the control plane knows", lambda: network.control_plane.admin("GET", "/nodes/hk-rr")[1]["draining"], 15)
    assert lost(echoes, mark) == 0

    # it outlives the agent
    hk.stop_agent(signal.SIGKILL)
    hk.start_agent()
    hk.sync()
    assert maintenance(hk)["state"] == "drained"
    assert network.paths(1)[0] == "ibgp_2"

    # shut: the neighbor reads why, and is reached by the other node
    mark = echoes.mark()
    hk.agent("maintenance", "start", "--wait", "--shutdown", "--message", MESSAGE)
    wait_for("the message", lambda: MESSAGE in network.home.birdc.ask("show protocols all home1")[1], 10)
    assert hk.birdc.protocols()[session]["state"] == "down"
    state = maintenance(hk)
    assert (state["state"], state["shut_sessions"], state["settled"]) == ("down", [session], True)
    assert hk.status()["sessions"][0]["state"] == "in_place"
    assert hk.birdc.protocols()["ibgp_2"]["info"].startswith("Established")
    assert network.home.birdc.established("home2")
    assert lost(echoes, mark) == 0

    # a session that is approved meanwhile is shut as well, and BIRD's new configuration lets none up
    other = ForeignRouter(lab, 3, bird)
    other.peer(SessionKind.LINK_LOCAL, hk, endpoint=f"{hk.address}:{hk.port_for(other.asn)}")
    network.control_plane.approve(network.control_plane.add_peer(hk, other, SessionKind.LINK_LOCAL))
    wait_for("it is shut", lambda: maintenance(hk)["shut_sessions"] == sorted([session, f"dn42_{other.asn}"])
             and maintenance(hk)["settled"], 30)
    assert hk.birdc.protocols()[session]["state"] == hk.birdc.protocols()[f"dn42_{other.asn}"]["state"] == "down"

    # BIRD that is started anew knows nothing of it, and is told again
    hk.stop(hk.bird_process)
    hk.start_bird()
    wait_for("shut again", lambda: hk.birdc.protocols()[session]["state"] == "down", 20)
    wait_for("iBGP is back", lambda: hk.ibgp() == {2, 11}, 60)
    back = time.time()
    wait_for("an echo", lambda: echoes.answers_after(back), 30)

    # restored
    mark = echoes.mark()
    assert "off" in hk.agent("maintenance", "stop", "--wait")
    wait_for("BGP with the new one", lambda: other.is_established(hk.asn), 30)
    wait_for("BGP with hk", lambda: network.home.birdc.established("home1"), 30)
    wait_for("hk prefers its own", lambda: network.paths(1)[:1] == [session], 20)
    assert "Received" not in network.home.birdc.ask("show protocols all home1")[1]
    wait_for("the control plane knows", lambda: not network.control_plane.admin("GET", "/nodes/hk-rr")[1]["draining"], 15)
    assert lost(echoes, mark) == 0


def test_what_an_operator_disabled_by_hand_stays_so(lab, bird):
    network = Network(lab, bird)
    hk, session = network.nodes[1], f"dn42_{network.home.asn}"
    hk.birdc.ask(f"disable {session}")
    hk.sync()  # which sees it
    hk.agent("maintenance", "start", "--wait", "--shutdown", "--timeout", "0")
    assert maintenance(hk)["shut_sessions"] == []
    assert hk.birdc.protocols()[session]["state"] == "down"
    hk.agent("maintenance", "stop", "--wait")
    assert hk.birdc.protocols()[session]["state"] == "down"


def test_a_restart_is_of_one_session(lab, bird):
    network = Network(lab, bird)
    hk, session = network.nodes[1], f"dn42_{network.home.asn}"
    link = hk.link_of(network.home.asn)
    index, others = hk.links()[link]["ifindex"], {n: s for n, s in since(hk).items() if n != session}

    def restarted(body):
        before = since(hk)[session]
        wait_for("another second", lambda: hk.run("date", "+%H:%M:%S").strip() > before[:8], 5)
        code, text = hk.api("/restart", "POST", body=body)
        assert code == 200, text
        wait_for("BGP is back", lambda: network.home.birdc.established("home1") and hk.birdc.established(session), 60)
        assert since(hk)[session] != before

    restarted({"peer_name": session, "bgp_only": True})
    assert hk.links()[link]["ifindex"] == index
    restarted({"peer_name": link, "wg_only": True})
    assert hk.links()[link]["ifindex"] != index
    index = hk.links()[link]["ifindex"]
    restarted({"peer_name": session})
    assert hk.links()[link]["ifindex"] != index
    assert {n: s for n, s in since(hk).items() if n != session} == others
    assert "restarted" in hk.agent("restart", session, "--bgp-only")

    for body, expected in (({"peer_name": "dn42_4242429999"}, 404), ({"peer_name": "dn42-wg-igp-2"}, 404), ({"peer_name": "lo"}, 404),
                           ({}, 422), ({"peer_name": 'x" all'}, 422), ({"peer_name": session, "wg_only": True, "bgp_only": True}, 422)):
        code, text = hk.api("/restart", "POST", body=body)
        assert code == expected and json.loads(text)["error"], (body, text)
    assert hk.api("/restart", "POST", token="wrong", body={"peer_name": session})[0] == 401


def test_with_the_operators_filters_there_is_no_maintenance(world2):
    world2.node.start_agent()
    code, text = world2.node.api("/maintenance/start", "POST")
    assert code == 409 and "bird.ownership" in json.loads(text)["error"]
    code, output = world2.node.agent("maintenance", "start", check=False)
    assert code == 1 and "bird.ownership" in output
    assert maintenance(world2.node)["state"] == "off"
