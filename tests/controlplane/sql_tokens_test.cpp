// The Store's contract: tokens of nodes.
#include <gtest/gtest.h>

#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

using testing::must;

class StoreTokens : public testing::StoreTest {};
INSTANTIATE_TEST_SUITE_P(All, StoreTokens, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(StoreTokens, ANewTokenEndsTheOldOne) {
  const NodeId node = add("jp1");
  EXPECT_EQ(store_->node_of_token(hash_of_token("jp1")), node);
  must(store_->replace_node_token(testing::kTester, node, hash_of_token("new"), 0));
  EXPECT_EQ(store_->node_of_token(hash_of_token("jp1")), std::nullopt);
  EXPECT_EQ(store_->node_of_token(hash_of_token("new")), node);
}

TEST_P(StoreTokens, TheOldTokenIsGoodUntilItsTime) {
  const NodeId node = add("jp1");
  must(store_->replace_node_token(testing::kTester, node, "second", 1'001));  // the store's time is 1000
  EXPECT_EQ(store_->node_of_token(hash_of_token("jp1")), node);
  EXPECT_EQ(store_->node_of_token("second"), node);
  must(store_->replace_node_token(testing::kTester, node, "third", 1'001));
  EXPECT_EQ(store_->node_of_token(hash_of_token("jp1")), std::nullopt) << "two are enough";
  EXPECT_EQ(store_->node_of_token("second"), node);
  must(store_->replace_node_token(testing::kTester, node, "fourth", 1'000));
  EXPECT_EQ(store_->node_of_token("third"), std::nullopt) << "a time that has come";
  must(store_->replace_node_token(testing::kTester, node, "fifth", 2'000));
  must(store_->revoke_node_tokens(testing::kTester, node));
  EXPECT_EQ(store_->node_of_token("fourth"), std::nullopt);
  EXPECT_EQ(store_->node_of_token("fifth"), std::nullopt);
  must(store_->delete_node(testing::kTester, "jp1"));
}

TEST_P(StoreTokens, TheOldTokenEndsByItself) {
  UnixMs now = 1'000;
  const auto store = must(SqlStore::open(database_->name(), [&] { return now; }));
  const NodeId node = must(store->add_node(testing::kTester, testing::node_of(0, "x", 101, false, "1G"), "old")).id;
  must(store->replace_node_token(testing::kTester, node, "new", 5'000));
  now = 4'999;
  EXPECT_EQ(store->node_of_token("old"), node);
  now = 5'000;
  EXPECT_EQ(store->node_of_token("old"), std::nullopt);
  EXPECT_EQ(store->node_of_token("new"), node);
}

TEST_P(StoreTokens, ABootstrapTokenIsGoodOnceAndNotForEver) {
  const NodeId node = add("jp1");
  must(store_->put_bootstrap(testing::kTester, "first", {node, "https://cp", 100}));
  EXPECT_EQ(store_->redeem_bootstrap(testing::kTester, "first", "late", 100).error().code, Errc::not_found);
  must(store_->put_bootstrap(testing::kTester, "second", {node, "https://cp", 200}));
  EXPECT_EQ(store_->redeem_bootstrap(testing::kTester, "first", "late", 50).error().code, Errc::not_found)
      << "a new one ends the old";
  EXPECT_EQ(store_->node_of_token(hash_of_token("jp1")), node) << "what fails changes nothing";
  EXPECT_EQ(must(store_->find_bootstrap("second", 199)).node_name, "jp1") << "and stays good";
  EXPECT_EQ(store_->find_bootstrap("second", 200).error().code, Errc::not_found);
  const RedeemedBootstrap redeemed = must(store_->redeem_bootstrap(testing::kTester, "second", "fresh", 199));
  EXPECT_EQ(redeemed.node_name, "jp1");
  EXPECT_EQ(redeemed.url, "https://cp");
  EXPECT_EQ(store_->node_of_token("fresh"), node);
  EXPECT_EQ(must(store_->redeem_bootstrap(testing::kTester, "second", "fresh", 150)).node_name, "jp1")
      << "the answer may have got lost";
  EXPECT_EQ(store_->redeem_bootstrap(testing::kTester, "second", "again", 150).error().code, Errc::conflict);
  EXPECT_EQ(store_->node_of_token("again"), std::nullopt);
  EXPECT_EQ(must(store_->find_bootstrap("second", 199)).node_name, "jp1") << "its machine may run the script again";
  EXPECT_EQ(store_->redeem_bootstrap(testing::kTester, "second", "fresh", 200).error().code, Errc::not_found);
}

TEST_P(StoreTokens, AUsedBootstrapTokenBringsNoRevokedTokenBack) {
  const NodeId node = add("jp1");
  must(store_->put_bootstrap(testing::kTester, "line", {node, "https://cp", 200}));
  must(store_->redeem_bootstrap(testing::kTester, "line", "fresh", 100));
  must(store_->replace_node_token(testing::kTester, node, "newer", 0));
  EXPECT_EQ(store_->redeem_bootstrap(testing::kTester, "line", "fresh", 100).error().code, Errc::conflict);
  EXPECT_EQ(store_->node_of_token("fresh"), std::nullopt);
  EXPECT_EQ(store_->node_of_token("newer"), node);
}

TEST_P(StoreTokens, ANodeCannotBeClaimedWithAnothersToken) {
  const NodeId node = add("jp1");
  const NodeId other = add("hk-rr");
  must(store_->put_bootstrap(testing::kTester, "line", {node, "https://cp", 200}));
  EXPECT_EQ(store_->redeem_bootstrap(testing::kTester, "line", hash_of_token("hk-rr"), 100).error().code,
            Errc::conflict);
  EXPECT_EQ(store_->node_of_token(hash_of_token("hk-rr")), other);
  must(store_->redeem_bootstrap(testing::kTester, "line", "fresh", 100));
}

}  // namespace
}  // namespace moenet::controlplane
