#!/usr/bin/python3
"""./dev demo: a peering session from cradle to grave on one machine, in network namespaces that are gone afterwards."""
import argparse
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/e2e"))

from lab import ControlPlane, ForeignRouter, Lab, MoenetNode, SessionKind, wait_for  # noqa: E402

ON_TERMINAL = sys.stdout.isatty()


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if ON_TERMINAL else text


class Story:
    """One line per step: when it began, what happened, how long it took."""

    def __init__(self):
        self.begun = time.monotonic()

    def chapter(self, text):
        print(f"\n{paint('1', text)}", flush=True)

    def step(self, text, action):
        at = time.monotonic()
        if ON_TERMINAL:
            print(f"  {paint('2', f'{at - self.begun:5.1f} s')}  … {text}", end="", flush=True)
        result = action()
        took = time.monotonic() - at
        spent = f"{took * 1000:.0f} ms" if took < 1 else f"{took:.1f} s"
        start = "\r\x1b[K" if ON_TERMINAL else ""
        print(f"{start}  {paint('2', f'{at - self.begun:5.1f} s')}  {paint('32', '✓')} {text} {paint('2', f'({spent})')}", flush=True)
        return result

    def show(self, text, limit=40):
        for line in text.rstrip("\n").split("\n")[:limit]:
            print(f"             {paint('36', line)}", flush=True)


def ping(node, source, target):
    """The data path, from DN42 address to DN42 address; returns ping's line of times."""
    lines = []

    def look():
        status, output = node.run("ping", "-c", "3", "-i", "0.05", "-W", "1", "-I", source, target, check=False)
        lines[:] = output.strip().split("\n")[-2:]
        return status == 0

    wait_for(f"ping {source} → {target}", look, 15)
    return lines


def play(lab, bird, story):
    story.chapter("A little DN42: one node of ours, two routers that are not ours")
    one = story.step("peer1, AS4242420101: WireGuard and BIRD set up by hand", lambda: ForeignRouter(lab, 1, bird))
    two = story.step("peer2, AS4242420102: likewise", lambda: ForeignRouter(lab, 2, bird))
    node = story.step("jp1, AS4242420998: BIRD with its operator's bird.conf, no session yet", lambda: MoenetNode(lab, bird=bird))
    story.show(node.birdc.version())
    plane = story.step("control plane: moenet-controlplane serve", lambda: ControlPlane(lab))
    token = story.step("moenet-controlplane node add jp1 (a token of its own)", lambda: plane.add_node(node))
    node.write_config(plane.url, token, controlPlane={"syncInterval": 60, "heartbeatInterval": 30})
    story.step("moenet-agent run", node.start_agent)

    story.chapter("Two operators ask to peer")
    pairs = ((one, SessionKind.LINK_LOCAL), (two, SessionKind.ULA))
    sessions = {}
    for foreign, kind in pairs:
        story.step(f"{foreign.name} sets up its end: {kind.value}", lambda foreign=foreign, kind=kind: node.expected_by(foreign, kind))
        sessions[foreign] = story.step(f"moenet-controlplane peer add --asn {foreign.asn} … (PENDING: nothing happens yet)",
                                       lambda foreign=foreign, kind=kind: plane.add_peer(node, foreign, kind))
        assert node.traces_of(foreign.asn) == [], "a PENDING session was set up"

    story.chapter("Approve, and watch")
    for foreign, _ in pairs:
        story.step(f"peer approve {foreign.asn} → tunnel and BGP configured → ENABLED", lambda foreign=foreign: (
            plane.approve(sessions[foreign]),
            wait_for("ENABLED", lambda: plane.status_of(sessions[foreign]) == "ENABLED", 20)))
    for foreign, _ in pairs:
        story.step(f"BGP with {foreign.name} Established, at both ends", lambda foreign=foreign: wait_for(
            "Established", lambda: node.is_established(foreign.asn) and foreign.is_established(node.asn), 30))
    for foreign, _ in pairs:
        for source, target in ((node.ipv4, foreign.ipv4), (node.ipv6, foreign.ipv6)):
            story.show(story.step(f"ping {source} → {target}", lambda s=source, t=target: ping(node, s, t))[-1])
    story.step("moenet-agent status", lambda: None)
    story.show(node.agent("status"))

    story.chapter("Drift: somebody deletes the tunnel by hand")
    link = node.link_of(one.asn)
    index = node.links()[link]["ifindex"]
    node.run("ip", "link", "del", link)
    story.step(f"ip link del {link} → it is back", lambda: wait_for(
        "the link", lambda: node.links().get(link, {}).get("ifindex", index) != index, 15))
    story.step("BGP with peer1 Established again", lambda: wait_for(
        "Established", lambda: node.is_established(one.asn) and one.is_established(node.asn), 40))

    story.chapter("Delete one, keep the other")
    since = node.birdc.protocols()[f"dn42_{two.asn}"]["since"]
    story.show("before: " + ", ".join(node.traces_of(one.asn)))
    story.step(f"peer delete {one.asn} → removed at the node → the row is gone", lambda: (
        plane.delete(sessions[one]), wait_for("the row is gone", lambda: plane.status_of(sessions[one]) is None, 20)))
    left = node.traces_of(one.asn)
    assert left == [], f"left behind: {left}"
    story.show("after: no link, no file, no protocol, no socket, no row")
    story.step("BGP with peer2 never noticed", lambda: None)
    assert node.birdc.protocols()[f"dn42_{two.asn}"]["since"].split(".")[0] == since.split(".")[0]
    story.show(f"dn42_{two.asn} Established since {since}")
    return node, plane, two


def explain(lab, node, plane, foreign):
    enter = f"nsenter --net=/proc/{node.pid}/ns/net --mount=/proc/{node.pid}/ns/mnt --"
    agent = f"{node.agent_program()} -c {node.folder}/config.json"
    there = f"nsenter --net=/proc/{plane.pid}/ns/net --mount=/proc/{plane.pid}/ns/mnt --"
    print(f"""
It keeps running. Look around (as root):
  on the node       {enter} bash
  its agent         {enter} {agent} status
  its BIRD          {enter} birdc -s {node.folder}/bird.ctl show protocols
  its tunnels       {enter} wg
  control plane     {there} {plane.describe_command('peer', 'list')}
  {foreign.name} (not ours)  nsenter --net=/proc/{foreign.pid}/ns/net --mount=/proc/{foreign.pid}/ns/mnt -- bash
  logs              {lab.folder}/*/*.log
Remove it:          {lab.keep()}""")


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running and say how to look around")
    parser.add_argument("--bird2", dest="bird", action="store_const", const="bird2", default="bird2", help="BIRD 2 on all routers (default)")
    parser.add_argument("--bird3", dest="bird", action="store_const", const="bird3", help="BIRD 3 on all routers")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    story = Story()
    lab = Lab()
    try:
        node, plane, foreign = play(lab, arguments.bird, story)
        if arguments.keep:
            explain(lab, node, plane, foreign)
    except KeyboardInterrupt:
        print(f"\n{paint('33', 'interrupted: cleaning up')}")
        return 130
    except (AssertionError, RuntimeError) as error:
        print(f"\n{paint('31', 'demo failed:')} {error}")
        for name, text in lab.logs(12):
            print(f"--- {name}\n{text}")
        return 1
    finally:
        lab.close()
    if not arguments.keep:
        print(f"\n{paint('32', 'Done')} in {time.monotonic() - story.begun:.1f} s; every namespace, process and file of it is gone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
