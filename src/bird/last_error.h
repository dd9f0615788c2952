// Why a BGP session does not work, or not fully, in an operator's words: from BIRD's state, last error and limits
// (bgp_last_errmsg() and bgp_error_dsc() in proto/bgp). Pure.
//
// Says only what is known. BIRD tells the AS of a neighbor whose AS is wrong in its log and never on the control
// socket, and a neighbor tells nobody which AS it expects of us.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "bird/protocol_detail.h"
#include "model/session.h"

namespace moenet::bird {

// Fits the control plane's 255 characters with a word before it.
inline constexpr std::size_t kMostCauseBytes = 200;

// Absent when the session is Established and no limit of it is hit, or when it is no BGP. `expected` is the AS that the
// neighbor should have. On one line, escaped, valid UTF-8, at most kMostCauseBytes.
std::optional<std::string> cause_of(const ProtocolDetail& session, model::Asn expected);

}  // namespace moenet::bird
