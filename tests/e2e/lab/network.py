"""Network: backbone nodes of one control plane, and who of them must hold a tunnel and iBGP with whom (wire contract A9, A10)."""
from .backbone import BackboneNode
from .controlplane import ControlPlane
from .waiting import wait_for


class Network:
    """`network.add("hk-rr", 1, rr=True)` makes a node and starts it; `network[1]` is it."""

    def __init__(self, lab, settings=None):
        self.lab = lab
        self.control_plane = ControlPlane(lab, number=90)
        self.nodes = {}
        if settings:
            self.change_settings(settings)

    def change_settings(self, changes):
        status, body = self.control_plane.admin("PATCH", "/settings", changes)
        assert status == 200, body

    def add(self, name, number, region="AS-E", start=True, **node):
        self.nodes[number] = made = BackboneNode(self.lab, self.control_plane, name, number, region, **node)
        if start:
            made.come_up()
        return made

    def __getitem__(self, number):
        return self.nodes[number]

    def others(self, node):
        return [other for other in self.nodes.values() if other is not node]

    def mesh_of(self, node):
        """Ids: its region, and between reflectors."""
        return {o.number for o in self.others(node) if o.region == node.region or (o.rr and node.rr)}

    def ibgp_of(self, node):
        return {o.number for o in self.others(node) if (o.rr and node.rr) or (o.region == node.region and (o.rr or node.rr))}

    def converge(self, seconds=40):
        for node in self.nodes.values():
            wait_for(f"mesh of {node.name}", lambda n=node: n.mesh() == dict.fromkeys(self.mesh_of(n), "configured"), seconds, 0.2)
            wait_for(f"iBGP of {node.name}", lambda n=node: n.ibgp() == self.ibgp_of(n), seconds, 0.2)
            for other in self.others(node):
                wait_for(f"{node.name} reaches {other.name}", lambda n=node, o=other: n.reaches(o), seconds, 0.2)
