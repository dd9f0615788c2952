"""Tokens: a wrong one is said and changes nothing; the agent's own API asks for one."""
from lab import wait_for


def last_error(world):
    return world.node.status()["tasks"]["sessionSyncTask"]["last_error"]


def test_a_wrong_token_is_said_and_nothing_is_touched(world2):
    foreign, uuid = world2.add()
    world2.node.start_agent()
    world2.reaches(uuid, 2)
    world2.up(foreign)
    world2.fake.token = "another-token"
    wait_for("/status says so", lambda: "401" in last_error(world2) or "token" in last_error(world2), 30)
    assert world2.node.is_established(foreign.asn)
    assert "lab-token" not in world2.node.agent_log() and "lab-token" not in str(world2.node.status())


def test_a_token_file_is_read_and_a_reload_takes_the_new_token(world2):
    import signal
    token = world2.node.folder / "token"
    token.write_text("lab-token\n")
    token.chmod(0o600)
    world2.node.write_config(world2.fake.url, None, controlPlane={"tokenFile": str(token), "token": None})
    config = world2.node.folder / "config.json"
    config.write_text(config.read_text().replace('    "token": null,\n', ""))
    _, uuid = world2.add()
    world2.node.start_agent()
    world2.reaches(uuid, 2)
    world2.fake.token = "rotated-token"
    token.write_text("rotated-token\n")
    world2.node.agent_process.send_signal(signal.SIGHUP)
    world2.fake.change(uuid, mtu=1390)
    wait_for("syncs with the new token", lambda: world2.node.links()["dn42_4242420101"]["mtu"] == 1390, 45)


def test_the_agents_api_asks_for_its_token(world2):
    world2.node.write_config(world2.fake.url, world2.fake.token, server={"listen": "0.0.0.0:24368"})
    world2.node.start_agent()
    node = world2.node
    assert node.api("/sync", token=None)[0] == 401 and node.api("/sync", token="wrong")[0] == 401
    assert node.api("/status", token=None)[0] == 200, "from loopback /status needs none"
    assert node.api("/sync")[0] == 202
    other = world2.lab.spaces["cp"]
    import http.client
    with other.entered():
        link = http.client.HTTPConnection(node.address, 24368, timeout=5)
        link.connect()
    link.request("GET", "/status")
    assert link.getresponse().status == 401, "from elsewhere it does"
