#include "agent/state_file.h"

#include <cstdio>

#include <fmt/format.h>
#include <sodium.h>

#include "base/file.h"

namespace moenet::agent {
namespace {

constexpr std::string_view kMagic = "moenet-state 1 ";
// 10,000 sessions are about 7 MB.
constexpr std::size_t kStateLimit = 128u << 20;

std::string checksum(std::string_view bytes) {
  unsigned char hash[crypto_generichash_BYTES];
  crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  std::string hex;
  for (const unsigned char byte : hash) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string identity_lines(const StateIdentity& identity) {
  return fmt::format("{}\n{}\n", identity.node_name, identity.control_plane_url);
}

// The rest behind the first line, when its checksum is right.
Result<std::string_view> checked(std::string_view bytes) {
  const auto newline = bytes.find('\n');
  if (!bytes.starts_with(kMagic) || newline == std::string_view::npos) return fail(Errc::invalid, "not a state file");
  const std::string_view rest = bytes.substr(newline + 1);
  if (bytes.substr(kMagic.size(), newline - kMagic.size()) != checksum(rest))
    return fail(Errc::invalid, "checksum differs");
  return rest;
}

}  // namespace

StateFile::StateFile(std::string folder, std::string_view answer, StateIdentity identity)
    : folder_(std::move(folder)), path_(fmt::format("{}/{}.state", folder_, answer)), identity_(std::move(identity)) {}

Result<std::string> StateFile::read() const {
  TRY(const std::string bytes, read_file(path_, kStateLimit));
  const auto rest = checked(bytes);
  if (!rest) return std::unexpected(with_context(rest.error(), path_));
  const std::string identity = identity_lines(identity_);
  if (!rest->starts_with(identity)) return fail(Errc::not_found, path_ + " is of another node or control plane");
  return std::string(rest->substr(identity.size()));
}

Result<std::string> StateFile::load() {
  auto body = read();
  if (body) written_ = checksum(identity_lines(identity_).append(*body));
  if (body || body.error().code != Errc::invalid) return body;
  const std::string aside = path_ + ".bad";
  std::rename(path_.c_str(), aside.c_str());
  return std::unexpected(with_context(body.error(), "set aside as " + aside));
}

Result<void> StateFile::save(std::string_view body) {
  const std::string rest = identity_lines(identity_).append(body);
  const std::string sum = checksum(rest);
  if (sum == written_) return {};
  TRY_VOID(make_folder(folder_, 0700));
  TRY_VOID(atomic_write_file(path_, fmt::format("{}{}\n{}", kMagic, sum, rest), 0600));
  written_ = sum;
  return {};
}

}  // namespace moenet::agent
