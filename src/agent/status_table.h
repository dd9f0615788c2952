// The sessions of /status as a table of 73 columns: a line each, and beneath it what does not fit: why it does not
// work, and its interface where that does not say whose it is. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "agent/terminal_text.h"
#include "base/result.h"

namespace moenet::agent {

inline constexpr std::string_view kSortFields = "asn, interface, state, since, rtt, loss, in, out, rx, tx, handshake";

struct TableOptions {
  std::string sort;    // one of kSortFields; empty: asn. Numbers fall, what is not known comes last
  std::string filter;  // "problem", or text in any case in asn, name, interface, uuid, status or cause; empty: all
};

// "ENABLED", "PROBLEM", "INVALID", "SETUP", "REMOVING", …: what to call a session, of all that is known.
std::string session_state(const boost::json::value& session);
Ink ink_of(std::string_view state);

// Errors: invalid (no such field to sort by).
Result<std::vector<const boost::json::value*>> chosen_sessions(const boost::json::value& status,
                                                               const TableOptions& options);
std::string session_table(std::span<const boost::json::value* const> sessions, const boost::json::value& status,
                          std::size_t width, const Paint& paint);

// The uuid of the session that somebody names by it, by AS number, "AS…", "dn42_…", interface or name. Errors:
// not_found, conflict (more than one, with their interfaces).
Result<std::string> session_named(const boost::json::value& status, std::string_view name);

}  // namespace moenet::agent
