#include "agent/privileges.h"

#include <map>
#include <sstream>
#include <sys/capability.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/program.h"
#include "net/isolated.h"

namespace moenet::agent {
namespace {

Deadline soon() { return Deadline::after(std::chrono::seconds(10)); }

std::uint64_t bits(std::initializer_list<cap_value_t> capabilities) {
  std::uint64_t set = 0;
  for (const cap_value_t capability : capabilities) set |= std::uint64_t{1} << capability;
  return set;
}

constexpr std::initializer_list<cap_value_t> kOwn{CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE};
constexpr std::initializer_list<cap_value_t> kDaemons{CAP_NET_ADMIN, CAP_NET_BIND_SERVICE};
constexpr std::initializer_list<cap_value_t> kRoot{CAP_NET_ADMIN,    CAP_NET_RAW, CAP_NET_BIND_SERVICE,
                                                   CAP_DAC_OVERRIDE, CAP_CHOWN,   CAP_FOWNER};

// The hexadecimal lines of /proc/PID/status: CapInh, CapPrm, CapEff, CapBnd, CapAmb, NoNewPrivs and others.
std::map<std::string, std::uint64_t> sets_in(const std::string& status) {
  std::map<std::string, std::uint64_t> sets;
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Cap") || line.starts_with("NoNewPrivs"))
      sets[line.substr(0, line.find(':'))] = std::stoull(line.substr(line.find('\t') + 1), nullptr, 16);
  }
  return sets;
}

// What a process that drops its privileges is then, or a program that it starts.
enum class Look { itself, program };
Result<std::string> status_after_drop(Look look) {
  TRY_VOID(drop_privileges());
  if (look == Look::itself) return read_file("/proc/self/status", 64u << 10);
  TRY(auto end, run_program({"cat", "/proc/self/status"}, "", 64u << 10, soon()));
  return std::move(end.output);
}

class Privileges : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, who has something to lose";
  }

  static std::map<std::string, std::uint64_t> as_root(Look look) {
    const auto status = net::run_isolated([look] { return status_after_drop(look); }, soon());
    EXPECT_TRUE(status) << status.error().what;
    return sets_in(status.value_or(""));
  }
  // A user with all of root's capabilities.
  static std::map<std::string, std::uint64_t> as_user(Look look) {
    const auto status = net::run_isolated(
        [look]() -> Result<std::string> {
          if (::cap_setuid(65534) != 0) return fail(Errc::internal, "cannot be nobody");
          return status_after_drop(look);
        },
        soon());
    EXPECT_TRUE(status) << status.error().what;
    return sets_in(status.value_or(""));
  }
};

TEST_F(Privileges, OfRootOnlyThoseForNetworksAndForFilesOfOthersStay) {
  const auto sets = as_root(Look::itself);
  EXPECT_EQ(sets.at("CapPrm"), bits(kRoot));
  EXPECT_EQ(sets.at("CapEff"), bits(kRoot));
  EXPECT_EQ(sets.at("CapBnd"), bits(kRoot));
  EXPECT_EQ(sets.at("CapInh"), bits(kDaemons));
  EXPECT_EQ(sets.at("NoNewPrivs"), 1u);
}

TEST_F(Privileges, AProgramOfRootsGetsNoneBack) {
  const auto sets = as_root(Look::program);
  EXPECT_EQ(sets.at("CapBnd"), bits(kRoot));
  EXPECT_EQ(sets.at("CapEff") & ~bits(kRoot), 0u);
}

TEST_F(Privileges, AnotherUserKeepsThoseForNetworksAlone) {
  const auto sets = as_user(Look::itself);
  EXPECT_EQ(sets.at("CapPrm"), bits(kOwn));
  EXPECT_EQ(sets.at("CapEff"), bits(kOwn));
  EXPECT_EQ(sets.at("CapAmb"), bits(kDaemons));
}

TEST_F(Privileges, ADaemonOfAnotherUserHasWhatATunnelNeeds) {
  const auto sets = as_user(Look::program);
  EXPECT_EQ(sets.at("CapPrm"), bits(kDaemons));
  EXPECT_EQ(sets.at("CapEff"), bits(kDaemons));
  EXPECT_EQ(sets.at("NoNewPrivs"), 1u);
}

TEST_F(Privileges, WithoutAnyThereIsNothingToDrop) {
  const auto status = net::run_isolated(
      []() -> Result<std::string> {
        if (::setuid(65534) != 0) return fail(Errc::internal, "cannot be nobody");
        return status_after_drop(Look::itself);
      },
      soon());
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_EQ(sets_in(*status).at("CapPrm"), 0u);
}

}  // namespace
}  // namespace moenet::agent
