#include "bird/client.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <sys/un.h>
#include <thread>

#include <gtest/gtest.h>

#include "base/latest.h"
#include "bird/control.h"
#include "bird/real_bird.h"

namespace moenet::bird {
namespace {

using namespace std::chrono_literals;

// A far end that answers each line with what `answer` makes of it, and counts. An empty answer closes the connection.
class FakeBird {
 public:
  explicit FakeBird(std::function<std::string(const std::string&)> answer) : answer_(std::move(answer)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket();
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    listener_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_.get(), 128), 0);
    acceptor_ = std::jthread([this] { accept_all(); });
  }
  ~FakeBird() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    close_all();
    for (std::jthread& server : servers_) server.join();
  }
  std::string socket() const { return folder_ / "ctl"; }
  void close_all() {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  int accepted() const { return accepted_; }

 private:
  void accept_all() {
    for (int fd = ::accept(listener_.get(), nullptr, nullptr); fd >= 0;
         fd = ::accept(listener_.get(), nullptr, nullptr)) {
      ++accepted_;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      servers_.emplace_back([this, fd] { serve(fd); });
    }
  }
  void serve(int fd) {
    std::string line = greeting_;
    ::send(fd, line.data(), line.size(), MSG_NOSIGNAL);
    line.clear();
    char c = 0;
    while (::recv(fd, &c, 1, 0) == 1) {
      if (c != '\n') {
        line += c;
        continue;
      }
      const std::string reply = answer_(line);
      line.clear();
      if (reply.empty()) break;
      ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    ::close(fd);
  }

  support::TemporaryFolder folder_;
  std::function<std::string(const std::string&)> answer_;
  std::string greeting_ = "0001 BIRD 2.0.12 ready.\n";
  UniqueFd listener_;
  std::atomic<int> accepted_{0};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::jthread> servers_;
  std::jthread acceptor_;
};

std::string echo(const std::string& line) { return "1000-" + line + "\n+async\n more\n0000 \n"; }

TEST(BirdClient, ReadsTheGreetingAndAnswers) {
  FakeBird far(echo);
  auto client = BirdClient::connect(far.socket(), soon(), {});
  ASSERT_TRUE(client);
  EXPECT_EQ(client->version().text(), "2.0.12");
  const auto reply = client->ask("hello", soon(), {});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), "hello\nmore\n");
}

TEST(BirdClient, RefusesCommandsThatAreTwoOrTooLongAndStaysUsable) {
  FakeBird far(echo);
  auto client = BirdClient::connect(far.socket(), soon(), {});
  ASSERT_TRUE(client);
  for (const std::string& command :
       {std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3), std::string(1023, 'x')}) {
    const auto reply = client->ask(command, soon(), {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::invalid);
  }
  EXPECT_FALSE(client->is_broken());
  EXPECT_TRUE(client->ask(std::string(1022, 'x'), soon(), {}));
}

TEST(BirdClient, NeverHasMoreThan1023BytesUnanswered) {
  std::mutex mutex;
  std::vector<std::string> lines;
  FakeBird far([&](const std::string& line) {
    {
      const std::lock_guard lock(mutex);
      lines.push_back(line);
    }
    return echo(line);
  });
  auto client = BirdClient::connect(far.socket(), soon(), {});
  ASSERT_TRUE(client);
  std::vector<std::string> commands;
  for (int i = 0; i < 500; ++i)
    commands.push_back("command " + std::to_string(i) + std::string(static_cast<std::size_t>(i), '.'));
  const auto replies = client->ask_all(commands, soon(), {});
  ASSERT_TRUE(replies);
  ASSERT_EQ(replies->size(), commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) EXPECT_EQ((*replies)[i].lines.front().text, commands[i]);
  const std::lock_guard lock(mutex);
  EXPECT_EQ(lines, commands);
}

TEST(BirdClient, SaysWhenNobodyListens) {
  support::TemporaryFolder folder;
  EXPECT_EQ(BirdClient::connect(folder / "none", soon(), {}).error().code, Errc::unavailable);
  EXPECT_EQ(BirdClient::connect(std::string(200, 'x'), soon(), {}).error().code, Errc::invalid);
}

TEST(BirdClient, StopsAtItsDeadlineAndAtAStop) {
  FakeBird half([](const std::string&) { return std::string("1000-half\n"); });
  auto client = BirdClient::connect(half.socket(), soon(), {});
  ASSERT_TRUE(client);
  const auto late = client->ask("x", Deadline::after(30ms), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
  EXPECT_TRUE(client->is_broken());
  EXPECT_EQ(client->ask("x", soon(), {}).error().code, Errc::unavailable);

  auto other = BirdClient::connect(half.socket(), soon(), {});
  ASSERT_TRUE(other);
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  const auto stopped = other->ask("x", Deadline::after(20s), source.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
}

TEST(BirdClient, BreaksOnAClosedConnectionAndOnGarbage) {
  FakeBird closes([](const std::string&) { return std::string(); });
  auto client = BirdClient::connect(closes.socket(), soon(), {});
  EXPECT_EQ(client->ask("x", soon(), {}).error().code, Errc::unavailable);
  FakeBird garbage([](const std::string&) { return std::string("what\n"); });
  auto other = BirdClient::connect(garbage.socket(), soon(), {});
  EXPECT_EQ(other->ask("x", soon(), {}).error().code, Errc::invalid);
  EXPECT_TRUE(other->is_broken());
}

TEST(BirdPool, NeverOpensMoreThanItsBoundUnderManyThreads) {
  FakeBird far(echo);
  BirdPool pool(far.socket(), {7, 7});  // none is closed meanwhile, so that the far end counts what the pool counts
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 100; ++i) {
      threads.emplace_back([&, i] {
        for (int j = 0; j < 5; ++j) {
          const std::string word = std::to_string(i) + "/" + std::to_string(j);
          const auto reply = pool.ask(word, soon(), {});
          if (!reply || reply->lines.front().text != word) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(far.accepted(), 7);
}

TEST(BirdPool, WaitsForAFreeConnectionUntilTheDeadlineOrAStop) {
  FakeBird far(echo);
  BirdPool pool(far.socket(), {5, 2});
  auto first = pool.take(soon(), {});
  auto second = pool.take(soon(), {});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(pool.take(Deadline::after(20ms), {}).error().code, Errc::timeout);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(pool.take(soon(), source.get_token()).error().code, Errc::cancelled);
  std::jthread giver([&] { auto gone = std::move(*first); });
  EXPECT_TRUE(pool.take(soon(), {}));
  EXPECT_EQ(far.accepted(), 2);
}

TEST(BirdPool, KeepsIdleConnectionsAndReplacesDeadOnes) {
  FakeBird far(echo);
  BirdPool pool(far.socket(), {5, 64});
  EXPECT_FALSE(pool.version());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(pool.ask("x", soon(), {}));
  EXPECT_EQ(far.accepted(), 1);
  EXPECT_EQ(pool.version()->text(), "2.0.12");
  far.close_all();
  EXPECT_TRUE(pool.ask("x", soon(), {}));
  EXPECT_EQ(far.accepted(), 2);
}

TEST(BirdPool, DoesNotKeepABrokenConnection) {
  std::atomic<int> asked{0};
  FakeBird far([&](const std::string& line) { return ++asked == 1 ? std::string("garbage\n") : echo(line); });
  BirdPool pool(far.socket(), {5, 1});
  EXPECT_EQ(pool.ask("x", soon(), {}).error().code, Errc::invalid);
  EXPECT_TRUE(pool.ask("x", soon(), {}));
  EXPECT_EQ(far.accepted(), 2);
}

TEST(BirdPool, ALeaseOutlivesItsPool) {
  FakeBird far(echo);
  std::optional<BirdPool::Lease> lease;
  {
    BirdPool pool(far.socket(), {});
    auto taken = pool.take(soon(), {});
    ASSERT_TRUE(taken);
    lease = std::move(*taken);
  }
  EXPECT_TRUE((*lease)->ask("x", soon(), {}));
}

class ClientOn : public testing::TestWithParam<BirdProgram> {};
INSTANTIATE_TEST_SUITE_P(Bird, ClientOn, testing::ValuesIn(bird_programs()), name_of_program);

TEST_P(ClientOn, SurvivesRestartsHangsAndPipelines) {
  ASSERT_TRUE(GetParam().is_there()) << GetParam().path << " is missing: ./dev setup, and ./dev test unpack it";
  RealBird bird(GetParam().path);
  write_file(bird.main(), "router id 1.1.1.1;\nprotocol device {}\n");
  ASSERT_NO_FATAL_FAILURE(bird.start());
  BirdPool pool(bird.socket(), {2, 4});
  const auto seen = survey(pool, soon(), {});
  ASSERT_TRUE(seen) << seen.error().what;
  EXPECT_GE(seen->version.major, 2);
  ASSERT_EQ(seen->protocols.size(), 1u);
  EXPECT_EQ(seen->protocols[0].name, "device1");
  {
    auto lease = pool.take(soon(), {});
    ASSERT_TRUE(lease);
    const std::vector<std::string> commands(300, "show protocols all device1");
    const auto replies = (*lease)->ask_all(commands, soon(), {});
    ASSERT_TRUE(replies) << replies.error().what;
    for (const Reply& reply : *replies) EXPECT_EQ(reply.code(), 0);
    EXPECT_EQ((*lease)->ask("no such command", soon(), {})->code(), 9001);
  }
  ASSERT_NO_FATAL_FAILURE(bird.restart());
  EXPECT_TRUE(pool.ask("show status", soon(), {}));

  bird.signal(SIGSTOP);
  EXPECT_EQ(pool.ask("show status", Deadline::after(50ms), {}).error().code, Errc::timeout);
  bird.signal(SIGCONT);
  EXPECT_TRUE(pool.ask("show status", soon(), {}));
  bird.kill();
  EXPECT_EQ(pool.ask("show status", soon(), {}).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace moenet::bird
