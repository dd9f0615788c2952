#include "base/result.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace moenet {
namespace {

Result<int> doubled(Result<int> given) {
  TRY(const int value, std::move(given));
  return value * 2;
}

TEST(Try, PassesValuesOnAndErrorsOut) {
  EXPECT_EQ(*doubled(21), 42);
  EXPECT_EQ(doubled(fail(Errc::timeout, "late")).error(), (Error{Errc::timeout, "late"}));
}

TEST(Error, GrowsOutwards) {
  EXPECT_EQ(with_context({Errc::denied, "permission denied"}, "set wg peer dn42_7").what,
            "set wg peer dn42_7: permission denied");
}

TEST(Error, SaysWhatTheCallerMayDoAboutAnErrno) {
  EXPECT_EQ(error_from_errno(ENOENT, "open").code, Errc::not_found);
  EXPECT_EQ(error_from_errno(EACCES, "open").code, Errc::denied);
  EXPECT_EQ(error_from_errno(EADDRINUSE, "bind").code, Errc::conflict);
  EXPECT_EQ(error_from_errno(ECONNREFUSED, "connect").code, Errc::unavailable);
  EXPECT_EQ(error_from_errno(EDOM, "think").code, Errc::internal);
}

}  // namespace
}  // namespace moenet
