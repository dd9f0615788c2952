// The commands that this program gives to BIRD, and what the codes of their replies mean (bird/doc/reply_codes).
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "bird/client.h"
#include "bird/reply.h"

namespace moenet::bird {

struct BirdSurvey {
  Version version;
  std::vector<ProtocolStatus> protocols;
};
// What BIRD runs now, in one command. Errors: as BirdPool::take.
Result<BirdSurvey> survey(BirdPool& pool, Deadline deadline, const std::stop_token& stop);

// One conversation with BIRD. All errors: denied (a restricted socket), internal (a reply with a code that does not
// belong there), and those of BirdClient::ask.
class BirdControl {
 public:
  BirdControl(BirdClient& client, Deadline deadline, std::stop_token stop)
      : client_(client), deadline_(deadline), stop_(std::move(stop)) {}

  Result<std::vector<ProtocolStatus>> protocols();
  // The path of BIRD's main file, which may be wrong or missing. Errors also: invalid (BIRD was started with a relative
  // path).
  Result<std::string> main_file();
  // What BIRD finds wrong with a configuration, or nothing.
  Result<std::optional<ConfigError>> check(const std::string& path);
  // Begins to load the main file. Nothing: BIRD accepted it, and takes it back after `undo` unless it is confirmed.
  Result<std::optional<ConfigError>> configure(std::chrono::seconds undo);

  struct LoadState {
    bool settled = false;       // no load is under way
    bool undo_pending = false;  // a load waits for its confirmation
  };
  Result<LoadState> load_state();
  // False: there was nothing to confirm or to undo.
  Result<bool> confirm();
  Result<bool> undo();

  // The value of an expression in the words of the loaded configuration. Nothing: it does not know one of the words.
  Result<std::optional<std::string>> evaluate(const std::string& expression);
  // When this BIRD was started, as it prints it: another text is another run.
  Result<std::string> last_boot();
  // BIRD 3: the routes of all protocols whose name matches `pattern` go through their import filters again. None that
  // matches is no error.
  Result<void> reload_filters_in(std::string_view pattern);

 private:
  Result<Reply> ask(const std::string& command);

  BirdClient& client_;
  Deadline deadline_;
  std::stop_token stop_;
};

}  // namespace moenet::bird
