// Real keys and signatures, made by ssh-keygen and gpg in a folder of the test's own.
#pragma once

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "base/program.h"
#include "support/temporary_folder.h"

namespace moenet::controlplane::testing {

// gpg-agent puts its sockets into the folder, and their paths may have 107 bytes: it is short.
class SigningKeys {
 public:
  ~SigningKeys() {
    if (has_gpg_) (void)run("gpgconf --homedir \"$HOME\" --kill all");
  }

  std::string path(const std::string& name) const { return folder_ / name; }

  // "ssh-ed25519 AAAA… comment"
  std::string ssh_key(const std::string& name, const std::string& kind = "-t ed25519") const {
    run("ssh-keygen -q -N '' -C " + name + "@test " + kind + " -f " + name);
    return read(name + ".pub");
  }
  std::string ssh_sign(const std::string& name, const std::string& text, const std::string& space = "moenet") const {
    return run("ssh-keygen -q -Y sign -n " + space + " -f " + name, text);
  }

  // The fingerprint. `life` as gpg has it: "never", "seconds=10"; `clock` = when it is made, unix seconds.
  std::string pgp_key(const std::string& name, const std::string& life = "never", const std::string& clock = {}) {
    has_gpg_ = true;
    run(gpg(clock) + " --quick-gen-key " + name + "@test ed25519 sign " + life);
    const std::string colons = run(gpg() + " --with-colons --list-keys " + name + "@test");
    const std::size_t line = colons.find("\nfpr:");
    const std::size_t begin = colons.find_first_not_of(':', line + 5);
    return colons.substr(begin, colons.find(':', begin) - begin);
  }
  void pgp_revoke(const std::string& fingerprint) const {
    const std::string file = "openpgp-revocs.d/" + fingerprint + ".rev";
    run("sed 's/^:---/---/' " + file + " | " + gpg() + " --import");
  }
  std::string pgp_public(const std::string& name) const { return run(gpg() + " --armor --export " + name + "@test"); }
  std::string pgp_sign(const std::string& name, const std::string& text, const std::string& how = "--detach-sign",
                       const std::string& clock = {}) const {
    return run(gpg(clock) + " --armor -u " + name + "@test -o - " + how, text);
  }

 private:
  static std::string gpg(const std::string& clock = {}) {
    const std::string faked = clock.empty() ? "" : " --faked-system-time " + clock;
    return "gpg --homedir \"$HOME\" --batch --no-tty --yes --pinentry-mode loopback --passphrase ''" + faked;
  }
  std::string run(const std::string& script, const std::string& input = {}) const {
    const std::string folder = folder_.path().string();
    const auto end = run_program({"sh", "-c", "cd \"$0\" && HOME=$0 && export HOME && " + script, folder}, input,
                                 1u << 20, Deadline::after(std::chrono::seconds(60)));
    if (!end) throw std::runtime_error(script + ": " + end.error().what);
    if (end->status != 0) throw std::runtime_error(script + ": status " + std::to_string(end->status));
    return end->output;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  support::TemporaryFolder folder_;
  bool has_gpg_ = false;
};

// As `certif` lines of a key-cert object.
inline std::string key_cert(const std::string& name, const std::string& armor) {
  std::string object = "key-cert: " + name + "\nmethod: PGP\n";
  std::istringstream lines(armor);
  for (std::string line; std::getline(lines, line);) object += "certif: " + line + "\n";
  return object;
}

}  // namespace moenet::controlplane::testing
