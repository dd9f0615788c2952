#include "controlplane/registry.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sodium.h>

#include "base/fd.h"
#include "base/log.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

constexpr std::size_t kMostMaintainers = 16;  // chosen: no aut-num has more than a few
constexpr std::size_t kMostKeys = 64;         // of one maintainer
constexpr std::size_t kMostNameBytes = 80;
constexpr std::size_t kMostBlobBytes = 4'096;  // of RSA with 16,384 bits: 2,800

constexpr std::array<std::string_view, 5> kSshTypes{"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256",
                                                    "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"};

std::string upper_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789ABCDEF") == std::string_view::npos; }

// Names of maintainers, persons and keys: one path component without dots.
bool is_object_name(std::string_view name) {
  const auto is_name_byte = [](unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= kMostNameBytes && std::ranges::all_of(name, is_name_byte);
}

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kBetween = " \t\r\n,";
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = text.find_first_not_of(kBetween);
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(kBetween), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

// A public key is a string that begins with its type (RFC 4253 section 6.6). What differs is no key of that type, and
// whatever is no base64 must not reach another program's file.
bool is_ssh_key(std::string_view type, std::string_view blob) {
  if (blob.size() > kMostBlobBytes) return false;
  std::string bytes(blob.size(), '\0');
  std::size_t filled = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), blob.data(), blob.size(), nullptr,
                        &filled, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0) {
    return false;
  }
  bytes.resize(filled);
  const std::string head = std::string(3, '\0') + static_cast<char>(type.size()) + std::string(type);
  return bytes.size() > head.size() && bytes.starts_with(head);
}

void take_auth(Maintainer& maintainer, std::string_view value) {
  const auto words = words_of(value);
  if (words.empty()) return;
  const std::string method = model::lower_case(words[0]);
  if (method == "pgp-fingerprint") {  // some write it in groups
    std::string digits;
    for (std::size_t i = 1; i < words.size(); ++i) digits += upper_case(words[i]);
    // A short key id can be made at will; only a whole fingerprint names a key.
    if ((digits.size() == 40 || digits.size() == 64) && is_hex(digits)) maintainer.pgp_fingerprints.push_back(digits);
  } else if (method.starts_with("pgpkey-")) {
    std::string name = upper_case(words[0]);
    if (is_object_name(name)) maintainer.certificate_names.push_back(std::move(name));
  } else if (std::ranges::find(kSshTypes, words[0]) != kSshTypes.end() && words.size() >= 2 &&
             is_ssh_key(words[0], words[1])) {
    maintainer.ssh_keys.push_back({std::string(words[0]), std::string(words[1])});
  }
}

// Reads DIRECTORY/CLASS/NAME below an open folder.
class ObjectFolder {
 public:
  static Result<ObjectFolder> open(const std::filesystem::path& path) {
    UniqueFd root(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return fail(Errc::unavailable, fmt::format("no registry in {}", path.string()));
    if (UniqueFd data(::openat(root.get(), "data", kFolder)); data) root = std::move(data);
    return ObjectFolder(std::move(root));
  }

  // Errors: not_found, invalid.
  Result<RpslObject> read(const std::string& kind, const std::string& name) const {
    const std::string what = kind + " " + name;
    if (!is_object_name(name)) return fail(Errc::invalid, fmt::format("{}: no name", escape_for_log(what, 100)));
    const UniqueFd folder(::openat(root_.get(), kind.c_str(), kFolder));
    if (!folder && kind == "aut-num") return fail(Errc::unavailable, "the registry has no folder aut-num");
    if (!folder) return fail(Errc::not_found, what + " is not in the registry");
    // O_NONBLOCK: a pipe of that name must not hold us.
    const UniqueFd file(::openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file && errno == ENOENT) return fail(Errc::not_found, what + " is not in the registry");
    if (!file) return fail(Errc::invalid, what + " cannot be read");
    auto bytes = contents(file.get());
    if (!bytes) return fail(Errc::invalid, what + " is no file, or too large");
    auto object = parse_rpsl(*bytes);
    if (!object) return std::unexpected(with_context(object.error(), what));
    const bool is_of_people = kind == "person" || kind == "role";
    const std::string_view key = is_of_people ? value_of(*object, "nic-hdl") : object->front().value;
    if (object->front().name != kind || upper_case(key) != name)
      return fail(Errc::invalid, what + " is another object");
    return object;
  }

 private:
  static constexpr int kFolder = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  explicit ObjectFolder(UniqueFd root) : root_(std::move(root)) {}

  static std::optional<std::string> contents(int file) {
    struct stat status{};
    if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    if (static_cast<std::size_t>(status.st_size) > kMostObjectBytes) return std::nullopt;
    std::string text(kMostObjectBytes + 1, '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
      const ssize_t got = ::read(file, text.data() + filled, text.size() - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::nullopt;
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    text.resize(filled);
    return text;
  }

  UniqueFd root_;
};

void leave_out(const Error& error) { log::warning("registry object left out", {{"error", error.what}}); }

// `certif` lines are the armor, one line each or one attribute with continuations; an empty one is its empty line.
std::string armor_of(const RpslObject& certificate) {
  std::string armor;
  for (const std::string_view line : values_of(certificate, "certif")) armor.append(line).append("\n");
  return armor;
}

Result<Maintainer> read_maintainer(const ObjectFolder& folder, const std::string& name) {
  TRY(const auto object, folder.read("mntner", name));
  Maintainer maintainer = maintainer_of(object);
  for (const std::string& certificate : maintainer.certificate_names) {
    if (const auto found = folder.read("key-cert", certificate); found)
      maintainer.certificates.push_back(armor_of(*found));
    else
      leave_out(found.error());
  }
  return maintainer;
}

std::string contact_of(const ObjectFolder& folder, const RpslObject& aut_num) {
  const auto handles = words_of(value_of(aut_num, "admin-c"));
  if (!handles.empty()) {
    for (const auto& [kind, name] : {std::pair("person", "person"), std::pair("role", "role")}) {
      const auto object = folder.read(kind, upper_case(handles[0]));
      if (object) return std::string(value_of(*object, name));
    }
  }
  return std::string(value_of(aut_num, "as-name"));
}

}  // namespace

Maintainer maintainer_of(const RpslObject& object) {
  Maintainer maintainer;
  maintainer.name = upper_case(value_of(object, "mntner"));
  std::size_t read = 0;
  for (const std::string_view auth : values_of(object, "auth")) {
    if (++read <= kMostKeys) take_auth(maintainer, auth);
  }
  return maintainer;
}

Result<Registrant> Registry::find(model::Asn asn) const {
  TRY(const auto folder, ObjectFolder::open(folder_));
  TRY(const auto object, folder.read("aut-num", fmt::format("AS{}", asn)));
  Registrant registrant;
  registrant.asn = asn;
  registrant.as_name = std::string(value_of(object, "as-name"));
  registrant.contact = contact_of(folder, object);
  for (const std::string_view value : values_of(object, "mnt-by")) {
    for (const std::string_view name : words_of(value)) {
      if (registrant.maintainers.size() >= kMostMaintainers) break;
      auto maintainer = read_maintainer(folder, upper_case(name));
      if (maintainer)
        registrant.maintainers.push_back(*std::move(maintainer));
      else
        leave_out(maintainer.error());
    }
  }
  return registrant;
}

}  // namespace moenet::controlplane
