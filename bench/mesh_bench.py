#!/usr/bin/env python3
"""Twenty nodes on one machine: 4 regions of 5 with a reflector each, BIRD 2 and 3 mixed, 46 tunnels and so 92 wireguard-go. All agents
start at once with nothing but their token; it prints how long until every node has its tunnels, its iBGP and every loopback, and what
that cost: CPU of agents, BIRD and WireGuard daemons, packets between the nodes. Then a node is added, and nothing happens for a while.

Each wireguard-go takes an inotify instance, of which a user has 128: each node's daemons are a user's of their own.
"""
import json
import os
import pathlib
import re
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("MOENET_BUILD", str(ROOT / "build/release"))
sys.path.insert(0, str(ROOT / "tests/e2e"))
# pylint: disable=wrong-import-position
from judging import cpu_seconds  # noqa: E402
from lab import Lab, Network, wait_for  # noqa: E402

REGIONS, NODES_EACH = ("AS-E", "EU-C", "NA-W", "OC"), 5
IDLE_SECONDS = float(os.environ.get("IDLE_SECONDS", "20"))

# Runs wireguard-go as a user of the node's own; it needs /dev/net/tun, /run/wireguard and its links.
AS_ITS_OWN_USER = """#!/bin/sh
exec setpriv --reuid={uid} --clear-groups --inh-caps=+net_admin,+dac_override --ambient-caps=+net_admin,+dac_override wireguard-go "$@"
"""
# As `moenet-agent render` makes it: what BIRD needs to run before the agent knows anything.
FIRST_BIRD_CONF = """# moenet-agent base: generated, changes are overwritten
log syslog all;
router id {node.ipv4};
protocol device
{{
  scan time 10;
}}
include "{node.folder}/peers/*.conf";
"""


def make(network, number, region, rr, bird):
    program = network.lab.folder / f"wireguard-go-{number}"
    program.write_text(AS_ITS_OWN_USER.format(uid=2_000_000 + os.getpid() % 10_000 * 100 + number))
    program.chmod(0o755)
    intervals = {"syncInterval": 60, "heartbeatInterval": 30}
    node = network.add(f"node{number}", number, region=region, rr=rr, bird=bird, start=False,
                       sections={"wireguard": {"userspaceProgram": str(program)}, "controlPlane": intervals})
    (node.folder / "bird.conf").write_text(FIRST_BIRD_CONF.format(node=node))
    node.start_bird()
    return node


def loopbacks(node):
    """How many loopbacks of other nodes BIRD holds: (IPv4, IPv6)."""
    return tuple(len(set(re.findall(pattern, node.birdc.routes("table", table, "where source = RTS_BABEL"), re.M)))
                 for table, pattern in (("master4", r"^(172\.\S+/32) .*unicast"), ("master6", r"^(fd\S+/128) .*unicast")))


def packets(nodes):
    """Sent by all over the mesh: (packets, bytes)."""
    sent = [link["stats64"]["tx"] for node in nodes for link in json.loads(node.run("ip", "-j", "-s", "link"))
            if link["ifname"].startswith("dn42-wg-igp-")]
    return sum(one["packets"] for one in sent), sum(one["bytes"] for one in sent)


def costs(network):
    nodes = network.nodes.values()
    count, size = packets(nodes)
    return {"agents": sum(cpu_seconds(node.agent_process.pid) for node in nodes),
            "BIRD": sum(cpu_seconds(node.bird_process.pid) for node in nodes),
            "WireGuard": sum(cpu_seconds(pid) for node in nodes for pid in node.daemons().values()),
            "control plane": cpu_seconds(network.control_plane.process.pid), "packets": count, "bytes": size}


def tell(what, network, before):
    now = costs(network)
    spent = {key: now[key] - before.get(key, 0) for key in now}
    print(f"  {what}: CPU agents {spent['agents']:.2f} s, BIRD {spent['BIRD']:.2f} s, WireGuard {spent['WireGuard']:.2f} s, control plane "
          f"{spent['control plane']:.2f} s; {spent['packets']} packets, {spent['bytes'] / 1000:.0f} kB over the mesh", flush=True)
    return now


def converged(network, begun, seconds=120):
    nodes = list(network.nodes.values())
    stages = {"tunnels": lambda n: len(n.links_to()) == len(network.mesh_of(n)),
              "loopbacks of all": lambda n: loopbacks(n) == (len(nodes) - 1, len(nodes) - 1),
              "iBGP": lambda n: n.ibgp() == network.ibgp_of(n)}
    for name, holds in stages.items():
        for node in nodes:
            wait_for(f"{name} at {node.name}", lambda n=node, h=holds: h(n), seconds, 0.05)
        print(f"  {name}: {time.monotonic() - begun:.1f} s", flush=True)


def main():
    with Lab() as lab:
        network = Network(lab)
        for index in range(len(REGIONS) * NODES_EACH):
            make(network, index + 1, REGIONS[index // NODES_EACH], index % NODES_EACH == 0, ("bird2", "bird3")[index % 2])
        nodes = list(network.nodes.values())
        print(f"{len(nodes)} nodes start at once", flush=True)
        begun = time.monotonic()
        for node in nodes:
            node.start_agent(wait=False)
        converged(network, begun)
        assert sum(len(node.daemons()) for node in nodes) == 92
        assert all(nodes[0].reaches(node) for node in nodes[1:])
        now = tell("cost", network, {})
        print("one more is added")
        node, begun = make(network, 21, REGIONS[0], False, "bird2"), time.monotonic()
        node.start_agent(wait=False)
        converged(network, begun)
        now = tell("cost", network, {**now})
        print(f"nothing changes for {IDLE_SECONDS:g} s")
        time.sleep(IDLE_SECONDS)
        tell("cost", network, now)


main()
