"""Reads a program's commands and options out of its --help, for each command in turn. It knows the forms of CLI11 2.1 to 2.5, which
Debian 12 and 13 have; what it cannot read, it refuses."""

import re
import subprocess
from dataclasses import dataclass, field


@dataclass
class Option:
    names: list
    value: str = ""  # "" = a flag
    is_repeated: bool = False
    is_required: bool = False
    default: str = ""
    text: str = ""


@dataclass
class Argument:
    name: str
    is_required: bool = False
    text: str = ""


@dataclass
class Command:
    path: tuple  # of names, without the program's
    text: str = ""
    arguments: list = field(default_factory=list)
    options: list = field(default_factory=list)
    commands: list = field(default_factory=list)

    def walk(self):
        """This one and all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()

    def value_options(self):
        return [name for option in self.options if option.value for name in option.names]


_HEADING = re.compile(r"^\s*(options|positionals|subcommands):$", re.I)
_OPTION = re.compile(r"^(?P<names>-[-\w]+(?:,-[-\w]+)*)(?P<rest>(?: \S+)*?)(?:\s{2,}(?P<text>\S.*))?$")
_WORD = re.compile(r"^(?P<name>[\w-]+)(?P<rest>(?: \S+)*?)(?:\s{2,}(?P<text>\S.*))?$")
# Gaps within the names of an option, where only what separates them from the text may be wide
_WIDE_GAP = re.compile(r"(,)\s+(?=-)|\s+(?= \(Env:)")
_TEXT_COLUMN = 20  # what is indented by so much goes on with the text of the entry above


def read_option(line):
    found = _OPTION.match(line)
    if not found:
        raise ValueError(f"no option: {line!r}")
    rest = re.sub(r" (Excludes|Needs):.*", "", found["rest"]) + " "
    value = re.match(r" ([A-Z]+)\b", rest.replace(" REQUIRED ", " "))
    default = re.search(r"=(\S+)| \[([^\]]*)\] ", re.sub(r":\w+ in \[[^\]]*\]", "", rest))
    return Option(found["names"].split(","), value[1] if value else "", " ... " in rest, " REQUIRED " in rest,
                  next(filter(None, default.groups()), "") if default else "", found["text"] or "")


def read_entries(text):
    """(heading, entry as a line) of each entry; texts that are broken into lines made one."""
    heading, entries = "", []
    for line in text.splitlines():
        if found := _HEADING.match(line):
            heading = found[1].lower()
        elif line and not line.startswith(" "):
            heading = ""  # the footer, or a group of options that goes on below
        elif heading and line.strip() and not line.lstrip().startswith("["):
            if len(line) - len(line.lstrip()) < _TEXT_COLUMN:
                entries.append([heading, _WIDE_GAP.sub(lambda gap: gap[1] or "", line.strip())])
            else:
                entries[-1][1] += ("  " if "  " not in entries[-1][1] else " ") + line.strip()
    return entries


def read_help(path, text, help_of):
    """The command whose help is `text`; `help_of(path)` is that of those below it."""
    command = Command(path)
    for heading, entry in read_entries(text):
        if heading == "options":
            command.options.append(read_option(entry))
            continue
        found = _WORD.match(entry)
        if not found:
            raise ValueError(f"no entry: {entry!r}")
        if heading == "positionals":
            command.arguments.append(Argument(found["name"], " REQUIRED" in found["rest"], found["text"] or ""))
        else:
            below = read_help(path + (found["name"],), help_of(path + (found["name"],)), help_of)
            below.text = found["text"] or ""
            command.commands.append(below)
    return command


def read_program(program):
    """The whole tree of a program's commands. Raises ValueError where its help cannot be read."""
    def help_of(path):
        return subprocess.run([program, *path, "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True).stdout

    return read_help((), help_of(()), help_of)
