"""A manual page: packaging/man/NAME.SECTION.in, in which a line @COMMANDS@ or @OPTIONS@ stands for what the program's --help says, and
@SECTION TITLE@ for a section of docs/configuration.md."""

import re

import markdown
from roff import bold, entry, filled, inline, italic


def _option(option):
    value = f" {italic(option.value.lower())}" if option.value else ""
    names = ", ".join(map(bold, option.names))
    text = option.text + (f" (default {option.default})" if option.default and option.default not in option.text else "")
    if option.is_repeated and "as often as needed" not in text:
        text += "; as often as needed"
    return entry(names + value, inline(text + (" (needed)" if option.is_required else "")))


def _options(command):
    """Without -h and -v of commands below: they are everywhere."""
    return "".join(_option(option) for option in command.options if not command.path or "--help" not in option.names)


def _argument(argument):
    shown = italic(argument.name)
    return shown if argument.is_required else f"[{shown}]"


def _command(name, command):
    head = " ".join([bold(" ".join((name, *command.path))), *(["[options]"] if len(command.options) > 1 else []), *map(_argument, command.arguments)])
    written = f".SS {head}\n" + filled(inline(command.text) + ".")
    written += "".join(entry(italic(argument.name), inline(argument.text)) for argument in command.arguments)
    return written + _options(command)


def _commands(name, root):
    """Those that do something; of a group that only has commands below it, these."""
    return "".join(_command(name, command) for command in root.walk() if command.path and not command.commands)


def page(source, name, section, root, version, date):
    configuration = (source / "docs/configuration.md").read_text()
    written = f".TH {name.upper()} {section} \"{date}\" \"MoeNet {version}\"\n"
    for line in (source / f"packaging/man/{name}.{section}.in").read_text().splitlines(keepends=True):
        if line == "@COMMANDS@\n":
            written += _commands(name, root)
        elif line == "@OPTIONS@\n":
            written += _options(root)
        elif found := re.match(r"@SECTION (.*)@$", line):
            written += markdown.to_roff(markdown.section(configuration, found[1])).removeprefix(".PP\n")  # a heading stands above
        else:
            written += line
    return written
