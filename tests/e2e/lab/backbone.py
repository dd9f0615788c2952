"""Backbone: several nodes of one network on our own control plane, each with a BIRD that its agent owns, as in production."""
import json

from .birdc import Birdc, bird_programs
from .node import LOCAL_ASN, MoenetNode
from .space import Space
from .waiting import wait_for

REGION_CODES = {"AS-E": 101, "NA-W": 203, "EU-W": 301, "EU-C": 302, "OC": 401}


class BackboneNode(MoenetNode):
    """As `node add` makes it known: node `number` in its region, at 198.51.100.<number>. Nothing is set up by hand but BIRD's first
    bird.conf, which the agent renders."""

    # pylint: disable=super-init-not-called
    def __init__(self, lab, control_plane, name, number, region="AS-E", rr=False, bird="bird2", sections=None, reached_at=None):
        """`reached_at`: options of `node add`, instead of its address on the underlay."""
        Space.__init__(self, lab, name, number)
        self.asn, self.bird, self.ownership, self.region, self.rr = LOCAL_ASN, bird, "full", region, rr
        self.control_plane = control_plane
        self.birdc = Birdc(self.folder / "bird.ctl")
        self.agent_process = self.bird_process = None
        self.key_file = self.folder / "private.key"
        self.public_key = None  # the agent makes the key
        self.place(region)
        (self.folder / "peers").mkdir()
        self.token = control_plane.command("node", "add", name, "--id", number, "--region", region,
                                           *(("--public-ipv4", self.address) if reached_at is None else reached_at),
                                           *(["--rr"] if rr else [])).splitlines()[-1]
        self.write_bootstrap(**(sections or {}))

    def place(self, region):
        self.region, code = region, REGION_CODES[region]
        self.ipv4, self.ipv6 = f"172.22.188.{self.number}", f"fd00:4242:7777:{code}:{self.number}::1"
        self.link_local = f"fe80::998:{code}:{self.number}:1"

    def write_bootstrap(self, **sections):
        """What `node bootstrap` leaves on a node; the rest comes from the control plane."""
        config = {
            "bootstrap": {"controlPlaneUrl": self.control_plane.url, "nodeName": self.name, "token": self.token},
            "controlPlane": {"requestTimeout": 3, "heartbeatInterval": 2, "syncInterval": 1, "maxRetries": 1,
                             "retryInitialDelay": 100},
            "server": {"listen": "127.0.0.1:24368"},
            "api": {"token": "local-token"},
            "bird": {"controlSocket": self.birdc.path, "peerConfDir": str(self.folder / "peers"), "ownership": "full",
                     "configFile": str(self.folder / "bird.conf")},
            "wireguard": {"privateKeyPath": str(self.key_file), "publicKeyPath": str(self.folder / "public.key"),
                          "backend": "userspace"},
            "stateDir": str(self.folder / "state"),
        }
        for name, values in sections.items():
            config[name] = {**config.get(name, {}), **values}
        (self.folder / "config.json").write_text(json.dumps(config, indent=2))
        (self.folder / "config.json").chmod(0o600)

    def come_up(self):
        """The agent is started, learns who it is, and BIRD reads what it renders."""
        self.start_agent()
        wait_for(f"{self.name} knows itself", lambda: (self.folder / "state/config.state").exists(), 15)
        wait_for(f"{self.name}'s key", (self.folder / "public.key").exists, 10)
        self.public_key = (self.folder / "public.key").read_text().strip()
        self.agent("render", self.folder / "rendered")
        (self.folder / "bird.conf").write_text((self.folder / "rendered/bird.conf").read_text())
        self.start_bird()

    def start_bird(self):
        self.bird_process = self.start("bird", bird_programs()[self.bird], "-f", "-c", self.folder / "bird.conf",
                                       "-s", self.birdc.path, "-P", self.folder / "bird.pid")
        wait_for(f"BIRD of {self.name}", self.birdc.version, 10)

    # What it sees
    def mesh(self):
        """{node id: state} as its own /status tells it."""
        return {link["node"]: link["state"] for link in self.status()["mesh"]["neighbors"]}

    def links_to(self, *ids):
        """The interfaces of these neighbors, {name: `ip -j -d addr` of it}; of all without an argument."""
        names = {f"dn42-wg-igp-{number}" for number in ids}
        return {name: link for name, link in self.links().items() if name.startswith("dn42-wg-igp-") and (not ids or name in names)}

    def addresses_of(self, link):
        """{"172.22.188.1/32", …} on a link; empty when there is none."""
        return {f"{a['local']}/{a['prefixlen']}" for a in self.links().get(link, {}).get("addr_info", [])}

    def babel(self):
        """The interfaces on which BIRD's Babel hears a neighbor."""
        return {line.split()[1] for line in self.birdc.ask("show babel neighbors")[1].splitlines() if "dn42-wg-igp-" in line}

    def adjacencies(self):
        """{iBGP session: since when}: what is the same has not moved."""
        return {name: row["since"] for name, row in self.birdc.protocols().items()
                if name.startswith("ibgp_") and row["info"].startswith("Established")}

    def ibgp(self):
        """The ids of the nodes that it has iBGP with, Established."""
        return {int(name[5:]) for name, row in self.birdc.protocols().items()
                if name.startswith("ibgp_") and row["info"].startswith("Established")}

    def pings(self, address, source=None, count=1):
        """How many of `count` echoes come back."""
        arguments = ["ping", "-n", "-q", "-c", count, "-i", "0.2", "-W", 1, *(["-I", source] if source else []), address]
        _, text = self.run(*arguments, check=False, seconds=count + 10)
        return int(text.split(" received")[0].split()[-1])

    def reaches(self, other):
        return self.pings(other.ipv4) == 1 and self.pings(other.ipv6) == 1
