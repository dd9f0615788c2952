// Transactions on a real BIRD.
#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bird/control.h"
#include "bird/real_bird.h"
#include "bird/transaction.h"

namespace moenet::bird {

inline constexpr model::Asn kFirst = 4242420000;

inline model::BirdFile file_with(model::Asn asn, const std::string& body) {
  const model::Owner owner = fmt::format("session/0b9f1f2e-0000-4000-8000-{:012}", asn);
  return {protocol_name(asn) + ".conf", owner, ownership_line(owner) + body};
}

inline model::BirdFile peer(model::Asn asn, const std::string& description = "peer",
                            model::SessionPolicy policy = model::SessionPolicy::full) {
  model::Session session;
  session.uuid = fmt::format("0b9f1f2e-0000-4000-8000-{:012}", asn);
  session.asn = asn;
  session.description = description;
  session.interface_name = protocol_name(asn);
  session.policy = policy;
  const model::Peering peering{
      IpAddress::parse("fe80::1").value(), IpAddress::parse("fe80::2").value(), true, true, true, {}};
  return render_peer(session, peering, {}).value();
}

class TransactionOn : public testing::TestWithParam<BirdProgram> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(GetParam().is_there()) << GetParam().path << " is missing: ./dev setup, and ./dev test unpack it";
    write_main(policy() + "include \"peers/*.conf\";\n");
    ASSERT_NO_FATAL_FAILURE(bird_.start());
  }

  static std::string policy() {
    const PolicyNames names;
    return snippet_for(names.import_filter, names) + snippet_for(names.export_filter, names) +
           snippet_for(names.peer_template, names);
  }
  void write_main(const std::string& rest) {
    write_file(bird_.main(), "router id 1.1.1.1;\nlog \"" + bird_.file("log") + "\" all;\nprotocol device {}\n" + rest);
  }
  Result<TransactionResult> apply(const FileChange& change,
                                  std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    return BirdTransaction(pool_, folder_, {}, settings_).apply(change, Deadline::after(limit), {});
  }
  std::vector<std::string> protocols() {
    std::vector<std::string> names;
    const auto seen = survey(pool_, soon(), {});
    EXPECT_TRUE(seen);
    if (!seen) return names;
    for (const ProtocolStatus& row : seen->protocols) {
      if (row.name.starts_with("dn42_") && row.state != "stop" && row.state != "flush") names.push_back(row.name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::size_t logged(std::string_view word) const {
    const std::string log = text_of(bird_.file("log"));
    std::size_t count = 0;
    for (std::size_t at = log.find(word); at != std::string::npos; at = log.find(word, at + 1)) ++count;
    return count;
  }
  std::size_t configures() const { return logged("Reconfiguring"); }
  std::string live(const model::BirdFile& file) const { return text_of(bird_.peers() + "/" + file.name); }
  bool is_there(const std::string& name) const { return std::filesystem::exists(bird_.peers() + "/" + name); }

  RealBird bird_{GetParam().path};
  BirdPool pool_{bird_.socket(), {1, 1}};  // taking back must not need a second connection
  PeerFolder folder_{bird_.peers()};
  TransactionSettings settings_;
};

}  // namespace moenet::bird
