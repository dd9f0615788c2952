"""docs/api.yaml, held against the control plane while it runs: each path, method and status in it is seen, and each answer is as it says.

The agent's half is test_agent_contract.py; what no test can have, lab/api_promises.py. That the control plane has no route beside these is
tests/controlplane/routes_test.cpp.
"""
import hashlib
import json
import re
import secrets
import subprocess
import threading

from lab import ControlPlane, wait_for
from lab.api_promises import NOBODY, PLANE, expect_all, named, promises_of
from lab.birdc import ROOT, bird_programs
from lab.foreign import make_keys
from lab.openapi import OpenApi

OWN, OTHERS = 4242420101, 4242420102


class Talk:
    """Requests to a control plane whose answers are held to the contract."""

    def __init__(self, plane, contract):
        self.plane, self.contract = plane, contract
        self.owner = (plane.state / "admin-token").read_text().strip()
        self.headers = {}

    def __call__(self, expected, method, target, body=None, token=None, headers=None):
        """The body of the answer, which has one of the `expected` statuses; of JSON its value. `token` absent: the owner's; "": none."""
        status, self.headers, text = self.plane.http(method, target, body, self.owner if token is None else token, headers=headers)
        self.contract.check(method, target, status, self.headers, text)
        assert status in (expected if isinstance(expected, tuple) else (expected,)), f"{method} {target}: {status} {text}"
        return json.loads(text) if text and "json" in self.headers.get("Content-Type", "") else text

    def read(self, target, token=None):
        """A GET, and again with what it gave: 304. A version alone, which the older spelling has, says nothing of the content."""
        answer = self(200, "GET", target, token=token)
        if re.fullmatch(r'"\d+"', self.headers["ETag"]):
            assert target.startswith("/api/v1/admin/")
            return answer
        self(304, "GET", target, token=token, headers={"If-None-Match": self.headers["ETag"]})
        return answer

    def stale(self, method, target, body=None):
        self(412, method, target, body, headers={"If-Match": '"999999"'})


def draft(node, asn=OWN, **more):
    return {"node": node, "asn": asn, "publicKey": make_keys()[1], "ipv6LinkLocal": f"fe80::{asn % 10000}", "mpBgp": True,
            "extendedNextHop": True, "endpoint": "peer.example.net:20998", **more}


def knock(talk, user):
    """Each operation by nobody, by a user, and about what is not there. Nobody comes from another address each time: from one it would soon
    be refused for guessing tokens."""
    ours = set(promises_of(talk.contract, PLANE))
    for number, ((method, path), operation) in enumerate(talk.contract.operations.items()):
        if not re.match(r"/api/v1/(?!agent/|auth/(challenge|proof|token)|admin$)", path):
            continue
        statuses = set(operation["responses"])
        body = None if method in ("GET", "DELETE") else {}
        target = named(path)
        talk((401, 403), method, target, body, token="", headers={"X-Forwarded-For": f"192.0.2.{number}"})
        if (method, path, 403) in ours and "/auth/" not in path and not re.search(r"/v1/(sessions|tokens)", path):
            talk(403, method, target, body, token=user)
        if "404" in statuses and "{" in path:
            talk(404, method, target, body)


def walk_nodes(talk, root, names):
    first, second = names
    added = talk(201, "POST", f"{root}/nodes", {"name": first, "region": "AS-E"})
    talk(201, "POST", f"{root}/nodes", {"name": second, "region": "AS-E"})
    talk(422, "POST", f"{root}/nodes", {"name": first, "region": "AS-E"})
    part = talk.read(f"{root}/nodes?limit=1")
    assert len(part["nodes"]) == 1 and part["next"]
    assert talk(200, "GET", f"{root}/nodes?limit=1&after={part['next']}")["nodes"][0]["id"] > part["nodes"][0]["id"]
    talk(422, "GET", f"{root}/nodes?limit=0")
    one = f"{root}/nodes/{first}"
    assert talk.read(one)["state"] == "active"
    assert talk(200, "PATCH", one, {"maxSessions": 5, "peeringNote": "ask first"})["maxSessions"] == 5
    talk.stale("PATCH", one, {"maxSessions": 5})
    talk(422, "PATCH", one, {"maxSessions": -1})
    talk.stale("DELETE", one)
    talk(200, "POST", f"{one}/token?overlap=3600", {})
    talk(422, "POST", f"{one}/token?overlap=-1", {})
    talk(204, "DELETE", f"{root}/nodes/{second}/token")
    talk(201, "POST", f"{one}/bootstrap", {})
    talk(422, "POST", f"{one}/bootstrap", {"url": "no url"})
    talk.read(f"{one}/series?span=90d")
    talk(422, "GET", f"{one}/series?span=1y")
    return added["token"]


def walk_sessions(talk, root, node, token, user):
    """`user`: of AS OWN, below this root; None where users have nothing to ask for."""
    sessions = f"{root}/sessions"
    would = talk(200, "POST", f"{sessions}?dry-run=1", draft(node))
    assert would["status"] == "PENDING" and talk(404, "GET", f"{sessions}/{would['uuid']}")
    row = talk(201, "POST", sessions, draft(node), token=user)
    talk(422, "POST", sessions, draft(node))
    talk(422, "POST", sessions, draft("nowhere"))
    talk.read(f"{sessions}?node={node}&status=pending&q=as{OWN}&limit=1")
    talk(422, "GET", f"{sessions}?status=sleepy")
    one = f"{sessions}/{row['uuid']}"
    talk.read(one, token=user)
    talk(200, "PATCH", one, {"mtu": 1400}, token=user)
    talk(422, "PATCH", one, {"mtu": 1}, token=user)
    talk.stale("PATCH", one, {"mtu": 1400})
    talk.stale("DELETE", one)
    for move in ("approve", "reject", "disable", "enable"):
        talk.stale("POST", f"{one}/{move}")
    talk(409, "POST", f"{one}/disable")
    talk(409, "POST", f"{one}/enable")
    talk(200, "POST", f"{one}/approve")
    talk(409, "POST", f"{one}/reject", {"reason": "too late"})
    report(talk, node, token, row["uuid"], 2)
    talk(200, "POST", f"{one}/disable", token=user)
    talk(200, "POST", f"{one}/enable", token=user)
    talk.read(f"{one}/series", token=user)
    talk(422, "GET", f"{one}/series?span=1y")
    assert talk.read(f"{one}/events", token=user)["events"][0]["to"] == "QUEUED_FOR_SETUP"
    assert "[Interface]" in talk.read(f"{one}/snippets", token=user)["wireguard"]
    refused = talk(201, "POST", sessions, draft(node, OTHERS))
    talk(200, "POST", f"{sessions}/{refused['uuid']}/reject", {"reason": "not you"})
    talk(409, "POST", f"{sessions}/{refused['uuid']}/approve")
    talk(409, "PATCH", f"{sessions}/{refused['uuid']}", {"mtu": 1400})
    talk(204, "DELETE", f"{sessions}/{refused['uuid']}")
    if user:
        talk(403, "POST", sessions, draft(node, OTHERS), token=user)
        talk(403, "PATCH", one, {"importLimit": 5}, token=user)
        talk(403, "POST", f"{one}/approve", token=user)
        talk(403, "POST", f"{one}/reject", token=user)
        talk(403, "DELETE", f"{one}?force=1", token=user)
        talk(200, "POST", f"{one}/disable", token=user)
        talk(200, "PATCH", f"{root}/settings", {"peering": {"blockedAsns": [OWN]}})
        talk(422, "POST", f"{one}/enable", token=user)
        talk(200, "PATCH", f"{root}/settings", {"peering": {"blockedAsns": []}})
        talk(200, "POST", f"{one}/enable", token=user)
    report(talk, node, token, row["uuid"], 2)
    talk(200, "DELETE", one, token=user)
    return row["uuid"]


def report(talk, node, token, uuid, status):
    talk(200, "POST", f"/api/v1/agent/{node}/modify", {"uuid": uuid, "status": status}, token=token)


def walk_settings(talk, root, node):
    before = talk.read(f"{root}/settings")
    assert talk(200, "PATCH", f"{root}/settings", {"peering": {"approval": "manual"}})
    talk.stale("PATCH", f"{root}/settings", {})
    talk(422, "PATCH", f"{root}/settings", {"asn": 0})
    files = talk.read(f"{root}/settings/preview?node={node}")["nodes"][0]["files"]
    assert "00_base.conf" in [file["name"] for file in files]
    diff = talk(200, "POST", f"{root}/settings/preview", {"policy": {"asPathMaxLen": 7}})["nodes"][0]["diff"]
    assert "+  if bgp_path.len > 7 then reject;" in diff
    talk(422, "POST", f"{root}/settings/preview", {"policy": {"asPathMaxLen": 0}})
    for method in ("GET", "POST"):
        talk(404, method, f"{root}/settings/preview?node=nowhere", None if method == "GET" else {})
    talk.read(f"{root}/blocklist")
    for method in ("PUT", "PATCH"):
        talk(200, method, f"{root}/blocklist", {"asns": [4242429999], "prefixes": ["172.20.99.0/24"]})
        talk(422, method, f"{root}/blocklist", {"asns": [0]})
        talk.stale(method, f"{root}/blocklist", {})
    talk(200, "PATCH", f"{root}/settings", {"policy": None})
    for method in ("PUT", "PATCH"):
        talk(409, method, f"{root}/blocklist", {"asns": []})
    talk(200, "PATCH", f"{root}/settings", {"policy": before["policy"]})


def walk_agent(talk, node, token, shared, others):
    """The API of nodes, by a node with its own token, by another one, by nobody, and by whoever has the shared key."""
    root = f"/api/v1/agent/{node}"
    bodies = {"config": {}, "sessions": {}, "mesh": {}, "bird-config": {}, "modify": {"uuid": NOBODY, "status": 2},
              "heartbeat": {"agent_version": "1", "status": {"kernel": "6"}}, "report": {"sessions": []}, "rtt": {"measurements": []},
              "mesh/status": {"peers": {"2": "configured"}, "links": {"2": {"handshakeAge": 3, "babel": True, "rtt": 1.5}}}}
    for action, body in bodies.items():
        for method in ("GET", "POST") if action in ("config", "sessions", "mesh", "bird-config") else ("POST",):
            sent = None if method == "GET" else body
            talk(200 if action != "modify" else 404, method, f"{root}/{action}", sent, token=token)
            if action in ("sessions", "mesh", "bird-config"):
                talk(304, method, f"{root}/{action}", sent, token=token, headers={"If-None-Match": talk.headers["ETag"]})
            talk(401, method, f"{root}/{action}", sent, token="")
            talk(403, method, f"{root}/{action}", sent, token=others)
            talk(404, method, f"/api/v1/agent/nowhere/{action}", sent, token=shared)
    talk(500, "POST", f"{root}/modify", {"uuid": "none", "status": 2}, token=token)
    talk(422, "POST", f"{root}/modify", {}, token=token)
    talk(422, "POST", f"{root}/report", {}, token=token)
    talk(422, "POST", f"{root}/rtt", {}, token=token)
    for action in ("heartbeat", "report", "rtt"):
        talk(500, "POST", f"{root}/{action}", "no JSON", token=token)
    plain = "/api/v1/agent/heartbeat"
    talk(200, "POST", plain, {"node_id": node, "status": {}}, token=token)
    talk(401, "POST", plain, {"node_id": node}, token="")
    talk(403, "POST", plain, {"node_id": node}, token=others)
    talk(422, "POST", plain, {}, token=token)
    talk(500, "POST", plain, "no JSON", token=token)


def walk_queries(talk, node, token, shared, others, user):
    """The looking glass. The node's agent is played: nobody knows better than a thread that answers what the next one asks."""
    asked, reads, nowhere = f"/api/v1/nodes/{node}/queries", f"/api/v1/agent/{node}/queries", "/api/v1/agent/nowhere/queries"
    question = {"tool": "path", "target": "172.20.0.53"}
    tell = lambda tools: talk(200, "POST", f"/api/v1/agent/{node}/heartbeat", {"status": {"lookingGlass": tools}}, token=token)  # noqa: E731
    tell([])
    talk(409, "POST", asked, question, token=user)
    tell(["path"])
    talk(422, "POST", asked, {"tool": "path"}, token=user)
    assert talk(200, "GET", reads, token=token)["data"]["queries"] == []
    for method, path, body in (("GET", "", None), ("POST", "/x", {"result": "x"})):
        talk(401, method, reads + path, body, token="")
        talk(403, method, reads + path, body, token=others)
        talk(404, method, nowhere + path, body, token=shared)
    talk(422, "POST", f"{reads}/x", {}, token=token)

    def answer(words):
        seen = talk.plane.http("GET", reads, None, token, 30, {"Prefer": "wait=20"})
        talk.contract.check("GET", reads, *seen)
        for query in json.loads(seen[2])["data"]["queries"]:
            one = f"{reads}/{query['id']}"
            talk.contract.check("POST", one, *talk.plane.http("POST", one, words, token))

    def ask(words):
        thread = threading.Thread(target=answer, args=(words,), daemon=True)
        thread.start()
        return talk((200, 429, 503), "POST", asked, question, token=user)

    assert ask({"result": "4242420053\n", "data": {"path": {"asns": [4242420053]}}})["result"] == "4242420053\n"
    assert ask({"status": 503, "error": "BIRD is away"})["status"] == 503
    told = [ask({"result": "x"}) for _ in range(12)]
    assert told[-1].get("status") == 429, told


def walk_people(talk, user):
    """Users, tokens, audit. `user`: an API token of AS4242420101."""
    alice = talk(201, "POST", "/api/v1/users", {"name": "alice", "role": "admin"})
    talk(201, "POST", "/api/v1/users", {"name": "bob"})
    talk(422, "POST", "/api/v1/users", {"name": "alice"})
    admin = talk(201, "POST", "/api/v1/tokens", {"label": "a", "user": "alice"})["token"]
    talk(403, "POST", "/api/v1/users", {"name": "carol", "role": "owner"}, token=admin)
    talk.read("/api/v1/users?limit=1")
    talk(422, "GET", "/api/v1/users?limit=0")
    talk.read("/api/v1/users/alice")
    talk(200, "PATCH", "/api/v1/users/bob", {"disabled": True})
    talk(422, "PATCH", "/api/v1/users/bob", {"role": "king"})
    talk(403, "PATCH", "/api/v1/users/alice", {"role": "user"}, token=admin)
    talk(403, "DELETE", "/api/v1/users/alice", token=admin)
    talk.stale("PATCH", "/api/v1/users/bob", {"disabled": False})
    talk.stale("DELETE", "/api/v1/users/bob")
    talk(204, "DELETE", f"/api/v1/users/{alice['id']}")
    talk.read("/api/v1/tokens", token=user)
    talk(422, "GET", "/api/v1/tokens?limit=0")
    talk(403, "POST", "/api/v1/tokens", {"label": "of a token"}, token=user)
    talk(422, "POST", "/api/v1/tokens", {"label": "no good label"})
    made = talk(201, "POST", "/api/v1/tokens", {"label": "ci", "expiresIn": 60})
    talk(204, "DELETE", f"/api/v1/tokens/{made['id']}")
    talk(404, "DELETE", f"/api/v1/tokens/{made['id']}")
    first = talk(200, "GET", "/api/v1/audit?limit=2&object=user%20bob")
    assert first["entries"] and all(entry["object"] == "user bob" for entry in first["entries"])
    talk.read("/api/v1/audit?since=99999999999999")
    talk(422, "GET", "/api/v1/audit?since=never")


def sign(folder, text):
    """The armored signature of the maintainer's key."""
    done = subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "moenet", "-f", folder / "key"], input=text, capture_output=True, text=True, check=True)
    return done.stdout


def register(folder):
    """A registry in which AS OWN has a maintainer with a key."""
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", folder / "key"], check=True, capture_output=True)
    key = " ".join((folder / "key.pub").read_text().split()[:2])
    data = folder / "registry" / "data"
    for kind, name, text in (("aut-num", f"AS{OWN}", f"aut-num: AS{OWN}\nas-name: X\nmnt-by: X-MNT\nsource: DN42\n"),
                             ("mntner", "X-MNT", f"mntner: X-MNT\nauth: {key}\nmnt-by: X-MNT\nsource: DN42\n")):
        (data / kind).mkdir(parents=True, exist_ok=True)
        (data / kind / name).write_text(text)
    return folder / "registry"


def walk_sign_in(talk, folder):
    """Proofs and cookies, and last of all what shuts the address out."""
    def prove(expected):
        challenge = talk(200, "POST", "/api/v1/auth/challenge", {"asn": OWN}, token="")
        return talk(expected, "POST", "/api/v1/auth/proof", {"id": challenge["id"], "signature": sign(folder, challenge["text"])}, token="")

    identity = prove(200)
    assert identity["asn"] == OWN and identity["role"] == "user"
    cookie = {"Cookie": talk.headers["Set-Cookie"].split(";")[0]}
    me = talk(200, "GET", "/api/v1/auth/me", token="", headers=cookie)
    assert me["csrf"] == identity["csrf"] and me["features"] == ["asn-proof"]
    talk(304, "GET", "/api/v1/auth/me", token="", headers={**cookie, "If-None-Match": talk.headers["ETag"]})
    talk(401, "GET", "/api/v1/auth/me", token="")
    talk(403, "POST", "/api/v1/auth/logout", token="", headers=cookie)
    talk(204, "POST", "/api/v1/auth/logout", token="", headers={**cookie, "X-CSRF-Token": me["csrf"]})
    talk(401, "POST", "/api/v1/auth/logout", token="", headers=cookie)
    talk(200, "PATCH", f"/api/v1/users/AS{OWN}", {"disabled": True})
    prove(403)
    talk(200, "PATCH", f"/api/v1/users/AS{OWN}", {"disabled": False})
    talk(422, "POST", "/api/v1/auth/challenge", {}, token="")
    talk(200, "POST", "/api/v1/auth/token", {"token": talk.owner}, token="")
    talk(422, "POST", "/api/v1/auth/token", "no JSON", token="")
    talk(401, "POST", "/api/v1/auth/token", {"token": "wrong"}, token="")
    for path, body in (("proof", {"id": "none", "signature": "none"}), ("token", {"token": "wrong"})):
        for _ in range(8):
            talk((401, 429), "POST", f"/api/v1/auth/{path}", body, token="")
        assert "Retry-After" in talk.headers
    for _ in range(31):
        talk((200, 429), "POST", "/api/v1/auth/challenge", {"asn": OWN}, token="")


def walk_public(talk, node):
    assert "moenet_" in talk(200, "GET", "/metrics")
    talk(403, "GET", "/metrics", token="")
    talk(200, "GET", "/health", token="")
    talk(200, "GET", "/ready", token="")
    page = talk.read("/", token="")
    asset = re.search(r"/assets/[\w.-]+\.js", page)[0]
    talk.read(asset, token="")
    talk(404, "GET", "/assets/none.js", token="")
    packages = talk.plane.state / "packages"
    packages.mkdir(exist_ok=True)
    (packages / "moenet-agent_1.0_amd64.deb").write_text("a package")
    total = hashlib.sha256(b"a package").hexdigest()
    url = talk(201, "POST", f"/api/v1/nodes/{node}/bootstrap", {"url": talk.plane.url})["url"]
    path = url.removeprefix(talk.plane.url)
    talk(200, "GET", f"{path}?dry-run=1", token="")
    talk(200, "GET", f"{path}/moenet.deb?sha256={total}", token="")
    talk(404, "GET", f"{path}/moenet.deb?sha256=none", token="")
    claim = secrets.token_urlsafe(32)
    talk(400, "POST", path, "short", token="")
    talk(200, "POST", path, claim, token="")
    talk(409, "POST", path, secrets.token_urlsafe(32), token="")
    for status, other in ((400, "/bootstrap/no!token"), (404, f"/bootstrap/{secrets.token_urlsafe(32)}")):
        talk(status, "GET", other, token="")
        talk(status, "POST", other, claim, token="")
        talk(status, "GET", f"{other}/moenet.deb?sha256={total}", token="")
    talk(403, "POST", "/api/v1/admin", {}, token="")
    talk(404, "POST", "/api/v1/admin", {})


def test_the_control_plane_keeps_its_word(lab):
    contract = OpenApi(ROOT / "docs/api.yaml")
    bare = Talk(ControlPlane(lab, "bare", 9), contract)
    bare(503, "POST", "/api/v1/auth/challenge", {"asn": OWN}, token="")
    bare(503, "POST", "/api/v1/auth/proof", {"id": "x", "signature": "y"}, token="")

    plane = ControlPlane(lab)
    plane.stop(plane.process)
    (plane.folder / "shared-key").write_text("shared-key-of-older-agents\n")
    (plane.folder / "shared-key").chmod(0o600)
    plane.write_config({"registry": str(register(plane.folder)), "publicUrl": plane.url, "sharedKeyFile": str(plane.folder / "shared-key"),
                        "trustedProxies": [plane.address], "drain": 5})
    plane.start_server()
    talk = Talk(plane, contract)
    talk(201, "POST", "/api/v1/users", {"asn": OWN})
    user = talk(201, "POST", "/api/v1/tokens", {"label": "u", "user": f"AS{OWN}"})["token"]

    knock(talk, user)
    for root, names, by in (("/api/v1", ("jp1", "jp2"), user), ("/api/v1/admin", ("de1", "de2"), None)):
        token = walk_nodes(talk, root, names)
        last = walk_sessions(talk, root, names[0], token, by)
        walk_settings(talk, root, names[0])
        other = talk(200, "POST", f"{root}/nodes/{names[1]}/token?overlap=0", {})["token"]
        walk_agent(talk, names[0], token, "shared-key-of-older-agents", other)
        if root == "/api/v1":
            walk_queries(talk, names[0], token, "shared-key-of-older-agents", other, user)
        assert talk.read(f"{root}/mesh")["links"][0]["state"] == "configured"
        assert talk.read(f"{root}/nodes/{names[0]}")["mesh"]
        if root == "/api/v1":
            walk_public(talk, names[1])
        talk(204, "DELETE", f"{root}/nodes/{names[1]}")
        # Its last session waits for the node to remove it, and so does the node.
        assert talk(202, "DELETE", f"{root}/nodes/{names[0]}")["state"] == "leaving"
        report(talk, names[0], token, last, 0)
        talk(404, "GET", f"{root}/nodes/{names[0]}")
    walk_people(talk, user)
    walk_sign_in(talk, plane.folder)
    plane.process.terminate()
    wait_for("it says that it stops", lambda: plane.http("GET", "/ready")[0] == 503, 5)
    talk(503, "GET", "/ready", token="")
    expect_all(contract, PLANE)


def test_what_the_peer_pastes_is_read_by_bird(lab):
    """The snippets of each kind of session, by the parsers of all BIRDs."""
    plane = ControlPlane(lab)
    talk = Talk(plane, OpenApi(ROOT / "docs/api.yaml"))
    talk(201, "POST", "/api/v1/nodes", {"name": "jp1", "region": "AS-E"})
    kinds = ({}, {"password": "secret"}, {"mpBgp": False, "extendedNextHop": False},
             {"ipv6LinkLocal": None, "ipv6": "fd12:3456:789a::1", "extendedNextHop": False},
             {"ipv6LinkLocal": None, "ipv4": "172.20.1.1", "mpBgp": False, "extendedNextHop": False})
    for number, kind in enumerate(kinds):
        body = {name: value for name, value in draft("jp1", OWN + number, **kind).items() if value is not None}
        uuid = talk(201, "POST", "/api/v1/sessions", body)["uuid"]
        text = talk(200, "GET", f"/api/v1/sessions/{uuid}/snippets")["bird2"]
        file = plane.folder / f"peer{number}.conf"
        file.write_text("router id 172.20.1.1;\nprotocol device {}\n" + text)
        for name in ("bird2", "bird3"):
            code, output = plane.run(bird_programs()[name], "-p", "-c", file, check=False)
            assert code == 0, f"{name}: {output}\n{text}"
