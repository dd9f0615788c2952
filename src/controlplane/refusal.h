// Refusal: why a request of an operator or an agent was not carried out, with the field at fault when there is one.
// Becomes RFC 9457 problem details in the admin API and an envelope in the agent API.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/result.h"

namespace moenet::controlplane {

struct Refusal {
  Error error;
  std::string field;  // as the API spells it; empty when no single field is at fault
  std::string hint;   // the way out, in words; empty where `error` says it all

  Refusal(Error cause, std::string at_field = {}, std::string way_out = {})
      : error(std::move(cause)), field(std::move(at_field)), hint(std::move(way_out)) {}
};

// What is decided by rules, where the caller needs the field: Checked<T>. What only touches the store or the OS stays
// Result<T>.
template <class T>
using Checked = std::expected<T, Refusal>;

inline std::unexpected<Refusal> refuse(Errc code, std::string what, std::string field = {}, std::string hint = {}) {
  return std::unexpected<Refusal>(Refusal(Error{code, std::move(what)}, std::move(field), std::move(hint)));
}

}  // namespace moenet::controlplane
