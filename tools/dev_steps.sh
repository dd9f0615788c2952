# shellcheck shell=bash disable=SC2154,SC2034  # shares its variables with ./dev
# Steps of ./dev: each runs with its output in a log, shows its name and elapsed time while it works, and says on failure what to do.
# Sourced by ./dev; expects $root.

logs=$root/build/log
step_names=() step_times=() step_pid=
started=$SECONDS

if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
  live=yes bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m' wipe=$'\r\e[K'
else
  live='' bold='' dim='' red='' green='' plain='' wipe=''
fi

# die TEXT: the one line that says what failed and what to do.
die() {
  printf '%s%sdev: %s%s\n' "$wipe" "$red" "$*" "$plain" >&2
  exit 1
}

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# as_root COMMAND...: as it is for root, else through sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "this needs root and there is no sudo: run it as root"
  fi
}

# Asks for the password before a step hides its output, and once only.
prepare_root() {
  [ "$(id -u)" = 0 ] && return
  command -v sudo >/dev/null || die "this needs root (network namespaces, packages) and there is no sudo: run it as root"
  sudo -v || die "sudo refused: run it as root, or as a user who may use sudo"
}

# The last line of a log that is worth showing beside the clock; ninja's "[12/345]" among them.
last_words() { tail -c 600 "$1" 2>/dev/null | tr '\r' '\n' | tr -cd '[:print:]\n' | grep -v '^ *$' | tail -n 1 | cut -c "1-$2"; }

# A step is a process group of its own, so that its whole tree can be ended; what sudo started in it only root may signal.
stop_step() {
  trap - INT TERM
  if [ -n "$step_pid" ] && kill -TERM -- "-$step_pid" 2>/dev/null; then
    [ "$(id -u)" = 0 ] || sudo -n kill -TERM -- "-$step_pid" 2>/dev/null || :
    wait "$step_pid" 2>/dev/null || :
  fi
  die "interrupted"
}
trap stop_step INT TERM

# step NAME COMMAND...: runs COMMAND with its output in build/log/NAME.log.
step() {
  local name=$1 begun=$SECONDS spent shown=-1 log rc=0
  shift
  log=$logs/${name//[^A-Za-z0-9_.-]/-}.log
  mkdir -p "$logs"
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  step_pid=$!
  set +m
  while kill -0 "$step_pid" 2>/dev/null; do
    spent=$((SECONDS - begun))
    if [ -n "$live" ]; then
      printf '%s  %-28s %s%6s  %s%s' "$wipe" "$name" "$dim" "$(clock $spent)" "$(last_words "$log" 60)" "$plain"
    elif [ $((spent / 30)) -gt $((shown / 30)) ] && [ $spent -ge 30 ]; then
      printf '  %-28s %6s  %s\n' "$name …" "$(clock $spent)" "$(last_words "$log" 70)"
      shown=$spent
    fi
    sleep 0.2
  done
  wait "$step_pid" || rc=$?
  step_pid=
  spent=$((SECONDS - begun))
  step_names+=("$name") step_times+=("$spent")
  if [ $rc = 0 ]; then
    printf '%s  %s✓%s %-26s %s%6s  %s%s\n' "$wipe" "$green" "$plain" "$name" "$dim" "$(clock $spent)" "$(closing_words "$log")" "$plain"
  else
    printf '%s  %s✗ %-26s %6s%s\n' "$wipe" "$red" "$name" "$(clock $spent)" "$plain"
    tail -n "${STEP_TAIL:-60}" "$log" | sed 's/^/    /'
    die "$name failed (status $rc): the lines above say why; all of its output is in ${log#"$root"/}"
  fi
}

# begin_behind COMMAND...: runs COMMAND on what the steps leave of the cores (SCHED_IDLE, sched(7)), until end_behind or the end of ./dev.
# For what a later step takes up where it was ended, as ninja does; so nothing depends on how far it came, or why it failed.
behind_pid=
begin_behind() {
  mkdir -p "$logs"
  set -m
  { chrt --idle --pid 0 "$BASHPID" && "$@"; } >"$logs/behind.log" 2>&1 </dev/null &
  behind_pid=$!
  set +m
  trap end_behind EXIT
}
end_behind() {
  [ -n "$behind_pid" ] || return 0
  kill -TERM -- "-$behind_pid" 2>/dev/null || :
  wait "$behind_pid" 2>/dev/null || :
  behind_pid=
}

# What a finished step has to say for itself: the summary lines of ctest, pytest and our own programs.
closing_words() { grep -aE '^(100% tests passed|=+ .*(passed|skipped).* =+$|dev-says: )' "$1" | tail -n 1 | sed -E 's/^(=+ |dev-says: )//; s/ =+$//' | cut -c 1-90; }

# The table at the end of a long command.
summary() {
  local i
  printf '\n%s%s%s\n' "$bold" "$1" "$plain"
  for i in "${!step_names[@]}"; do printf '  %-28s %6s\n' "${step_names[i]}" "$(clock "${step_times[i]}")"; done
  printf '  %-28s %6s\n' total "$(clock $((SECONDS - started)))"
}
