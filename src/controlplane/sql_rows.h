// Many rows in one statement, which is what makes a report of a hundred sessions cheap where the database is another
// process. Only sql_*.cpp include it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <soci/soci.h>

namespace moenet::controlplane {

using SqlRow = std::vector<std::variant<long long, std::string>>;

// "INSERT INTO <into> VALUES (…), … <conflict>", a hundred rows at a time. Where `conflict` updates, no two rows may
// have the same key. Exceptions: soci::soci_error.
void insert_rows(soci::session& sql, std::string_view into, const std::vector<const SqlRow*>& rows,
                 std::string_view conflict);

void insert_rows(soci::session& sql, std::string_view into, const auto& rows, std::string_view conflict) {
  std::vector<const SqlRow*> all;
  for (const SqlRow& row : rows) all.push_back(&row);
  insert_rows(sql, into, all, conflict);
}

}  // namespace moenet::controlplane
