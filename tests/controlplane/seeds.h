// Seeds: the three nodes and the rows that the captured exchanges of tests/samples were made with, put in through
// Store.
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <boost/json.hpp>

#include "controlplane/sql_store.h"
#include "controlplane/store.h"
#include "controlplane/token.h"
#include "support/http_sample.h"
#include "support/temporary_folder.h"

namespace moenet::controlplane::testing {

constexpr const char* kSharedKey = "local-agent-key-0123456789abcdef";
constexpr const char* kAdminToken = "admin-token-of-the-tests";
inline const Author kTester{"tester", "192.0.2.1"};

template <class T>
auto must(T result) {
  if (!result) {
    if constexpr (requires { result.error().error; })
      throw std::runtime_error(result.error().error.what);
    else
      throw std::runtime_error(result.error().what);
  }
  if constexpr (!std::is_void_v<typename T::value_type>) return std::move(*result);
}

inline std::filesystem::path samples_folder() { return std::filesystem::path(MOENET_SOURCE_DIR) / "tests" / "samples"; }

inline Node node_of(NodeId id, std::string name, int region, bool is_rr, std::string bandwidth, std::string uuid = {}) {
  Node node;
  node.id = id;
  node.uuid = std::move(uuid);
  node.name = std::move(name);
  node.region_code = region;
  node.location = node.name;
  node.provider = "lab";
  node.is_rr = is_rr;
  node.bandwidth = std::move(bandwidth);
  return node;
}

// Tokens: "token-of-jp1" and so on.
inline void add_sample_nodes(Store& store) {
  Node hk = node_of(1, "hk-rr", 101, true, "10G");
  hk.public_ipv4 = "127.0.0.11";
  Node jp = node_of(2, "jp1", 101, false, "1G", "da8c0ad2-d098-4b01-9371-b6f3dd8569d4");
  jp.public_ipv4 = "127.0.0.12";
  Node de = node_of(27, "de1", 302, false, "100M", "1167d4b1-058b-4d1a-81ad-95396988a28e");
  hk.location = "HK-RR";
  jp.location = "JP1";
  de.location = "DE1";
  for (const Node& node : {hk, jp, de}) must(store.add_node(kTester, node, hash_of_token("token-of-" + node.name)));
}

inline std::string text_or_empty(const boost::json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

inline StoredSession row_of_sample(const boost::json::object& object, NodeId node) {
  StoredSession row;
  row.uuid = text_or_empty(object.at("uuid"));
  row.node = node;
  row.asn = static_cast<model::Asn>(object.at("asn").to_number<std::int64_t>());
  row.name = text_or_empty(object.at("name"));
  row.description = text_or_empty(object.at("description"));
  row.status = *model::session_status_from_int(object.at("status").as_int64());
  row.ipv4 = text_or_empty(object.at("ipv4"));
  row.ipv6 = text_or_empty(object.at("ipv6"));
  row.ipv6_link_local = text_or_empty(object.at("ipv6LinkLocal"));
  row.type = text_or_empty(object.at("type"));
  row.extensions_json = boost::json::serialize(object.at("extensions"));
  row.interface_name = text_or_empty(object.at("interface"));
  row.endpoint = text_or_empty(object.at("endpoint"));
  row.credential = text_or_empty(object.at("credential"));
  row.data_json = boost::json::serialize(object.at("data"));
  row.mtu = object.at("mtu").as_int64();
  row.port = object.at("port").as_int64();
  row.policy = text_or_empty(object.at("policy"));
  row.last_error = text_or_empty(object.at("lastError"));
  return row;
}

inline void add_sample_sessions(Store& store) {
  const struct {
    const char* file;
    NodeId node;
  } files[] = {{"28-sessions-jp1.http", 2}, {"29-sessions-hk-rr.http", 1}, {"30-sessions-de1.http", 27}};
  for (const auto& [file, node] : files) {
    const auto sample = moenet::testing::read_http_sample(samples_folder() / file);
    const auto body = boost::json::parse(sample.response.body);
    for (const auto& row : body.at("data").at("bgpSessions").as_array())
      must(store.add_session(kTester, row_of_sample(row.as_object(), node)));
  }
}

}  // namespace moenet::controlplane::testing
