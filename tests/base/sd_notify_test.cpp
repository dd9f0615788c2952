#include "base/sd_notify.h"

#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/fd.h"
#include "support/temporary_folder.h"

namespace moenet {
namespace {

// A service manager's socket under a name, and what it was told.
class Manager {
 public:
  explicit Manager(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() { ::unsetenv("NOTIFY_SOCKET"); }
  std::string told() const {
    char text[256];
    const ssize_t size = ::recv(socket_.get(), text, sizeof text, 0);
    return size < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  UniqueFd socket_;
};

TEST(SdNotify, TellsItsSocket) {
  const support::TemporaryFolder folder;
  const Manager manager(folder / "notify");
  sd_notify("READY=1\nSTATUS=node jp1");
  EXPECT_EQ(manager.told(), "READY=1\nSTATUS=node jp1");
}

TEST(SdNotify, TellsAnAbstractSocket) {
  const Manager manager("@moenet-test-" + std::to_string(::getpid()));
  sd_notify("WATCHDOG=1");
  EXPECT_EQ(manager.told(), "WATCHDOG=1");
}

TEST(SdNotify, DoesNothingWithoutASocket) {
  sd_notify("READY=1");
  ::setenv("NOTIFY_SOCKET", (std::string("/") + std::string(200, 'x')).c_str(), 1);
  sd_notify("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace moenet
