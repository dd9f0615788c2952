#include "controlplane/bootstrap_script.h"

#include <fmt/format.h>

#include "controlplane/token.h"

namespace moenet::controlplane {

namespace {

// {0} node name, {1} URL, {2} token, {3} a mark of the token, {4} "true" when it is but a look, {5} packages.
constexpr std::string_view kHead = R"sh(#!/bin/sh
# Makes this machine the node {0} of its MoeNet network: checks it, installs what is missing, gives it its token, writes
# the agent's configuration, hands BIRD over to the agent where nobody has configured it yet, and starts both. May be
# run again, also when it was cut off. Until it has claimed the node it uses nothing up. Do not keep it: it may do so.
#   --dry-run                  only say what would be done
#   --ownership full|peers     whose bird.conf is: the agent's, or yours; else full where it is as Debian ships it
set -eu
node='{0}'
url='{1}'
bootstrap='{2}'
mark='{3}'
is_dry={4}
# Debian (- = any), architecture, version and SHA-256 of the packages that the control plane has
packages='{5}'
)sh";

constexpr std::string_view kBody = R"sh(
umask 077
export LC_ALL=C PATH="/usr/local/sbin:/usr/sbin:/sbin:$PATH"
ownership=
config=/etc/moenet-agent/config.json
token=/etc/moenet-agent/token
bird_conf=/etc/bird/bird.conf
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { echo "moenet: $*"; }
die() { say "$@" >&2; exit 1; }
# Runs the command, or says it.
run() { if $is_dry; then echo "  would run: $*"; else "$@"; fi; }
has() { command -v "$1" >/dev/null; }

read_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) is_dry=true ;;
      --ownership) ownership=${2:-none}; [ $# = 1 ] || shift ;;
      *) die "unknown argument $1: there are --dry-run and --ownership full|peers" ;;
    esac
    shift
  done
  case $ownership in '' | full | peers) ;; *) die '--ownership is full or peers' ;; esac
}

# fetch PATH [FILE]: the control plane's answer, to GET or to POST of the file; headers go to $scratch/head. URLs hold
# the bootstrap token, and so they are no arguments, which `ps` shows.
fetch() {
  if has curl; then
    printf 'url = "%s"\n' "$url$1" |
      curl -K - -sS --fail-with-body --connect-timeout 15 --max-time 300 -D "$scratch/head" ${2:+--data-binary "@$2" -H Content-Type:text/plain}
  elif has wget; then
    printf '%s\n' "$url$1" |
      wget -i - -q -S -O - --content-on-error --tries=1 --timeout=60 ${2:+--post-file="$2" --header=Content-Type:text/plain} 2>"$scratch/head"
  else
    die 'there is neither curl nor wget: apt-get install curl'
  fi
}

check_machine() {
  [ "$(id -u)" = 0 ] || die 'run this as root'
  has dpkg || die 'this is no Debian'
  suite=$(. /etc/os-release; [ "${ID:-}" = debian ] || exit 0; case ${VERSION_ID:-} in 12) echo bookworm ;; 13) echo trixie ;; esac)
  [ -n "$suite" ] || die "this is neither Debian 12 nor 13 but $(. /etc/os-release; echo "${PRETTY_NAME:-unknown}")"
  architecture=$(dpkg --print-architecture)
}

# Certificates and WireGuard's handshakes need the time.
check_control_plane() {
  fetch /health >"$scratch/health" || die "$url does not answer from here: $(cat "$scratch/health")"
  theirs=$(sed -n 's/^ *[Dd]ate: *//p' "$scratch/head" | tr -d '\r' | tail -n 1)
  [ -n "$theirs" ] || return 0
  apart=$(($(date +%s) - $(date -d "$theirs" +%s)))
  [ "${apart#-}" -le 60 ] || die "this machine's clock is ${apart#-} s away from the control plane's: set it (apt-get install systemd-timesyncd)"
}

is_agents() { head -n 1 "$bird_conf" 2>/dev/null | grep -q '^# moenet-agent base:'; }

# dpkg and ucf, by which Debian ships it, know the sum of what they have installed.
is_as_shipped() {
  sum=$(md5sum <"$bird_conf" | cut -d ' ' -f 1)
  { dpkg-query -W -f '${Conffiles}\n' 'bird*'; cat /var/lib/ucf/hashfile; } 2>/dev/null |
    grep -qE "^ *($bird_conf $sum|$sum +$bird_conf)"
}

choose_ownership() {
  if [ -n "$ownership" ]; then
    say "bird.ownership is \"$ownership\", as asked for"
  elif [ ! -e "$bird_conf" ] || is_agents || is_as_shipped; then
    ownership=full
    say "bird.ownership is \"full\": nobody has written a $bird_conf of their own"
  else
    ownership=peers
    say "bird.ownership is \"peers\": $bird_conf is somebody's own work and stays as it is. Tunnels come up by"
    say 'themselves; what bird.conf needs beside them: /usr/share/doc/moenet-agent/operations.md, "A node joins"'
  fi
}

# What the control plane has for this machine: version and sum in `version` and `sum`; the list has the best first.
find_package() {
  version='' sum=''
  while read -r of_suite of_architecture of_version of_sum; do
    case $of_suite in "$suite" | -) ;; *) continue ;; esac
    [ "$of_architecture" = "$architecture" ] || continue
    version=$of_version sum=$of_sum
    return
  done <<P
$packages
P
}

apt_get() { run env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null; }
is_known() { [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }
has_wireguard() { has wireguard-go || [ -d /sys/module/wireguard ] || modprobe -qn wireguard 2>/dev/null; }

install_debian_packages() {
  missing=
  has bird || missing="bird2"
  has_wireguard || missing="$missing wireguard-go"
  [ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"
  [ -n "$missing" ] || return 0
  apt_get update
  if [ "${missing#bird2}" != "$missing" ] && ! $is_dry && ! is_known bird2; then missing="bird3${missing#bird2}"; fi
  # shellcheck disable=SC2086  # a list
  apt_get install -y --no-install-recommends $missing
  say "installed: $missing"
}

install_moenet() {
  has_agent=false
  if has moenet-agent; then has_agent=true; fi
  installed=$(dpkg-query -W -f '${Version}' moenet-agent 2>/dev/null) || installed=
  find_package
  if $has_agent && { [ -z "$version" ] || [ -z "$installed" ] || dpkg --compare-versions "$installed" ge "$version"; }; then
    return
  fi
  [ -n "$sum" ] || die "moenet-agent is not installed, and the control plane has no package for $suite on $architecture: install one" \
    "here (apt-get install ./moenet-agent_*.deb), or put it into packages/ in the control plane's state folder; then run this again"
  if $is_dry; then
    echo "  would install moenet-agent $version from $url"
    return
  fi
  chmod 755 "$scratch"  # apt reads it as a user of its own
  fetch "/bootstrap/$bootstrap/moenet.deb?sha256=$sum" >"$scratch/moenet.deb" || die "the package did not come: $(head -c 200 "$scratch/moenet.deb")"
  echo "$sum  $scratch/moenet.deb" | sha256sum -c --quiet || die 'the package is not the one that was promised; nothing was installed'
  chmod 644 "$scratch/moenet.deb"
  apt_get install -y --no-install-recommends "$scratch/moenet.deb"
  has_agent=true
  say "installed: moenet-agent $version"
}

# Kept under a name that no earlier one has.
back_up() {
  if [ -e "$1" ]; then
    run cp -p --backup=numbered "$1" "$1.before"
    say "the old $1 is kept as $1.before"
  fi
}

configuration() {
  cat <<C
{"_comment":"of bootstrap line $mark","bird":{"ownership":"$ownership"},"kernel":{"manageSettings":true},"bootstrap":{"controlPlaneUrl":"$url","nodeName":"$node","tokenFile":"$token"}}
C
}

# Before anything is used up: would the agent take it?
check_configuration() {
  configuration >"$scratch/config.json"
  if $has_agent && ! MOENET_CP_TOKEN=not-yet moenet-agent -c "$scratch/config.json" check-config >"$scratch/said" 2>&1; then
    cat "$scratch/said" >&2
    die 'nothing was changed'
  fi
}

# The token of this line is this machine's: claimed, and in place with the configuration. $token.new is there from
# before the claim until all is in place, so that a run that was cut off in between is taken up again.
has_claimed() { [ -s "$token" ] && [ ! -e "$token.new" ] && grep -qF "of bootstrap line $mark" "$config" 2>/dev/null; }

claim() {
  if has_claimed; then
    say 'this machine has its token already'
    return
  fi
  if $is_dry; then
    echo "  would make a token for this node in $token and tell it to the control plane"
    return
  fi
  mkdir -p "${token%/*}"
  if [ "$(wc -c 2>/dev/null <"$token.new")" != 43 ]; then
    head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n' >"$token.new"
    sync "$token.new"
  fi
  code=0
  answer=$(fetch "/bootstrap/$bootstrap" "$token.new") || code=$?
  case $answer in
    claimed) ;;
    'this bootstrap token'*) rm "$token.new"; die "$answer" ;;
    *) die "the control plane did not say whether this machine has the node (${answer:-no answer}, $code): run this again" ;;
  esac
}

put_in_place() {
  if has_claimed && cmp -s "$scratch/config.json" "$config"; then
    say "$config is as it should be"
    return
  fi
  back_up "$config"
  if $is_dry; then
    echo "  would write $config"
    return
  fi
  cp "$scratch/config.json" "$config.new"
  sync "$config.new"
  mv "$config.new" "$config"
  [ ! -e "$token.new" ] || mv "$token.new" "$token"
  say "wrote $config and $token"
}

# The agent has a user of its own; older ones had none.
own_files() { [ ! -x /usr/libexec/moenet-agent/own-files ] || run /usr/libexec/moenet-agent/own-files; }

# The agent's own first bird.conf, which it makes of what the control plane has told it.
render_bird_conf() {
  tries=60
  until moenet-agent -c "$config" render "$rendered" >"$rendered/log" 2>&1; do
    tries=$((tries - 1))
    if [ $tries = 0 ]; then
      cat "$rendered/log" >&2
      die 'this node has no configuration yet: journalctl -u moenet-agent'
    fi
    sleep 0.5
  done
  peers=$(sed -n 's|^include "\(.*\)/\*\.conf";$|\1|p' "$rendered/bird.conf")
  [ -d "$peers" ] || install -d -m 770 -g bird "$peers"
  bird -p -c "$rendered/bird.conf" || die "BIRD would not start with it, and $bird_conf stays as it is"
}

hand_bird_over() {
  if is_agents; then
    say "$bird_conf is the agent's already"
    run systemctl enable --quiet --now bird
    return
  fi
  rendered=$scratch/bird
  if $is_dry; then
    echo '  would render a bird.conf and its folder of peer files'
  else
    mkdir "$rendered"
    render_bird_conf
  fi
  back_up "$bird_conf"
  run install -m 640 -o bird -g bird "$rendered/bird.conf" "$bird_conf"
  own_files
  run systemctl enable --quiet bird
  run systemctl restart bird
}

start() {
  own_files
  run systemctl enable --quiet moenet-agent
  run systemctl restart moenet-agent
  [ "$ownership" = peers ] || hand_bird_over
  if $is_dry; then return; fi
  moenet-agent sync >/dev/null || :
  say 'the agent runs; what this machine still lacks:'
  moenet-agent doctor || :
}

become_node() {
  read_arguments "$@"
  check_machine
  check_control_plane
  install_moenet
  install_debian_packages
  choose_ownership
  check_configuration
  claim
  put_in_place
  if [ -d /run/systemd/system ]; then
    start
  else
    say 'there is no systemd here; next: moenet-agent run; then do what moenet-agent doctor says'
  fi
  if $is_dry; then say 'nothing was changed'; else say "this machine is $node; look at it with: moenet-agent status"; fi
}
become_node "$@"
)sh";

}  // namespace

std::string text_of(const BootstrapScript& script) {
  std::string packages;
  for (const OfferedPackage& package : script.packages) {
    packages +=
        fmt::format("{}{} {} {} {}", packages.empty() ? "" : "\n", package.suite.empty() ? "-" : package.suite.c_str(),
                    package.architecture, package.version, package.sha256);
  }
  const std::string mark = fingerprint(fmt::format("bootstrap {}", script.token.reveal())).substr(0, 12);
  return fmt::format(kHead, script.node_name, script.url, script.token.reveal(), mark, script.is_dry_run, packages) +
         std::string(kBody);
}

}  // namespace moenet::controlplane
