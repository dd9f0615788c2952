// The body of POST /agent/{r}/modify (wire contract A5), alone or as a batch (B4), and its answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "controlplane/store.h"

namespace moenet::controlplane {

struct ModifyOutcome {
  int status = 200;  // of HTTP: 200, 404, 422; 500 for what deployed control planes answer so
  std::string message = "Success";
  bool was_deleted = false;
};

struct ModifyItem {
  std::string uuid;
  std::int64_t status = 0;
  std::string last_error;
  std::optional<ModifyOutcome> refused;  // before any row was looked at
};

struct ModifyBody {
  bool is_batch = false;
  std::vector<ModifyItem> items;         // one, unless it is a batch
  std::optional<ModifyOutcome> refused;  // the whole body
};

ModifyBody read_modify_body(const boost::json::object& body);
// Rows of other nodes are as good as absent.
SessionChange change_for(const ModifyItem& item, NodeId node);
ModifyOutcome outcome_of(const Changed& changed);
// {"results":[{"uuid","code","message","updated"|"deleted"}]} in the order of the updates.
boost::json::value batch_answer(const std::vector<ModifyItem>& items, const std::vector<ModifyOutcome>& outcomes);

}  // namespace moenet::controlplane
