// Tables of communities as bird-config tells them (wire contract A10): `{"tier0":[64511,1],…}`.
#pragma once

#include <string_view>

#include "model/json_reader.h"
#include "model/routing_policy.h"

namespace moenet::model {

// [a-z0-9_]{1,32}: what a community may be called.
bool is_community_name(std::string_view name);

// Merges the table under `key` into `names`, which holds the defaults: what is told wins, and a default goes whose
// value the table gives to another name, because there the value means something else. What is wrong is noted in the
// reader.
void read_communities(const JsonReader& tables, std::string_view key, CommunityNames& names);
void read_communities(const JsonReader& tables, std::string_view key, LargeCommunityNames& names);

}  // namespace moenet::model
