"""Completions of both programs in bash, zsh and fish: the shells themselves load them, and offer what --help lists."""
import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from lab.node import BUILD, ROOT

PROGRAMS = ("moenet-agent", "moenet-controlplane")

BASH = """source "$1"; COMP_WORDS=("${@:2}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
complete -p "$2" >/dev/null && "_${2//-/_}" && printf '%s\\n' "${COMPREPLY[@]}" | sed '/^$/d'
"""
# Outside of a line editor, with the two functions that would show the words instead of showing them
ZSH = """fpath=("${1:h}" $fpath); program=$2; words=("${@:2}"); CURRENT=$#words
_describe() { [[ $1 == -o ]] && shift; local each; for each in "${(@P)2}"; do print -r -- "${each%%:*}"; done }
_files() { print -r -- FILES }
autoload -Uz "_$program"; "_$program"
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("completion")
    for program in PROGRAMS:
        subprocess.run([sys.executable, "-B", ROOT / "tools/pages", BUILD / "src" / program, ROOT, made], check=True)
    return made


def output(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.stderr == "", done.stderr
    return done.stdout.splitlines()


def bash(folder, *words):
    return output("bash", "--norc", "-c", BASH, "bash", folder / "bash" / words[0], *words)


def zsh(folder, *words):
    offered = output("zsh", "-f", "-c", ZSH, "zsh", folder / "zsh" / f"_{words[0]}", *words)
    return [word for word in offered if word.startswith(words[-1]) or word == "FILES"]


def fish(folder, *words):
    line = " ".join(words)
    return [found.partition("\t")[0] for found in
            output("fish", "--no-config", "-c", f"source {folder}/fish/{words[0]}.fish; complete -C {line!r}")]


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


def helps(program, path=()):
    """(path, commands, options) of a program's commands, all of them."""
    text = subprocess.run([BUILD / "src" / program, *path, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    below = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.M)
    commands = re.findall(r"^  (\S+)", below[1], re.M) if below else []
    yield path, commands, re.findall(r"^ +(?:-\w,)?(--[\w-]+)", text, re.M)
    for name in commands:
        yield from helps(program, (*path, name))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_shell_offers_what_the_help_lists(folder, program, shell):
    offer = SHELLS[shell]
    count, own = 0, None
    for path, commands, options in helps(program):
        own = own or set(options)
        if commands:
            assert sorted(offer(folder, program, *path, "")) == sorted(commands), path
        offered = {word for word in offer(folder, program, *path, "--")}
        assert offered - {"--"} == own | set(options), path  # the program's own may follow a command too
        count += 1
    assert count > 15


@pytest.mark.parametrize("shell", SHELLS)
def test_a_value_is_no_command_and_a_command_may_follow_it(folder, shell):
    offer = SHELLS[shell]
    assert "check-config" in offer(folder, "moenet-agent", "-c", "status", "chec")
    assert "--sort" in offer(folder, "moenet-agent", "--config", "x", "status", "--so")
    assert "--region" in offer(folder, "moenet-controlplane", "--json", "node", "add", "--reg")
    assert "list" not in offer(folder, "moenet-controlplane", "node", "list", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_files_are_offered_where_a_file_is_meant(folder, shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").touch()
    offer = SHELLS[shell]
    expected = "FILES" if shell == "zsh" else "config.json"
    assert offer(folder, "moenet-agent", "-c", "") == [expected]
    assert offer(folder, "moenet-controlplane", "restore", "") == [expected]
    assert offer(folder, "moenet-controlplane", "node", "add", "--region", "") == []


def test_zsh_finds_it_and_completes_a_line_that_is_typed(folder):
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="dumb", PS1="> ")
        os.execvp("zsh", ["zsh", "-f", "-i"])
    try:
        os.write(terminal, f"fpath=({folder}/zsh $fpath); autoload -Uz compinit && compinit -u -D; echo rea''dy\n".encode())
        heard = read_until(terminal, b"\nready")
        assert b"\nready" in heard, heard
        os.write(terminal, b"moenet-controlplane peer appr\t")
        heard = read_until(terminal, b"approve ")
        assert b"moenet-controlplane peer approve " in heard, heard
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def read_until(terminal, text, seconds=20):
    heard, end = b"", time.monotonic() + seconds
    while text not in heard and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            heard += os.read(terminal, 4096)
    return heard
