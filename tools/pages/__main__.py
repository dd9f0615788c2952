"""pages PROGRAM SOURCE OUTPUT: the manual pages and the completions of a built program, into the folder OUTPUT: NAME.8, NAME.5,
bash/NAME, zsh/_NAME and fish/NAME.fish. Commands and options are what its --help says; the configuration's keys are what
SOURCE/docs/configuration.md says; the rest of the pages is SOURCE/packaging/man/NAME.8.in and NAME.5.in."""

import re
import subprocess
import sys
from pathlib import Path

import bash
import fish
import manual
import zsh
from help_text import read_program


def version_of(program):
    """("0.1.0", "2026-01-31" or ""): version, and the date of its commit."""
    line = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    date = re.search(r"\d{4}-\d{2}-\d{2}", line)
    return line.split()[1], date[0] if date else ""


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: pages PROGRAM SOURCE OUTPUT")
    program, source, output = map(Path, sys.argv[1:])
    name = program.name
    root = read_program(program.resolve())
    version, date = version_of(program.resolve())
    written = {f"{name}.{section}": manual.page(source, name, section, root, version, date) for section in "85"}
    written |= {f"bash/{name}": bash.script(name, root), f"zsh/_{name}": zsh.script(name, root), f"fish/{name}.fish": fish.script(name, root)}
    for place, text in written.items():
        (output / place).parent.mkdir(parents=True, exist_ok=True)
        (output / place).write_text(text)


if __name__ == "__main__":
    main()
