"""Act one: a peering session from cradle to grave, on one node with two peers that are not ours."""
from lab import ControlPlane, ForeignRouter, MoenetNode, SessionKind, wait_for

KINDS = (SessionKind.LINK_LOCAL, SessionKind.ULA)  # of peer1's session and of peer2's


class Peering:
    """The stage."""

    def __init__(self, lab, bird, story):
        self.story, self.sessions = story, {}
        story.act("Act one: a peering session")
        story.chapter("A little DN42: one node of ours, two routers that are not ours")
        one = story.step("peer1, AS4242420101: WireGuard and BIRD set up by hand", lambda: ForeignRouter(lab, 1, bird))
        two = story.step("peer2, AS4242420102: likewise", lambda: ForeignRouter(lab, 2, bird))
        self.peers = (one, two)
        self.node = story.step("jp1, AS4242420998: BIRD with its operator's bird.conf, no session yet", lambda: MoenetNode(lab, bird=bird))
        story.show(self.node.birdc.version())
        self.plane = story.step("control plane: moenet-controlplane serve", lambda: ControlPlane(lab))
        token = story.step("moenet-controlplane node add jp1 (a token of its own)", lambda: self.plane.add_node(self.node))
        self.node.write_config(self.plane.url, token, controlPlane={"syncInterval": 60, "heartbeatInterval": 30})
        story.step("moenet-agent run", self.node.start_agent)

    def wait_for_status(self, peer, status):
        wait_for(status or "the row is gone", lambda: self.plane.status_of(self.sessions[peer]) == status, 20)

    def wait_for_bgp(self, peer):
        wait_for("Established", lambda: self.node.is_established(peer.asn) and peer.is_established(self.node.asn), 40)


def play(lab, bird, story):
    stage = Peering(lab, bird, story)
    ask(stage)
    approve(stage)
    drift(stage)
    delete(stage)


def ask(stage):
    story, node = stage.story, stage.node
    story.chapter("Two operators ask to peer")
    for peer, kind in zip(stage.peers, KINDS):
        story.step(f"{peer.name} sets up its end: {kind.value}", lambda p=peer, k=kind: node.expected_by(p, k))
        stage.sessions[peer] = story.step(f"moenet-controlplane peer add --asn {peer.asn} … (PENDING: nothing happens yet)",
                                          lambda p=peer, k=kind: stage.plane.add_peer(node, p, k))
        assert node.traces_of(peer.asn) == [], "a PENDING session was set up"


def approve(stage):
    story, node = stage.story, stage.node
    one, two = stage.peers
    story.chapter("Approve, and watch")
    for peer in stage.peers:
        story.step(f"peer approve {peer.asn} → tunnel and BGP configured → ENABLED", lambda p=peer: (
            stage.plane.approve(stage.sessions[p]), stage.wait_for_status(p, "ENABLED")))
    for peer in stage.peers:
        story.step(f"BGP with {peer.name} Established, at both ends", lambda p=peer: stage.wait_for_bgp(p))
    for source, target in ((node.ipv4, one.ipv4), (node.ipv6, two.ipv6)):
        story.show(story.step(f"ping {source} → {target}", lambda s=source, t=target: ping(node, s, t)))
    story.show(story.step("moenet-agent status", lambda: wait_for("both ENABLED", lambda: all_enabled(node), 10)))


def all_enabled(node):
    """What `status` prints once the agent has read its own reports back."""
    text = node.agent("status")
    return text if text.count(" ENABLED ") == len(KINDS) else None


def ping(node, source, target):
    """The data path, from DN42 address to DN42 address; returns ping's line of times."""
    return wait_for(f"ping {source} → {target}", lambda: node.run(
        "ping", "-c", "3", "-i", "0.05", "-W", "1", "-I", source, target).strip().split("\n")[-1], 15)


def drift(stage):
    story, node, peer = stage.story, stage.node, stage.peers[0]
    story.chapter("Drift: somebody deletes the tunnel by hand")
    link = node.link_of(peer.asn)
    index = node.links()[link]["ifindex"]
    node.run("ip", "link", "del", link)
    story.step(f"ip link del {link} → it is back", lambda: wait_for(
        "the link", lambda: node.links().get(link, {}).get("ifindex", index) != index, 15))
    story.step(f"BGP with {peer.name} Established again", lambda: stage.wait_for_bgp(peer))


def delete(stage):
    story, node = stage.story, stage.node
    one, two = stage.peers
    story.chapter("Delete one, keep the other")
    since = node.birdc.protocols()[f"dn42_{two.asn}"]["since"]
    story.show("before: " + ", ".join(node.traces_of(one.asn)))
    story.step(f"peer delete {one.asn} → removed at the node → the row is gone", lambda: (
        stage.plane.delete(stage.sessions[one]), stage.wait_for_status(one, None)))
    left = node.traces_of(one.asn)
    assert left == [], f"left behind: {left}"
    story.show("after: no link, no file, no protocol, no socket, no row")
    assert node.birdc.protocols()[f"dn42_{two.asn}"]["since"] == since
    story.step(f"BGP with {two.name} never noticed")
    story.show(f"dn42_{two.asn} Established since {since}")
