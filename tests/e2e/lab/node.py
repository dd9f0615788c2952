"""MoenetNode: a node of the network under test, as in production: BIRD with the operator's bird.conf, WireGuard, the agent."""
import http.client
import json
import os
import pathlib
import signal
import time
import uuid

from .birdc import ROOT, Birdc, bird_programs
from .foreign import SessionKind, make_keys
from .space import Space, processes_in_namespace
from .waiting import wait_for

BUILD = pathlib.Path(os.environ.get("MOENET_BUILD", ROOT / "build/release"))
LOCAL_ASN = 4242420998

# The operator's bird.conf: what docs/configuration.md asks for. The timers are short so that tests are.
_BIRD_CONF = """log "{folder}/bird.log" all;
router id {ipv4};
protocol device {{ scan time 2; }}
protocol static own4 {{ ipv4; route 172.22.188.0/26 unreachable; }}
protocol static own6 {{ ipv6; route fd00:4242:7777::/48 unreachable; }}
protocol kernel k4 {{ ipv4 {{ import none; export filter {{ if source = RTS_STATIC then reject; krt_prefsrc = {ipv4}; accept; }}; }}; }}
protocol kernel k6 {{ ipv6 {{ import none; export filter {{ if source = RTS_STATIC then reject; krt_prefsrc = {ipv6}; accept; }}; }}; }}
filter dn42_import_filter {{
  if net.type = NET_IP4 && net ~ [172.20.0.0/14{{21,29}}] then accept;
  if net.type = NET_IP6 && net ~ [fd00::/8{{44,64}}] then accept;
  reject;
}}
filter dn42_export_filter {{ if source ~ [RTS_STATIC, RTS_BGP] then accept; reject; }}
filter dn42_import_filter_theirs {{
  if net.type = NET_IP4 && net ~ [172.20.0.0/14{{21,29}}] && bgp_path.len = 1 then accept;
  if net.type = NET_IP6 && net ~ [fd00::/8{{44,64}}] && bgp_path.len = 1 then accept;
  reject;
}}
filter dn42_export_filter_own {{ if source = RTS_STATIC then accept; reject; }}
template bgp dn42_peer {{
  local as {asn};
  path metric on;
  connect delay time 1; connect retry time 2; error wait time 1, 2;
  ipv4 {{ import limit 9000 action block; import table on; import filter dn42_import_filter; export filter dn42_export_filter; }};
  ipv6 {{ import limit 9000 action block; import table on; import filter dn42_import_filter; export filter dn42_export_filter; }};
}}
include "{folder}/peers/*.conf";
"""


class MoenetNode(Space):
    """Node `number` is `172.22.188.<number>` and `fd00:4242:7777:101:<number>::1`, on the underlay at 198.51.100.<number>."""

    def __init__(self, lab, name="jp1", number=1, bird="bird2", ownership="peers", extra_bird=""):
        super().__init__(lab, name, number)
        self.asn, self.bird, self.ownership = LOCAL_ASN, bird, ownership
        self.ipv4, self.ipv6 = f"172.22.188.{number}", f"fd00:4242:7777:101:{number}::1"
        self.link_local = f"fe80::998:101:{number}:1"
        self.private_key, self.public_key = make_keys()
        self.birdc = Birdc(self.folder / "bird.ctl")
        self.agent_process = None
        self.run("ip", "addr", "add", f"{self.ipv4}/32", "dev", "lo")
        self.run("ip", "addr", "add", f"{self.ipv6}/128", "dev", "lo")
        (self.folder / "peers").mkdir()
        self.key_file = self.folder / "private.key"
        self.key_file.write_text(self.private_key + "\n")
        self.key_file.chmod(0o600)
        self.write_bird(extra_bird)
        self.start_bird()

    # BIRD
    def write_bird(self, extra=""):
        text = _BIRD_CONF.format(folder=self.folder, ipv4=self.ipv4, ipv6=self.ipv6, asn=self.asn)
        (self.folder / "bird.conf").write_text(extra + text)

    def start_bird(self):
        self.bird_process = self.start("bird", bird_programs()[self.bird], "-f", "-c", self.folder / "bird.conf",
                                       "-s", self.birdc.path, "-P", self.folder / "bird.pid")
        wait_for(f"BIRD of {self.name}", lambda: self.birdc.version(), 10)

    def is_established(self, asn):
        return self.birdc.established(f"dn42_{asn}")

    def configured_count(self):
        """How often BIRD took a new configuration."""
        return (self.folder / "bird.log").read_text(errors="replace").count("Reconfigured")

    # The agent
    def write_config(self, url, token, **sections):
        """The full form (wire contract A4); `sections` are merged in, e.g. controlPlane={"syncInterval": 60}."""
        config = {
            "node": {"name": self.name},
            "controlPlane": {"url": url, "token": token, "requestTimeout": 3, "heartbeatInterval": 5, "syncInterval": 1,
                             "maxRetries": 1, "retryInitialDelay": 100},
            "server": {"listen": "127.0.0.1:24368"},
            "api": {"token": "local-token"},
            "bird": {"controlSocket": self.birdc.path, "peerConfDir": str(self.folder / "peers"), "ownership": self.ownership,
                     "configFile": str(self.folder / "bird.conf")},
            "wireguard": {"privateKeyPath": str(self.key_file), "backend": "userspace", "userspaceProgram": "wireguard-go",
                          "dn42Ipv4": self.ipv4, "dn42Ipv6": self.ipv6, "dn42Ipv6LinkLocal": self.link_local},
            "stateDir": str(self.folder / "state"),
        }
        for name, values in sections.items():
            config[name] = {**config.get(name, {}), **values} if isinstance(values, dict) else values
        (self.folder / "config.json").write_text(json.dumps(config, indent=2))
        (self.folder / "config.json").chmod(0o600)

    def start_agent(self, wait=True, before=(), **environment):
        """`before`: words of a command that runs it, e.g. setpriv."""
        self.agent_process = self.start("agent", *before, self.agent_program(), "-c", self.folder / "config.json", "run", **environment)
        if wait:
            wait_for(f"the agent's API on {self.name}", lambda: self.status(), 15)
        return self.agent_process

    def stop_agent(self, number=signal.SIGTERM):
        return self.stop(self.agent_process, 35, number)

    def agent(self, *arguments, check=True, seconds=60):
        """Runs a command of the agent in the node."""
        return self.run(BUILD / "src/moenet-agent", "-c", self.folder / "config.json", *arguments, check=check, seconds=seconds)

    def api(self, path, method="GET", token="local-token", seconds=40, body=None):
        """(status, body) of a request to the agent's own API. A reload, also the one after the control plane's first config, closes
        the API for an instant: then it is asked again."""
        for attempt in range(20):
            try:
                return self._ask_api(path, method, token, seconds, body)
            except (ConnectionError, http.client.RemoteDisconnected):
                if attempt == 19 or self.agent_process.poll() is not None:
                    raise
                time.sleep(0.05)
        raise AssertionError("unreachable")

    def _ask_api(self, path, method, token, seconds, body):
        with self.entered():
            link = http.client.HTTPConnection("127.0.0.1", 24368, timeout=seconds)
            link.connect()
        try:
            link.request(method, path, body=None if body is None else json.dumps(body), headers={"Authorization": f"Bearer {token}"} if token else {})
            answer = link.getresponse()
            return answer.status, answer.read().decode()
        finally:
            link.close()

    def status(self):
        code, body = self.api("/status")
        assert code == 200, body
        return json.loads(body)

    def sync(self):
        """One whole sync, to its end."""
        code, body = self.api("/sync?wait=1")
        assert code == 200, body
        return json.loads(body)

    def agent_log(self):
        return (self.folder / "agent.log").read_text(errors="replace")

    @staticmethod
    def agent_program():
        return BUILD / "src/moenet-agent"

    # What is on the node
    def files(self):
        return sorted(path.name for path in (self.folder / "peers").iterdir())

    def traces_of(self, asn):
        """Everything on the node that still belongs to a session; empty after its deletion."""
        found = [f"link {name}" for name in self.links() if str(asn) in name]
        found += [f"file {name}" for name in self.files() if str(asn) in name]
        found += [f"protocol {name}" for name in self.birdc.protocols() if str(asn) in name]
        found += [f"socket {name}" for name in self.run("ls", "/run/wireguard").split() if str(asn) in name]
        return found

    def daemons(self):
        """{interface: pid} of the userspace tunnels that run in this node."""
        return {words[-1]: pid for pid, words in processes_in_namespace(self.inode) if words[0].endswith("wireguard-go")}

    def link_of(self, asn):
        return next(name for name in self.links() if str(asn) in name)

    def wireguard(self, interface):
        """`wg show INTERFACE dump`: (own line, [peer lines]), each a list of fields."""
        lines = [line.split("\t") for line in self.run("wg", "show", interface, "dump").splitlines()]
        return lines[0], lines[1:]

    # Peering
    def row(self, foreign, kind=SessionKind.LINK_LOCAL, status=4, **fields):
        """The control plane's row (wire contract A3) of a session with a foreign router."""
        row = {
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.{foreign.asn}")), "asn": foreign.asn, "name": f"AS{foreign.asn}",
            "description": "lab", "status": status, "type": "wireguard", "mtu": 1420, "policy": 0,
            "interface": f"dn42_{foreign.asn}", "endpoint": f"{foreign.address}:{foreign.port}",
            "credential": json.dumps({"public_key": foreign.public_key}), "port": self.port_for(foreign.asn),
            "ipv4": None, "ipv6": None, "ipv6LinkLocal": None, "data": None, "lastError": None,
            "extensions": [] if kind is SessionKind.IPV4 else ["mp-bgp"],
        }
        if kind is SessionKind.LINK_LOCAL:
            row.update(ipv6LinkLocal=foreign.link_local, extensions=["mp-bgp", "extended-nexthop"])
        if kind is not SessionKind.LINK_LOCAL:
            row.update(ipv4=foreign.ipv4)
        if kind is SessionKind.ULA:
            row.update(ipv6=foreign.ipv6)
        row.update(fields)
        return row

    @staticmethod
    def port_for(asn):
        return 30000 + asn % 10000

    def expected_by(self, foreign, kind=SessionKind.LINK_LOCAL, **fields):
        """Lets the foreign operator set up the other end."""
        return foreign.peer(kind, self, endpoint=self.endpoint_for(foreign), **fields)

    def endpoint_for(self, foreign):
        return f"{self.address}:{self.port_for(foreign.asn)}"
