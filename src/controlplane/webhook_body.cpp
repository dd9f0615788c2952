#include "controlplane/webhook_body.h"

#include <array>
#include <chrono>

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sodium.h>

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

std::string webhook_body(const ToldMove& move) {
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(move.at)};
  return json::serialize(
      json::object{{"id", move.id},
                   {"time", fmt::format("{:%Y-%m-%dT%H:%M:}{:06.3f}Z", std::chrono::floor<std::chrono::seconds>(at),
                                        static_cast<double>(move.at % 60'000) / 1'000)},
                   {"uuid", move.session},
                   {"node", move.node},
                   {"asn", move.asn},
                   {"from", move.from ? json::value(model::name_of(*move.from)) : json::value(nullptr)},
                   {"to", model::name_of(move.to)},
                   {"cause", {{"who", move.cause.who}, {"reason", move.cause.reason}}}});
}

std::string webhook_signature(const Secret& secret, std::int64_t unix_seconds, std::string_view body) {
  crypto_auth_hmacsha256_state state;
  const std::string stamp = fmt::format("{}.", unix_seconds);
  crypto_auth_hmacsha256_init(&state, bytes_of(secret.reveal()), secret.reveal().size());
  crypto_auth_hmacsha256_update(&state, bytes_of(stamp), stamp.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(body), body.size());
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256_final(&state, mac.data());
  wipe(&state, sizeof state);
  std::string text = fmt::format("t={},v1=", unix_seconds);
  for (const unsigned char byte : mac) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace moenet::controlplane
