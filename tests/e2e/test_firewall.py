"""firewall.mode "nftables" and kernel.manageSettings on a real node: the agent's table lets in what tunnels need, and no other is touched."""
import json

from lab import wait_for
from lab.waiting import holds_for


def elements(node, name):
    """The members of a set of our table."""
    listing = json.loads(node.run("nft", "-j", "list", "set", "inet", "moenet", name))["nftables"]
    return sorted(next(item["set"] for item in listing if "set" in item).get("elem", []))


def firewalled(world, **sections):
    world.node.write_config(world.fake.url, world.fake.token, firewall={"mode": "nftables"}, **sections)
    world.node.start_agent()
    return world.node


def test_the_table_follows_the_sessions_and_heals(world2):
    node = world2.node
    node.run("nft", "add", "table", "inet", "operators")
    node.run("nft", "add", "chain", "inet", "operators", "input", "{ type filter hook input priority 0; policy drop; }")
    for rule in ("meta mark & 0x04000000 == 0x04000000 accept", "ct state established,related accept", "iif lo accept"):
        node.run("nft", "add", "rule", "inet", "operators", "input", *rule.split())
    theirs = node.run("nft", "list", "table", "inet", "operators")
    foreign, uuid = world2.add()
    firewalled(world2)
    world2.reaches(uuid, 2, 30)
    world2.up(foreign, 30)  # through a chain that drops by default
    link, port = node.link_of(foreign.asn), node.port_for(foreign.asn)
    assert elements(node, "udp_ports") == [port] and elements(node, "tunnels") == [link]
    assert node.sync()["planned"] == 0
    # by hand: an element, a rule, the table
    node.run("nft", "delete", "element", "inet", "moenet", "udp_ports", f"{{ {port} }}")
    wait_for("the port is open again", lambda: elements(node, "udp_ports") == [port], 15)
    whole = node.run("nft", "list", "table", "inet", "moenet")
    node.run("nft", "flush", "chain", "inet", "moenet", "input")
    wait_for("the rules are back", lambda: node.run("nft", "list", "table", "inet", "moenet") == whole, 15)
    node.run("nft", "delete", "table", "inet", "moenet")
    wait_for("the table is back", lambda: node.run("nft", "list", "table", "inet", "moenet") == whole, 15)
    # a restart of the agent writes nothing
    node.stop_agent()
    generation = node.run("nft", "-j", "list", "tables")
    handle = node.run("nft", "-a", "list", "chain", "inet", "moenet", "input")
    node.start_agent()
    wait_for("a step", lambda: node.status().get("last_step"), 15)
    holds_for("nothing is made anew", lambda: node.run("nft", "-a", "list", "chain", "inet", "moenet", "input") == handle, 1.0, 0.2)
    assert node.run("nft", "-j", "list", "tables") == generation
    # the session goes, and its port with it
    with world2.fake.lock:
        world2.fake.rows[0]["status"] = 5
    wait_for("the port is closed", lambda: elements(node, "udp_ports") == [] and elements(node, "tunnels") == [], 20)
    assert node.run("nft", "list", "table", "inet", "operators") == theirs


def test_check_config_and_doctor_name_a_chain_that_drops(world2):
    node = world2.node
    node.run("nft", "add", "table", "ip", "theirs")
    node.run("nft", "add", "chain", "ip", "theirs", "input", "{ type filter hook input priority 0; policy drop; }")
    node.run("nft", "add", "rule", "ip", "theirs", "input", "iif", "lo", "accept")
    node.write_config(world2.fake.url, world2.fake.token, firewall={"mode": "nftables"})
    said = node.agent("check-config")
    assert "chain input of table ip theirs (input, policy drop) drops what it does not know" in said
    assert "meta mark & 0x04000000 == 0x04000000 accept" in said
    checks = json.loads(node.agent("doctor", "--json", check=False)[1])["checks"]
    assert next(check["state"] for check in checks if check["name"] == "firewall") == "warning"


def test_kernel_settings_are_told_and_put_right_only_where_allowed(world2):
    node = world2.node
    foreign, uuid = world2.add()
    node.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=2", "net.ipv4.ip_forward=0")
    firewalled(world2)
    world2.reaches(uuid, 2, 30)
    wrong = wait_for("what is wrong", lambda: node.status()["kernel_settings"], 15)
    assert {"net.ipv4.conf.all.rp_filter", "net.ipv4.ip_forward"} <= {setting["key"] for setting in wrong}
    assert node.run("sysctl", "-n", "net.ipv4.ip_forward").strip() == "0"
    node.stop_agent()
    firewalled(world2, kernel={"manageSettings": True})
    wait_for("forwarding", lambda: node.run("sysctl", "-n", "net.ipv4.ip_forward").strip() == "1", 15)
    wait_for("no reverse path filter", lambda: node.run("sysctl", "-n", "net.ipv4.conf.all.rp_filter").strip() == "0", 15)
    wait_for("nothing wrong", lambda: node.status()["kernel_settings"] == [], 20)
    link = node.link_of(foreign.asn)
    assert node.run("sysctl", "-n", f"net.ipv4.conf.{link}.rp_filter").strip() == "0"
