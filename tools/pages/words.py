"""What the completions of all shells are made of: for each place on the command line, the words that may stand there."""

import re

# What a value or an argument names, by the option's or the argument's name; nothing is offered for the others.
_FILES = {"--config", "-c", "--db", "--db-file", "--to", "--to-file", "--token-file", "--shared-key-file", "--metrics-token-file", "--psk-file",
          "--password-file", "file"}
_FOLDERS = {"--state-dir", "--registry", "folder"}


def place(command):
    """As the scripts write it: "" for the program itself, "node add"."""
    return " ".join(command.path)


def options(root, command):
    """Those of a command, and the program's own, which may follow it too."""
    own = {name for option in command.options for name in option.names}
    return command.options + [option for option in root.options if command.path and not own & set(option.names)]


def short(text):
    """The first statement of a help text, on one line."""
    return re.split(r"[;:(]|\. ", text)[0].strip()


def kind(name):
    """"files", "folders" or ""."""
    return "files" if name in _FILES else "folders" if name in _FOLDERS else ""


def kind_of_arguments(command):
    return next(filter(None, (kind(argument.name) for argument in command.arguments)), "")
