"""`moenet-agent doctor`: a healthy node has nothing to mend; each fault is named with its remedy, and looking changes nothing."""
import hashlib
import json
import signal
import time

import pytest
from conftest import World
from lab import wait_for

SECRETS = ("lab-token", "local-token")
# What the machine under the test decides, and not the node in it.
OF_THE_MACHINE = {"clock", "gre"}


def doctor(node):
    """(exit status, {name: check}) of the JSON form."""
    status, output = node.agent("doctor", "--json", check=False)
    assert not any(secret in output for secret in SECRETS)
    checks = json.loads(output)["checks"]
    return status, {check["name"]: check for check in checks}


def faults(checks):
    return {name for name, check in checks.items() if check["state"] in ("warning", "problem")} - OF_THE_MACHINE


def only_fault(node, name, state="problem"):
    status, checks = doctor(node)
    assert faults(checks) == {name}, checks
    assert checks[name]["state"] == state and status == (1 if state == "problem" else 0), checks[name]
    return checks[name]["finding"], checks[name]["remedy"]


@pytest.fixture
def running(world2):
    """A node whose agent runs, with one session that is up."""
    foreign, uuid = world2.add()
    world2.node.start_agent()
    world2.reaches(uuid, 2)
    world2.up(foreign)
    return world2


def test_a_healthy_node_has_nothing_to_mend_and_nothing_is_changed(world):
    foreign, uuid = world.add()
    world.node.start_agent()
    world.reaches(uuid, 2)
    world.up(foreign)
    links, configured = sorted(world.node.links()), world.node.configured_count()
    status, checks = doctor(world.node)
    assert status == 0 and not faults(checks), checks
    assert f"pid {world.node.agent_process.pid}" in checks["agent"]["finding"]
    assert "BIRD " in checks["bird"]["finding"] and "1 session" in checks["ports"]["finding"]
    assert {name for name, check in checks.items() if check["state"] == "skipped"} == {"roa", "rtr-servers"}
    status, text = world.node.agent("doctor", check=False)
    assert status == 0 and "✓ bird " in text and "\x1b" not in text
    assert sorted(world.node.links()) == links and world.node.configured_count() == configured
    assert world.node.is_established(foreign.asn) and world.node.agent_process.poll() is None


def test_before_the_first_start_it_leaves_nothing_behind(world2):
    before = sorted(path.name for path in world2.node.folder.iterdir())
    assert "systemctl" in only_fault(world2.node, "agent", "warning")[1]
    assert sorted(path.name for path in world2.node.folder.iterdir()) == before, "no state folder, no lock"


def test_a_dead_bird_is_named(running):
    running.node.stop(running.node.bird_process)
    finding, remedy = only_fault(running.node, "bird")
    assert str(running.node.birdc.path) in finding and "systemctl start bird" in remedy


def test_a_bird_that_hangs_is_named_in_time(running):
    running.node.bird_process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    finding, _ = only_fault(running.node, "bird")
    assert "in time" in finding and time.monotonic() - begun < 7
    running.node.bird_process.send_signal(signal.SIGCONT)


def test_a_bird_conf_without_the_peer_folder_is_named_with_its_line(world):
    world.node.start_agent()
    path = world.node.folder / "bird.conf"
    path.write_text(path.read_text().replace("include", "# include"))
    finding, remedy = only_fault(world.node, "bird-files")
    assert "does not include" in finding
    path.write_text(path.read_text() + remedy.splitlines()[0] + "\n")
    assert not faults(doctor(world.node)[1]), "the remedy's line mends it"


def test_names_that_peer_files_need_come_with_their_snippets(world):
    world.node.start_agent()
    path = world.node.folder / "bird.conf"
    path.write_text(path.read_text().replace("template bgp dn42_peer", "template bgp other"))
    finding, remedy = only_fault(world.node, "bird-files")
    assert "template bgp dn42_peer" in finding and "template bgp dn42_peer" in remedy


def test_what_bird_would_refuse_is_named(world):
    world.node.start_agent()
    world.node.write_bird("this is no BIRD configuration;\n")
    finding, _ = only_fault(world.node, "bird-files")
    assert "bird.conf:1" in finding


def test_a_wrong_token_is_named(running):
    running.fake.token = "another-token"
    finding, remedy = only_fault(running.node, "control-plane")
    assert "token" in finding and "401" in finding and "node token jp1" in remedy


def test_a_control_plane_that_is_away_is_named(running):
    running.node.write_config("http://198.51.100.2:81", running.fake.token)
    finding, remedy = only_fault(running.node, "control-plane")
    assert "198.51.100.2:81" in finding and "curl" in remedy


def test_tls_that_fails_is_named(running):
    running.node.write_config(running.fake.url.replace("http:", "https:"), running.fake.token)
    finding, remedy = only_fault(running.node, "control-plane")
    assert finding.startswith("TLS") and "certificate" in remedy


def test_a_name_that_nobody_knows_is_named(running):
    running.node.write_config("http://cp.invalid:8080", running.fake.token)
    status, checks = doctor(running.node)
    assert status == 1 and faults(checks) == {"dns", "control-plane"}
    assert "cp.invalid" in checks["dns"]["finding"]


UDP_HOLDER = "import socket,time; s=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM); s.bind(('::',{})); time.sleep(1000)"
TCP_HOLDER = "import socket,time; s=socket.socket(); s.bind(('0.0.0.0',{})); s.listen(); time.sleep(1000)"


def hold(node, script, port):
    holder = node.start("holder", "python3", "-c", script.format(port))
    wait_for("the port is bound", lambda: f":{port} " in node.run("ss", "-lntu"))
    return holder


def test_a_sessions_port_in_foreign_hands_is_named_with_its_holder(running):
    foreign, uuid = running.add()
    port = running.node.port_for(foreign.asn)
    running.fake.change(uuid, status=1)
    holder = hold(running.node, UDP_HOLDER, port)
    running.fake.change(uuid, status=4)
    running.reaches(uuid, 6)
    finding, remedy = only_fault(running.node, "ports")
    assert f"UDP port {port} of session dn42_{foreign.asn} is held by python3" in finding
    assert f"pid {holder.pid}" in finding and str(port) in remedy


def test_a_mesh_port_in_foreign_hands_is_a_warning(running):
    hold(running.node, UDP_HOLDER, 51825)
    assert "51825 of mesh node 5" in only_fault(running.node, "ports", "warning")[0]


def keep(node, url, action, data):
    """Leaves an answer of the control plane on disk, as the agent keeps them."""
    body = json.dumps({"code": 0, "message": "Success", "data": data})
    rest = f"{node.name}\n{url}\n{body}".encode()
    state = node.folder / f"state/{action}.state"
    state.write_bytes(b"moenet-state 1 " + hashlib.blake2b(rest, digest_size=32).hexdigest().encode() + b"\n" + rest)


def keep_neighbor(running, number):
    keep(running.node, running.fake.url, "mesh", {
        "self": {"nodeId": 1, "nodeName": "jp1", "regionCode": 101, "loopbackIpv4": running.node.ipv4, "isRr": False},
        "peers": [{"nodeId": number, "nodeName": "hk", "regionCode": 101, "loopbackIpv4": f"172.22.188.{number}", "isRr": True,
                   "loopbackIpv6": f"fd00:4242:7777:101:{number}::1", "publicKey": running.node.public_key, "mtu": 1420}]})


def test_the_port_of_a_known_neighbor_in_foreign_hands_is_a_problem(running):
    hold(running.node, UDP_HOLDER, 51825)
    keep_neighbor(running, 5)
    finding, remedy = only_fault(running.node, "ports")
    assert "51825 of mesh node 5 is held by python3" in finding and "51820" in remedy


def test_a_name_that_a_foreign_link_has_is_named_with_its_remedy(running):
    keep_neighbor(running, 5)
    running.node.run("ip", "link", "add", "dn42-wg-igp-5", "type", "bridge")
    finding, remedy = only_fault(running.node, "link-names")
    assert "dn42-wg-igp-5 is not the agent's" in finding and "mesh node 5" in finding
    running.node.run("sh", "-c", remedy[remedy.index("ip link delete"):].split(";")[0])
    assert not faults(doctor(running.node)[1])


def test_a_bird_conf_of_somebody_else_is_in_the_way_of_full_ownership(lab, bird):
    world = World(lab, bird, ownership="full")
    world.node.start_agent()
    checks = doctor(world.node)[1]
    assert checks["bird-files"]["state"] == "problem", checks
    path = world.node.folder / "bird.conf"
    assert f"{path} is not the agent's" in checks["bird-files"]["finding"]
    remedy = checks["bird-files"]["remedy"]
    assert f"{path}.before" in remedy and '"ownership": "peers"' in remedy
    # as the remedy says, without a service manager, and with this test's program and user
    made, restart = remedy.splitlines()[1].rsplit(" && ", 1)
    assert restart == "systemctl restart bird"
    program = f"{world.node.agent_program()} -c {world.node.folder / 'config.json'}"
    world.node.run("sh", "-c", made.replace("moenet-agent render", f"{program} render"))
    world.node.birdc.ask("configure")
    wait_for("nothing is in the way", lambda: doctor(world.node)[1]["bird-files"]["state"] == "ok", 20, 0.5)
    keep(world.node, world.fake.url, "bird-config",
         {"node": {"id": 1, "loopbackIpv4": world.node.ipv4}, "ibgpPeers": [], "policy": {"dn42As": 4242420998}})
    (world.node.folder / "peers/90_mine.conf").write_text("filter dn42_import_filter { accept; }\n")
    checks = doctor(world.node)[1]
    assert checks["bird-files"]["state"] == "problem", checks
    assert "filter dn42_import_filter in" in checks["bird-files"]["finding"] and "90_mine.conf:1" in checks["bird-files"]["finding"]


def test_an_api_port_in_foreign_hands_is_named(world2):
    hold(world2.node, TCP_HOLDER, 24368)
    status, checks = doctor(world2.node)
    assert status == 1 and faults(checks) == {"agent", "ports"}
    assert "TCP port 24368" in checks["ports"]["finding"] and "server.listen" in checks["ports"]["remedy"]


def test_kernel_settings_are_named_with_the_command_that_mends_them(running):
    node, link = running.node, running.node.link_of(running.foreign[0].asn)
    node.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=2", f"net.ipv4.conf.{link}.rp_filter=1", "net.ipv4.ip_forward=0")
    finding, remedy = only_fault(node, "kernel-settings")
    assert "net.ipv4.conf.all.rp_filter is 2, not 0" in finding and f"{link}.rp_filter is 1" in finding
    assert "manageSettings" in remedy
    node.run(*remedy.splitlines()[0].split())
    assert not faults(doctor(node)[1]), "the remedy's command mends it"


def test_rtr_servers_of_the_last_policy_are_tried(running):
    node = running.node
    keep(node, running.fake.url, "bird-config", {"node": {"id": 1}, "ibgpPeers": [], "policy": {"dn42As": 4242420998, "rpkiServers": [
        {"name": "a", "host": "198.51.100.2", "port": 8080}, {"name": "b", "host": "198.51.100.2", "port": "8082"}]}})
    finding, _ = only_fault(node, "rtr-servers", "warning")
    assert "1 of 2" in finding and "198.51.100.2:8082" in finding


def test_secrets_that_others_may_read_are_named(running):
    (running.node.folder / "config.json").chmod(0o644)
    running.node.key_file.chmod(0o640)
    finding, remedy = only_fault(running.node, "secrets")
    assert "0644" in finding and "0640" in finding
    running.node.run("sh", "-c", remedy)
    assert not faults(doctor(running.node)[1])


def test_a_faulty_configuration_is_one_problem_and_the_rest_is_skipped(world2):
    (world2.node.folder / "config.json").write_text('{"node": {}}')
    status, checks = doctor(world2.node)
    assert status == 1 and faults(checks) == {"configuration"}
    assert "check-config" in checks["configuration"]["remedy"]
    assert checks["bird"]["state"] == "skipped" and checks["kernel-settings"]["state"] == "ok"


def test_whoever_is_not_root_is_told_what_he_cannot_see(running):
    node = running.node
    node.lab.folder.chmod(0o755)
    for readable in (False, True):
        (node.folder / "config.json").chmod(0o644 if readable else 0o600)
        status, output = node.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", node.agent_program(), "-c",
                                  node.folder / "config.json", "doctor", "--json", check=False)
        checks = {check["name"]: check for check in json.loads(output[output.index('{"checks"'):])["checks"]}
        assert faults(checks) == ({"secrets"} if readable else set()), checks
        assert status == (1 if readable else 0)
        skipped = {name for name, check in checks.items() if check["state"] == "skipped"}
        assert "ports" in skipped and ("configuration" in skipped) == (not readable)
        if readable:
            assert {"agent", "bird", "capabilities"} <= skipped and "root" in checks["bird"]["finding"]
