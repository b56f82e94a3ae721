#include "trib/common/host/cli/stop_signal.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace trib::host::cli {
namespace {

bool Readable(int fd) {
  pollfd entry = {fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

TEST(StopSignal, ASignalIsSeenAndStays) {
  for (const int signal : {SIGINT, SIGTERM}) {
    StopSignal stop;
    EXPECT_FALSE(stop.requested());
    EXPECT_FALSE(Readable(stop.fd()));
    EXPECT_FALSE(stop.Wait(0));
    std::raise(signal);
    EXPECT_TRUE(stop.requested());
    EXPECT_TRUE(Readable(stop.fd()));
    EXPECT_TRUE(stop.Wait(-1));
    EXPECT_TRUE(Readable(stop.fd()));
  }
}

TEST(StopSignal, ARequestIsLikeASignal) {
  StopSignal stop;
  stop.Request();
  stop.Request();
  EXPECT_TRUE(stop.Wait(-1));
}

TEST(StopSignal, TheSecondSignalEndsTheProcess) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    StopSignal stop;
    std::raise(SIGTERM);
    std::raise(SIGTERM);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

}  // namespace
}  // namespace trib::host::cli
