#include "bird/last_error.h"

#include <string_view>

#include <fmt/format.h>

#include "base/log.h"

namespace moenet::bird {
namespace {

// "…(255 bytes)", which escape_for_log puts where it cuts.
constexpr std::size_t kCutMark = 20;

// What stands before an error says who found it (bgp_err_classes in proto/bgp/bgp.c).
constexpr std::string_view kReceived = "Received: ";
constexpr std::string_view kSent = "BGP Error: ";
constexpr std::string_view kSocket = "Socket: ";
constexpr std::string_view kLocal = "Error: ";
constexpr std::string_view kAutomatic = "Automatic shutdown: ";

struct Words {
  std::string_view bird;
  std::string_view ours;  // "{n}": the neighbor's address
};

// The neighbor's notifications (RFC 4271 section 4.5, RFC 4486).
constexpr Words kTheirNotifications[] = {
    {"Administrative shutdown", "they shut the session down"},
    {"Administrative reset", "they restarted the session"},
    {"Peer de-configured", "they removed the session"},
    {"Maximum number of prefixes reached", "we announce more routes than they accept"},
    {"Connection rejected", "they refuse the session"},
    {"Hold timer expired", "they heard nothing from us within the hold time"},
    {"Other configuration change", "they changed the session's configuration"},
    {"Out of Resources", "they are out of resources"},
    {"Required capability missing", "they require a capability that we do not announce (address family, role, …)"},
};
constexpr Words kOurNotifications[] = {
    {"Hold timer expired", "hold timer expired: nothing was heard from {n}"},
    {"Send hold timer expired", "{n} took nothing from us within the hold time"},
    {"Required capability missing", "{n} does not announce a capability that is required (address family, role, …)"},
    {"Unacceptable hold time", "{n} wants a hold time that is not accepted"},
    {"Bad BGP identifier", "{n} has a router id that is ours or 0.0.0.0"},
};
constexpr Words kSocketErrors[] = {
    {"Connection refused", "connection refused by {n}"},
    {"Connection reset by peer", "connection reset by {n}"},
    {"Connection closed", "{n} closed the connection: it may not know this session"},
    {"Connection timed out", "{n} does not answer"},
    {"No route to host", "no route to host {n}"},
    {"Network is unreachable", "no route to {n}"},
    {"Required key not available", "WireGuard has no peer for {n} (allowed addresses)"},
    {"Destination address required", "WireGuard does not know the peer's endpoint"},
};
constexpr Words kLocalErrors[] = {
    {"Neighbor lost", "{n} is not reachable: its interface or address is gone"},
    {"Invalid next hop", "invalid next hop"},
    {"Kernel MD5 auth failed", "the kernel refuses the password (TCP MD5)"},
    {"No listening socket", "BIRD cannot listen: another program has the port or the address is missing"},
    {"Link down", "the link is down"},
    {"BFD session down", "BFD session down: the path to {n} is broken"},
    {"Graceful restart", "{n} restarts gracefully"},
};
// Without an error (bgp_state_dsc() in proto/bgp/bgp.c).
constexpr Words kStates[] = {
    {"Idle", "waits for the interface of {n}"},
    {"Connect", "{n} does not answer"},
    {"Active", "connecting to {n}"},
    {"Passive", "waits for {n} to connect"},
    {"OpenSent", "{n} took the connection and says nothing"},
    {"OpenConfirm", "{n} does not confirm the session"},
};

template <std::size_t N>
std::string in_our_words(const Words (&table)[N], std::string_view bird, std::string_view prefix,
                         std::string_view neighbor) {
  for (const Words& words : table) {
    if (words.bird != bird) continue;
    const std::size_t at = words.ours.find("{n}");
    if (at == words.ours.npos) return std::string(words.ours);
    return fmt::format("{}{}{}", words.ours.substr(0, at), neighbor, words.ours.substr(at + 3));
  }
  return fmt::format("{}{}", prefix, bird);
}

std::string_view consequence_of(const ChannelLimit& limit) {
  if (limit.action == "block") return "more are blocked";
  if (limit.action == "disable") return "session disabled";
  if (limit.action == "restart") return "session restarts";
  return "only warned";
}

// All limits that are hit: "import limit of 9000 routes hit (ipv4): more are blocked"; and those that blocked in a
// session that is up, as BIRD does not take again by itself what they blocked.
std::string hit_limits(const ProtocolDetail& session) {
  std::string all;
  const auto add = [&](std::string_view what, const ChannelDetail& channel,
                       std::optional<ChannelLimit> ChannelDetail::* which) {
    const std::optional<ChannelLimit>& limit = channel.*which;
    if (!limit || !limit->is_hit) return;
    const bool is_past = !is_at_work(session, channel, which);
    if (is_past && (limit->action != "block" || !session.status.is_established())) return;
    all += fmt::format("{}{} limit of {} routes {} ({}): {}", all.empty() ? "" : "; ", what, limit->routes,
                       is_past ? "was hit" : "hit", channel.name,
                       is_past ? "what it blocked was not taken again yet" : consequence_of(*limit));
  };
  for (const ChannelDetail& channel : session.channels) {
    add("import", channel, &ChannelDetail::import_limit);
    add("receive", channel, &ChannelDetail::receive_limit);
    add("export", channel, &ChannelDetail::export_limit);
  }
  return all;
}

std::string quoted(std::string_view message) { return message.empty() ? "" : fmt::format(": '{}'", message); }

// Of `session` that is not Established. A socket's error tells nothing of who ended the session before, and the
// neighbor's message may be older than it.
std::string words_for_error(const ProtocolDetail& session, model::Asn expected) {
  const std::string_view neighbor = session.neighbor_address;
  std::string_view error = session.last_error;
  const auto take = [&](std::string_view prefix) {
    if (!error.starts_with(prefix)) return false;
    error.remove_prefix(prefix.size());
    return true;
  };
  if (take(kReceived)) {
    if (error == "Bad peer AS") return fmt::format("they expect another AS than {}", session.local_as.value_or(0));
    const bool has_message = error.starts_with("Administrative ");
    return in_our_words(kTheirNotifications, error, "they sent: ", neighbor) +
           (has_message ? quoted(session.message) + (session.message.empty() ? "" : " (RFC 9003)") : "");
  }
  if (take(kSent)) {
    if (error == "Bad peer AS") return fmt::format("Bad peer AS: {} is not AS {}", neighbor, expected);
    return in_our_words(kOurNotifications, error, "BGP error: ", neighbor);
  }
  if (take(kSocket)) {
    const std::string words = in_our_words(kSocketErrors, error, "socket: ", neighbor);
    return session.message.empty() ? words : fmt::format("{}; they said{}", words, quoted(session.message));
  }
  if (take(kAutomatic)) {
    const std::string limits = hit_limits(session);
    return limits.empty() ? std::string(error) : limits;
  }
  if (take(kLocal)) return in_our_words(kLocalErrors, error, "", neighbor);
  return error.empty() ? in_our_words(kStates, session.bgp_state, "BGP is ", neighbor) : std::string(error);
}

std::string words_for(const ProtocolDetail& session, model::Asn expected) {
  if (session.status.is_established()) return hit_limits(session);
  if (session.neighbor_as && session.neighbor_as != expected) {
    return fmt::format("BIRD's session is with AS {} and not {}", *session.neighbor_as, expected);
  }
  if (session.status.state != "start" && session.last_error.empty()) {
    return "disabled on this node" + quoted(session.message);
  }
  return words_for_error(session, expected);
}

}  // namespace

std::optional<std::string> cause_of(const ProtocolDetail& session, model::Asn expected) {
  if (session.bgp_state.empty()) return std::nullopt;
  const std::string words = words_for(session, expected);
  if (words.empty()) return std::nullopt;
  return escape_for_log(words, kMostCauseBytes - kCutMark);
}

}  // namespace moenet::bird
