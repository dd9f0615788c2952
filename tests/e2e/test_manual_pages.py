"""The manual pages: sound, and complete. What must be in them is read from --help and docs/configuration.md here by rules of its own,
not by those of tools/pages, which makes them."""
import re
import subprocess
import sys

import pytest

from lab.node import BUILD, ROOT

PROGRAMS = ("moenet-agent", "moenet-controlplane")
sys.path.insert(0, str(ROOT / "tools/pages"))
import help_text  # noqa: E402


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The folder of all that tools/pages makes."""
    folder = tmp_path_factory.mktemp("pages")
    for program in PROGRAMS:
        subprocess.run([sys.executable, "-B", ROOT / "tools/pages", BUILD / "src" / program, ROOT, folder], check=True)
    return folder


def shown(page):
    """A page as people read it, on one endless line."""
    text = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=990", page], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.sub(r"\s+", " ", re.sub(".\b", "", text))


def helps(program, path=()):
    """(path, help) of a program's commands, all of them."""
    text = subprocess.run([BUILD / "src" / program, *path, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    yield path, text
    if below := re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.M):
        for name in re.findall(r"^  (\S+)", below[1], re.M):
            yield from helps(program, (*path, name))


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("section", [5, 8])
def test_a_page_is_sound(pages, program, section):
    page = pages / f"{program}.{section}"
    found = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert (found.returncode, found.stdout) == (0, "")
    assert "@" not in re.sub(r"\S@\S", "", page.read_text()), "nothing was left out"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_command_and_option_is_in_the_manual(pages, program):
    text = shown(pages / f"{program}.8")
    count = 0
    for path, said in helps(program):
        # what stands in the part of the page from this command's heading to the next
        part = text if not path else text.partition(" COMMANDS ")[2].partition(" ".join((program, *path)) + " ")[2]
        assert part, f"{program} {' '.join(path)} is missing"
        part = part if "Subcommands:" in said else re.split(rf"(?<!\S){program} (?=[a-z])", part)[0]
        for option in re.findall(r"^ +(?:-\w,)?(--[\w-]+)", said, re.M):
            assert re.search(rf"{option}(?![\w-])", part) or option == "--help", f"{option} of {program} {' '.join(path)} is missing"
            count += 1
    assert count > 30, "the help was read"


def keys_of(table):
    """The keys in a table's first column; `.id` after `node.name` is `node.id`, and `e2` after `e1` is itself."""
    for line in table.splitlines():
        cells = re.match(r"\| (`[^|]*`) \|", line)
        yield from re.findall(r"`([^`]+)`", cells[1]) if cells else ()


def sections_of_configuration(*titles):
    text = (ROOT / "docs/configuration.md").read_text()
    for title in titles:
        yield re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]


@pytest.mark.parametrize("program, titles", [
    ("moenet-agent", ["Full form", "Environment"]),
    ("moenet-controlplane", ["The control plane's own file", "Settings of the control plane"])])
def test_every_key_of_the_configuration_is_in_the_manual(pages, program, titles):
    terms = re.findall(r"^\.TP\n(.*)$", (pages / f"{program}.5").read_text().replace("\\-", "-"), re.M)
    keys = [key for section in sections_of_configuration(*titles) for key in keys_of(section)]
    assert len(keys) > 20
    assert [key for key in keys if not any(f"\\fB{key}\\fR" in term.partition("(")[0] for term in terms)] == []


NEWER_HELP = """Show what the running agent sees


/usr/bin/moenet-agent status [OPTIONS] [peer]


POSITIONALS:
  peer TEXT                   One session

OPTIONS:
  -h,     --help              Show this help
          --watch FLOAT:FLOAT in [0.1 - 3600] [2]
                              Show it again every so many seconds
          --url TEXT [http://127.0.0.1:8080]  (Env:MOENET_CP_URL)
                              Where
          --db TEXT Excludes: --db-file
                              Database
          --name TEXT REQUIRED
                              A name
"""


def test_the_help_of_newer_cli11_is_read_too():
    command = help_text.read_help(("status",), NEWER_HELP, None)
    assert [(option.names, option.value, option.default, option.is_required, option.text) for option in command.options] == [
        (["-h", "--help"], "", "", False, "Show this help"), (["--watch"], "FLOAT", "2", False, "Show it again every so many seconds"),
        (["--url"], "TEXT", "http://127.0.0.1:8080", False, "Where"), (["--db"], "TEXT", "", False, "Database"),
        (["--name"], "TEXT", "", True, "A name")]
    assert [(argument.name, argument.text) for argument in command.arguments] == [("peer", "One session")]
