"""/ping, /trace, /route and the like on a node with a real BIRD and a real peer."""
import json
import time

from lab import wait_for

TOOLS = ("ping", "tcping", "trace", "route", "path", "dig", "mtu")
HOSTILE = ("; rm -rf /", "172.20.1.1; reboot", "172.20.1.1\nshow memory", "show memory", "$(reboot)", "-c1000", "\x00", "a" * 10240, "")

# Answers every question with the address 172.20.0.53; a question of type TXT with two strings. Over TCP it takes calls.
NAME_SERVER = """
import socket
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.bind(("172.20.1.1", 53))
door = socket.create_server(("172.20.1.1", 53))
while True:
    query, caller = link.recvfrom(512)
    end = query.index(0, 12) + 5
    data = bytes([172, 20, 0, 53]) if query[end - 3] == 1 else bytes([1, 97, 2, 34, 98])
    link.sendto(query[:2] + bytes([0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]) + query[12:end] + bytes([0xc0, 12, 0, query[end - 3], 0, 1, 0, 0, 0, 60, 0, len(data)]) + data, caller)
"""


def ask(world, tool, target, **fields):
    """The data of an answer. Who asks too often is told when to come back; then it waits as long."""
    for _ in range(60):
        status, body = world.node.api(f"/{tool}", "POST", body={"target": target, **fields})
        if status != 429:
            assert status == 200, f"{tool} {target}: {status} {body}"
            return json.loads(body)
        time.sleep(1)
    raise AssertionError("refused for a minute")


def refused(world, tool, target):
    """The error of a target that is none."""
    for _ in range(60):
        status, body = world.node.api(f"/{tool}", "POST", body={"target": target})
        if status != 429:
            assert status == 422, f"{tool} {target}: {status} {body}"
            return json.loads(body)["error"]
        time.sleep(1)
    raise AssertionError("refused for a minute")


def peering(world):
    foreign, uuid = world.add()
    world.node.start_agent()
    world.reaches(uuid, 2)
    world.up(foreign)
    wait_for("its routes", lambda: "172.20.1.0/24" in world.node.birdc.ask("show route")[1])
    wait_for("the way there", lambda: "172.20.1.0/24" in world.node.run("ip", "route"))
    return foreign, uuid


def test_tools_tell_of_the_network(world):
    foreign, _ = peering(world)
    foreign.start("dns", "/usr/bin/python3", "-c", NAME_SERVER)

    answer = ask(world, "ping", foreign.ipv4)
    assert answer["data"]["received"] == answer["data"]["sent"] == 5 and "0% loss" in answer["result"]
    assert answer["data"]["median_ms"] > 0
    answer = ask(world, "trace", foreign.ipv4)
    assert answer["data"]["reached"] and answer["data"]["hops"][-1][0]["from"] == foreign.ipv4
    wait_for("its name server", lambda: ask(world, "tcping", f"{foreign.ipv4}:53")["data"]["connected"] == 3)
    answer = ask(world, "tcping", foreign.ipv4, port=9)
    assert answer["data"]["connected"] == 0 and "refused" in answer["data"]["error"]

    routes = ask(world, "route", foreign.ipv4)["data"]["routes"]
    assert [(r["network"], r["best"], r["as_path"]["asns"]) for r in routes] == [("172.20.1.0/24", True, [foreign.asn])]
    assert routes[0]["protocol"] == f"dn42_{foreign.asn}"
    assert ask(world, "route", "172.20.1.0/24")["data"]["routes"] == routes
    assert ask(world, "route", "172.23.9.9")["result"] == "no route to 172.23.9.9\n"
    assert ask(world, "path", foreign.ipv4)["data"]["path"]["asns"] == [foreign.asn]

    answer = ask(world, "dig", "x.dn42", server=foreign.ipv4)
    assert answer["data"]["records"] == [{"name": "x.dn42.", "ttl_seconds": 60, "type": "A", "value": "172.20.0.53"}]
    assert answer["data"]["authoritative"]
    assert ask(world, "dig", "x.dn42", server=foreign.ipv4, type="TXT")["data"]["records"][0]["value"] == '"a" "\\"b"'

    beyond = f"{foreign.link_local}%{world.node.link_of(foreign.asn)}"
    answer = ask(world, "ping", beyond)
    assert answer["data"]["target"] == beyond and answer["data"]["received"] == 5, answer
    assert ask(world, "trace", beyond)["data"]["reached"]
    assert ask(world, "tcping", f"[{beyond}]:179")["data"]["connected"] == 3
    for target in (foreign.link_local, f"{foreign.link_local}%eth0", f"{foreign.link_local}%lo", f"{foreign.link_local}%nowhere"):
        assert refused(world, "ping", target) == f"target: '{target}' is not a link-local address with an interface of this agent's, as in fe80::1%dn42_1"

    text = wait_for("the bucket has one", lambda: (lambda code, out: out if code == 0 else None)(*world.node.agent("path", foreign.ipv4, check=False)))
    assert text == f"{foreign.asn}\n"
    mtu = ask(world, "mtu", foreign.address)["data"]
    assert mtu["path_mtu_bytes"] == 1500 and mtu["tunnel_mtu_bytes"] == 1440


def test_tools_take_nothing_but_targets_and_not_too_often(world2):
    _, uuid = peering(world2)
    for tool in TOOLS:
        for target in HOSTILE:
            status, body = world2.node.api(f"/{tool}", "POST", body={"target": target})
            assert status == 422 and "error" in json.loads(body), f"{tool} {target!r}: {status} {body}"
            assert len(body) < 1000
        assert world2.node.api(f"/{tool}", "POST", token=None, body={"target": "172.20.1.1"})[0] == 401
    codes = [world2.node.api("/path", "POST", body={"target": "172.20.1.1"})[0] for _ in range(40)]
    assert set(codes) == {200, 429} and codes[:10] == [200] * 10, codes
    # Nothing of it disturbed the node, and whoever waits a little is answered again.
    assert world2.fake.status_of(uuid) == 2
    ask(world2, "path", "172.20.1.1")


def test_status_tells_what_is_measured(world2):
    foreign, uuid = peering(world2)

    def measured():
        row = world2.node.status()["sessions"][0]
        return row if row["routes"] and row["routes"]["ipv4"]["imported"] and row["path_mtu_bytes"] and row["works"] else None

    row = wait_for("routes and the path", measured, 40)
    assert row["routes"]["ipv4"]["imported"] == 1 and row["bgp_state"] == "Established" and row["works_since"] and not row["cause"]
    assert row["mtu_bytes"] == 1420 and row["path_mtu_bytes"] == 1500 and row["mtu_advice"] == ""
    assert row["handshake_age_seconds"] is not None and row["rx_bytes"] > 0
    line = next(line for line in world2.node.agent("status").splitlines() if line.startswith(str(foreign.asn)))
    assert line.split()[1] in ("SETUP", "ENABLED") and line.split()[6] == "2", line  # one of each family


def test_status_of_one_peer_tells_its_story(world2):
    foreign, uuid = peering(world2)
    wait_for("its first event", lambda: "ENABLED" in world2.node.agent("status", str(foreign.asn)))
    for name in (str(foreign.asn), f"dn42_{foreign.asn}", uuid):
        text = world2.node.agent("status", name)
        assert text.startswith(f"AS{foreign.asn}") and "create wireguard tunnel" in text
        assert all(len(line) <= 80 for line in text.splitlines())
    assert json.loads(world2.node.agent("status", uuid, "--json"))["uuid"] == uuid
    code, text = world2.node.agent("status", "4242429999", check=False)
    assert code == 1 and "no session is called" in text
    assert "\x1b" not in world2.node.agent("status")
    wait_for("ENABLED", lambda: str(foreign.asn) in world2.node.agent("status", "--sort", "rtt", "--filter", "enabled"))
    assert "no session fits" in world2.node.agent("status", "--filter", "problem")
    code, text = world2.node.agent("status", "--sort", "colour", check=False)
    assert code == 1 and "handshake" in text
