"""RouteSpeaker: a BIRD that plays BGP neighbors of one node, each with the routes that a test wants it to announce, and tells what it
was sent; one per address of the node, because a BIRD has one session with an address. And how `show route all` reads in both major
versions."""
import collections
import dataclasses
import re

from .birdc import Birdc, bird_programs
from .waiting import wait_for


@dataclasses.dataclass(frozen=True)
class Announcement:
    """A route as a neighbor sends it. `path` follows the neighbor's own AS number, which BGP itself puts in front."""
    prefix: str
    path: tuple = ()
    communities: tuple = ()
    large: tuple = ()
    local_pref: int = 0  # 0: none; goes over iBGP only


@dataclasses.dataclass
class Neighbor:
    """One BGP session as the speaker's end sees it; `session` is the addresses in BIRD's language, `channel` options of each family."""
    name: str
    session: str
    routes: list
    families: tuple = (4, 6)
    channel: str = ""


@dataclasses.dataclass(frozen=True)
class SeenRoute:
    protocol: str
    local_pref: int
    path: tuple
    communities: frozenset
    large: frozenset
    next_hop: str


def parse_routes(text):
    """{prefix: [SeenRoute]} of `show route … all`: "BGP.local_pref:", "BGP.as_path:" in BIRD 2, "bgp_local_pref:", "bgp_path:" in 3."""
    found, prefix, protocol, attributes = collections.defaultdict(list), None, None, {}

    def close():
        if protocol is not None:
            found[prefix].append(_seen(protocol, attributes))

    for line in text.splitlines():
        head = re.match(r"(\S+)?\s+(?:unicast|unreachable|blackhole|prohibit) \[(\S+)", line)
        attribute = re.match(r"\s+(?:BGP\.|bgp_)(\w+): (.*)", line)
        if head:
            close()
            prefix, protocol, attributes = head[1] or prefix, head[2], {}
        elif attribute:
            attributes[attribute[1]] = attribute[2]
    close()
    return dict(found)


def _tuples(text):
    return frozenset(tuple(int(part) for part in group.split(",")) for group in re.findall(r"\(([^)]*)\)", text.replace(" ", "")))


def _seen(protocol, attributes):
    return SeenRoute(protocol=protocol, local_pref=int(attributes.get("local_pref", -1)),
                     path=tuple(int(asn) for asn in attributes.get("as_path", attributes.get("path", "")).split()),
                     communities=_tuples(attributes.get("community", "")), large=_tuples(attributes.get("large_community", "")),
                     next_hop=attributes.get("next_hop", "").split(" ")[0])


class RouteSpeaker:
    def __init__(self, space, name, backbone, neighbors, bird="bird2"):
        self.neighbors = {neighbor.name: neighbor for neighbor in neighbors}
        self.birdc = Birdc(space.folder / f"{name}.ctl")
        config = space.folder / f"{name}.conf"
        config.write_text(f'log "{space.folder}/{name}-bird.log" all;\nprotocol device {{ scan time 1; }}\n' + backbone +
                          "".join(_text_of(neighbor) for neighbor in neighbors))
        space.start(name, bird_programs()[bird], "-f", "-c", config, "-s", self.birdc.path, "-P", space.folder / f"{name}.pid")
        wait_for(f"BIRD of {name}", self.birdc.version, 10)

    def received(self, name):
        """{prefix: SeenRoute} of what the node sent to this neighbor."""
        found = {}
        for family in self.neighbors[name].families:
            text = self.birdc.routes("table", f"{name}_{family}", "protocol", name, "all")
            found |= {prefix: routes[0] for prefix, routes in parse_routes(text).items()}
        return found


def _text_of(neighbor):
    out, channels = "", ""
    for family in neighbor.families:
        table = f"{neighbor.name}_{family}"
        routes = [route for route in neighbor.routes if (":" in route.prefix) == (family == 6)]
        out += f"ipv{family} table {table};\n"
        if routes:
            out += f"protocol static s_{table} {{ ipv{family} {{ table {table}; }};\n{''.join(map(_static, routes))}}}\n"
        extended = "extended next hop on; " if family == 4 else ""
        channels += f"  ipv{family} {{ table {table}; {extended}{neighbor.channel}import all; export where source = RTS_STATIC; }};\n"
    # the node does not call in a hurry, so the speaker does; it listens where it speaks, as others listen beside it
    return out + (f"protocol bgp {neighbor.name} {{\n  {neighbor.session} strict bind on;\n  connect delay time 1; connect retry time 1; "
                  f"error wait time 1, 2;\n{channels}}}\n")


def _static(route):
    said = "".join(f" bgp_path.prepend({asn});" for asn in reversed(route.path))
    said += "".join(f" bgp_community.add(({asn}, {value}));" for asn, value in route.communities)
    said += "".join(f" bgp_large_community.add(({asn}, {kind}, {value}));" for asn, kind, value in route.large)
    if route.local_pref:
        said += f" bgp_local_pref = {route.local_pref};"
    return f"  route {route.prefix} unreachable" + (f" {{{said} }}" if said else "") + ";\n"
