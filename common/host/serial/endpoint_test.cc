#include "trib/common/host/serial/endpoint.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace trib::host::serial {
namespace {

Result<Endpoint> Parse(std::string_view text, Use use = Use::kConnect) {
  std::string error;
  auto endpoint = ParseEndpoint(text, use, error);
  EXPECT_EQ(error.empty(), endpoint.ok()) << text << ": " << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return endpoint;
}

TEST(Endpoint, LoopbackAndDevicesAreRead) {
  const std::pair<const char*, Endpoint> cases[] = {
      {"tcp://127.0.0.1:7500", {.port = 7500}},
      {"tcp://localhost:1", {.port = 1}},
      {"tcp://[::1]:65535", {.ipv6 = true, .port = 65535}},
      {"/dev/ttyUSB0", {.kind = Endpoint::Kind::kDevice, .path = "/dev/ttyUSB0", .baud = 115'200}},
      {"/dev/serial/by-id/x?baud=9600",
       {.kind = Endpoint::Kind::kDevice, .path = "/dev/serial/by-id/x", .baud = 9600}},
  };
  for (const auto& [text, expected] : cases) {
    const auto endpoint = Parse(text);
    ASSERT_TRUE(endpoint.ok()) << text;
    EXPECT_EQ(*endpoint, expected) << text;
    const auto again = Parse(ToText(*endpoint));
    ASSERT_TRUE(again.ok()) << ToText(*endpoint);
    EXPECT_EQ(*again, expected) << text;
  }
}

TEST(Endpoint, OnlyAListenerTakesAFreePort) {
  const auto listener = Parse("tcp://127.0.0.1:*", Use::kListen);
  ASSERT_TRUE(listener.ok());
  EXPECT_EQ(listener->port, 0);
  EXPECT_EQ(ToText(*listener), "tcp://127.0.0.1:*");
  EXPECT_EQ(Parse("tcp://127.0.0.1:*").status().code(), Code::kInvalidArgument);
}

TEST(Endpoint, OtherMachinesAreRefusedAndTheReasonIsSaid) {
  for (const char* text : {"tcp://10.0.0.5:7500",
                           "tcp://0.0.0.0:7500",
                           "tcp://*:7500",
                           "tcp://[::]:7500",
                           "tcp://gateway.example:7500",
                           "tcp://127.0.0.1.example:7500",
                           "tcp://localhost.example:7500",
                           "tcp://:7500"}) {
    std::string error;
    EXPECT_EQ(ParseEndpoint(text, Use::kListen, error).status().code(), Code::kPermissionDenied)
        << text;
    EXPECT_NE(error.find("not encrypted yet"), std::string::npos) << error;
    EXPECT_NE(error.find("127.0.0.1"), std::string::npos) << error;
  }
}

TEST(Endpoint, WhatIsNoneIsRefused) {
  for (const char* text : {"",
                           "127.0.0.1:7500",
                           "udp://127.0.0.1:7500",
                           "tcp://127.0.0.1",
                           "tcp://[::1]",
                           "tcp://127.0.0.1:",
                           "tcp://127.0.0.1:0",
                           "tcp://127.0.0.1:65536",
                           "tcp://127.0.0.1:75x",
                           "tcp://127.0.0.1:-1",
                           "ttyUSB0",
                           "/tmp/ttyUSB0",
                           "/dev/",
                           "/dev/../tmp/x",
                           "/dev/ttyUSB0?",
                           "/dev/ttyUSB0?baud=",
                           "/dev/ttyUSB0?baud=12345",
                           "/dev/ttyUSB0?parity=odd"}) {
    EXPECT_EQ(Parse(text, Use::kListen).status().code(), Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace trib::host::serial
