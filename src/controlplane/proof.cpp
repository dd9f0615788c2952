#include "controlplane/proof.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sodium.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/program.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

using model::trimmed;

constexpr std::string_view kSshArmor = "-----BEGIN SSH SIGNATURE-----";
constexpr std::string_view kDetachedArmor = "-----BEGIN PGP SIGNATURE-----";
constexpr std::string_view kClearArmor = "-----BEGIN PGP SIGNED MESSAGE-----";
constexpr std::string_view kKeyArmor = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
constexpr std::size_t kMostProgramOutput = 64 * 1024;  // chosen: a few lines per signature

// Mode 0700, gone with its content.
class PrivateFolder {
 public:
  static Result<PrivateFolder> make() {
    std::string name = (std::filesystem::temp_directory_path() / "moenet-proof-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return std::unexpected(error_from_errno(errno, "make " + name));
    return PrivateFolder(std::move(name));
  }
  PrivateFolder(PrivateFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  ~PrivateFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  // The file's path.
  Result<std::string> put(std::string_view name, std::string_view bytes) const {
    std::string file = fmt::format("{}/{}", path_, name);
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd || ::write(fd.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      return std::unexpected(error_from_errno(errno, "write " + file));
    return file;
  }

 private:
  explicit PrivateFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::unexpected<Error> refuse_signature() {
  return fail(Errc::denied, "the signature is of none of the keys that the registry has for this AS");
}

// A program that is not there is our fault, not the signer's.
Result<ProgramEnd> run_tool(const std::vector<std::string>& words, std::string_view input, Deadline deadline) {
  auto end = run_program(words, input, kMostProgramOutput, deadline);
  if (end || end.error().code == Errc::timeout) return end;
  return fail(Errc::unavailable, end.error().what);
}

// The signed text, with and without the end of line that files and `echo` add.
std::array<std::string, 2> forms_of(std::string_view text) { return {std::string(text) + "\n", std::string(text)}; }

// --- SSH

Result<std::string> check_ssh(const Registrant* registrant, std::string_view text, const Proof& proof,
                              Deadline deadline) {
  // Whatever it says of this key counts for nothing; it is there so that the work is the same without any.
  std::string allowed = "nobody ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n";
  if (registrant != nullptr) {
    for (const Maintainer& maintainer : registrant->maintainers) {
      for (const SshKey& key : maintainer.ssh_keys) allowed += fmt::format("maintainer {} {}\n", key.type, key.blob);
    }
  }
  TRY(const auto folder, PrivateFolder::make());
  TRY(const auto allowed_file, folder.put("allowed", allowed));
  TRY(const auto signature, folder.put("signature", proof.signature));
  for (const std::string& form : forms_of(text)) {
    TRY(const auto end, run_tool({"ssh-keygen", "-Y", "verify", "-f", allowed_file, "-I", "maintainer", "-n",
                                  std::string(kProofNamespace), "-s", signature},
                                 form, deadline));
    if (end.status != 0) continue;
    // Good "moenet" signature for maintainer with ED25519 key SHA256:…
    const std::size_t hash = end.output.find("SHA256:");
    if (hash == std::string::npos) continue;
    return "ssh key " + std::string(trimmed(end.output.substr(hash)));
  }
  return refuse_signature();
}

// --- PGP

// The bytes of all armored keys in `armor` (RFC 9580 section 6), which are a keyring; armor headers and checksums are
// left out, and what is no base64 ends a key.
std::string keyring_of(std::string_view armor) {
  std::string keyring;
  for (std::size_t at = armor.find(kKeyArmor); at != std::string_view::npos; at = armor.find(kKeyArmor)) {
    armor.remove_prefix(at + kKeyArmor.size());
    const std::string_view block = armor.substr(0, armor.find("-----END"));
    std::string base64;
    for (std::size_t begin = 0; begin < block.size();) {
      const std::size_t end = std::min(block.find('\n', begin), block.size());
      const std::string_view line = trimmed(block.substr(begin, end - begin));
      if (line.find(':') == std::string_view::npos && !line.starts_with('=')) base64 += line;
      begin = end + 1;
    }
    std::string bytes(base64.size(), '\0');
    std::size_t filled = 0;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), base64.data(), base64.size(),
                          nullptr, &filled, nullptr, sodium_base64_VARIANT_ORIGINAL) == 0) {
      keyring.append(bytes, 0, filled);
    }
  }
  return keyring;
}

// The primary key's fingerprint when all that gpgv says (doc/DETAILS of GnuPG) is that one good signature is there, of
// a key that is neither expired nor revoked.
std::optional<std::string> signer_in(const ProgramEnd& end) {
  if (end.status != 0) return std::nullopt;
  int good = 0;
  std::vector<std::string> fingerprints;
  std::string_view rest = end.output;
  while (!rest.empty()) {
    const std::size_t length = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, length);
    rest.remove_prefix(std::min(length + 1, rest.size()));
    const auto says = [&](std::string_view word) { return line.starts_with(fmt::format("[GNUPG:] {} ", word)); };
    if (says("GOODSIG")) ++good;
    if (says("VALIDSIG")) fingerprints.emplace_back(line.substr(line.rfind(' ') + 1));
    for (const auto* const bad : {"BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"}) {
      if (says(bad)) return std::nullopt;
    }
  }
  if (good != 1 || fingerprints.size() != 1) return std::nullopt;
  return fingerprints.front();
}

// A clear signature covers its lines without blanks at their ends (RFC 9580 section 7.2); the text itself has none.
bool is_same_text(std::string_view signed_text, std::string_view text) { return trimmed(signed_text) == text; }

class PgpCheck {
 public:
  PgpCheck(const PrivateFolder& folder, std::string keyring, std::string signature, Deadline deadline)
      : folder_(folder), keyring_(std::move(keyring)), signature_(std::move(signature)), deadline_(deadline) {}

  Result<std::optional<std::string>> detached(std::string_view text) const {
    for (const std::string& form : forms_of(text)) {
      TRY(const auto signed_file, folder_.put("text", form));
      TRY(const auto end, gpgv({signature_, signed_file}));
      if (auto signer = signer_in(end)) return signer;
    }
    return std::nullopt;
  }
  Result<std::optional<std::string>> clear(std::string_view text) const {
    const std::string file = folder_.path() + "/signed";
    TRY(const auto end, gpgv({"--output", file, signature_}));
    auto signer = signer_in(end);
    const auto signed_text = read_file(file, kMostSignatureBytes);
    if (!signer || !signed_text || !is_same_text(*signed_text, text)) return std::nullopt;
    return signer;
  }

 private:
  Result<ProgramEnd> gpgv(const std::vector<std::string>& more) const {
    std::vector<std::string> words{"gpgv", "--homedir", folder_.path(), "--status-fd", "1", "--keyring", keyring_};
    words.insert(words.end(), more.begin(), more.end());
    return run_tool(words, {}, deadline_);
  }

  const PrivateFolder& folder_;
  const std::string keyring_;
  const std::string signature_;
  const Deadline deadline_;
};

// A key from outside counts only by its fingerprint; those of the registry count as they are.
bool is_of_maintainers(const Registrant* registrant, const Proof& proof, const std::string& fingerprint) {
  if (registrant == nullptr) return false;
  if (proof.public_key.empty()) return true;
  return std::ranges::any_of(registrant->maintainers, [&](const Maintainer& maintainer) {
    return std::ranges::find(maintainer.pgp_fingerprints, fingerprint) != maintainer.pgp_fingerprints.end();
  });
}

Result<std::string> check_pgp(const Registrant* registrant, std::string_view text, const Proof& proof, bool is_clear,
                              Deadline deadline) {
  std::string keyring = keyring_of(proof.public_key);
  if (proof.public_key.empty() && registrant != nullptr) {
    for (const Maintainer& maintainer : registrant->maintainers) {
      for (const std::string& certificate : maintainer.certificates) keyring += keyring_of(certificate);
    }
  }
  TRY(const auto folder, PrivateFolder::make());
  TRY(const auto keyring_file, folder.put("keyring", keyring));
  TRY(const auto signature, folder.put("signature", proof.signature));
  const PgpCheck check(folder, keyring_file, signature, deadline);
  TRY(const auto signer, is_clear ? check.clear(text) : check.detached(text));
  if (!signer || !is_of_maintainers(registrant, proof, *signer)) return refuse_signature();
  return "pgp key " + *signer;
}

}  // namespace

std::string challenge_text(const ChallengeWords& words) {
  return fmt::format("I am AS{} and sign in to the DN42 network AS{} at {}, once, before {:%Y-%m-%dT%H:%M:%SZ}: {}",
                     words.asn, words.network, words.url, fmt::gmtime(std::chrono::system_clock::to_time_t(words.ends)),
                     words.nonce);
}

Result<std::string> check_proof(const Registrant* registrant, std::string_view text, const Proof& proof,
                                Deadline deadline) {
  if (proof.signature.size() > kMostSignatureBytes) return fail(Errc::invalid, "too large for a signature");
  if (proof.public_key.size() > kMostPublicKeyBytes) return fail(Errc::invalid, "too large for a public key");
  const std::string_view signature = trimmed(proof.signature);
  if (signature.starts_with(kSshArmor)) return check_ssh(registrant, text, proof, deadline);
  if (signature.starts_with(kDetachedArmor)) return check_pgp(registrant, text, proof, false, deadline);
  if (signature.starts_with(kClearArmor)) return check_pgp(registrant, text, proof, true, deadline);
  return fail(Errc::invalid, "expected an armored SSH or PGP signature");
}

}  // namespace moenet::controlplane
