"""Act two: the same by two people in a browser; a network asks on its phone, an operator approves, and both see what the node does."""
import re

from lab import ControlPlane, ForeignRouter, MoenetNode, Space, wait_for
from lab.birdc import ROOT
from lab.page import SHOTS, Page


def play(lab, bird, story):
    story.act("Act two: the page")
    story.chapter("A control plane with a registry of who is who, a node, a network that wants to peer")
    registry = lab.folder / "registry"
    registry.mkdir()
    plane = story.step("moenet-controlplane serve", lambda: ControlPlane(lab, config={"registry": str(registry)}))
    status, said = plane.admin("PATCH", "/settings", {"peering": {"privateEndpoints": True}})  # the demo's endpoints are
    assert status == 200, said
    node, foreign = MoenetNode(lab, bird=bird), ForeignRouter(lab, 1, bird)
    node.expected_by(foreign)
    node.write_config(plane.url, plane.add_node(node), health={"problemAfter": 3, "okAfter": 1},
                      controlPlane={"metricInterval": 1}, metric={"rttInterval": 2})
    story.step("moenet-agent run", node.start_agent)
    page = story.step(f"Chromium opens {plane.url}", lambda: Page(Space(lab, "desk", 3), {
        "url": plane.url, "token": (plane.state / "admin-token").read_text().strip(), "registry": str(registry), "node": node.name,
        "publicKey": foreign.public_key, "endpoint": f"{foreign.address}:{foreign.port_of(0)}", "linkLocal": foreign.link_local}))
    watch(story, page, node, foreign)


def watch(story, page, node, foreign):
    story.chapter("Two people look at it, and nobody loads a page again")
    story.step(f"AS{foreign.asn} proves itself by the SSH key of its registry object, fills in the form and sends it: Pending", page.sees)
    story.step("the operator approves: Queued for setup, Enabled", page.sees)
    story.step("BGP Established, at both ends", lambda: wait_for(
        "BGP", lambda: node.is_established(foreign.asn) and foreign.is_established(node.asn), 40))
    page.go_on()
    story.step("the page has it, with its routes and its round trip", page.sees)
    foreign.forget(node)
    page.go_on()
    word = story.step("the peer removes its end: Problem", page.sees)
    story.show(re.sub("^problem ", "", word))
    foreign.remember(node, node.endpoint_for(foreign))
    page.go_on()
    story.step(f"the peer is back: Enabled; AS{foreign.asn} deletes the session on its phone, and it is gone",
               page.sees)
    assert node.traces_of(foreign.asn) == [], "left behind"
    story.show(f"pictures: {', '.join(sorted(str(shot.relative_to(ROOT)) for shot in SHOTS.glob('agent-*-dark.png')))}")
