// The plan in an operator's words. Names and endpoints only: no key but public ones, no password, no file content.
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "model/session.h"
#include "reconcile/difference.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {
namespace {

std::string line(char mark, std::string_view name, std::string_view what) {
  return fmt::format("{} {}  {}", mark, escape_for_log(name), what);
}

std::string_view plural(std::size_t count) { return count == 1 ? "" : "es"; }

std::string text_of(const model::InterfaceAddress& address) {
  return address.local.text() + (address.peer ? " peer " + address.peer->text() : "");
}

// The first characters of a public key, as people tell keys apart.
std::string short_key(const Key& key) { return key.base64().substr(0, 8) + "…"; }

std::string text_of(const GreHeader& gre) {
  std::string what = fmt::format("remote {}", gre.remote ? gre.remote->text() : "unknown");
  if (gre.local) what += " local " + gre.local->text();
  if (gre.key) what += fmt::format(" key {}", *gre.key);
  return fmt::format("{} ttl {}", what, gre.ttl);
}

std::string created(const model::Tunnel& tunnel) {
  std::string what = fmt::format("create {} tunnel, mtu {}", model::name_of(tunnel.type), tunnel.mtu_bytes);
  if (tunnel.listen_port != 0) what += fmt::format(", port {}", tunnel.listen_port);
  if (tunnel.gre) what += ", " + text_of(*tunnel.gre);
  what += fmt::format(", {} address{}", tunnel.addresses.size(), plural(tunnel.addresses.size()));
  if (!tunnel.configured_endpoint.empty()) what += ", endpoint " + escape_for_log(tunnel.configured_endpoint);
  return what;
}

std::string changed(const PeerUpdate& peer) {
  std::string what = (peer.add ? "add peer " : "peer ") + short_key(peer.public_key);
  if (peer.preshared_key) what += peer.preshared_key->is_zero() ? " without preshared key" : " preshared key";
  if (peer.endpoint) what += " endpoint " + peer.endpoint->text();
  if (peer.keepalive) what += fmt::format(" keepalive {} s", peer.keepalive->count());
  if (peer.allowed_ips) what += fmt::format(" allowed IPs ({})", peer.allowed_ips->size());
  return what;
}

}  // namespace

std::string fields_of(const UpdateTunnel& update) {
  std::string what;
  const auto add = [&what](std::string_view part) { what.append(what.empty() ? "" : ", ").append(part); };
  if (update.configured_endpoint) add("endpoint " + escape_for_log(*update.configured_endpoint));
  if (update.mtu_bytes) add(fmt::format("mtu {}", *update.mtu_bytes));
  for (const auto& address : update.remove_addresses) add("remove address " + text_of(address));
  for (const auto& address : update.add_addresses) add("add address " + text_of(address));
  if (update.private_key) add("private key");
  if (update.listen_port) add(fmt::format("port {}", *update.listen_port));
  for (const Key& key : update.remove_peers) add("remove peer " + short_key(key));
  for (const PeerUpdate& peer : update.peers) add(changed(peer));
  if (update.gre) add(fmt::format("GRE header ({})", text_of(*update.gre)));
  if (update.set_up) add("set up");
  return what;
}

std::string describe(const TunnelAction& action) {
  if (const auto* create = std::get_if<CreateTunnel>(&action))
    return line('+', create->tunnel.name, created(create->tunnel));
  if (const auto* update = std::get_if<UpdateTunnel>(&action)) return line('~', update->name, fields_of(*update));
  return line('-', std::get<RemoveTunnel>(action).name, "remove tunnel");
}

std::string describe(const model::Firewall& firewall) {
  const auto counted = [](std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  const std::string gre = firewall.gre_peers.empty() ? "" : ", " + counted(firewall.gre_peers.size(), "GRE peer");
  return line('~', "firewall",
              fmt::format("let in {}{} and {}", counted(firewall.udp_ports.size(), "UDP port"), gre,
                          counted(firewall.tunnel_interfaces.size(), "tunnel")));
}

std::string describe(const SessionOrder& order) {
  switch (order.kind) {
    case SessionOrder::Kind::shut: return line('~', order.protocol, "shut down for maintenance");
    case SessionOrder::Kind::reopen: return line('~', order.protocol, "up again after maintenance");
    case SessionOrder::Kind::retake: return line('~', order.protocol, "take again what the import limit blocked");
    case SessionOrder::Kind::restart: break;
  }
  return line('~', order.protocol, "restart");
}

std::string describe(const Plan& plan) {
  if (plan.empty()) return "nothing to change\n";
  std::string text;
  if (plan.firewall) text += describe(*plan.firewall) + '\n';
  std::set<std::string_view> new_owners;
  for (const TunnelAction& action : plan.before_bird) {
    text += describe(action) + '\n';
    if (std::holds_alternative<CreateTunnel>(action)) new_owners.insert(owner_of(action));
  }
  for (const model::BirdFile& file : plan.bird.put) {
    text += line(new_owners.contains(file.owner) ? '+' : '~', file.name, "write BIRD file") + '\n';
  }
  for (const std::string& name : plan.bird.remove) text += line('-', name, "remove BIRD file") + '\n';
  if (plan.bird.reload) text += line('~', "bird", "read the configuration again") + '\n';
  for (const SessionOrder& order : plan.bird.orders) text += describe(order) + '\n';
  if (plan.bird.judge_again) text += line('~', "bird", "ask the filters again: the network's own ROA changed") + '\n';
  for (const TunnelAction& action : plan.after_bird) text += describe(action) + '\n';
  return text;
}

}  // namespace moenet::reconcile
