"""Act three: four nodes in two regions become one network, and two peers at its far ends reach each other through it."""
import subprocess

from lab import BackboneNode, ControlPlane, ForeignRouter, Sea, SessionKind, answer_traces, bird_programs, trace, wait_for
from measure import HASTY, LONG_SEA_MS, PEER2_MS, SEA_MS

MAP = """
peer1 ═╦═ jp1 ──────── 40 ms ──────── de-rr ── de2 ═ 28 ms ═ peer2     ═ a peering session
       ║   │                            │                               ─ a mesh link
       ╚═ hk-rr ────── 60 ms ───────────┘
          AS-E                        EU-C
"""
SEA = """
The sea is a namespace that what goes between the regions is routed through, and what the peers say to
jp1 and de2; there a program takes it from a TUN device and gives it back late, or not at all
(tests/e2e/lab/relay.py): no netem is needed.
"""
IBGP = {1: {2, 11}, 2: {1, 11}, 11: {1, 2, 12}, 12: {11}}


class Backbone:
    """The stage: jp1 and hk-rr in AS-E, both reflectors, so that there are two ways over the sea; de-rr, a reflector, and de2 in EU-C.
    BIRD 2 in Asia and BIRD 3 in Europe: over the sea Babel counts hops then, and no busy machine sways it."""

    def __init__(self, lab, story):
        self.lab, self.story = lab, story
        self.peer1 = self.peer2 = self.stream = None
        self.sessions = {}  # {(foreign router, node): uuid}
        old, new = sorted(bird_programs())[0], sorted(bird_programs())[-1]
        self.plane = ControlPlane(lab, number=90)
        self.sea = Sea(lab)
        rows = (("jp1", 1, "AS-E", True, old), ("hk-rr", 2, "AS-E", True, old), ("de-rr", 11, "EU-C", True, new), ("de2", 12, "EU-C", False, new))
        self.nodes = [self.add(*row) for row in rows]
        self.jp1, self.hk, self.de, self.de2 = self.nodes
        for node in self.nodes:
            answer_traces(node)
        self.sea.part([self.jp1, self.hk], [self.de, self.de2], SEA_MS / 2)
        self.sea.delay(self.hk, self.de, LONG_SEA_MS / 2)

    def add(self, name, number, region, is_reflector, bird):
        says = f"moenet-controlplane node add {name:5} --region {region}" + (" --rr" if is_reflector else "")
        return self.story.step(says, lambda: BackboneNode(self.lab, self.plane, name, number, region, is_reflector, bird, HASTY))

    def name_of(self, address):
        owners = {space.ipv4: space.name for space in (*self.nodes, self.peer1, self.peer2)}
        return owners.get(address, "")

    def hops(self):
        """[(address, name, round trip in ms)] of those who answer on the way from peer1 to peer2."""
        return [(address, self.name_of(address), took) for address, took in trace(self.peer1, self.peer1.ipv4, self.peer2.ipv4)]

    def show_path(self):
        """Prints it and returns the names."""
        hops = self.hops()
        self.story.show("\n".join(f"{n:2}  {address or '*':14} {name:6} {took:6.1f} ms" for n, (address, name, took) in enumerate(hops, 1)))
        return [name for _, name, _ in hops]

    def path_is(self, *names):
        return [name for _, name, _ in self.hops()] == [*names, self.peer2.name]


def gather(lab, story):
    """Shows the map and sets the stage: nodes that the control plane knows, and that do not run yet."""
    story.act("Act three: a backbone")
    story.chapter("Four nodes, two regions, and the sea between them")
    story.say(MAP)
    story.say(SEA)
    return Backbone(lab, story)


def join(stage):
    story = stage.story
    story.chapter("The nodes join: each gets its agent, nothing else")
    for node in stage.nodes:
        version = f"BIRD {bird_version(node)}"
        story.step(f"moenet-agent run on {node.name}, {version}", node.come_up)
    story.step("mesh: WireGuard handshakes, Babel neighbors, all \"configured\"", lambda: wait_for(
        "the mesh", lambda: all(is_meshed(node) for node in stage.nodes), 40, 0.1))
    story.step("iBGP: two clusters, three reflectors, all Established", lambda: wait_for(
        "iBGP", lambda: all(node.ibgp() == IBGP[node.number] for node in stage.nodes), 40, 0.1))
    story.step("each node reaches each other's loopback", lambda: wait_for("the loopbacks", lambda: all(
        node.reaches(other) for node in stage.nodes for other in stage.nodes if node is not other), 30, 0.1))
    story.step("moenet-agent status on de-rr")
    story.show(stage.de.agent("status"))


def bird_version(node):
    done = subprocess.run([bird_programs()[node.bird], "--version"], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).split()[-1]


def is_meshed(node):
    states = node.mesh().values()
    return len(states) == len(IBGP[node.number]) and set(states) == {"configured"}


def peer(stage):
    story = stage.story
    story.chapter("Two peers at the far ends; peer1 has sessions with two nodes")
    stage.peer1 = ForeignRouter(stage.lab, 1)
    stage.peer2 = ForeignRouter(stage.lab, 2)
    stage.sea.part([stage.de2], [stage.peer2], PEER2_MS / 2)
    stage.sea.part([stage.jp1], [stage.peer1], 0)
    for foreign, node, line in ((stage.peer1, stage.jp1, 0), (stage.peer1, stage.hk, 1), (stage.peer2, stage.de2, 0)):
        story.step(f"peer add, peer approve: {foreign.name} with {node.name} → Established",
                   lambda f=foreign, n=node, at=line: establish(stage, f, n, at))
    one, two = stage.peer1, stage.peer2
    story.step("peer1 has peer2's routes, and the other way round", lambda: wait_for("the far peer's routes", lambda: all(
        f"172.20.{there.i}.0/24" in here.birdc.routes() and f"fd42:0:{there.i}::/48" in here.birdc.routes()
        for here, there in ((one, two), (two, one))), 30))
    story.step("the path from peer1 to peer2", lambda: wait_for("the path", lambda: stage.path_is("jp1", "de-rr", "de2"), 20))
    stage.show_path()


def establish(stage, foreign, node, line):
    node.expected_by(foreign, SessionKind.LINK_LOCAL, line=line)
    stage.sessions[foreign, node] = stage.plane.add_peer(node, foreign, SessionKind.LINK_LOCAL, line=line)
    stage.plane.approve(stage.sessions[foreign, node])
    wait_for("Established", lambda: node.is_established(foreign.asn) and foreign.is_established(node.asn, line), 30)
