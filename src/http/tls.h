// TlsIdentity: the certificate chain and private key with which a server shows who it is, checked when read: the key is
// the certificate's, and the certificate is valid now. Renewal and who signs it are not its business.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace moenet::http {

class TlsIdentity {
 public:
  // Both files in PEM, the chain with the server's own certificate first. Errors: not_found, denied (also of a key that
  // others than its owner and group may read), invalid (no PEM, another certificate's key, expired, not valid yet).
  static Result<std::shared_ptr<const TlsIdentity>> load(const std::string& certificate_file,
                                                         const std::string& key_file, WallTime now);
  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  WallTime expires() const { return expires_; }

  // For the server: what the library starts with, and what it shows on one connection whose handshake has not begun.
  // The session must not outlive this.
  const std::string& certificate_pem() const { return certificate_pem_; }
  const Secret& key_pem() const { return key_pem_; }
  void show_on(void* gnutls_session) const;

 private:
  TlsIdentity() = default;
  std::string certificate_pem_;
  Secret key_pem_;
  WallTime expires_;
  void* credentials_ = nullptr;  // gnutls_certificate_credentials_t
};

// TLS 1.2 and 1.3 only (RFC 8996 deprecates what is older), in the library's order of what is safe.
inline constexpr const char* kTlsPriorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

}  // namespace moenet::http
