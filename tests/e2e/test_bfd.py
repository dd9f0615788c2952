"""bird.ibgpBfd on real BIRDs of three versions, each behind an operator's chain that drops by default, with the agent's firewall table
and without: a cut link that Babel routes around ends nothing, a node that is cut off loses its iBGP long before the hold time (120 s),
and all recovers."""
import time

from lab import Network, wait_for
from lab.waiting import holds_for

# What operations.md says for each mode of the agent's firewall; ICMP is the operator's own wish.
_OPERATOR = """table inet operators {{
    chain input {{
        type filter hook input priority filter; policy drop;
        {}
        ct state established,related accept
        iif lo accept
        ip protocol icmp accept
    }}
}}"""
_RULES = {
    "nftables": "meta mark & 0x04000000 == 0x04000000 accept",
    "none": """iifname "dn42*" tcp dport 179 accept
        iifname "dn42*" udp dport { 3784, 4784, 6696 } accept
        iifname "dn42*" meta l4proto ipv6-icmp accept
        udp dport 51821-51882 accept"""}
_DETECTION = 16  # s: interval 2 s, multiplier 8 (policy_ibgp.cpp)


def bfd(node):
    """{loopback: is it Up} of `show bfd sessions`."""
    rows = [line.split() for line in node.birdc.ask("show bfd sessions")[1].splitlines()]
    return {row[0]: row[2] == "Up" for row in rows if row and row[0].startswith("fd00:")}


def hellos(node):
    """How many of the last 16 hellos of each neighbor came."""
    return [int(line.split()[4]) for line in node.birdc.ask("show babel neighbors")[1].splitlines() if "dn42-wg-igp-" in line]


def cut(node, *others):
    """Drops the tunnels between `node` and each of the others."""
    ports = ", ".join(str(51820 + other.number) for other in others)
    node.run("nft", "-f", "-", text=f"""table inet cut {{
        chain input {{ type filter hook input priority -300; udp dport {{ {ports} }} drop; }}
        chain output {{ type filter hook output priority 0; udp sport {{ {ports} }} drop; }}
    }}""")


def join(node):
    node.run("nft", "delete", "table", "inet", "cut")


def test_bfd_notices_what_babel_cannot_mend(lab):
    network = Network(lab)
    nodes = old, middle, new = [
        network.add(name, number, rr=True, bird=bird, start=False, sections={"bird": {"ibgpBfd": True}, "firewall": {"mode": mode}})
        for name, number, bird, mode in (("rr-a", 1, "bird2", "nftables"), ("rr-b", 2, "bird2.17", "none"), ("rr-c", 3, "bird3", "nftables"))]
    for node, mode in ((old, "nftables"), (middle, "none"), (new, "nftables")):
        node.run("nft", "-f", "-", text=_OPERATOR.format(_RULES[mode]))
        node.come_up()
    network.converge()
    for node in nodes:
        wait_for(f"BFD of {node.name}", lambda n=node: bfd(n) == {o.ipv6: True for o in network.others(n)}, 30, 0.2)
    # a link of long standing is what takes the longest to be given up
    wait_for("all that Babel remembers of hellos", lambda: all(hellos(node) == [16, 16] for node in nodes), 40, 0.5)
    adjacent = [node.adjacencies() for node in nodes]

    # one link of three: Babel is faster
    cut(old, new)
    assert not old.pings(new.ipv6, source=old.ipv6)
    wait_for("the way around", lambda: old.pings(new.ipv6, source=old.ipv6), _DETECTION, 0.1)
    holds_for("BFD and iBGP stay", lambda: [node.adjacencies() for node in nodes] == adjacent and all(all(bfd(n).values()) for n in nodes),
              _DETECTION + 2, 0.5)
    join(old)
    network.converge()

    # both of its links
    cut(old, middle, new)
    begun = time.monotonic()
    wait_for("nobody has iBGP with it", lambda: old.ibgp() == set() and middle.ibgp() == {3} and new.ibgp() == {2}, 40, 0.1)
    took = time.monotonic() - begun
    print(f"iBGP ended {took:.1f} s after the cut")
    assert _DETECTION / 2 < took < 2 * _DETECTION, "hold is 120 s"
    for node, far in ((old, 2), (middle, 1), (new, 1)):
        assert "BFD session down" in node.birdc.ask(f"show protocols all ibgp_{far}")[1], node.name
    assert middle.adjacencies()["ibgp_3"] == adjacent[1]["ibgp_3"], "the others are not concerned"

    join(old)
    begun = time.monotonic()
    network.converge(60)
    for node in nodes:
        wait_for(f"BFD of {node.name}", lambda n=node: bfd(n) == {o.ipv6: True for o in network.others(n)}, 30, 0.2)
    print(f"all is as it was {time.monotonic() - begun:.1f} s after the cut ended")
