// Messages between control planes on one database: heard by the others, in order, and kept by nobody.
#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

#include "controlplane/messages.h"
#include "controlplane/sql_listener.h"
#include "controlplane/test_databases.h"

namespace moenet::controlplane {
namespace {

using testing::must;

class Heard {
 public:
  explicit Heard(Messages& messages) : messages_(messages) {
    messages.set_message_listener([this](std::string_view text) {
      const std::lock_guard lock(mutex_);
      texts_.emplace_back(text);
      changed_.notify_all();
    });
  }
  ~Heard() { messages_.set_message_listener({}); }

  // All so far, once there are so many; half a minute is more than a sound run needs.
  std::vector<std::string> await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30), [&] { return texts_.size() >= count; });
    return texts_;
  }

 private:
  Messages& messages_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> texts_;
};

TEST(PlainMessage, IsNoChangeAndAChangeIsNone) {
  const auto message = read_plain_message(write_plain_message({"me", "over an-id"}));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->instance, "me");
  EXPECT_EQ(message->text, "over an-id");
  EXPECT_FALSE(read_change_message(write_plain_message({"me", "over an-id"})));
  EXPECT_FALSE(read_plain_message(write_change_message({"me", true, false, {{1, 2}}})));
}

TEST(SqlMessages, AreHeardByTheOthersInOrder) {
  const testing::PostgreSqlTestDatabase database;
  const auto one = database.open();
  const auto two = database.open();
  Heard heard_by_one(*one);
  Heard heard_by_two(*two);
  std::vector<std::string> told;
  for (int i = 0; i < 20; ++i) told.push_back("number " + std::to_string(i) + std::string(7'000, 'x'));
  told.push_back("it's 'quoted' \\ and \xe2\x82\xac");
  must(one->tell(told));
  must(two->tell({"back"}));
  EXPECT_EQ(heard_by_two.await(told.size()), told);
  EXPECT_EQ(heard_by_one.await(1), std::vector<std::string>{"back"}) << "of its own it hears nothing";
}

TEST(SqlMessages, AreTextThatFits) {
  const testing::PostgreSqlTestDatabase database;
  const auto store = database.open();
  EXPECT_TRUE(store->tell({std::string(kMostMessageText, 'x')}));
  EXPECT_EQ(store->tell({"fits", std::string(kMostMessageText + 1, 'x')}).error().code, Errc::invalid);
  EXPECT_EQ(store->tell({std::string("a\0b", 3)}).error().code, Errc::invalid);
  EXPECT_EQ(store->tell({"\xff"}).error().code, Errc::invalid);
}

TEST(SqlMessages, OfAFileHaveNoHearers) {
  const testing::SqliteTestDatabase database;
  const auto store = database.open();
  EXPECT_TRUE(store->tell({"x"}));
}

}  // namespace
}  // namespace moenet::controlplane
