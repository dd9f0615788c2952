"""The line that makes a machine a node, on a Debian of its own: the real script, the real package, the real dpkg. What systemd then
starts is tests/e2e/systemd's."""
import json
import re
import shutil
import socket
import subprocess

import pytest

from lab import ControlPlane, wait_for
from lab.controlplane import PROGRAM
from lab.debian_machine import BareDebian, DebianMachine
from lab.node import BUILD, ROOT

TOUCHED = ("/etc", "/usr/bin", "/var/lib/dpkg/info")


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    subprocess.run([ROOT / "packaging/build_deb", BUILD, folder], check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("moenet-agent_*.deb"))


class Joining:
    def __init__(self, lab, package):
        self.control_plane = ControlPlane(lab, config={"publicUrl": "http://198.51.100.2:8080"})
        if package:
            (self.control_plane.state / "packages").mkdir()
            shutil.copy(package, self.control_plane.state / "packages")
        output = self.control_plane.command("node", "add", "jp1", "--region", "AS-E")
        self.first_token = output.splitlines()[-1]
        self.look, self.line = re.findall(r"^curl .*$", output, re.M)
        self.machine = DebianMachine(lab)

    def is_token(self, token):
        return self.control_plane.http("GET", "/api/v1/agent/jp1/sessions", token=token)[0] == 200

    def run(self, line=None):
        """(status, what it said); the line's own status is the shell's."""
        return self.machine.shell(line or self.line, check=False)

    def joined(self):
        token = self.machine.read("/etc/moenet-agent/token")
        assert self.is_token(token), "the control plane knows the machine's token"
        assert not self.is_token(self.first_token), "and no older one"
        assert not self.machine.exists("/etc/moenet-agent/token.new")
        assert self.machine.shell("stat -c '%a %U' /etc/moenet-agent/token /etc/moenet-agent/config.json").split() == ["600", "root"] * 2
        assert self.machine.shell("moenet-agent check-config 2>&1", check=False)[0] == 0
        return token


@pytest.fixture
def joining(lab, package):
    return Joining(lab, package)


def test_a_look_changes_nothing_and_the_line_makes_the_node(joining):
    before = joining.machine.tree(*TOUCHED)
    status, said = joining.run(joining.look)
    assert status == 0, said
    assert "would install moenet-agent" in said and said.endswith("moenet: nothing was changed\n"), said
    assert joining.machine.tree(*TOUCHED) == before and joining.is_token(joining.first_token)

    status, said = joining.run()
    assert status == 0, said
    assert "installed: moenet-agent" in said and "this machine is jp1" in said, said
    token = joining.joined()
    config = joining.machine.read("/etc/moenet-agent/config.json")
    assert token not in config and '"ownership":"full"' in config, config
    assert joining.machine.shell("dpkg-query -W -f '${Status}' moenet-agent") == "install ok installed"

    before = joining.machine.tree("/etc/moenet-agent")
    status, said = joining.run()
    assert status == 0 and "has its token already" in said and "is as it should be" in said, said
    assert joining.machine.tree("/etc/moenet-agent") == before, "again is nothing"


def test_a_script_that_was_downloaded_may_run_later_by_wget_too(joining):
    joining.machine.shell(joining.line.replace(" | sh", " >/root/join"))
    joining.machine.shell("rm /usr/bin/curl")
    assert joining.is_token(joining.first_token), "a download uses nothing up"
    status, said = joining.run("sh /root/join --dry-run && sh /root/join --ownership peers")
    assert status == 0, said
    joining.joined()
    assert '"ownership":"peers"' in joining.machine.read("/etc/moenet-agent/config.json")


# The first `mv` puts the configuration in place, the second the token; curl's fourth call claims the node.
CUTS = {"before the claim": ("curl", "*bootstrap/*", "kill -9 $PPID; exit 1"),
        "after the claim, before its answer": ("curl", "*bootstrap/*", '/usr/bin/curl "$@" <"$t" >/dev/null; kill -9 $PPID; exit 1'),
        "before the configuration": ("mv", "*config.json", "kill -9 $PPID; exit 1"),
        "between configuration and token": ("mv", "*/token", "kill -9 $PPID; exit 1")}


@pytest.mark.parametrize("cut", CUTS)
def test_a_run_that_was_cut_off_is_taken_up_again(joining, cut):
    program, where, what = CUTS[cut]
    if program == "curl":  # its URL comes by stdin; only the claim posts
        body = f'#!/bin/sh\nt=$(mktemp); cat >$t\ncase "$*" in *--data-binary*) {what} ;; esac\nexec /usr/bin/curl "$@" <$t\n'
        line = joining.line.replace("curl ", "/usr/bin/curl ")
    else:
        body = f'#!/bin/sh\nfor last; do :; done\ncase $last in {where}) {what} ;; esac\nexec /usr/bin/mv "$@"\n'
        line = joining.line
    joining.machine.shell(f"cat >/usr/local/sbin/{program} <<'E'\n{body}E\nchmod 755 /usr/local/sbin/{program}")
    status, said = joining.run(line)
    assert status != 0, said
    assert joining.machine.exists("/etc/moenet-agent/token.new")
    assert joining.is_token(joining.first_token) == (cut == "before the claim"), "it was cut where it should be"
    joining.machine.shell(f"rm /usr/local/sbin/{program}")
    status, said = joining.run()
    assert status == 0, said
    joining.joined()


def test_checks_that_fail_use_nothing_up(joining):
    machine = joining.machine
    machine.shell("cp /usr/lib/os-release /root/os-release; "
                  "sed -i 's/^VERSION_ID=.*/VERSION_ID=\"11\"/' /usr/lib/os-release")
    before = machine.tree(*TOUCHED)
    status, said = joining.run()
    assert status == 1 and "neither Debian 12 nor 13" in said, said
    machine.shell("cp /root/os-release /usr/lib/os-release")
    machine.shell("printf '#!/bin/sh\\n[ \"$*\" = +%%s ] && set -- -d \"1 hour ago\" +%%s\\nexec /usr/bin/date \"$@\"\\n' >/usr/local/sbin/date; "
                  "chmod 755 /usr/local/sbin/date")
    status, said = joining.run()
    assert status == 1 and "clock is 3" in said, said
    machine.shell("rm /usr/local/sbin/date")
    status, said = machine.shell(joining.line.replace("| sh", "| sh -s -- --ownership mine"), check=False)
    assert status == 1 and "full or peers" in said, said
    assert not machine.exists("/etc/moenet-agent") and not machine.exists("/usr/bin/moenet-agent")
    assert machine.tree("/etc/bird") in before and joining.is_token(joining.first_token)
    status, said = joining.run()
    assert status == 0, said


def test_another_machine_is_turned_away(joining):
    assert joining.run()[0] == 0
    token = joining.joined()
    joining.machine.shell("rm -r /etc/moenet-agent")
    status, said = joining.run()
    assert status == 1 and "used up" in said, said
    assert not joining.machine.exists("/etc/moenet-agent/config.json") and joining.is_token(token)


def test_a_package_that_is_not_the_promised_one_is_not_installed(joining):
    joining.machine.shell(joining.line.replace(" | sh", " | sed 's/ [0-9a-f]\\{64\\}/ '$(printf '%064d' 0)'/' >/root/join"))
    status, said = joining.run("sh /root/join")
    assert status == 1 and "not offered any more" in said, said
    assert not joining.machine.exists("/usr/bin/moenet-agent") and joining.is_token(joining.first_token)


def test_without_a_package_it_says_what_to_do(lab):
    joining = Joining(lab, None)
    status, said = joining.run()
    assert status == 1 and "put it into packages/" in said, said
    assert not joining.machine.exists("/etc/moenet-agent") and joining.is_token(joining.first_token)


@pytest.fixture
def open_control_plane(tmp_path, package):
    """On this machine's loopback, with a package for Debian 12 alone: what the end to end tests' own build needs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    folder = tmp_path / "state" / "packages" / "bookworm"
    folder.mkdir(parents=True)
    shutil.copy(package, folder)
    (tmp_path / "config.json").write_text(json.dumps({"publicUrl": url, "listen": url, "stateDir": str(tmp_path / "state")}))
    words = [PROGRAM, "-c", tmp_path / "config.json", "--url", url]
    with subprocess.Popen([*words, "serve"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        def ready():
            return subprocess.run([*words, "node", "list"], check=False, capture_output=True).returncode == 0

        try:
            wait_for("the control plane", ready, 20)
            yield lambda *more: subprocess.run([*words, *more], check=True, capture_output=True, text=True).stdout
        finally:
            server.terminate()


@pytest.mark.soak
def test_a_bare_debian_12_gets_all_that_it_lacks(tmp_path, open_control_plane):
    line = re.findall(r"^curl .*$", open_control_plane("node", "add", "jp1", "--region", "AS-E"), re.M)[-1]
    machine = BareDebian(tmp_path, "bookworm")
    status, said = machine.shell(line)
    assert status == 0, said
    assert "installed: moenet-agent" in said and "installed: bird2" in said and 'ownership is "full"' in said, said
    status, said = machine.shell("/usr/sbin/bird --version && moenet-agent check-config && cat /etc/moenet-agent/config.json")
    assert status == 0 and '"ownership":"full"' in said, said
    assert machine.shell(line)[0] == 0


@pytest.mark.soak
def test_a_bare_debian_13_is_offered_no_package_of_debian_12(tmp_path, open_control_plane):
    line = re.findall(r"^curl .*$", open_control_plane("node", "add", "jp1", "--region", "AS-E"), re.M)[-1]
    machine = BareDebian(tmp_path, "trixie")
    status, said = machine.shell(line)
    assert status == 1 and "no package for trixie on amd64" in said, said
    assert machine.shell("test -e /etc/moenet-agent")[0] == 1
