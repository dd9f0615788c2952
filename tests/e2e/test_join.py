"""A node whose bird.conf is its operator's own joins the mesh with what docs/operations.md gives him to paste."""
from pathlib import Path

from lab import BackboneNode, ControlPlane, wait_for
from lab.waiting import holds_for

SOURCE = Path(__file__).resolve().parents[2]


def documented_bird_conf(peer_folder):
    """The example of the package with the documented lines above its include: node 1, which speaks iBGP with node 2."""
    page = (SOURCE / "docs/operations.md").read_text()
    lines = page[page.index("# Babel carries the loopbacks"):].split("```")[0]
    example = (SOURCE / "packaging/bird.example.conf").read_text()
    assert example.count('include "/etc/bird/peers/*.conf";') == 1
    return example.replace('include "/etc/bird/peers/*.conf";', f'{lines}\ninclude "{peer_folder}/*.conf";')


def test_a_bird_conf_of_ones_own_joins_with_the_documented_lines(lab, bird):
    control_plane = ControlPlane(lab, number=90)
    reflector = BackboneNode(lab, control_plane, "hk-rr", 2, "AS-E", True, bird)
    node = BackboneNode(lab, control_plane, "jp1", 1, "AS-E", False, bird,
                        {"bird": {"ownership": "peers"}, "loopback": {"kind": "auto"}})
    reflector.come_up()
    node.start_agent()
    (node.folder / "bird.conf").write_text(documented_bird_conf(node.folder / "peers"))
    node.start_bird()
    wait_for("iBGP", lambda: node.ibgp() == {2} and reflector.ibgp() == {1}, 60, 0.3)
    wait_for("each reaches the other", lambda: node.reaches(reflector) and reflector.reaches(node), 20, 0.3)
    wait_for("the mesh", lambda: node.mesh() == {2: "configured"} and reflector.mesh() == {1: "configured"}, 20)
    assert node.run("ip", "route", "show", "table", "all", "dev", "dn42-lo", "proto", "bird") == "", "its own address is no route of BIRD's"
    holds_for("nothing moves", lambda: len(node.adjacencies()) == 1 and len(reflector.adjacencies()) == 1, 2, 0.5)
