// The words between agent and control plane (wire contract A3, A5, B2, B4): what a request says, and what an answer
// means. Pure; ControlPlane sends them.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "agent/control_plane.h"

namespace moenet::agent {

// Of a conditional read that may wait; `wait` 0: it may not.
http::Headers read_headers(const std::string& etag, std::chrono::seconds wait);
// `etag`: as asked with. `what` was tried, for the error. Errors: those of all reads (ControlPlane::fetch_config).
Result<Fetched> fetched_of(Result<http::Response> response, std::string_view etag, std::string_view what);

std::string modify_body(const Modification& modification);
std::string batch_body(std::span<const Modification> modifications);
// As ControlPlane::modify.
Result<void> modify_outcome(const Result<http::Response>& response, const Modification& modification);
std::vector<Result<void>> batch_outcomes(const Result<http::Response>& response,
                                         std::span<const Modification> modifications);

// What an answer to a read means that is not 200.
Error read_error_of(const http::Response& response);
// `data` of the envelope.
Result<boost::json::value> data_of(const Result<http::Response>& response);

}  // namespace moenet::agent
