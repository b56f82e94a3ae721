#include "trib/common/host/zmq/poller.h"

#include <gtest/gtest.h>

#include <thread>

namespace trib::host::zmq {
namespace {

TEST(Poller, AWakeUpFromAnotherThreadEndsTheWait) {
  WakeUp wake_up;
  Poller poller;
  const auto index = poller.Add(wake_up);
  std::thread other([&] { wake_up.Notify(); });
  poller.Wait(Millis(-1));
  EXPECT_TRUE(poller.Ready(index));
  other.join();
  poller.Wait(Millis(0));
  EXPECT_FALSE(poller.Ready(index)) << "cleared by the wait that saw it";
}

TEST(Poller, AMemberThatIsOffIsNotWaitedFor) {
  WakeUp wake_up;
  Poller poller;
  const auto index = poller.Add(wake_up);
  wake_up.Notify();
  poller.Enable(index, false);
  poller.Wait(Millis(0));
  EXPECT_FALSE(poller.Ready(index));
  poller.Enable(index, true);
  poller.Wait(Millis(-1));
  EXPECT_TRUE(poller.Ready(index));
}

}  // namespace
}  // namespace trib::host::zmq
