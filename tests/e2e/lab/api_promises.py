"""What docs/api.yaml promises of each program, and what of it no test can have: that stands in UNSEEN with its reason, and is a fault too
when it is seen after all."""
import re
import uuid as uuids

NOBODY = str(uuids.UUID(int=0))
AGENT = "moenet-agent"
PLANE = "moenet-controlplane"

TOOLS = ("ping", "tcping", "trace", "route", "path", "dig", "mtu")
# Of the agent: what takes longer than a minute, or a BIRD that refuses (test_bird_refusal.py, test_tools.py, test_join.py).
UNSEEN = {
    ("GET", "/sync", 503): "a node that waits for its first configuration",
    ("POST", "/sync", 503): "likewise",
    ("GET", "/sync", 504): "a sync of more than a minute",
    ("POST", "/sync", 504): "likewise",
    ("GET", "/maintenance", 503): "a node that waits for its first configuration",
    ("POST", "/maintenance/start", 503): "likewise",
    ("POST", "/maintenance/stop", 503): "likewise",
    ("POST", "/maintenance/start", 504): "a step of more than a minute",
    ("POST", "/maintenance/stop", 504): "likewise",
    ("POST", "/restart", 409): "a protocol that somebody disabled by hand",
    ("POST", "/restart", 503): "a session that does not come back",
    ("POST", "/restart", 504): "a step of more than a minute",
    **{("POST", f"/{tool}", 503): "BIRD, a name server or the network away" for tool in TOOLS},
    **{("POST", f"/{tool}", 504): "no answer within 10 s" for tool in TOOLS},
    **{("POST", f"/{tool}", 404): "a host name, for which the lab has no server" for tool in TOOLS},
    **{("POST", f"/{tool}", 429): "one bucket for all tools: emptied at /path" for tool in TOOLS if tool != "path"},
    ("POST", "/api/v1/nodes/{node}/queries", 504): "no answer within 15 s; test_looking_glass.py waits for it",
    ("POST", "/dig", 200): "a name server; test_tools.py has one",
}


def named(path, **known):
    """The path with what is nobody's in the place of its variables."""
    return re.sub(r"\{(\w+)\}", lambda variable: known.get(variable[1], NOBODY), path)


def promises_of(contract, service):
    """What this service is to keep of the document. A path that names no server is the control plane's."""
    for method, path, status in contract.promises():
        servers = [server["description"] for server in contract.resolve(contract.document["paths"][path]).get("servers", ())] or [PLANE]
        alien = path == "/metrics" and status == (401 if service == PLANE else 403)
        older = path.startswith("/api/v1/admin/")
        # Nobody is told apart from a user there; and users have nothing to enable.
        alien |= older and (status == 401 or (path.endswith("/enable") and status == 422))
        alien |= older and status == 304 and contract.etag_of(method, path) == "Version"
        alien |= not older and contract.operations[method, path]["responses"][str(status)].get("$ref", "").endswith("/NoAdmin")
        if service in servers and not alien:
            yield method, path, status


def expect_all(contract, service):
    wanted = set(promises_of(contract, service))
    assert sorted(wanted - contract.seen - set(UNSEEN)) == [], "promised and not seen"
    assert sorted(contract.seen & set(UNSEEN)) == [], "seen, and said not to be"
