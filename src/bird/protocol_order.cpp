#include "bird/protocol_order.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "bird/render.h"

namespace moenet::bird {
namespace {

// RFC 8203 and BIRD; RFC 9003 allows 255, which BIRD 2.0 does not send.
constexpr std::size_t kMessageBytesMax = 128;

constexpr int kAlreadyDisabled = 8, kDisabled = 9, kAlreadyEnabled = 10, kEnabled = 11, kRestarted = 12,
              kReloading = 15;
constexpr int kNoMatch = 8003, kReloadFailed = 8006, kRestricted = 8007;

// BIRD 3 tells the filters' routes from the neighbor's.
std::string_view verb_of(ProtocolOrder::Kind kind, int major) {
  switch (kind) {
    case ProtocolOrder::Kind::retake: return major >= 3 ? "reload filters in" : "reload in";
    case ProtocolOrder::Kind::disable: return "disable";
    case ProtocolOrder::Kind::enable: return "enable";
    case ProtocolOrder::Kind::restart: break;
  }
  return "restart";
}

// The code that counts: the reply's last one is 0000 behind it.
int code_of(const Reply& reply) {
  for (const ReplyLine& line : reply.lines) {
    if (line.code != 0) return line.code;
  }
  return 0;
}

bool is_obeyed(ProtocolOrder::Kind kind, int code) {
  switch (kind) {
    case ProtocolOrder::Kind::disable: return code == kDisabled || code == kAlreadyDisabled || code == kNoMatch;
    case ProtocolOrder::Kind::enable: return code == kEnabled || code == kAlreadyEnabled || code == kNoMatch;
    case ProtocolOrder::Kind::retake: return code == kReloading;
    case ProtocolOrder::Kind::restart: break;
  }
  return code == kRestarted;
}

}  // namespace

std::string command_of(const ProtocolOrder& order, const Version& version) {
  std::string command = fmt::format("{} {}", verb_of(order.kind, version.major), quote(order.protocol));
  if (order.kind == ProtocolOrder::Kind::disable && !order.message.empty()) command += " " + quote(order.message);
  return command;
}

Result<void> outcome_of(const ProtocolOrder& order, const Reply& reply) {
  const int code = code_of(reply);
  if (is_obeyed(order.kind, code)) return {};
  const std::string what = fmt::format("{} {}", verb_of(order.kind, 2), order.protocol);
  if (code == kRestricted) return fail(Errc::denied, what + ": BIRD's control socket is restricted to reading");
  if (code == kReloadFailed)
    return fail(Errc::unavailable,
                what + ": its template has no import table, and the neighbor knows no route refresh");
  if (code == kNoMatch) return fail(Errc::not_found, what + ": BIRD runs no such protocol");
  if (code == kAlreadyDisabled) return fail(Errc::conflict, what + ": it is disabled in BIRD");
  return fail(Errc::internal, fmt::format("{}: BIRD answered {} {}", what, reply.code(), reply.text()));
}

Result<void> check_shutdown_message(std::string_view message) {
  const auto wrong = [](std::string_view what) {
    return fail(Errc::invalid, fmt::format("the message for the neighbors {}", what));
  };
  if (message.size() > kMessageBytesMax) return wrong("is longer than 128 bytes");
  while (!message.empty()) {
    const Utf8Character character = first_utf8_character(message);
    if (!character.valid) return wrong("is no UTF-8");
    if (character.code < 0x20 || (character.code >= 0x7F && character.code < 0xA0))
      return wrong("holds a control character");
    if (character.code == '"') return wrong("holds a double quote, which BIRD's strings cannot");
    message.remove_prefix(character.bytes);
  }
  return {};
}

}  // namespace moenet::bird
