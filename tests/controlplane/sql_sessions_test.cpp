// The Store's contract: sessions, and who is told of their changes.
#include <gtest/gtest.h>

#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

using testing::must;

class StoreSessions : public testing::StoreTest {
 protected:
  static SessionChange set_status(const StoredSession& session, model::SessionStatus status) {
    return {session.uuid, [status](const StoredSession& now) -> Checked<Verdict> {
              StoredSession wanted = now;
              wanted.status = status;
              return Replace{wanted};
            }};
  }
};
INSTANTIATE_TEST_SUITE_P(All, StoreSessions, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(StoreSessions, KeepsEveryFieldOfASession) {
  StoredSession session = row(add("jp1"), 4'294'967'295);
  session.status = model::SessionStatus::problem;
  session.name = "O'Brien \"; DROP TABLE session; --";
  session.description = "\xE2\x82\xAC";
  session.ipv4 = "172.20.0.1";
  session.ipv6 = "fd00::1";
  session.ipv6_link_local = "fe80::1";
  session.extensions_json = R"(["mp_bgp"])";
  session.endpoint = "[2001:db8::1]:5";
  session.credential = R"({"public_key":"x"})";
  session.data_json = R"({"a":1})";
  session.mtu = 1280;
  session.policy = "peer";
  session.last_error = "no handshake";
  session.created_at = 1'795'440'902'589;
  session.updated_at = session.created_at;
  must(store_->add_session(testing::kTester, session));
  EXPECT_EQ(must(store_->find_session(session.uuid)), session);
}

TEST_P(StoreSessions, NamesTheFieldThatAnotherSessionOfTheNodeHolds) {
  const NodeId node = add("jp1");
  StoredSession first = row(node, 1);
  first.ipv4 = "172.20.0.1";
  first.ipv6 = "fd00::1";
  must(store_->add_session(testing::kTester, first));
  const auto field_of = [&](auto change) {
    StoredSession second = row(node, 2);
    change(second);
    const auto added = store_->add_session(testing::kTester, second);
    return added ? std::string("added") : added.error().field;
  };
  EXPECT_EQ(field_of([](StoredSession& s) { s.asn = 1; }), "asn");
  EXPECT_EQ(field_of([](StoredSession& s) { s.interface_name = "dn42-1"; }), "interface");
  EXPECT_EQ(field_of([&](StoredSession& s) { s.port = first.port; }), "port");
  EXPECT_EQ(field_of([](StoredSession& s) { s.ipv4 = "172.20.0.1"; }), "ipv4");
  EXPECT_EQ(field_of([](StoredSession& s) { s.ipv6 = "fd00::1"; }), "ipv6");
  EXPECT_EQ(must(store_->sessions_of(node)).rows.size(), 1u);
}

TEST_P(StoreSessions, LetsSessionsShareWhatIsNothing) {
  const NodeId node = add("jp1");
  for (const model::Asn asn : {1u, 2u}) {
    StoredSession session = row(node, asn);
    session.port = 0;
    session.ipv6 = "fe80::1";
    session.credential = "the same key";
    must(store_->add_session(testing::kTester, session));
  }
}

TEST_P(StoreSessions, FindsThoseOfAKeyHoweverItIsWritten) {
  const NodeId node = add("jp1");
  for (const auto& [asn, credential] : {std::pair(1u, R"({"public_key":"a/b+c="})"),
                                        {2u, R"({"public_key":"a\/b+c="})"},
                                        {3u, R"({"public_key":"a/b+d="})"}}) {
    StoredSession session = row(node, asn);
    session.credential = credential;
    must(store_->add_session(testing::kTester, session));
  }
  const auto asns = [&](SessionQuery query) {
    std::vector<model::Asn> all;
    for (const StoredSession& session : must(store_->sessions(query))) all.push_back(session.asn);
    return all;
  };
  EXPECT_EQ(asns({.key = "a/b+c="}), (std::vector<model::Asn>{1, 2}));
  EXPECT_EQ(asns({.words = "as2", .key = "a/b+c="}), (std::vector<model::Asn>{2}));
  EXPECT_TRUE(asns({.key = "' OR 0 = 0"}).empty());
}

TEST_P(StoreSessions, LetsTwoNodesPeerWithTheSameNetwork) {
  must(store_->add_session(testing::kTester, row(add("a"), 1)));
  EXPECT_TRUE(store_->add_session(testing::kTester, row(add("b"), 1)));
}

TEST_P(StoreSessions, RaisesTheCounterOfTheNodeAndTellsAfterTheCommit) {
  const NodeId jp = add("jp1");
  const NodeId hk = add("hk");
  const StoredSession session = must(store_->add_session(testing::kTester, row(jp, 1)));
  const auto before = must(store_->sessions_of(jp)).changes;
  const auto other = must(store_->sessions_of(hk)).changes;
  told_.clear();
  ASSERT_TRUE(store_->change_session(testing::kTester, set_status(session, model::SessionStatus::queued_for_setup)));
  EXPECT_EQ(must(store_->sessions_of(jp)).changes, before + 1);
  EXPECT_EQ(must(store_->sessions_of(hk)).changes, other);
  const std::vector<std::pair<NodeId, std::int64_t>> told{{jp, before + 1}};
  EXPECT_EQ(told_, told);
}

TEST_P(StoreSessions, ChangesNothingForKeepAndForAnEqualRow) {
  const NodeId jp = add("jp1");
  const StoredSession session = must(store_->add_session(testing::kTester, row(jp, 1)));
  told_.clear();
  ASSERT_TRUE(store_->change_session(testing::kTester,
                                     {session.uuid, [](const StoredSession&) -> Checked<Verdict> { return Keep{}; }}));
  ASSERT_TRUE(store_->change_session(testing::kTester, set_status(session, session.status)));
  EXPECT_EQ(must(store_->find_session(session.uuid)), session);
  EXPECT_TRUE(told_.empty());
}

TEST_P(StoreSessions, CountsVersionsOfARow) {
  const StoredSession session = must(store_->add_session(testing::kTester, row(add("jp1"), 1)));
  const auto changed =
      must(store_->change_session(testing::kTester, set_status(session, model::SessionStatus::rejected)));
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->version, session.version + 1);
  EXPECT_GT(changed->updated_at, 0);
}

TEST_P(StoreSessions, TellsWhoEditsWhatSomebodyElseEditedMeanwhile) {
  const StoredSession session = must(store_->add_session(testing::kTester, row(add("jp1"), 1)));
  auto change = set_status(session, model::SessionStatus::rejected);
  change.expected = session.version;
  ASSERT_TRUE(store_->change_session(testing::kTester, change));
  const auto late = store_->change_session(testing::kTester, change);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().error.code, Errc::conflict);
  EXPECT_EQ(late.error().field, "version");
}

TEST_P(StoreSessions, OneRefusedChangeDoesNotStopTheOthers) {
  const NodeId jp = add("jp1");
  const StoredSession one = must(store_->add_session(testing::kTester, row(jp, 1)));
  const StoredSession two = must(store_->add_session(testing::kTester, row(jp, 2)));
  const auto results = must(store_->change_sessions(
      testing::kTester,
      {
          {one.uuid, [](const StoredSession&) -> Checked<Verdict> { return refuse(Errc::invalid, "no", "status"); }},
          {make_uuid(), [](const StoredSession&) -> Checked<Verdict> { return Drop{}; }},
          {two.uuid, [](const StoredSession&) -> Checked<Verdict> { return Drop{}; }},
      }));
  EXPECT_EQ(results[0].error().field, "status");
  EXPECT_EQ(results[1].error().error.code, Errc::not_found);
  ASSERT_TRUE(results[2]);
  EXPECT_FALSE(results[2]->has_value());
  const auto left = must(store_->sessions_of(jp)).rows;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left.front().uuid, one.uuid);
}

}  // namespace
}  // namespace moenet::controlplane
