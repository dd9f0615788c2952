#include "agent/link_memory.h"

#include <gtest/gtest.h>

#include "agent/echoed_report.h"

namespace moenet::agent {
namespace {

const WallTime kNow = WallTime{} + std::chrono::hours(24 * 365 * 56);

KnownLinks sample() {
  KnownLinks links;
  links[owner(1)] = {ip("fe80::1"), {80, 31.25, 0.125, 4, 91, kNow, kNow - std::chrono::hours(3)}};
  links["mesh/3"] = {ip("172.22.188.3"), {1, 0.5, 0, 0, 0, kNow, {}}};
  return links;
}

TEST(LinkMemory, IsReadBackAsItWasWritten) { EXPECT_EQ(read_links(write_links(sample())), sample()); }

TEST(LinkMemory, DoesNotWriteWhoNeverAnswered) {
  KnownLinks links = sample();
  links[owner(2)].target = ip("fe80::2");
  EXPECT_EQ(read_links(write_links(links)), sample());
  EXPECT_EQ(read_links(write_links({})), KnownLinks{});
}

TEST(LinkMemory, IsTakenWholeOrNotAtAll) {
  const std::string good = write_links(sample());
  for (const auto& [what, with] : {std::pair<std::string_view, std::string_view>{"\"mesh/3\"", "\"mesh/x\""},
                                   {"\"mesh/3\"", "\"loopback\""},
                                   {"\"mesh/3\"", "7"},
                                   {"\"172.22.188.3\"", "\"example.net\""},
                                   {"\"bursts\":80", "\"bursts\":0"},
                                   {"\"bursts\":80", "\"bursts\":-1"},
                                   {"\"rtt_ms\":3.125E1", "\"rtt_ms\":\"fast\""},
                                   {"\"rtt_ms\":3.125E1", "\"rtt_ms\":-1"},
                                   {"\"latency_tier\":4", "\"latency_tier\":10"},
                                   {"\"loss_class\":91", "\"loss_class\":4"},
                                   {"\"links\"", "\"lines\""},
                                   {"]}", "]"}}) {
    std::string bad = good;
    const auto at = bad.find(what);
    ASSERT_NE(at, std::string::npos) << what << " in " << good;
    bad.replace(at, what.size(), with);
    const auto read = read_links(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, Errc::invalid);
  }
}

TEST(LinkMemory, ALinkThatIsListedTwiceIsAFault) {
  EXPECT_FALSE(read_links(R"({"links":[{"owner":"mesh/3","target":"::1","bursts":1,"rtt_ms":1,"loss_percent":0,)"
                          R"("latency_tier":0,"loss_class":0,"answered":5,"changed":0},)"
                          R"({"owner":"mesh/3","target":"::1","bursts":1,"rtt_ms":1,"loss_percent":0,)"
                          R"("latency_tier":0,"loss_class":0,"answered":5,"changed":0}]})"));
}

}  // namespace
}  // namespace moenet::agent
