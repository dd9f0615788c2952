// Who a request comes from when a proxy stands before the server: what a proxy says counts only when the proxy is
// trusted, and of its list only what trusted ones have added. Pure: addresses and header text in, a value out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "http/message.h"

namespace moenet::http {

// One header counts and no other is looked at: a proxy passes on what a client has put into the one that it does not
// write itself.
enum class ProxyHeader { x_forwarded_for, forwarded };

struct ProxyTrust {
  std::vector<IpPrefix> proxies;
  ProxyHeader header = ProxyHeader::x_forwarded_for;

  bool includes(const IpAddress& address) const;
};

struct Origin {
  std::string address;
  bool is_secure = false;  // the client speaks TLS, with us or with the proxy
};

// `peer` is the address of the connection's other end, `is_tls` whether it speaks TLS. The client is the right-most
// address of X-Forwarded-For (or `for=` of Forwarded, RFC 7239) that is no trusted proxy; when an element is no
// address, the proxy that said so. The scheme is what the nearest proxy says, in X-Forwarded-Proto or `proto=`.
Origin origin_of(const std::string& peer, bool is_tls, const Headers& headers, const ProxyTrust& trust);

}  // namespace moenet::http
