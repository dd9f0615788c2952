#include "agent/roa_source.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "bird/roa_file.h"

namespace moenet::agent {
namespace {

// DN42's file is 150 kB, the whole Internet's 25 MB, which is another network's (chosen).
constexpr std::size_t kFileLimitBytes = 16u << 20;
// For one attempt and for all: the limit at 300 kB/s, twice (chosen).
constexpr std::chrono::seconds kAttempt{60};
constexpr std::chrono::seconds kPatience{130};
// A validator that is longer is not sent back (chosen; usual ones have 30 bytes).
constexpr std::size_t kValidatorLimit = 256;

http::ClientSettings client_settings(std::string user_agent) {
  http::ClientSettings settings;
  settings.retry.max_retries = 1;
  settings.body_limit_bytes = kFileLimitBytes;
  settings.user_agent = std::move(user_agent);
  return settings;
}

std::string validator_in(const http::Headers& headers, std::string_view name) {
  const auto value = headers.find(name);
  return value && value->size() <= kValidatorLimit && value->find('\n') == value->npos ? std::string(*value) : "";
}

// Up to the next newline; `rest` starts behind it.
std::string_view take_line(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

Error error_of(int status) {
  if (status / 100 == 3 && status != 304)
    return {Errc::internal, fmt::format("HTTP {}: it is at another server now, which must be named itself", status)};
  const Errc code = status == 404 || status == 410   ? Errc::not_found
                    : status == 429 || status >= 500 ? Errc::unavailable
                                                     : Errc::internal;
  return {code, fmt::format("HTTP {}", status)};
}

}  // namespace

Result<KeptRoas> read_kept_roas(std::string_view body) {
  KeptRoas kept;
  kept.url = take_line(body);
  kept.etag = take_line(body);
  kept.last_modified = take_line(body);
  TRY(kept.roas, bird::read_roa_file(body));
  return kept;
}

RoaSource::RoaSource(std::string url, std::string user_agent, StateFile state)
    : url_(std::move(url)), client_(client_settings(std::move(user_agent))), state_(std::move(state)) {}

void RoaSource::take(KeptRoas kept) {
  etag_ = std::move(kept.etag);
  last_modified_ = std::move(kept.last_modified);
  roas_ = std::move(kept.roas);
}

Result<bool> RoaSource::take(const http::Response& response, bool allow_shrink) {
  if (response.status == 304 && !roas_.empty()) return false;
  if (response.status != 200) return std::unexpected(error_of(response.status));
  TRY(auto fresh, bird::read_roa_file(response.body));
  TRY_VOID(bird::check_successor(fresh, allow_shrink ? std::vector<bird::Roa>() : roas_));
  etag_ = validator_in(response.headers, "ETag");
  last_modified_ = validator_in(response.headers, "Last-Modified");
  unsaved_ = fmt::format("{}\n{}\n{}\n{}", url_, etag_, last_modified_, response.body);
  if (fresh == roas_) return false;
  roas_ = std::move(fresh);
  return true;
}

Result<bool> RoaSource::fetch(bool allow_shrink, const std::stop_token& stop) {
  http::Request request;
  request.target = url_;
  if (!roas_.empty() && !etag_.empty()) request.headers.set("If-None-Match", etag_);
  if (!roas_.empty() && !last_modified_.empty()) request.headers.set("If-Modified-Since", last_modified_);
  const auto response = client_.send(request, Secret(), kAttempt, Deadline::after(kPatience), stop);
  auto taken = response ? take(*response, allow_shrink) : std::unexpected(response.error());
  if (!taken) return std::unexpected(with_context(taken.error(), url_));
  return taken;
}

Result<void> RoaSource::save() {
  if (unsaved_.empty()) return {};
  TRY_VOID(state_.save(unsaved_));
  unsaved_ = {};
  return {};
}

}  // namespace moenet::agent
