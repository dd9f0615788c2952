// The whole bird.conf of a node whose BIRD this agent owns (config `bird.ownership: "full"`): rendered, checked by BIRD, put in place.
// A bird.conf that the agent did not write is never overwritten.
#pragma once

#include <stop_token>
#include <string>

#include "agent/config.h"
#include "base/clock.h"
#include "base/result.h"
#include "bird/client.h"

namespace moenet::agent {

class BaseConfigFile {
 public:
  BaseConfigFile(std::string path, std::string text) : path_(std::move(path)), text_(std::move(text)) {}

  enum class State { current, absent, outdated };
  // Errors: conflict (the file is somebody else's: the text says what to do), denied.
  Result<State> look() const;
  // Writes the file when there is none; then BIRD may be started with it.
  Result<void> create_if_absent() const;
  // Replaces an outdated file with one that BIRD has checked; BIRD must be configured after it. Errors: invalid (BIRD refuses it: the
  // old file stays), unavailable, denied.
  Result<void> replace(bird::BirdPool& pool, Deadline deadline, const std::stop_token& stop) const;

 private:
  std::string path_;
  std::string text_;
};

// The text for this node, first line included.
std::string base_config_text(const BirdSettings& bird, const model::NodeIdentity& node);

}  // namespace moenet::agent
