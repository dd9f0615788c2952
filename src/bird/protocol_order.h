// Orders to one protocol of BIRD outside its configuration: down with a word to the neighbor, up again, anew. Command
// text and the meaning of replies only; pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "bird/reply.h"

namespace moenet::bird {

struct ProtocolOrder {
  enum class Kind { disable, enable, restart, retake };
  Kind kind = Kind::restart;
  std::string protocol;  // a protocol's name, as bird::protocol_name() makes it: never from outside
  std::string message;  // of `disable`, for the neighbor (RFC 9003); REQUIRES: check_shutdown_message() lets it through
};

// `disable "dn42_4242420001" "message"`. The name is quoted, so that BIRD knows it from its own words. `retake` takes
// what is imported through filters and limits again: from the import table, or else from the neighbor by its route
// refresh (RFC 2918). What is over a limit is blocked again, and nothing is lost meanwhile (measured on 2.0.12, 2.17.6
// and 3.1.8; without an import table 2.0.12 forgets that the limit was hit, and takes nothing).
std::string command_of(const ProtocolOrder& order, const Version& version);

// What BIRD's reply means. That a protocol is disabled, enabled or gone already is no error of the former two. Errors:
// not_found (to restart or retake what is not there), conflict (to restart what is disabled), denied (a restricted
// socket), unavailable (the routes are neither kept nor can the neighbor send them again), internal.
Result<void> outcome_of(const ProtocolOrder& order, const Reply& reply);

// BIRD sends 128 bytes at most and knows no escapes in a string (conf/cf-lex.l). Errors: invalid, with what is wrong
// with it: longer, a double quote, a control character, no UTF-8.
Result<void> check_shutdown_message(std::string_view message);

}  // namespace moenet::bird
