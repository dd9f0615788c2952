"""Page: the control plane's page in a browser, where a network asks for a session and an operator approves it."""
import json
import os
import shutil
import subprocess

from .birdc import ROOT

WEB = ROOT / "tests/web"
SHOTS = ROOT / "build/web-shots"


class Page:
    """tests/web/with_agent.mjs in a namespace of its own, talked to in lines."""

    def __init__(self, space, told):
        packages = subprocess.run([WEB / "install"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        folder = space.folder / "web"
        folder.mkdir()
        shutil.copytree(WEB / "lab", folder / "lab")
        shutil.copy(WEB / "with_agent.mjs", folder)
        (folder / "node_modules").symlink_to(f"{packages}/node_modules")
        self.log = space.folder / "driver.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(space.inside(["node", folder / "with_agent.mjs", json.dumps(told)]), stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
                                            env={**os.environ, "MOENET_SHOTS": str(SHOTS)})
        space.lab.remember(self.process)

    def sees(self):
        """The next line; a driver that fails says why instead."""
        line = self.process.stdout.readline().strip()
        assert line, self.log.read_text()
        return line

    def go_on(self):
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()
