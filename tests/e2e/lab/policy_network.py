"""PolicyNetwork: a node that runs the rendered policy of the sample "reflector" in a real BIRD, with four eBGP sessions, one per policy,
and three iBGP sessions over a Babel link. Speakers in one other namespace play all neighbors."""
from .birdc import Birdc, bird_programs
from .golden_policy import golden_policy
from .route_speaker import Neighbor, RouteSpeaker, parse_routes
from .space import Space
from .waiting import wait_for

NETWORK_ASN = 4242420998
# the node's names of its sessions; the neighbor AS 42424201NN calls itself asNN
EBGP_SESSIONS = FULL, PEER, UPSTREAM, DOWNSTREAM = tuple(f"dn42_{asn}" for asn in range(4242420101, 4242420105))
CLIENT, REFLECTOR, V4_CLIENT = "ibgp_2", "ibgp_3", "ibgp_4"
LOOPBACK = {"node": "fd00:4242:7777:101:1::1", CLIENT: "fd00:4242:7777:101:2::1", REFLECTOR: "fd00:4242:7777:301:3::1"}
# What an operator has beside: one static of this network's prefix, one of another purpose, and the routes of an interface.
_OPERATOR = """protocol static operators { ipv4; route 172.22.188.48/28 unreachable; route 172.20.98.0/24 unreachable; }
protocol direct uplink { ipv4; interface "eth0"; }
"""
_DRAIN = ("define MOENET_DRAIN = {};", "define MOENET_LEAVE = {};")


# The static is none of this network's loopbacks, and must not get in.
_BACKBONE = f"""router id 172.22.188.2;
protocol direct {{ ipv4; ipv6; interface "lo"; }}
protocol kernel {{ ipv4 {{ import none; export where source = RTS_BABEL; }}; }}
protocol kernel {{ ipv6 {{ import none; export where source = RTS_BABEL; }}; }}
protocol static {{ ipv4; route 172.20.99.0/24 unreachable; }}
protocol babel {{
  ipv4 {{ import all; export where source = RTS_DEVICE || source = RTS_STATIC; }};
  ipv6 {{ import all; export where source = RTS_DEVICE; }};
  interface "mesh" {{ type wired; hello interval 1 s; }};
}}
"""


def _neighbors(announced):
    asn = NETWORK_ASN
    found = [Neighbor(f"as{101 + i}", f"local fe80::{101 + i} as {4242420101 + i}; neighbor fe80::998:101:1:1 % 's{101 + i}' as {asn};",
                      announced[session]) for i, session in enumerate(EBGP_SESSIONS)]
    # a next hop that would do for iBGP if the node did not put its own in its place
    found[3].channel = "next hop address fd42:104::2; "
    for name, number in ((CLIENT, 2), (REFLECTOR, 3)):
        found.append(Neighbor(name, f"router id 172.22.188.{number}; local {LOOPBACK[name]} as {asn}; "
                                    f"neighbor {LOOPBACK['node']} as {asn};", announced[name]))
    found.append(Neighbor(V4_CLIENT, f"router id 172.22.188.4; local 172.22.188.4 as {asn}; neighbor 172.22.188.1 as {asn};", [], (4,)))
    return found


class PolicyNetwork:
    """`announced`: {the node's name of the session: [Announcement]}. The constructor returns when all sessions are established."""

    def __init__(self, lab, bird, announced):
        self.lab, self.node, self.others = lab, Space(lab, "node", 1), Space(lab, "others", 2)
        self.birdc = Birdc(self.node.folder / "bird.ctl")
        self.files = golden_policy("reflector", bird) | {"01_log.conf": f'log "{self.node.folder}/bird.log" all;\n',
                                                         "60_operator.conf": _OPERATOR}
        self._make_links()
        (self.node.folder / "peers").mkdir()
        (self.node.folder / "bird.conf").write_text(
            f'router id 172.22.188.1;\nprotocol device {{ scan time 10; }}\ninclude "{self.node.folder}/peers/*.conf";\n')
        self._write()
        self.node.start("bird", bird_programs()[bird], "-f", "-c", self.node.folder / "bird.conf", "-s", self.birdc.path,
                        "-P", self.node.folder / "bird.pid")
        wait_for("BIRD of the node", self.birdc.version, 10)
        neighbors = _neighbors(announced)
        apart = [neighbor for neighbor in neighbors if neighbor.name == REFLECTOR]
        self.speakers = [RouteSpeaker(self.others, "speaker", _BACKBONE, [one for one in neighbors if one not in apart]),
                         RouteSpeaker(self.others, "reflector", "router id 172.22.188.3;\n", apart)]
        wait_for("all sessions", self._all_up, 60)

    def _make_links(self):
        self.node.run("ip", "link", "add", "dn42-lo", "type", "bridge")
        self.node.run("ip", "link", "set", "dn42-lo", "up")
        for address in ("172.22.188.1/32", f"{LOOPBACK['node']}/128"):
            self.node.run("ip", "addr", "add", address, "dev", "dn42-lo", *(["nodad"] if ":" in address else []))
        for address in ("172.22.188.2/32", "172.22.188.4/32", f"{LOOPBACK[CLIENT]}/128", f"{LOOPBACK[REFLECTOR]}/128"):
            self.others.run("ip", "addr", "add", address, "dev", "lo")
        for asn in range(101, 105):
            self._link(f"dn42_4242420{asn}", f"s{asn}", f"fe80::{asn}")
        self.node.run("ip", "addr", "add", "fd42:104::1/64", "dev", DOWNSTREAM, "nodad")
        self.others.run("ip", "addr", "add", "fd42:104::2/64", "dev", "s104", "nodad")
        self.node.run("ip", "addr", "add", "172.20.97.1/24", "dev", "eth0")
        self._link("dn42-wg-igp-2", "mesh", "fe80::2")
        self.node.run("ip", "addr", "add", "172.22.188.1/32", "dev", "dn42-wg-igp-2")
        self.others.run("ip", "addr", "add", "172.22.188.2/32", "dev", "mesh")

    def _link(self, here, there, far):
        self.node.run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", str(self.others.pid))
        for space, link, address in ((self.node, here, "fe80::998:101:1:1"), (self.others, there, far)):
            space.run("ip", "link", "set", link, "addrgenmode", "none")
            space.run("ip", "addr", "add", f"{address}/64", "dev", link, "nodad")
            space.run("ip", "link", "set", link, "up")

    def _all_up(self):
        missing = [name for name in (*EBGP_SESSIONS, CLIENT, REFLECTOR, V4_CLIENT) if not self.birdc.established(name)]
        assert not missing, missing
        return True

    def _write(self):
        for name, text in self.files.items():
            (self.node.folder / "peers" / name).write_text(text)

    def change(self, name, text):
        self.files[name] = text
        self._write()
        code, answer = self.birdc.ask("configure")
        assert code in (3, 4), answer

    def drain(self, is_draining):
        changed = self.files["00_base.conf"]
        for line in _DRAIN:
            assert line.format(str(not is_draining).lower()) in changed
            changed = changed.replace(line.format(str(not is_draining).lower()), line.format(str(is_draining).lower()))
        self.change("00_base.conf", changed)

    def validate_again(self):
        """BIRD 3 asks the filters again only for routes that a changed ROA covers; of the others it must be reminded when the network's own
        ROA, by which the filters know that there are any, comes or goes. BIRD 2 asks for all."""
        if "BIRD 3" in self.birdc.version():
            assert self.birdc.ask('reload filters in "dn42_*"')[0] == 0

    def sent(self, neighbor):
        """{prefix: SeenRoute} of what this neighbor was sent."""
        return next(speaker for speaker in self.speakers if neighbor in speaker.neighbors).received(neighbor)

    def accepted(self, protocol):
        """{prefix: SeenRoute}"""
        return {prefix: routes[0] for prefix, routes in parse_routes(self.birdc.routes("protocol", protocol, "all")).items()}
