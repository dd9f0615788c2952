// The Store's contract is tested for every database there is (test_databases.h).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "controlplane/test_databases.h"

namespace moenet::controlplane::testing {

inline std::string name_of_kind(const ::testing::TestParamInfo<DatabaseKind>& tested) { return tested.param.name; }

class StoreTest : public ::testing::TestWithParam<DatabaseKind> {
 protected:
  // Without the slow check: what is told, is told by the thread that commits.
  StoreTest() : database_(GetParam().make()), store_(database_->open({.recheck = std::chrono::hours(1)})) {
    store_->set_change_listener([this](NodeId node, std::int64_t changes) { told_.emplace_back(node, changes); });
  }
  ~StoreTest() override { store_->set_change_listener({}); }  // which another thread may call
  NodeId add(const std::string& name) {
    return must(store_->add_node(kTester, node_of(0, name, 101, false, "1G"), hash_of_token(name))).id;
  }
  static StoredSession row(NodeId node, model::Asn asn) {
    StoredSession session;
    session.uuid = make_uuid();
    session.node = node;
    session.asn = asn;
    session.interface_name = "dn42-" + std::to_string(asn);
    session.port = 30'000 + asn % 10'000;
    return session;
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<SqlStore> store_;
  std::vector<std::pair<NodeId, std::int64_t>> told_;
};

}  // namespace moenet::controlplane::testing
