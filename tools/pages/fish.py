"""Completion for fish: one line for each word, with the place where it may stand."""

import words

_HEAD = """# fish completion of {name}, made by tools/pages of its --help

# Is PLACE the command that the words before the cursor make? An option's value is no command.
function __{id}_at
    set -l place
    set -l is_value 0
    for word in (commandline -opc)[2..]
        if test $is_value = 1
            set is_value 0
        else if contains -- $word {values}
            set is_value 1
        else if contains -- "$place $word" {places}
            set place "$place $word"
        end
    end
    test "$place" = "$argv[1]"
end

complete -c {name} -f
"""


def _quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _at(name, command):
    place = "".join(f" {word}" for word in command.path)
    return f"complete -c {name} -n {_quoted(f'__{name.replace(chr(45), chr(95))}_at {_quoted(place)}')}"


def _names(option):
    return " ".join(f"-l {each[2:]}" if each.startswith("--") else f"-s {each[1:]}" for each in option.names)


def _lines(name, root, command):
    at = _at(name, command)
    for below in command.commands:
        yield f"{at} -a {below.path[-1]} -d {_quoted(words.short(below.text))}"
    for option in words.options(root, command):
        kind = words.kind(option.names[-1])
        value = {"files": " -rF", "folders": " -xa '(__fish_complete_directories)'", "": " -x"}[kind] if option.value else ""
        yield f"{at} {_names(option)}{value} -d {_quoted(words.short(option.text))}"
    yield from {"files": [f"{at} -F"], "folders": [f"{at} -a '(__fish_complete_directories)'"], "": []}[words.kind_of_arguments(command)]


def script(name, root):
    values = sorted({each for command in root.walk() for each in command.value_options()})
    places = [_quoted("".join(f" {word}" for word in command.path)) for command in root.walk() if command.path]
    head = _HEAD.format(name=name, id=name.replace("-", "_"), values=" ".join(values), places=" ".join(places))
    return head + "".join(line + "\n" for command in root.walk() for line in _lines(name, root, command))
