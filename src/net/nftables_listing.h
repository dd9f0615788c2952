// What libnftables answers, as JSON (libnftables-json(5)): a listing of our table, and the chains of all others. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/nftables_codec.h"

namespace moenet::net {

// A listing of our table.
struct TableListing {
  FirewallRules rules;  // the elements of its sets; sorted, unique
  // All else in the table (definitions, chains with hook, priority and policy, rules in their order, what others put
  // in), a line per object, without handles, in an order of its own. A set whose elements we would never write is in it
  // with them.
  std::string frame;

  friend bool operator==(const TableListing&, const TableListing&) = default;
};
// Errors: invalid (no listing).
Result<TableListing> decode_table(std::string_view listing);

// The frame of a table that nobody changed: a constant.
std::string firewall_frame();

// A base chain that drops what no rule of its own accepts, whatever we say.
struct HostileChain {
  std::string family;  // "inet", "ip", "ip6"
  std::string table;   // text of others: escape it wherever it goes
  std::string chain;
  std::string hook;  // "input", "forward"
  int priority = 0;  // below that of our chain of the hook, it looks before the mark is set

  friend bool operator==(const HostileChain&, const HostileChain&) = default;
};
// Of all chains of all tables: the base chains of other tables, of family inet, ip or ip6, hook input or forward,
// policy drop. A chain that accepts by policy and drops by its last rule (firewalld) is not seen. Errors: invalid (no
// listing).
Result<std::vector<HostileChain>> decode_hostile_chains(std::string_view listing);

}  // namespace moenet::net
