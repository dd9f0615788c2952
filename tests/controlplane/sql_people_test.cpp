// The Store's contract: users, web sessions, API tokens, challenges.
#include <thread>

#include <gtest/gtest.h>

#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

using testing::kTester;
using testing::must;

constexpr model::Asn kAsn = 4'242'420'101;

class StorePeople : public testing::StoreTest {
 protected:
  User add_named(const std::string& name, Role role = Role::user, model::Asn asn = 0) {
    User user;
    user.name = name;
    user.role = role;
    user.asn = asn;
    return must(store_->add_user(kTester, user));
  }
  static WebSession web_session(const std::string& hash, UnixMs expires = 100'000) {
    WebSession session;
    session.hash = hash;
    session.expires_at = expires;
    return session;
  }
  ApiToken add_token(const User& user, const std::string& hash, Role role = Role::owner, UnixMs expires = 0) {
    ApiToken token;
    token.user = user.uuid;
    token.label = "label-" + hash;
    token.role = role;
    token.expires_at = expires;
    return must(store_->add_api_token(kTester, token, hash));
  }
  static Checked<void> yes(const User&) { return {}; }
  static Checked<void> yes_too(const ApiToken&) { return {}; }
  // Role and name of who holds it, or "nobody".
  std::string holder_of_session(const std::string& hash, UnixMs now = 1'000) {
    return told(store_->holder_of_web_session(hash, now));
  }
  std::string holder_of_token(const std::string& hash, UnixMs now = 1'000) {
    return told(store_->holder_of_api_token(hash, now));
  }
  static std::string told(const Result<Holder>& holder) {
    if (!holder) return holder.error().code == Errc::not_found ? "nobody" : holder.error().what;
    return std::string(name_of(holder->role)) + " " + holder->user_name;
  }
};
INSTANTIATE_TEST_SUITE_P(All, StorePeople, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(StorePeople, AreAddedFoundChangedAndDeleted) {
  const User admin = add_named("alice", Role::admin);
  const User peer = add_named("AS4242420101", Role::user, kAsn);
  EXPECT_EQ(must(store_->users()), (std::vector<User>{peer, admin})) << "by name";
  EXPECT_EQ(must(store_->find_user("alice")), admin);
  EXPECT_EQ(must(store_->find_user(admin.uuid)), admin);
  EXPECT_EQ(store_->find_user("bob").error().code, Errc::not_found);
  EXPECT_EQ(store_->find_user(std::string("a\0b", 3)).error().code, Errc::not_found);
  EXPECT_EQ(store_->find_user("\xff").error().code, Errc::not_found);
  User again;
  again.name = "alice";
  EXPECT_EQ(store_->add_user(kTester, again).error().field, "name");
  again.name = "other";
  again.asn = kAsn;
  EXPECT_EQ(store_->add_user(kTester, again).error().field, "asn");

  const auto raise = [](const User& user) -> Checked<User> {
    User wanted = user;
    wanted.role = Role::admin;
    wanted.name = "may not change";
    return wanted;
  };
  User raised = peer;
  raised.role = Role::admin;
  EXPECT_EQ(must(store_->change_user(kTester, peer.uuid, raise)), raised);
  EXPECT_EQ(must(store_->find_user(peer.name)), raised);
  const auto refuses = [](const User&) -> Checked<User> { return refuse(Errc::denied, "no"); };
  EXPECT_EQ(store_->change_user(kTester, "alice", refuses).error().error.code, Errc::denied);
  EXPECT_EQ(store_->change_user(kTester, "bob", raise).error().error.code, Errc::not_found);

  const auto no = [](const User&) -> Checked<void> { return refuse(Errc::denied, "no"); };
  EXPECT_EQ(store_->delete_user(kTester, "alice", no).error().error.code, Errc::denied);
  EXPECT_TRUE(store_->find_user("alice"));
  EXPECT_TRUE(store_->delete_user(kTester, "alice", yes));
  EXPECT_EQ(store_->delete_user(kTester, "alice", yes).error().error.code, Errc::not_found);
}

TEST_P(StorePeople, WhoProvesAnAsnIsMadeAUserOnce) {
  const User first = must(store_->sign_in(kTester, kAsn, web_session("a"), 1'000));
  EXPECT_EQ(first.name, "AS4242420101");
  EXPECT_EQ(first.role, Role::user);
  EXPECT_EQ(must(store_->sign_in(kTester, kAsn, web_session("b"), 2'000)).uuid, first.uuid);
  EXPECT_EQ(must(store_->users()).size(), 1u);
  EXPECT_EQ(must(store_->find_user(first.uuid)).last_seen, 2'000);
  EXPECT_EQ(holder_of_session("a"), "user AS4242420101");
  EXPECT_EQ(must(store_->holder_of_web_session("b", 1'000)).asn, kAsn);
  EXPECT_EQ(holder_of_session("c"), "nobody");

  add_named("AS7");  // somebody else's name, by the owner's will
  EXPECT_EQ(store_->sign_in(kTester, 7, web_session("d"), 1'000).error().error.code, Errc::denied);
}

TEST_P(StorePeople, AWebSessionEnds) {
  must(store_->sign_in(kTester, kAsn, web_session("a", 5'000), 1'000));
  EXPECT_EQ(holder_of_session("a", 4'999), "user AS4242420101");
  EXPECT_EQ(holder_of_session("a", 5'000), "nobody");
  must(store_->sign_in(kTester, kAsn, web_session("b", 9'000), 5'000));
  EXPECT_EQ(holder_of_session("a", 1'000), "nobody") << "what expired is pruned";
  must(store_->end_web_session(kTester, "b"));
  EXPECT_EQ(holder_of_session("b", 5'000), "nobody");
}

TEST_P(StorePeople, DisablingEndsAllAtOnceAndForGood) {
  const User user = must(store_->sign_in(kTester, kAsn, web_session("a"), 1'000));
  add_token(user, "t");
  EXPECT_EQ(holder_of_token("t"), "user AS4242420101");
  const auto set_disabled = [&](bool disabled) {
    must(store_->change_user(kTester, user.uuid, [&](const User& row) -> Checked<User> {
      User wanted = row;
      wanted.is_disabled = disabled;
      return wanted;
    }));
  };
  set_disabled(true);
  EXPECT_EQ(holder_of_session("a"), "nobody");
  EXPECT_EQ(holder_of_token("t"), "nobody");
  EXPECT_EQ(store_->sign_in(kTester, kAsn, web_session("b"), 1'000).error().error.code, Errc::denied);
  ApiToken more;
  more.user = user.uuid;
  more.label = "more";
  EXPECT_EQ(store_->add_api_token(kTester, more, "u").error().error.code, Errc::not_found);
  set_disabled(false);
  EXPECT_EQ(holder_of_session("a"), "nobody");
  EXPECT_EQ(holder_of_token("t"), "nobody");
  EXPECT_TRUE(store_->sign_in(kTester, kAsn, web_session("c"), 1'000));
}

TEST_P(StorePeople, DeletingAUserEndsAllAtOnce) {
  const User user = must(store_->sign_in(kTester, kAsn, web_session("a"), 1'000));
  add_token(user, "t");
  must(store_->delete_user(kTester, user.uuid, yes));
  EXPECT_EQ(holder_of_session("a"), "nobody");
  EXPECT_EQ(holder_of_token("t"), "nobody");
}

TEST_P(StorePeople, ATokenIsNeverMoreThanItsUser) {
  const User admin = add_named("alice", Role::admin);
  add_token(admin, "capped", Role::user);
  add_token(admin, "full", Role::admin);
  add_token(admin, "above", Role::owner);
  EXPECT_EQ(holder_of_token("capped"), "user alice");
  EXPECT_EQ(holder_of_token("full"), "admin alice");
  EXPECT_EQ(holder_of_token("above"), "admin alice");
  must(store_->change_user(kTester, "alice", [](const User& user) -> Checked<User> {
    User wanted = user;
    wanted.role = Role::user;
    return wanted;
  }));
  EXPECT_EQ(holder_of_token("full"), "user alice") << "at once";
}

TEST_P(StorePeople, ATokenExpiresAndIsRevoked) {
  const User user = add_named("alice");
  add_token(user, "short", Role::user, 5'000);
  const ApiToken token = add_token(user, "long");
  EXPECT_EQ(holder_of_token("short", 4'999), "user alice");
  EXPECT_EQ(holder_of_token("short", 5'000), "nobody");
  WebSession session = web_session("by token");
  session.user = user.uuid;
  session.token = token.uuid;
  must(store_->open_web_session(kTester, session, 1'000));
  EXPECT_EQ(holder_of_session("by token"), "user alice");
  const auto no = [](const ApiToken&) -> Checked<void> { return refuse(Errc::denied, "no"); };
  EXPECT_EQ(store_->revoke_api_token(kTester, token.uuid, no).error().error.code, Errc::denied);
  EXPECT_EQ(must(store_->revoke_api_token(kTester, token.uuid, yes_too)).label, "label-long");
  EXPECT_EQ(holder_of_token("long"), "nobody");
  EXPECT_EQ(holder_of_session("by token"), "nobody") << "what it opened ends with it";
  EXPECT_EQ(store_->revoke_api_token(kTester, token.uuid, yes_too).error().error.code, Errc::not_found);
  EXPECT_EQ(store_->revoke_api_token(kTester, "no uuid", yes_too).error().error.code, Errc::not_found);
  EXPECT_EQ(must(store_->api_tokens()).size(), 1u);
}

TEST_P(StorePeople, AnExpiredTokensLabelIsFree) {
  const User user = add_named("alice");
  ApiToken token;
  token.user = user.uuid;
  token.label = "ci";
  token.expires_at = 1'000;  // which is the store's time
  must(store_->add_api_token(kTester, token, "old"));
  token.expires_at = 0;
  must(store_->add_api_token(kTester, token, "new"));
  EXPECT_EQ(must(store_->api_tokens()).size(), 1u);
  EXPECT_EQ(store_->add_api_token(kTester, token, "more").error().field, "label");
}

TEST_P(StorePeople, ASessionOfAnExpiredTokenIsVoid) {
  const User user = add_named("alice");
  const ApiToken token = add_token(user, "t", Role::user, 5'000);
  WebSession session = web_session("s");
  session.user = user.uuid;
  session.token = token.uuid;
  must(store_->open_web_session(kTester, session, 1'000));
  EXPECT_EQ(holder_of_session("s", 4'999), "user alice");
  EXPECT_EQ(holder_of_session("s", 5'000), "nobody");
}

TEST_P(StorePeople, TheOwnersTokensHaveNoUser) {
  const ApiToken token = add_token(User{}, "ci", Role::admin);
  EXPECT_EQ(holder_of_token("ci"), "admin ");
  ApiToken again = token;
  EXPECT_EQ(store_->add_api_token(kTester, again, "other").error().field, "label");
  WebSession session = web_session("s");
  session.owner_token = "hash of the admin token";
  must(store_->open_web_session(kTester, session, 1'000));
  const Holder holder = must(store_->holder_of_web_session("s", 1'000));
  EXPECT_EQ(holder.role, Role::owner);
  EXPECT_EQ(holder.owner_token, "hash of the admin token");
}

TEST_P(StorePeople, NotesNowAndThenWhenATokenWasUsed) {
  add_token(add_named("alice"), "t");
  must(store_->holder_of_api_token("t", 1'000'000));
  EXPECT_EQ(must(store_->api_tokens()).front().last_used, 1'000'000);
  must(store_->holder_of_api_token("t", 1'000'001));
  EXPECT_EQ(must(store_->api_tokens()).front().last_used, 1'000'000);
}

TEST_P(StorePeople, AChallengeIsTakenOnce) {
  must(store_->put_challenge({"c", kAsn, "sign this", 5'000}, 1'000));
  EXPECT_EQ(store_->take_challenge("other", 1'000).error().code, Errc::not_found);
  EXPECT_EQ(must(store_->take_challenge("c", 4'999)).text, "sign this");
  EXPECT_EQ(store_->take_challenge("c", 1'000).error().code, Errc::not_found);
  must(store_->put_challenge({"late", kAsn, "sign this", 5'000}, 1'000));
  EXPECT_EQ(store_->take_challenge("late", 5'000).error().code, Errc::not_found);
  must(store_->put_challenge({"next", kAsn, "sign this", 9'000}, 5'000));
  EXPECT_EQ(store_->take_challenge("late", 1'000).error().code, Errc::not_found) << "what expired is pruned";
}

TEST_P(StorePeople, OfManyThreadsAndInstancesOneTakesAChallenge) {
  // An SQLite file is one process's: there the threads share its store.
  const auto opened = std::string_view(GetParam().name) == "sqlite" ? nullptr : database_->open();
  SqlStore* const other = opened ? opened.get() : store_.get();
  for (int round = 0; round < 20; ++round) {
    const std::string hash = "c" + std::to_string(round);
    must(store_->put_challenge({hash, kAsn, "x", 5'000}, 1'000));
    std::atomic<int> taken{0};
    {
      std::vector<std::jthread> threads;
      for (Store* store : {store_.get(), other}) {
        for (int i = 0; i < 2; ++i) {
          threads.emplace_back([&, store] {
            if (store->take_challenge(hash, 1'000)) ++taken;
          });
        }
      }
    }
    EXPECT_EQ(taken, 1);
  }
}

}  // namespace
}  // namespace moenet::controlplane
