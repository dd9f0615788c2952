"""Completion for zsh: as bash's, with what each word means beside it."""

import words

_SCRIPT = """#compdef {name}
# zsh completion of {name}, made by tools/pages of its --help

# For the command in $place: commands below it and options, each with what it means, the options that take a value, and what the
# command's arguments are.
_{id}_table() {{
  case $place in
{table}
  esac
}}

_{id}() {{
  local place='' arguments word before='' kind=''
  local -a commands options values
  local -i i
  _{id}_table
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i] before=''
    if (( $values[(Ie)$word] )); then
      before=$word
      (( ++i < CURRENT )) && before=''
    elif (( $commands[(I)$word:*] )); then
      place=${{place:+$place }}$word
      _{id}_table
    fi
  done
  if [[ -n $before ]]; then
    case $before in
      ({files}) kind=files ;;
      ({folders}) kind=folders ;;
    esac
  elif [[ $words[CURRENT] == -* ]]; then
    _describe -o option options
    return
  else
    (( ! $#commands )) || _describe command commands
    kind=$arguments
  fi
  case $kind in
    (files) _files ;;
    (folders) _files -/ ;;
  esac
}}

_{id} "$@"
"""


def _quoted(name, text):
    return "'" + f"{name}:{words.short(text)}".replace("'", "'\\''") + "'"


def _row(root, command):
    offered = words.options(root, command)
    below = " ".join(_quoted(each.path[-1], each.text) for each in command.commands)
    names = " ".join(_quoted(name, option.text) for option in offered for name in option.names)
    values = " ".join(name for option in offered if option.value for name in option.names)
    return (f"    ('{words.place(command)}')\n      commands=({below})\n      options=({names})\n      values=({values}) "
            f"arguments='{words.kind_of_arguments(command)}' ;;")


def script(name, root):
    used = sorted({each for command in root.walk() for each in command.value_options()})
    patterns = {kind: "|".join(each for each in used if words.kind(each) == kind) or "''" for kind in ("files", "folders")}
    return _SCRIPT.format(name=name, id=name.replace("-", "_"), table="\n".join(_row(root, each) for each in root.walk()), **patterns)
