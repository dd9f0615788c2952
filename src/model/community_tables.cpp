#include "model/community_tables.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <boost/json/value.hpp>

namespace moenet::model {

namespace json = boost::json;

namespace {

constexpr std::size_t kNamesMax = 64;      // chosen: DN42 has 17 regions, and no table is longer
constexpr std::size_t kNameBytesMax = 32;  // routing_policy.h

// The parts of [64511,1] or [4242420998,1,100], each at most `high`.
template <std::size_t N>
std::optional<std::array<std::uint32_t, N>> parts_of(const json::value& value, std::int64_t high) {
  const json::array* list = value.if_array();
  if (list == nullptr || list->size() != N) return std::nullopt;
  std::array<std::uint32_t, N> parts{};
  for (std::size_t i = 0; i < N; ++i) {
    const std::optional<std::int64_t> number = integer_in((*list)[i]);
    if (!number || *number < 0 || *number > high) return std::nullopt;
    parts[i] = static_cast<std::uint32_t>(*number);
  }
  return parts;
}

bool read_value(const json::value& value, Community& community) {
  const auto parts = parts_of<2>(value, UINT16_MAX);
  if (parts) community = {static_cast<std::uint16_t>((*parts)[0]), static_cast<std::uint16_t>((*parts)[1])};
  return parts.has_value();
}

bool read_value(const json::value& value, LargeCommunity& community) {
  const auto parts = parts_of<3>(value, UINT32_MAX);
  if (parts) community = {(*parts)[0], (*parts)[1], (*parts)[2]};
  return parts.has_value();
}

constexpr std::string_view expected(const CommunityNames&) { return "a community, such as [64511,1]"; }
constexpr std::string_view expected(const LargeCommunityNames&) {
  return "a large community, such as [4242420998,1,100]";
}

template <class Names>
void merge(const Names& told, Names& names) {
  const Names defaults = names;
  for (const auto& [name, value] : told) {
    const auto same = defaults.find(name);
    const bool is_news = same == defaults.end() || same->second != value;
    if (is_news) std::erase_if(names, [&](const auto& entry) { return entry.second == value; });
  }
  for (const auto& [name, value] : told) names[name] = value;
}

template <class Names>
void read_table(const JsonReader& tables, std::string_view key, Names& names) {
  const json::value* value = tables.find(key);
  if (value == nullptr) return;
  const json::object* table = value->if_object();
  if (table == nullptr || table->size() > kNamesMax) {
    tables.note(key, "an object of at most " + std::to_string(kNamesMax) + " communities");
    return;
  }
  const JsonReader reader = tables.object(key);
  Names told;
  for (const json::key_value_pair& entry : *table) {
    const std::string_view name(entry.key().data(), entry.key().size());
    if (entry.value().is_null()) continue;
    if (!is_community_name(name)) {
      tables.note(key, "a table whose names are of a-z 0-9 _, at most 32 characters each");
    } else if (typename Names::mapped_type community; read_value(entry.value(), community)) {
      told.emplace(name, community);
    } else {
      reader.note(name, std::string(expected(names)));
    }
  }
  merge(told, names);
}

}  // namespace

bool is_community_name(std::string_view name) {
  const auto is_allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.size() <= kNameBytesMax && std::all_of(name.begin(), name.end(), is_allowed);
}

void read_communities(const JsonReader& tables, std::string_view key, CommunityNames& names) {
  read_table(tables, key, names);
}

void read_communities(const JsonReader& tables, std::string_view key, LargeCommunityNames& names) {
  read_table(tables, key, names);
}

}  // namespace moenet::model
