#include "model/credential.h"

#include <initializer_list>
#include <utility>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "model/json_reader.h"
#include "model/text.h"

namespace moenet::model {

namespace json = boost::json;

namespace {

// Five fields of at most 300 bytes each fit; no real credential comes near.
constexpr std::size_t kCredentialBytesMax = 4096;

constexpr const char* kPublicKeyExpected = "a WireGuard public key (44 characters of base64)";
constexpr const char* kPresharedKeyExpected = "a preshared key (44 characters of base64)";

std::string_view word(const json::string& text) { return trimmed({text.data(), text.size()}); }

// The first of `keys` that is there and not null.
const json::value* first_of(const json::object& object, std::initializer_list<json::string_view> keys) {
  for (const json::string_view key : keys) {
    const json::value* value = object.if_contains(key);
    if (value != nullptr && !value->is_null()) return value;
  }
  return nullptr;
}

std::expected<Key, std::string> public_key_in(std::string_view text) {
  const Result<Key> key = Key::from_base64(text);
  if (!key || key->is_zero()) return std::unexpected(kPublicKeyExpected);
  return *key;
}

std::expected<std::optional<Key>, std::string> preshared_key_in(const json::value* value) {
  if (value == nullptr) return std::nullopt;
  const json::string* text = value->if_string();
  if (text == nullptr) return std::unexpected(kPresharedKeyExpected);
  if (word(*text).empty()) return std::nullopt;
  const Result<Key> key = Key::from_base64(word(*text));
  if (!key) return std::unexpected(kPresharedKeyExpected);
  if (key->is_zero()) return std::nullopt;
  return *key;
}

std::expected<Credential, std::string> read_object(const json::object& object) {
  const json::value* public_key = first_of(object, {"public_key", "publicKey", "pubkey"});
  if (public_key == nullptr || !public_key->is_string()) return std::unexpected(kPublicKeyExpected);
  const std::expected<Key, std::string> key = public_key_in(word(public_key->get_string()));
  if (!key) return std::unexpected(key.error());
  std::expected<std::optional<Key>, std::string> preshared =
      preshared_key_in(first_of(object, {"preshared_key", "presharedKey", "psk"}));
  if (!preshared) return std::unexpected(std::move(preshared).error());

  Credential result{*key, *preshared, std::nullopt, std::nullopt};
  const json::value* endpoint = first_of(object, {"endpoint"});
  if (endpoint != nullptr && endpoint->is_string()) result.endpoint.emplace(word(endpoint->get_string()));
  const json::value* listen_port = first_of(object, {"listen_port", "listenPort"});
  const std::optional<std::int64_t> port = listen_port == nullptr ? std::nullopt : integer_in(*listen_port);
  if (port && *port >= 0 && *port <= UINT16_MAX) result.listen_port = static_cast<std::uint16_t>(*port);
  return result;
}

std::expected<Credential, std::string> read_text(std::string_view text) {
  if (text.size() > kCredentialBytesMax) return std::unexpected(kPublicKeyExpected);
  const bool may_be_json = text.starts_with('{') || text.starts_with('"');
  if (!may_be_json) {
    const std::expected<Key, std::string> key = public_key_in(text);
    if (!key) return std::unexpected(key.error());
    return Credential{*key, std::nullopt, std::nullopt, std::nullopt};
  }
  unsigned char arena[kCredentialBytesMax];
  json::monotonic_resource resource(arena, sizeof arena);
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  json::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error, &resource, options);
  if (error) return std::unexpected("JSON or " + std::string(kPublicKeyExpected));
  if (const json::object* object = value.if_object()) return read_object(*object);
  if (const json::string* inner = value.if_string()) {
    const std::expected<Key, std::string> key = public_key_in(word(*inner));
    if (key) return Credential{*key, std::nullopt, std::nullopt, std::nullopt};
  }
  return std::unexpected(kPublicKeyExpected);
}

}  // namespace

std::expected<Credential, std::string> read_credential(const json::value* value) {
  if (value == nullptr) return std::unexpected(kPublicKeyExpected);
  if (const json::object* object = value->if_object()) return read_object(*object);
  if (const json::string* text = value->if_string()) return read_text(word(*text));
  return std::unexpected(kPublicKeyExpected);
}

std::string write_credential(const Session& session) {
  if (session.public_key.is_zero()) return {};
  json::object object;
  object["public_key"] = session.public_key.base64();
  object["preshared_key"] = nullptr;
  if (session.preshared_key) object["preshared_key"] = session.preshared_key->base64();
  object["listen_port"] = session.listen_port;
  object["endpoint"] = nullptr;
  if (session.endpoint) object["endpoint"] = session.endpoint->text();
  object["mtu"] = session.mtu_bytes;
  return std::string(json::serialize(object));
}

}  // namespace moenet::model
