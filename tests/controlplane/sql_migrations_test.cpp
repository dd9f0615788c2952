// What every earlier program left behind, brought up to date on every database: nothing of it is lost, and the rules of
// the tables hold afterwards.
#include "controlplane/sql_migrations.h"

#include <thread>

#include <gtest/gtest.h>

#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

using testing::must;
using testing::node_of;

constexpr const char* kUuid = "0b7c34d1-9d3c-4c4e-9a52-5f0a4a6f3a01";

// What was in use at each step, beside what the steps before had.
constexpr const char* kRows[] = {
    R"(INSERT INTO node (id, uuid, name, region_code, location, provider, is_rr, bandwidth, public_ipv4, public_ipv6,
         seen_ipv4, seen_ipv6, mesh_public_key, agent_version, status_json, last_seen, created_at, changes)
       VALUES (62, '1167d4b1-058b-4d1a-81ad-95396988a28e', 'de1', 302, 'Köln', 'lab', 1, '10G', '192.0.2.1',
         '2001:db8::1', '192.0.2.2', '2001:db8::2', 'key', 'v1', '{"kernel":"6"}', 77, 55, 4711);
       INSERT INTO node_token (node_id, hash, created_at) VALUES (62, 'hash-of-de1', 1);
       INSERT INTO session (uuid, node_id, asn, name, description, status, ipv4, ipv6, ipv6_link_local, type, extensions,
         interface_name, endpoint, credential, data, mtu, port, policy, last_error, created_at, updated_at, version)
       VALUES ('0b7c34d1-9d3c-4c4e-9a52-5f0a4a6f3a01', 62, 4242420001, 'peer', '', 2, '', '', 'fe80::1', 'wireguard',
         '[]', 'dn42-1', '', 'credential', 'null', 1420, 30001, 'full', '', 3, 4, 9);
       INSERT INTO session_report (node_id, name, body, at) VALUES (62, 'dn42_4242420001', '{"state":"up"}', 5);
       INSERT INTO node_document (node_id, kind, body, at) VALUES (62, 'rtt', '{"a":1}', 6);
       INSERT INTO settings (id, body) VALUES (1, '{"asn":4242421111,"ipv4Prefix":"172.22.188.0/22"}');)",
    "INSERT INTO bootstrap (node_id, hash, url, expires_at) VALUES (62, 'line', 'https://cp', 100);",
    R"(UPDATE node SET loopback_ipv4 = '172.22.188.9', loopback_ipv6 = 'fd00:4242:7777::9';
       INSERT INTO retired_node (id, changes) VALUES (1, 900);)",
    "INSERT INTO network_secret (id, value) VALUES (1, 'the-secret');",
    "UPDATE node SET version = 1; UPDATE settings SET version = 1;",
    "UPDATE bootstrap SET claimed_by = 'hash-of-de1';",
    "INSERT INTO former_node_token (node_id, hash, ends_at) VALUES (62, 'former', 9);",
    R"(INSERT INTO session_event (session, number, at, from_status, to_status, who, reason)
       VALUES ('0b7c34d1-9d3c-4c4e-9a52-5f0a4a6f3a01', 9, 4, -1, 2, 'owner', '');)",
};

class Migrations : public ::testing::TestWithParam<testing::DatabaseKind> {
 protected:
  // The database as the program of this step left it.
  void leave(long long step) const {
    must(migrate_database(database_->name(), 1, step));
    for (long long number = 1; number <= step; ++number) database_->execute(kRows[number - 1]);
  }

  std::unique_ptr<testing::TestDatabase> database_ = GetParam().make();
};
INSTANTIATE_TEST_SUITE_P(All, Migrations, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

void expect_what_was_there(SqlStore& store, long long step) {
  const Node node = must(store.find_node("de1"));
  EXPECT_EQ(node.id, 62);
  EXPECT_EQ(node.uuid, "1167d4b1-058b-4d1a-81ad-95396988a28e");
  EXPECT_EQ(node.region_code, 302);
  EXPECT_EQ(node.location + node.provider + node.bandwidth, "Kölnlab10G");
  EXPECT_TRUE(node.is_rr);
  EXPECT_EQ(node.public_ipv4 + node.public_ipv6 + node.seen_ipv4 + node.seen_ipv6,
            "192.0.2.12001:db8::1192.0.2.22001:db8::2");
  EXPECT_EQ(node.mesh_public_key + node.agent_version + node.status_json, R"(keyv1{"kernel":"6"})");
  EXPECT_EQ(node.last_seen, 77);
  EXPECT_EQ(node.created_at, 55);
  EXPECT_EQ(node.changes, 4711);
  EXPECT_EQ(node.version, 1);
  EXPECT_EQ(node.loopback_ipv4, step >= 3 ? "172.22.188.9" : "");
  EXPECT_EQ(store.node_of_token("hash-of-de1"), 62);
  const StoredSession session = must(store.find_session(kUuid));
  EXPECT_EQ(session.node, 62);
  EXPECT_EQ(session.credential, "credential");
  EXPECT_EQ(session.version, 9);
  EXPECT_EQ(must(store.reports_of(62)).at(0).json, R"({"state":"up"})");
  EXPECT_EQ(must(store.document_of(62, "rtt")), (Document{R"({"a":1})", 6}));
  EXPECT_EQ(must(store.versioned_settings()).settings.asn, 4'242'421'111u);
  EXPECT_EQ(must(store.versioned_settings()).version, 1);
  if (step >= 2) {
    EXPECT_EQ(must(store.find_bootstrap("line", 50)).node_name, "de1");
  }
  if (step >= 4) {
    EXPECT_EQ(must(store.network_secret()).reveal(), "the-secret");
  }
  EXPECT_EQ(must(store.events_of(kUuid)).size(), step >= 8 ? 1u : 0u);
  EXPECT_EQ(node.max_sessions, 0) << "no limit";
  EXPECT_FALSE(node.is_closed);
  EXPECT_FALSE(node.is_leaving);
  EXPECT_EQ(node.min_bandwidth_mbit, 0);
}

// Foreign keys, uniqueness, and ids beyond the old limit.
void expect_the_rules(SqlStore& store, long long step) {
  StoredSession stray;
  stray.uuid = make_uuid();
  stray.node = 5;
  stray.asn = 1;
  EXPECT_FALSE(store.add_session(testing::kTester, stray)) << "of no node";
  EXPECT_EQ(must(store.add_node(testing::kTester, node_of(999, "last", 101, false, "1G"), "last")).id, 999);
  const Node next = must(store.add_node(testing::kTester, node_of(0, "next", 101, false, "1G"), "next"));
  EXPECT_EQ(next.id, 1);
  EXPECT_EQ(next.changes, step >= 3 ? 901 : 2) << "goes on from where the id's last holder was";
  EXPECT_EQ(store.add_node(testing::kTester, node_of(0, "de1", 101, false, "1G"), "x").error().field, "name");
  must(store.delete_node(testing::kTester, "de1"));
  EXPECT_TRUE(must(store.reports_of(62)).empty()) << "goes with its node";
  EXPECT_FALSE(must(store.document_of(62, "rtt")));
  EXPECT_EQ(store.node_of_token("hash-of-de1"), std::nullopt);
}

TEST_P(Migrations, OfEveryEarlierProgramsTablesLoseNothing) {
  for (long long step = 1; step < newest_step(); ++step) {
    SCOPED_TRACE(step);
    database_ = GetParam().make();
    leave(step);
    const auto store = database_->open();
    expect_what_was_there(*store, step);
    expect_the_rules(*store, step);
  }
  // Whoever adds a step says what its tables hold.
  EXPECT_EQ(newest_step(), static_cast<long long>(std::size(kRows)) + 1);
}

TEST_P(Migrations, OfSeveralProgramsThatStartTogetherRunOnce) {
  leave(1);
  std::vector<std::unique_ptr<SqlStore>> stores(6);
  {
    std::vector<std::jthread> starts;
    for (auto& store : stores) starts.emplace_back([&] { store = database_->open(); });
  }
  for (const auto& store : stores) expect_what_was_there(*store, 1);
  EXPECT_THROW(database_->execute("INSERT INTO schema_step VALUES (2, 0)"), std::exception) << "there is one already";
}

TEST_P(Migrations, ThatFailLeaveEverythingAsItWas) {
  leave(2);
  database_->execute("CREATE TABLE retired_node (x BIGINT)");  // in step 3's way
  EXPECT_FALSE(SqlStore::open(database_->name(), [] { return UnixMs{0}; }));
  database_->execute("DROP TABLE retired_node");
  expect_what_was_there(*database_->open(), 2);
}

}  // namespace
}  // namespace moenet::controlplane
