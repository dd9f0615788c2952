"""ForeignRouter: somebody else's DN42 router, with WireGuard and BIRD configured by hand, as its operator would."""
import enum
import os
import socket
import subprocess

from .birdc import Birdc, bird_programs
from .space import Space
from .waiting import wait_for


# Each wireguard-go takes an inotify instance, of which a user has 128: the daemons of all foreign routers of this process are a user's
# of their own, so that labs which run at once, and the node's own daemons, leave each other some.
_CAPABILITIES = "+net_admin,+dac_override"  # the second for /dev/net/tun and /run/wireguard
_AS_ITS_OWN_USER = ["setpriv", f"--reuid={1_000_000 + os.getpid() % 1_000_000}", "--clear-groups",
                    f"--inh-caps={_CAPABILITIES}", f"--ambient-caps={_CAPABILITIES}"]


class SessionKind(enum.Enum):
    LINK_LOCAL = "MP-BGP over link-local, extended next hop"
    ULA = "MP-BGP over ULA, IPv4 with IPv4 next hops"
    IPV4 = "IPv4 only"


def make_keys():
    private = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout.strip()
    public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()
    return private, public


def make_preshared_key():
    return subprocess.run(["wg", "genpsk"], capture_output=True, text=True, check=True).stdout.strip()


class Face:
    """One of many autonomous systems that a single foreign router plays: for tests that need a crowd. Slot n is AS 4242421000+n."""

    def __init__(self, router, slot):
        self.router, self.slot, self.asn = router, slot, 4242421000 + slot
        self.name, self.address, self.public_key = f"face{slot}", router.address, router.public_key
        self.link_local, self.port, self.ipv4, self.ipv6 = f"fe80::f:{slot}", 52000 + slot, None, None

    def is_established(self, asn):
        return self.router.birdc.established(_protocol(asn, self.slot))


class Home:
    """One of several sessions of a foreign router with one network: it peers with more than one of its nodes."""

    def __init__(self, router, slot):
        self.slot, self.asn, self.name, self.ipv4, self.ipv6 = slot, router.asn, f"{router.name}-home{slot}", router.ipv4, router.ipv6
        self.address, self.public_key, self.port = router.address, router.public_key, router.port + 1000 * slot
        self.link_local, self.interface, self.protocol = f"fe80::{router.i}:{slot}", f"home{slot}", f"home{slot}"

    def port_of(self, line):
        assert line == 0, "each home is a session of its own"
        return self.port


class ForeignRouter(Space):
    """Number i is AS 4242420100+i with 172.20.i.0/24 and fd42:0:i::/48, on the underlay at 198.51.100.(100+i)."""

    def __init__(self, lab, i, bird="bird2", name=None):
        super().__init__(lab, name or f"peer{i}", 100 + i)
        self.i, self.asn, self.port = i, 4242420100 + i, 51000 + i
        self.ipv4, self.ipv6, self.link_local = f"172.20.{i}.1", f"fd42:0:{i}::1", f"fe80::{i}"
        self.private_key, self.public_key = make_keys()
        self.peers = {}
        self.birdc = Birdc(self.folder / "bird.ctl")
        self.run("ip", "addr", "add", f"{self.ipv4}/32", "dev", "lo")
        self.run("ip", "addr", "add", f"{self.ipv6}/128", "dev", "lo")
        (self.folder / "private.key").write_text(self.private_key)
        (self.folder / "private.key").chmod(0o600)
        self._write_bird()
        self.bird_process = self.start("bird", bird_programs()[bird], "-f", "-c", self.folder / "bird.conf",
                                       "-s", self.birdc.path, "-P", self.folder / "bird.pid")
        wait_for(f"BIRD of {self.name}", lambda: self.birdc.version(), 10)

    def peer(self, kind, their, *, endpoint, preshared_key=None, line=0):
        """Sets up our end of a session with `their`: an object with asn, public_key, ipv4, ipv6 and link_local. Further sessions with
        the same AS, at other routers of it, are lines 1, 2, … with a port of their own."""
        interface = f"to_{their.asn % 10000}" + (f"_{line}" if line else "")
        self._start_wireguard([interface])
        self._set_wireguard(interface, their.public_key, endpoint, self.port_of(line), preshared_key)
        if kind is SessionKind.LINK_LOCAL:
            self.run("ip", "addr", "add", f"{self.link_local}/64", "dev", interface)
        else:
            self.run("ip", "addr", "add", self.ipv4, "peer", their.ipv4, "dev", interface)
        if kind is SessionKind.ULA:
            self.run("ip", "addr", "add", self.ipv6, "peer", their.ipv6, "dev", interface, "nodad")
        name = _protocol(their.asn, line)
        self.peers[name] = _bgp(kind, name, self, their, interface)
        self._configure()
        return interface

    def forget(self, their):
        """Our end of the tunnel to `their` is gone, as when a router dies: nobody is told."""
        self.run("wg", "set", f"to_{their.asn % 10000}", "peer", their.public_key, "remove")

    def remember(self, their, endpoint):
        self._set_wireguard(f"to_{their.asn % 10000}", their.public_key, endpoint, self.port, None)

    def homes(self, nodes):
        """Sessions with several nodes of one network, over link-local addresses."""
        homes = [Home(self, slot) for slot in range(1, len(nodes) + 1)]
        self._start_wireguard([home.interface for home in homes])
        for home, node in zip(homes, nodes):
            self._set_wireguard(home.interface, node.public_key, f"{node.address}:{node.port_for(self.asn)}", home.port, None)
            self.run("ip", "addr", "add", f"{home.link_local}/64", "dev", home.interface)
            self.peers[home.name] = _bgp(SessionKind.LINK_LOCAL, home.protocol, home, node, home.interface)
        self._configure()
        return homes

    def crowd(self, count, their, endpoint_of):
        """Plays `count` systems that all peer with `their`; `endpoint_of(face)` is where each of them calls."""
        faces = [Face(self, slot) for slot in range(1, count + 1)]
        self._start_wireguard([f"face{face.slot}" for face in faces])
        for face in faces:
            interface = f"face{face.slot}"
            self._set_wireguard(interface, their.public_key, endpoint_of(face), face.port, None)
            self.run("ip", "addr", "add", f"{face.link_local}/64", "dev", interface)
            name = _protocol(their.asn, face.slot)
            self.peers[name] = _bgp(SessionKind.LINK_LOCAL, name, face, their, interface)
        self._configure()
        return faces

    def _start_wireguard(self, interfaces):
        for interface in interfaces:
            self.start(f"wg-{interface}", *_AS_ITS_OWN_USER, "wireguard-go", "-f", interface, LOG_LEVEL="error")
        for interface in interfaces:
            wait_for(f"wireguard-go {interface} on {self.name}", lambda: self._answers(interface), 30)

    def _answers(self, interface):
        """A socket that is bound and does not listen yet is a dead daemon's to `wg`, which removes it: so that is waited for otherwise. And
        `set` in the first instants after may hang: first it is asked, with a deadline."""
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(1)
            door.connect(f"/proc/{self.pid}/root/run/wireguard/{interface}.sock")
        return self.run("wg", "show", interface, seconds=1, check=False)[0] == 0

    def _set_wireguard(self, interface, public_key, endpoint, port, preshared_key):
        arguments = ["listen-port", port, "private-key", self.folder / "private.key", "peer", public_key,
                     "persistent-keepalive", 5, "allowed-ips", "0.0.0.0/0,::/0", "endpoint", endpoint]
        if preshared_key:
            (self.folder / "psk").write_text(preshared_key)
            arguments += ["preshared-key", self.folder / "psk"]
        self.run("wg", "set", interface, *arguments)
        # up before the addresses: the kernel makes the route to an IPv6 address's peer only on a link that is up (measured on 6.18)
        self.run("ip", "link", "set", interface, "mtu", 1420, "addrgenmode", "none")
        self.run("ip", "link", "set", interface, "up")

    def _configure(self):
        self._write_bird()
        code, text = self.birdc.ask("configure")
        assert code in (3, 4), f"{self.name}: {text}"

    def _write_bird(self):
        (self.folder / "bird.conf").write_text(f"""log "{self.folder}/bird.log" all;
router id {self.ipv4};
protocol device {{ scan time 2; }}
protocol static own4 {{ ipv4; route 172.20.{self.i}.0/24 unreachable; }}
protocol static own6 {{ ipv6; route fd42:0:{self.i}::/48 unreachable; }}
protocol kernel k4 {{ ipv4 {{ import none; export filter {{ if source = RTS_STATIC then reject; krt_prefsrc = {self.ipv4}; accept; }}; }}; }}
protocol kernel k6 {{ ipv6 {{ import none; export filter {{ if source = RTS_STATIC then reject; krt_prefsrc = {self.ipv6}; accept; }}; }}; }}
""" + "".join(self.peers.values()))

    def announce(self, *prefixes):
        """Beside its own: other networks' as well, as a route leak would."""
        for family in (4, 6):
            routes = "".join(f" route {prefix} unreachable;" for prefix in prefixes if (":" in prefix) == (family == 6))
            self.peers[f"more{family}"] = f"protocol static more{family} {{ ipv{family};{routes} }}\n"
        self._configure()

    def port_of(self, line):
        return self.port + 100 * line

    def session(self, asn):
        """BIRD's row of the session with that AS, or None."""
        return self.birdc.protocols().get(_protocol(asn, 0))

    def is_established(self, asn, line=0):
        return self.birdc.established(_protocol(asn, line))


def _protocol(asn, line):
    return f"as{asn}" + (f"_{line}" if line else "")


def _bgp(kind, name, own, their, interface):
    # GRACEFUL_SHUTDOWN is honored, as a good neighbor does (RFC 8326)
    channel = ("import filter { if (65535, 0) ~ bgp_community then bgp_local_pref = 0; accept; }; "
               "export where source ~ [RTS_STATIC, RTS_BGP]; ")
    ends = {
        SessionKind.LINK_LOCAL: f"local {own.link_local} as {own.asn}; neighbor {their.link_local} % '{interface}' as {their.asn};",
        SessionKind.ULA: f"local {own.ipv6} as {own.asn}; neighbor {their.ipv6} as {their.asn}; direct;",
        SessionKind.IPV4: f"local {own.ipv4} as {own.asn}; neighbor {their.ipv4} as {their.asn}; direct;",
    }[kind]
    ipv4 = "ipv4 { " + ("extended next hop on; " if kind is SessionKind.LINK_LOCAL else "") + channel + "};"
    ipv6 = "" if kind is SessionKind.IPV4 else "ipv6 { " + channel + "};"
    return (f"protocol bgp {name} {{\n  {ends}\n  connect delay time 1; connect retry time 2; error wait time 1, 2; hold time 9;\n"
            f"  {ipv4}\n  {ipv6}\n}}\n")
