"""The golden files of bird/policy, as files again: what tests/bird/policy_test.cpp says is rendered runs in a real BIRD here."""
import re
import subprocess

from .birdc import ROOT, bird_programs

GOLDEN = ROOT / "tests/golden/bird/policy"


def golden_policy(sample, bird):
    """{name: text} of the sample's files and of the sample sessions, for the version of `bird`."""
    answer = subprocess.run([bird_programs()[bird], "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"version (\S+)", answer.stdout + answer.stderr)[1]
    files = _files_in(f"{sample}.conf") | _files_in("sessions.conf")
    for part in ("base", "babel"):
        if (GOLDEN / f"{part}-{version}.conf").exists():
            files |= _files_in(f"{part}-{version}.conf")
    return files


def _files_in(name):
    pieces = re.split(r"^==> (.*) <==\n", (GOLDEN / name).read_text(), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2]))
