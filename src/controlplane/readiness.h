// Readiness: may traffic be sent here (GET /ready)? Yes while the database answers within a second and nobody has asked
// the server to stop; that its tables are up to date was seen to when it was opened. Any number of callers cost the
// database one look at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "controlplane/store.h"
#include "http/server.h"

namespace moenet::controlplane {

class Readiness {
 public:
  using Submit = std::function<bool(std::function<void()>)>;

  // `submit` runs a job on another thread, or says that it cannot. Both must outlive all answers.
  Readiness(Store& store, Submit submit) : store_(store), submit_(std::move(submit)) {}

  // Thread-safe. 200 {"status":"ready"}; 503 {"status":"unavailable","reason":…}.
  http::Answer ask();
  // From now on the answer is no.
  void stop();

 private:
  void look();

  Store& store_;
  const Submit submit_;
  std::mutex mutex_;  // guards all below: the server's threads ask, a worker answers
  bool is_stopping_ = false;
  bool is_looking_ = false;
  std::vector<std::shared_ptr<http::Pending>> asking_;
};

}  // namespace moenet::controlplane
