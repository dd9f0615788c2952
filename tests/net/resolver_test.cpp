#include "net/resolver.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>

#include <gtest/gtest.h>

#include "base/latest.h"

namespace moenet::net {
namespace {

Deadline soon() { return Deadline::after(std::chrono::seconds(10)); }

// A name server that answers when told to. Shared, because lookups may outlive the test.
class Server {
 public:
  Result<IpAddress> look_up(const std::string& host) {
    std::unique_lock lock(mutex_);
    ++asked_[host];
    changed_.notify_all();
    changed_.wait(lock, [&] { return answers_.contains(host); });
    return answers_.at(host);
  }
  void answer(const std::string& host, Result<IpAddress> answer) {
    const std::lock_guard lock(mutex_);
    answers_.insert_or_assign(host, std::move(answer));
    changed_.notify_all();
  }
  void wait_until_asked(const std::string& host, int times) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_[host] >= times; });
  }
  int asked(const std::string& host) {
    const std::lock_guard lock(mutex_);
    return asked_[host];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Result<IpAddress>> answers_;
  std::map<std::string, int> asked_;
};

class ResolverTest : public ::testing::Test {
 protected:
  ResolverSettings settings(std::chrono::milliseconds retry_after = std::chrono::hours(1)) {
    return {[server = server_](const std::string& host, std::optional<IpFamily> family) {
              return server->look_up(family == IpFamily::v6 ? host + " AAAA" : host);
            },
            retry_after};
  }
  bool changed() { return change_->wait(soon(), {}); }

  std::shared_ptr<Server> server_ = std::make_shared<Server>();
  std::shared_ptr<Wakeup> change_ = std::make_shared<Wakeup>();
  std::function<void()> on_change_ = [change = change_] { change->notify(); };
  const IpAddress one_ = IpAddress::v4({192, 0, 2, 1});
  const IpAddress two_ = IpAddress::v4({192, 0, 2, 2});
};

TEST_F(ResolverTest, AnAddressNeedsNoLookup) {
  Resolver resolver(on_change_, settings());
  EXPECT_EQ(resolver.lookup("2001:db8::1").value(), IpAddress::parse("2001:db8::1").value());
  resolver.refresh("192.0.2.1");
  EXPECT_EQ(server_->asked("2001:db8::1") + server_->asked("192.0.2.1"), 0);
}

TEST_F(ResolverTest, ANameIsUnknownUntilItsAnswerComes) {
  Resolver resolver(on_change_, settings());
  EXPECT_EQ(resolver.lookup("a.example").value(), std::nullopt);
  EXPECT_EQ(resolver.lookup("a.example").value(), std::nullopt);
  server_->answer("a.example", one_);
  ASSERT_TRUE(changed());
  EXPECT_EQ(resolver.lookup("a.example").value(), one_);
  EXPECT_EQ(server_->asked("a.example"), 1) << "asking twice is one lookup";
}

TEST_F(ResolverTest, ARefreshKeepsTheOldAnswerUntilTheNewOneIsThere) {
  Resolver resolver(on_change_, settings());
  server_->answer("a.example", one_);
  (void)resolver.lookup("a.example");
  ASSERT_TRUE(changed());
  server_->answer("a.example", two_);
  EXPECT_EQ(resolver.lookup("a.example").value(), one_);
  resolver.refresh("a.example");
  ASSERT_TRUE(changed());
  EXPECT_EQ(resolver.lookup("a.example").value(), two_);
}

TEST_F(ResolverTest, AFailedRefreshChangesNothing) {
  Resolver resolver(on_change_, settings());
  server_->answer("a.example", one_);
  (void)resolver.lookup("a.example");
  ASSERT_TRUE(changed());
  server_->answer("a.example", fail(Errc::unavailable, "no server"));
  resolver.refresh("a.example");
  server_->wait_until_asked("a.example", 2);
  // A second name behind it shows that the first one's answer was taken.
  server_->answer("b.example", two_);
  (void)resolver.lookup("b.example");
  ASSERT_TRUE(changed());
  EXPECT_EQ(resolver.lookup("a.example").value(), one_);
}

TEST_F(ResolverTest, AnErrorStaysUntilItsTimeThenIsTriedAgain) {
  Resolver patient(on_change_, settings());
  server_->answer("a.example", fail(Errc::not_found, "no such host"));
  (void)patient.lookup("a.example");
  ASSERT_TRUE(changed());
  EXPECT_EQ(patient.lookup("a.example").error().code, Errc::not_found);
  EXPECT_EQ(patient.lookup("a.example").error().code, Errc::not_found);
  EXPECT_EQ(server_->asked("a.example"), 1);

  Resolver hasty(on_change_, settings(std::chrono::milliseconds(0)));
  (void)hasty.lookup("a.example");
  ASSERT_TRUE(changed());
  server_->answer("a.example", one_);
  EXPECT_FALSE(hasty.lookup("a.example")) << "the error, while the next lookup is under way";
  ASSERT_TRUE(changed());
  EXPECT_EQ(hasty.lookup("a.example").value(), one_);
}

TEST_F(ResolverTest, AnAddressOfOneFamilyIsAQuestionOfItsOwn) {
  Resolver resolver(on_change_, settings());
  const IpAddress v6 = IpAddress::parse("2001:db8::1").value();
  server_->answer("a.example", one_);
  server_->answer("a.example AAAA", v6);
  (void)resolver.lookup("a.example", IpFamily::v6);
  ASSERT_TRUE(changed());
  EXPECT_EQ(resolver.lookup("a.example", IpFamily::v6).value(), v6);
  EXPECT_EQ(resolver.lookup("a.example").value(), std::nullopt);
  ASSERT_TRUE(changed());
  EXPECT_EQ(resolver.lookup("a.example").value(), one_);
  resolver.refresh("a.example", IpFamily::v6);
  server_->wait_until_asked("a.example AAAA", 2);
  EXPECT_EQ(server_->asked("a.example"), 1);
}

TEST_F(ResolverTest, NamesThatHangHoldUpNoOther) {
  Resolver resolver(on_change_, settings());
  server_->answer("good.example", one_);
  for (const char* host : {"hang1.example", "hang2.example", "hang3.example"}) (void)resolver.lookup(host);
  (void)resolver.lookup("good.example");
  ASSERT_TRUE(changed());
  EXPECT_EQ(resolver.lookup("good.example").value(), one_);
  for (const char* host : {"hang1.example", "hang2.example", "hang3.example"}) server_->answer(host, one_);
}

TEST_F(ResolverTest, DestructionDoesNotWaitForALookupAndSilencesIt) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  {
    Resolver resolver([calls] { ++*calls; }, settings());
    (void)resolver.lookup("hang.example");
    server_->wait_until_asked("hang.example", 1);
  }
  server_->answer("hang.example", one_);
  Resolver other(on_change_, settings());
  server_->answer("a.example", one_);
  (void)other.lookup("a.example");
  ASSERT_TRUE(changed());
  EXPECT_EQ(*calls, 0);
}

TEST(LookUpHost, KnowsLocalhostAndRefusesWhatIsNoName) {
  const auto address = look_up_host("localhost");
  ASSERT_TRUE(address) << address.error().what;
  EXPECT_TRUE(address->is_loopback());
  for (const std::string& host : {std::string(), std::string(254, 'a'), std::string("a\0b", 3)}) {
    EXPECT_EQ(look_up_host(host).error().code, Errc::invalid);
  }
}

TEST(LookUpHost, GivesAnAddressOfTheFamilyThatIsAskedForOrNone) {
  EXPECT_EQ(look_up_host("127.0.0.1", IpFamily::v4).value(), IpAddress::v4({127, 0, 0, 1}));
  EXPECT_EQ(look_up_host("127.0.0.1", IpFamily::v6).error().code, Errc::not_found);
}

}  // namespace
}  // namespace moenet::net
