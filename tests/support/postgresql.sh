#!/bin/sh
# A private PostgreSQL for tests: in a temporary folder, on a Unix socket only. Told by its standard input, one word a line: restart,
# stop (both as a crash does, without a farewell), start, freeze (all its processes stand still), thaw; it answers each with `done`. When
# the input ends, because whoever started it has ended in whatever way, the server ends and the folder goes.
# Prints the folder, then `ready`. PostgreSQL refuses to run as root; then it is the user `postgres` of its package.
# Usage: postgresql.sh [-F]      -F: no waiting for the disk
exec 2>&1
options=$1
base=/dev/shm
[ -w $base ] || base=${TMPDIR:-/tmp}
folder=$(mktemp -d "$base"/moenet-postgresql-XXXXXX) || exit 1
echo "$folder"
bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
as=
if [ "$(id -u)" = 0 ]; then
  chown postgres "$folder"
  as="setpriv --reuid=postgres --regid=postgres --init-groups"
fi
server=
frozen=

everyone() {
  # shellcheck disable=SC2046  # one word per process
  kill "-$1" "$server" $(pgrep -P "$server")
}
stop() {
  [ -z "$frozen" ] || everyone CONT
  frozen=
  [ -z "$server" ] || { kill -QUIT "$server" && wait "$server"; }
  server=
}
start() {
  # shellcheck disable=SC2086  # $as and $options are words or nothing
  $as "$bin/postgres" -D db -k "$folder/socket" -c listen_addresses= -c max_connections=200 $options >>log 2>&1 &
  server=$!
  until "$bin/pg_isready" -q -h "$folder/socket" -U moenet -d postgres; do
    kill -0 "$server" 2>/dev/null || { cat log; exit 1; }
    sleep 0.05
  done
}
trap 'stop; cd /; rm -rf "$folder"' EXIT
trap : INT TERM HUP

cd "$folder" || exit 1
$as mkdir socket || exit 1
$as "$bin/initdb" -D db -U moenet -A trust -E UTF8 --locale=C -N >/dev/null || exit 1
start
echo ready
while read -r word; do
  case $word in
    restart) stop; start ;;
    stop) stop ;;
    start) start ;;
    freeze) frozen=yes; everyone STOP ;;
    thaw) everyone CONT; frozen= ;;
  esac
  echo 'done'
done
