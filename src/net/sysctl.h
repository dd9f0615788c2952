// Settings of the kernel under /proc/sys (proc(5), sysctl(8)): whole numbers, read and written by a checked name. What
// a router needs of them is the caller's knowledge. /proc/sys/net shows the network namespace of whoever reads it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace moenet::net {

// The name of one setting. It never leads out of the folder that it is looked up in.
class SysctlKey {
 public:
  // As sysctl(8) writes it: "net.ipv4.ip_forward"; a dot within a part is a slash ("net.ipv4.conf.eth0/1.rp_filter" is
  // of the interface eth0.1). Errors: invalid.
  static Result<SysctlKey> parse(std::string_view dotted);
  // "net.ipv4.conf.INTERFACE.SETTING" or its ipv6 twin. Errors: invalid.
  static Result<SysctlKey> of_interface(IpFamily family, std::string_view interface, std::string_view setting);

  std::string text() const;                          // as parse() takes it
  const std::string& path() const { return path_; }  // "net/ipv4/conf/eth0.1/rp_filter"

  friend auto operator<=>(const SysctlKey&, const SysctlKey&) = default;

 private:
  explicit SysctlKey(std::string path) : path_(std::move(path)) {}
  static Result<SysctlKey> checked(std::string path);

  std::string path_;
};

class Sysctl {
 public:
  explicit Sysctl(std::string folder = "/proc/sys") : folder_(std::move(folder)) {}

  // Errors: not_found (this kernel has no such setting, or the interface is gone), denied, invalid (no whole number).
  Result<std::int64_t> read(const SysctlKey& key) const;
  // Errors: not_found, denied (also: /proc/sys is mounted read-only), invalid (the kernel refuses the value). The text
  // names the key and the value.
  Result<void> write(const SysctlKey& key, std::int64_t value) const;

 private:
  std::string path_of(const SysctlKey& key) const { return folder_ + "/" + key.path(); }

  std::string folder_;
};

}  // namespace moenet::net
