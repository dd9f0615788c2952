// Reading sessions from the control plane's JSON, in every dialect that deployed versions speak (wire contract A1, A3).
// An answer that cannot be right is refused whole; a row that cannot be right is that row's fault alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/result.h"
#include "model/session.h"

namespace moenet::model {

// Why a row is no Session: one sentence an operator can act on, which names the field. Holds no secret, and values from
// outside only escaped and shortened.
struct Fault {
  std::string field;   // the wire's name: "credential", "mtu"
  std::string reason;  // "not a WireGuard public key (44 characters of base64)"

  std::string text() const { return field + ": " + reason; }
  friend bool operator==(const Fault&, const Fault&) = default;
};

// One row of the list: the identity as far as it can be read, and either the session or its fault.
struct SessionRow {
  SessionId uuid;  // empty when it cannot be read: then nothing can be reported about the row
  std::optional<Asn> asn;
  std::optional<std::int64_t> status;  // as sent; may be a number that we do not know
  SharedText last_error;               // what the control plane now holds
  std::expected<Session, Fault> session;

  friend bool operator==(const SessionRow&, const SessionRow&) = default;
};

// The data of an envelope {"code":0,"message":…,"data":…}. Errors: invalid (not JSON, not the envelope, deeper than 32
// levels), denied (401, 403), not_found (404), unavailable (429, 5xx), by the envelope's code, with the server's
// message. `data` is null when the envelope has none. A large value lives in one arena (see parse_json): for reading,
// on one thread.
Result<boost::json::value> read_envelope(std::string_view body);

// The rows of GET /agent/{r}/sessions, given the envelope's `data`, sorted by uuid, in which rows with an equal uuid
// are one fault for the later ones. Errors: invalid, when there is no `bgpSessions` array.
Result<std::vector<SessionRow>> read_sessions(const boost::json::value& data);

// One row. Never fails: a row that is not even an object is a SessionRow with a Fault; of several faults the first is
// named. What is decided where the contract leaves it open (reasons in session_json.cpp): MTU 0 or absent is 1420, any
// other outside 1280…9000 is a fault; an endpoint without a port gets 51820; an address that is junk or of the wrong
// kind is a fault, empty is none; a type or policy that is absent is wireguard or full; the interface must be there; a
// wireguard row needs its public key in every status (rows that ask for nothing are not judged by the agent: see
// intent_of); gre and ip6gre need none; a status that is unknown is kept in `status` beside the fault.
SessionRow read_session(const boost::json::value& row);

// The canonical JSON of a session (integers, "mp_bgp" spelling, credential as JSON text), which read_session reads back
// as equal. Holds the preshared key and the password: for the state file and for the control plane's answers only.
boost::json::value write_session(const Session& session, std::string_view last_error);

}  // namespace moenet::model
