#include "http/tls.h"

#include <cerrno>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/stat.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/file.h"

namespace moenet::http {

namespace {

constexpr std::size_t kMostBytes = 256u << 10;  // chosen: a chain of four is 8 kB

gnutls_datum_t datum_of(std::string_view text) {
  // The library takes a pointer to what it only reads.
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())), static_cast<unsigned>(text.size())};
}

// "2026-03-01 12:00 UTC"
std::string day_text(WallTime at) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

Result<Secret> read_key(const std::string& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return std::unexpected(error_from_errno(errno, "read " + file));
  if ((status.st_mode & 007) != 0)
    return fail(Errc::denied, fmt::format("{} may be read by anyone: chmod o= {}", file, file));
  TRY(std::string text, read_file(file, kMostBytes));
  Secret key(text);
  wipe(text.data(), text.size());
  return key;
}

// When the chain's first certificate ends.
Result<WallTime> valid_until(const std::string& file, const std::string& pem, WallTime now) {
  gnutls_x509_crt_t* list = nullptr;
  unsigned count = 0;
  const gnutls_datum_t text = datum_of(pem);
  const int failed = gnutls_x509_crt_list_import2(&list, &count, &text, GNUTLS_X509_FMT_PEM, 0);
  if (failed < 0 || count == 0)
    return fail(Errc::invalid, fmt::format("{}: no certificate in PEM ({})", file, gnutls_strerror(failed)));
  const auto from = std::chrono::system_clock::from_time_t(gnutls_x509_crt_get_activation_time(list[0]));
  const auto until = std::chrono::system_clock::from_time_t(gnutls_x509_crt_get_expiration_time(list[0]));
  for (unsigned i = 0; i < count; ++i) gnutls_x509_crt_deinit(list[i]);
  gnutls_free(list);
  if (until <= now) return fail(Errc::invalid, fmt::format("{}: expired on {}", file, day_text(until)));
  if (from > now) return fail(Errc::invalid, fmt::format("{}: not valid before {}", file, day_text(from)));
  return until;
}

}  // namespace

Result<std::shared_ptr<const TlsIdentity>> TlsIdentity::load(const std::string& certificate_file,
                                                             const std::string& key_file, WallTime now) {
  const std::shared_ptr<TlsIdentity> identity(new TlsIdentity);
  TRY(identity->certificate_pem_, read_file(certificate_file, kMostBytes));
  TRY(identity->expires_, valid_until(certificate_file, identity->certificate_pem_, now));
  TRY(identity->key_pem_, read_key(key_file));
  gnutls_certificate_credentials_t credentials = nullptr;
  if (gnutls_certificate_allocate_credentials(&credentials) < 0)
    return fail(Errc::internal, "no memory for a certificate");
  identity->credentials_ = credentials;
  const gnutls_datum_t chain = datum_of(identity->certificate_pem_);
  const gnutls_datum_t key = datum_of(identity->key_pem_.reveal());
  const int failed = gnutls_certificate_set_x509_key_mem2(credentials, &chain, &key, GNUTLS_X509_FMT_PEM, nullptr, 0);
  if (failed == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
    return fail(Errc::invalid, fmt::format("{} is not the key of {}", key_file, certificate_file));
  if (failed < 0)
    return fail(Errc::invalid, fmt::format("{}: no usable private key in PEM ({})", key_file, gnutls_strerror(failed)));
  return identity;
}

TlsIdentity::~TlsIdentity() {
  if (credentials_ != nullptr)
    gnutls_certificate_free_credentials(static_cast<gnutls_certificate_credentials_t>(credentials_));
}

void TlsIdentity::show_on(void* gnutls_session) const {
  gnutls_credentials_set(static_cast<gnutls_session_t>(gnutls_session), GNUTLS_CRD_CERTIFICATE, credentials_);
}

}  // namespace moenet::http
