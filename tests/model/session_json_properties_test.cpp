// Rows at random: what is written is read back, and no JSON at all breaks the reader.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/utf8.h"
#include "model/any_json.h"
#include "model/session_json.h"
#include "model/session_rows.h"

namespace moenet::model {
namespace {

// A session that may come out of read_session.
rc::Gen<Session> any_session() {
  return rc::gen::exec([] {
    const auto bytes32 = [] {
      Key::Bytes bytes{};
      for (auto& byte : bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
      bytes[0] |= 1;  // never zero
      return Key(bytes);
    };
    const auto v6 = [](std::uint8_t first, std::uint8_t second) {
      std::array<std::uint8_t, 16> bytes{first, second};
      for (std::size_t i = 8; i < 16; ++i) bytes[i] = *rc::gen::arbitrary<std::uint8_t>();
      return IpAddress::v6(bytes);
    };
    const auto text = [](std::size_t max) {
      return valid_utf8(*rc::gen::container<std::string>(rc::gen::arbitrary<char>()), max);
    };
    const auto coin = [] { return *rc::gen::arbitrary<bool>(); };
    Session s;
    s.uuid = "3f7002fb-4d90-45bb-a646-6f30be4" + std::to_string(*rc::gen::inRange(10'000, 99'999));
    s.asn = *rc::gen::inRange<std::uint32_t>(1, UINT32_MAX);
    s.name = text(255);
    s.description = text(1024);
    s.status = *session_status_from_int(*rc::gen::inRange<std::int64_t>(0, 9));
    s.type = *rc::gen::element(TunnelType::wireguard, TunnelType::gre, TunnelType::ip6gre);
    s.interface_name = *rc::gen::element<std::string>("dn42-4242420001", "dn42_1", "x.y-z_9", "A");
    s.mtu_bytes = *rc::gen::inRange<std::uint32_t>(1280, 9001);
    s.listen_port = *rc::gen::arbitrary<std::uint16_t>();
    if (coin()) {
      const auto host = *rc::gen::element<std::string>("192.0.2.1", "2001:db8::1", "peer.example.net", "fe80::1");
      s.endpoint = HostPort{host, *rc::gen::inRange<std::uint16_t>(1, 65535)};
    }
    if (gre_family(s.type)) {
      s.listen_port = 0;
      const auto host = s.type == TunnelType::gre ? "192.0.2.1" : "2001:db8::1:5";
      s.endpoint = HostPort{*rc::gen::element<std::string>(host, "peer.example.net"), 0};
      if (coin()) s.gre_key = *rc::gen::arbitrary<std::uint32_t>();
    }
    if (s.type == TunnelType::wireguard) {
      s.public_key = bytes32();
      if (coin()) s.preshared_key = bytes32();
    }
    if (coin())
      s.ipv4 = IpAddress::v4({172, 20, *rc::gen::arbitrary<std::uint8_t>(), *rc::gen::arbitrary<std::uint8_t>()});
    if (coin()) s.ipv6 = coin() ? v6(0xfe, 0x80) : v6(0xfd, 0x42);
    if (coin()) s.ipv6_link_local = v6(0xfe, 0x80);
    s.mp_bgp = coin();
    s.extended_next_hop = coin();
    s.policy =
        *rc::gen::element(SessionPolicy::full, SessionPolicy::peer, SessionPolicy::upstream, SessionPolicy::downstream);
    if (coin())
      s.bgp_password = Secret(*rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange(' ', '~'))));
    if (s.bgp_password && s.bgp_password->reveal().size() > 80) s.bgp_password.reset();
    if (coin()) s.import_limit = *rc::gen::inRange<std::uint32_t>(1, UINT32_MAX);
    if (coin()) s.bandwidth_mbit = *rc::gen::inRange<std::uint32_t>(1, 1'000'001);
    return s;
  });
}

// Bool, because RapidCheck cannot print what holds keys.
RC_GTEST_PROP(SessionJson, ReadsBackWhatItWrote, ()) {
  const Session session = *any_session();
  const auto last_error = valid_utf8(*rc::gen::arbitrary<std::string>(), 1000);
  const std::string text = json::serialize(write_session(session, last_error));
  const SessionRow row = read_session(json::parse(text));
  if (!row.session) RC_FAIL(row.session.error().text());
  RC_ASSERT((*row.session == session));
  RC_ASSERT(row.uuid == session.uuid);
  RC_ASSERT(row.last_error == last_error);
  RC_ASSERT(*row.status == static_cast<std::int64_t>(session.status));
}

const std::vector<std::string> kWords = {"fe80::1",     "{\"psk\":1}", "[",   "1420", kKey,
                                         "mp_bgp",      "public_key",  "a:1", "psk",  "password",
                                         "importLimit", "greKey",      "x"};

RC_GTEST_PROP(SessionJson, SurvivesAnyJsonInAnyField, ()) {
  json::object row = good_row();
  std::vector<std::string> keys;
  for (const auto& field : row) keys.emplace_back(field.key().data(), field.key().size());
  keys.emplace_back("localPort");
  if (*rc::gen::arbitrary<bool>()) row["type"] = "ip6gre";
  for (int i = *rc::gen::inRange(0, 4); i >= 0; --i) row[*rc::gen::elementOf(keys)] = any_json(kWords, 3);
  const SessionRow result = read_session(row);
  if (!result.session) {
    RC_ASSERT(!result.session.error().field.empty());
    return;
  }
  // What was accepted is sound, and its canonical form reads back as itself.
  RC_ASSERT(result.session->mtu_bytes >= 1280u && result.session->mtu_bytes <= 9000u);
  const SessionRow again = read_session(write_session(*result.session, result.last_error));
  RC_ASSERT((again.session.has_value() && *again.session == *result.session));
}

}  // namespace
}  // namespace moenet::model
