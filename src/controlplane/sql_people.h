// What sql_people.cpp and sql_sign_in.cpp share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/sql_state.h"

namespace moenet::controlplane {

Role role_from_number(long long number);
// `condition` has the one parameter :key.
std::vector<User> fetch_users(soci::session& sql, std::string_view condition, const std::string& key);
std::optional<User> fetch_user(soci::session& sql, std::string_view name_or_uuid);
void insert_user(soci::session& sql, const User& user);

}  // namespace moenet::controlplane
