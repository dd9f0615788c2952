// Result and Error: how every layer says that something failed in service.
// The code tells the caller what it may do, the text tells the operator what was tried on what. Bugs are `assert`s, not
// Errors.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace moenet {

enum class Errc {
  invalid,      // the input is wrong and stays wrong: do not repeat it
  not_found,    // the thing does not exist
  conflict,     // something else has the name, port or address
  denied,       // no permission, or a token was refused
  unavailable,  // the far end is away or overloaded: repeat later
  timeout,      // no answer before the deadline
  cancelled,    // a stop was requested
  internal,     // the far end, the kernel or this program did what it never should
};

// The code's name as logs and /status show it.
std::string_view name_of(Errc code);

struct Error {
  Errc code = Errc::internal;
  std::string what;  // "set wg peer dn42_7: permission denied": never holds a secret

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string what) {
  return std::unexpected<Error>(Error{code, std::move(what)});
}

// The error grown outwards: "CONTEXT: what".
Error with_context(Error error, std::string_view context);

// An Error of errno `number` after `action` failed; ENOENT is not_found, EACCES denied, EADDRINUSE conflict, and so on.
Error error_from_errno(int number, std::string_view action);

}  // namespace moenet

// TRY(auto value, expression): declares `value` from a Result, or returns its error. A whole statement, never inside an
// expression. TRY_VOID(expression): the same for Result<void>, or where the value is of no interest.
#define MOENET_TRY_CONCAT2(a, b) a##b
#define MOENET_TRY_CONCAT(a, b) MOENET_TRY_CONCAT2(a, b)
#define MOENET_TRY_IMPL(tmp, declaration, ...)                               \
  auto tmp = (__VA_ARGS__);                                                  \
  if (!tmp) return std::unexpected<::moenet::Error>(std::move(tmp).error()); \
  declaration = std::move(*tmp)
#define TRY(declaration, ...) MOENET_TRY_IMPL(MOENET_TRY_CONCAT(try_result_, __LINE__), declaration, __VA_ARGS__)
#define TRY_VOID(...)                               \
  if (auto try_result = (__VA_ARGS__); !try_result) \
  return std::unexpected<::moenet::Error>(std::move(try_result).error())
