"""Completion for bash: a function that walks over the words before the cursor, and a table of what may follow at each place. It needs
nothing of the package bash-completion, which only finds it."""

import words

_SCRIPT = """# bash completion of {name}, made by tools/pages of its --help

# For the command in $place: commands below it, its options, those that take a value, and what its arguments are.
_{id}_table() {{
  case $place in
{table}
  esac
}}

_{id}() {{
  local place='' commands options values arguments word i kind
  local current=${{COMP_WORDS[COMP_CWORD]}} before=''
  _{id}_table
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}} before=''
    if [[ " $values " == *" $word "* ]]; then
      before=$word
      # bash takes --option=value for three words
      [[ ${{COMP_WORDS[i + 1]}} != '=' ]] || ((i++))
      ((++i < COMP_CWORD)) && before=''
    elif [[ " $commands " == *" $word "* ]]; then
      place=${{place:+$place }}$word
      _{id}_table
    fi
  done
  [[ $current != '=' ]] || current=''
  COMPREPLY=()
  if [[ -n $before ]]; then
    case $before in
      {files}) kind=files ;;
      {folders}) kind=folders ;;
      *) kind= ;;
    esac
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    return
  else
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    kind=$arguments
  fi
  case $kind in
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
  esac
}}
complete -F _{id} {name}
"""


def _row(root, command):
    offered = words.options(root, command)
    below = " ".join(each.path[-1] for each in command.commands)
    names = " ".join(name for option in offered for name in option.names)
    values = " ".join(name for option in offered if option.value for name in option.names)
    kind = words.kind_of_arguments(command)
    return f"    '{words.place(command)}') commands='{below}' options='{names}' values='{values}' arguments='{kind}' ;;"


def script(name, root):
    used = sorted({each for command in root.walk() for each in command.value_options()})
    patterns = {kind: "|".join(each for each in used if words.kind(each) == kind) or "''" for kind in ("files", "folders")}
    return _SCRIPT.format(name=name, id=name.replace("-", "_"), table="\n".join(_row(root, each) for each in root.walk()), **patterns)
