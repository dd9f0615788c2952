"""The agent's command line on a live node."""
import json

from lab import fake_controlplane, wait_for


def test_plan_shows_the_change_and_makes_none(world2):
    foreign, uuid = world2.add()
    text = world2.node.agent("plan")
    assert f"dn42_{foreign.asn}" in text and "+" in text
    assert json.loads(world2.node.agent("plan", "--json"))
    assert world2.node.traces_of(foreign.asn) == [] and world2.fake.reports == []
    world2.node.start_agent()
    world2.reaches(uuid, 2)
    assert "nothing to change" in world2.node.agent("plan")


def test_plan_and_render_make_nothing_and_set_nothing_aside(world2):
    foreign, _ = world2.add()
    world2.node.key_file.unlink()
    state = world2.node.folder / "state"
    state.mkdir()
    for name in ("config.state", "sessions.state"):
        (state / name).write_text("torn")
    assert f"dn42_{foreign.asn}" in world2.node.agent("plan")
    world2.node.agent("render", world2.node.folder / "rendered")
    with world2.fake.while_it("sessions", fake_controlplane.error_500):
        assert world2.node.agent("plan", check=False)[0] == 1
    assert not world2.node.key_file.exists()
    assert {path.name: path.read_text() for path in state.iterdir()} == {"config.state": "torn", "sessions.state": "torn"}


def test_status_and_sync_speak_to_the_running_agent(world2):
    foreign, uuid = world2.add()
    world2.node.start_agent()
    world2.reaches(uuid, 2)
    world2.node.agent("sync")
    text = world2.node.agent("status")
    assert str(foreign.asn) in text and "ENABLED" in text
    assert json.loads(world2.node.agent("status", "--json"))


def test_check_config_names_every_fault_and_exits_78(world2):
    path = world2.node.folder / "config.json"
    assert world2.node.agent("check-config", check=False)[0] == 0
    config = json.loads(path.read_text())
    config["controlPlane"]["syncInterval"] = "often"
    config["wireguard"]["dn42Ipv4"] = "172.22.188.999"
    config["bird"]["poolSizeMax"] = -1
    path.write_text(json.dumps(config))
    status, output = world2.node.agent("check-config", check=False)
    assert status == 78
    for name in ("controlPlane.syncInterval", "wireguard.dn42Ipv4", "bird.poolSizeMax"):
        assert name in output
    assert "lab-token" not in output


def test_render_writes_what_sync_would(world2):
    foreign, _ = world2.add()
    world2.node.agent("render", world2.node.folder / "rendered")
    rendered = (world2.node.folder / f"rendered/dn42_{foreign.asn}.conf").read_text()
    world2.node.start_agent()
    wait_for("the file", lambda: (world2.node.folder / f"peers/dn42_{foreign.asn}.conf").read_text() == rendered)


def test_genkey_and_pubkey_agree_with_wg(world2):
    private = world2.node.agent("genkey").strip()
    public = world2.node.run("wg", "pubkey", text=private).strip()
    from lab.node import BUILD
    assert world2.node.run(BUILD / "src/moenet-agent", "pubkey", text=private).strip() == public


def test_a_private_key_that_others_may_read_is_refused(world2):
    world2.node.key_file.chmod(0o644)
    status, output = world2.node.agent("run", check=False, seconds=20)
    assert status != 0 and "chmod 600" in output
