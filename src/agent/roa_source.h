// RoaSource: one file of ROAs on a web server (config `bird.roaUrls`): what it said last that can be believed, kept on
// disk, so that a node without its network comes up validated. State file "roa-N"; its body is the URL, the ETag and
// the Last-Modified of the answer on a line each, then the file as it came.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/state_file.h"
#include "base/result.h"
#include "bird/policy.h"
#include "http/client.h"

namespace moenet::agent {

// What a state file holds.
struct KeptRoas {
  std::string url;
  std::string etag;
  std::string last_modified;
  std::vector<bird::Roa> roas;
};
// Errors: those of bird::read_roa_file.
Result<KeptRoas> read_kept_roas(std::string_view body);

// One task at a time.
class RoaSource {
 public:
  RoaSource(std::string url, std::string user_agent, StateFile state);

  // The body of this source's state file, which may hold what another URL said. Errors: those of StateFile::load.
  Result<std::string> load() { return state_.load(); }
  // REQUIRES: it is this URL's.
  void take(KeptRoas kept);
  const std::string& url() const { return url_; }

  // Asks for the file. True when it says something new. No token is sent, and no redirect leaves the server. Errors
  // name the URL: invalid (no file of ROAs, an empty one, or, without `allow_shrink`, one that lost more than half; the
  // last good one stays), unavailable, timeout, cancelled, not_found, internal (a status that no file has).
  Result<bool> fetch(bool allow_shrink, const std::stop_token& stop);
  // Keeps on disk what fetch() took. Errors: those of StateFile::save.
  Result<void> save();

  const std::vector<bird::Roa>& roas() const { return roas_; }  // sorted, each once; none before the first good answer

 private:
  Result<bool> take(const http::Response& response, bool allow_shrink);

  std::string url_;
  http::HttpClient client_;  // with a breaker of its own: one dead server is not the others' fault
  StateFile state_;
  std::string etag_;
  std::string last_modified_;
  std::vector<bird::Roa> roas_;
  std::string unsaved_;  // a body for the state file, or empty
};

}  // namespace moenet::agent
