#include "controlplane/bootstrap.h"

#include <algorithm>
#include <cctype>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "controlplane/token.h"
#include "http/target.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostUrlBytes = 255;
constexpr std::size_t kMostTokenBytes = 128;  // ours have 43

http::Response script_answer(int status, std::string script) {
  http::Response response = http::Response::text(status, std::move(script));
  response.headers.set("Content-Type", "text/x-shellscript");
  return response;
}

http::Response refusal(int status, std::string_view reason) {
  return script_answer(status, fmt::format("echo 'moenet: {}' >&2\nexit 1\n", reason));
}

// {0} node name, {1} the configuration. A function, so that half a script that arrived does nothing.
constexpr std::string_view kScript = R"sh(#!/bin/sh
# Makes this machine the node {0} of its MoeNet network. Holds the node's token: do not keep it.
set -eu
umask 077

become_node() {{
  [ "$(id -u)" = 0 ] || {{ echo 'moenet: run this as root' >&2; exit 1; }}
  mkdir -p /etc/moenet-agent
  cat >/etc/moenet-agent/config.json.new <<'CONFIG'
{1}
CONFIG
  if [ -e /etc/moenet-agent/config.json ] && [ ! -e /etc/moenet-agent/config.json.before ]; then
    mv /etc/moenet-agent/config.json /etc/moenet-agent/config.json.before
    echo 'moenet: the old configuration is in /etc/moenet-agent/config.json.before'
  fi
  mv /etc/moenet-agent/config.json.new /etc/moenet-agent/config.json
  echo 'moenet: wrote /etc/moenet-agent/config.json, which makes this machine {0}'
  if ! command -v moenet-agent >/dev/null; then
    echo 'moenet: next: install the moenet package, then: systemctl enable --now moenet-agent'
    exit 0
  fi
  moenet-agent -c /etc/moenet-agent/config.json check-config
  if [ -d /run/systemd/system ]; then
    systemctl enable --quiet moenet-agent
    systemctl restart moenet-agent
    echo 'moenet: the agent runs; look at it with: moenet-agent status'
  else
    echo 'moenet: next: moenet-agent run'
  fi
}}
become_node
)sh";

}  // namespace

Checked<std::string> bootstrap_base(const json::value& body) {
  const json::value* member = body.is_object() ? body.get_object().if_contains("url") : nullptr;
  std::string url = member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
  while (url.ends_with('/')) url.pop_back();
  if (url.size() > kMostUrlBytes || !http::is_server_url(url))
    return refuse(Errc::invalid, "expected the http or https URL at which the node reaches this control plane", "url");
  return url;
}

std::string bootstrap_script(std::string_view node_name, std::string_view url, const Secret& node_token) {
  // On one line: no line of it can be the here-document's end.
  const json::object config{
      {"bootstrap", {{"controlPlaneUrl", url}, {"nodeName", node_name}, {"token", node_token.reveal()}}}};
  return fmt::format(kScript, node_name, json::serialize(config));
}

http::Response redeem_bootstrap(Store& store, std::string_view token, WallTime now) {
  const auto is_token_byte = [](unsigned char c) { return (c < 0x80 && std::isalnum(c) != 0) || c == '-' || c == '_'; };
  if (token.empty() || token.size() > kMostTokenBytes || !std::ranges::all_of(token, is_token_byte))
    return refusal(400, "this is no bootstrap token");
  const Secret node_token = make_token();
  const UnixMs now_ms = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const auto redeemed = store.redeem_bootstrap(hash_of_token(token), hash_of_token(node_token.reveal()), now_ms);
  if (!redeemed && redeemed.error().code == Errc::not_found)
    return refusal(404, "this bootstrap token is unknown, used up or expired; ask for another one");
  if (!redeemed) {
    log::error("bootstrap token not redeemed", {{"error", redeemed.error().what}});
    return refusal(503, "the control plane has a problem; try again later");
  }
  log::info("bootstrap token redeemed", {{"node", redeemed->node_name}});
  return script_answer(200, bootstrap_script(redeemed->node_name, redeemed->url, node_token));
}

}  // namespace moenet::controlplane
