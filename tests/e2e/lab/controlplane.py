"""ControlPlane: moenet-controlplane itself, in a namespace of its own, worked through its commands as an operator would."""
import json
import re

from .foreign import SessionKind
from .node import BUILD
from .space import Space
from .waiting import wait_for

PROGRAM = BUILD / "src/moenet-controlplane"


class ControlPlane(Space):
    def __init__(self, lab, name="cp", number=2, port=8080, config=None, environment=None, before=(), seconds=15):
        """`config`: of its file; `listen` there is instead of the command line's. `environment`: more of it. `before`: words of a
        command that runs it, which may take so many seconds to have it up."""
        super().__init__(lab, name, number)
        self.url = f"http://{self.address}:{port}"
        self.state = self.folder / "state"
        self.listen = f"{self.address}:{port}"
        self.process = None
        self.environment, self.before, self.seconds = environment or {}, before, seconds
        self.write_config(config or {})
        self.start_server()

    def write_config(self, words):
        (self.folder / "config.json").write_text(json.dumps(words))
        (self.folder / "config.json").chmod(0o600)
        self.arguments = [] if "listen" in words else ["--listen", self.listen]

    def start_server(self):
        self.process = self.start("controlplane", *self.before, PROGRAM, "-c", self.folder / "config.json", "--state-dir", self.state, "serve",
                                  *self.arguments, **self.environment)
        wait_for("the control plane's API", self.is_healthy, self.seconds, 0.02)

    def is_healthy(self):
        return self.http("GET", "/health")[0] == 200

    def http(self, method, path, body=None, token=None, seconds=10, headers=None):
        """(status, headers, text) of a request made in the control plane's own namespace. A str goes as it is, all else as JSON."""
        import http.client
        with self.entered():
            link = http.client.HTTPConnection(self.address, int(self.listen.rsplit(":", 1)[1]), timeout=seconds)
            link.connect()
        try:
            link.request(method, path, body=body if body is None or isinstance(body, str) else json.dumps(body),
                         headers={**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})})
            answer = link.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            link.close()

    # The operator, by commands
    def command_line(self, *arguments):
        return [PROGRAM, "--state-dir", self.state, "--url", self.url, *arguments]

    def command(self, *arguments, check=True):
        return self.run(*self.command_line(*arguments), check=check)

    def describe_command(self, *arguments):
        return " ".join(map(str, self.command_line(*arguments)))

    def add_node(self, node):
        """Returns the node's token."""
        output = self.command("node", "add", node.name, "--id", node.number, "--region", "AS-E")
        return output.splitlines()[-1]  # which may begin or end with "-"

    def add_peer(self, node, foreign, kind, *more, line=0):
        """Returns the session's uuid. `line`: see ForeignRouter.peer."""
        arguments = ["--node", node.name, "--asn", foreign.asn, "--key", foreign.public_key, "--port", node.port_for(foreign.asn),
                     "--endpoint", f"{foreign.address}:{foreign.port_of(line)}"]
        if kind is SessionKind.LINK_LOCAL:
            arguments += ["--link-local", foreign.link_local, "--mp-bgp", "--extended-next-hop"]
        if kind is SessionKind.ULA:
            arguments += ["--ipv6", foreign.ipv6, "--ipv4", foreign.ipv4, "--mp-bgp"]
        if kind is SessionKind.IPV4:
            arguments += ["--ipv4", foreign.ipv4]
        output = self.command("peer", "add", *arguments, *more)
        return re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", output)[0]

    def approve(self, uuid):
        self.command("peer", "approve", uuid)

    def disable(self, uuid):
        self.command("peer", "disable", uuid)

    def delete(self, uuid):
        self.command("peer", "delete", uuid)

    # What it holds, by its admin API
    def admin(self, method, path, body=None):
        token = (self.state / "admin-token").read_text().strip()
        status, _, text = self.http(method, f"/api/v1/admin{path}", body, token)
        return status, json.loads(text) if text else None

    def session(self, uuid):
        status, body = self.admin("GET", f"/sessions/{uuid}")
        return body if status == 200 else None

    def status_of(self, uuid):
        """Its name, "ENABLED"; None when the row is gone."""
        row = self.session(uuid)
        return row and row["status"]
