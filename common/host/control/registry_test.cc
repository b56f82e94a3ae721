#include "trib/common/host/control/registry.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace trib::host::control {
namespace {

using nlohmann::json;

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() {
    registry.Add("double", [](const json& args) -> Outcome {
      return json{{"value", 2 * args.at("value").get<int>()}};
    });
    registry.Add("fail", [](const json&) -> Outcome {
      return ControlError{Code::kNotFound, "no node 5"};
    });
    registry.Add("bytes", [](const json&) -> Outcome { return json("\xff\xfe"); });
    registry.Add("huge",
                 [](const json&) -> Outcome { return json(std::string(kMaxReplyBytes, 'x')); });
  }
  json Ask(const std::string& request) { return json::parse(registry.Answer(request)); }
  std::string ErrorCode(const std::string& request) {
    const json reply = Ask(request);
    EXPECT_EQ(reply["v"], 1);
    EXPECT_EQ(reply["ok"], false);
    EXPECT_FALSE(reply["error"]["message"].get<std::string>().empty());
    return reply["error"]["code"];
  }
  Registry registry;
};

TEST_F(RegistryTest, AnswersWithResultAndEchoesTheId) {
  EXPECT_EQ(Ask(R"({"v":1,"id":9,"call":"double","args":{"value":4}})"),
            json::parse(R"({"v":1,"id":9,"ok":true,"result":{"value":8}})"));
}

TEST_F(RegistryTest, AHandlersErrorKeepsCodeAndMessage) {
  EXPECT_EQ(
      Ask(R"({"v":1,"call":"fail"})"),
      json::parse(R"({"v":1,"ok":false,"error":{"code":"NOT_FOUND","message":"no node 5"}})"));
}

TEST_F(RegistryTest, BadRequestsAreNamed) {
  for (const char* request : {"",
                              "{",
                              "[]",
                              "7",
                              "{}",
                              R"({"v":2,"call":"double"})",
                              R"({"v":"1","call":"double"})",
                              R"({"v":1})",
                              R"({"v":1,"call":5})",
                              R"({"v":1,"call":"double","args":[1]})",
                              R"({"v":1,"call":"double"})",
                              R"({"v":1,"call":"double","args":{"value":"x"}})"}) {
    EXPECT_EQ(ErrorCode(request), "INVALID_ARGUMENT") << request;
  }
  EXPECT_EQ(ErrorCode(std::string(kMaxRequestBytes + 1, ' ')), "INVALID_ARGUMENT");
  EXPECT_EQ(ErrorCode(std::string(kMaxRequestBytes, '[')), "INVALID_ARGUMENT");
}

TEST_F(RegistryTest, AnUnknownCallListsTheKnown) {
  const json reply = Ask(R"({"v":1,"call":"doubel"})");
  EXPECT_EQ(reply["error"]["code"], "NOT_FOUND");
  EXPECT_NE(reply["error"]["message"].get<std::string>().find("double"), std::string::npos);
}

TEST_F(RegistryTest, BytesThatAreNotUtf8StillMakeAValidReply) {
  EXPECT_EQ(Ask(R"({"v":1,"call":"bytes"})")["ok"], true);
}

TEST_F(RegistryTest, AnAnswerAboveTheLimitBecomesAnError) {
  EXPECT_EQ(ErrorCode(R"({"v":1,"call":"huge"})"), "RESOURCE_EXHAUSTED");
}

TEST(CodeFromName, IsTheInverseOfCodeName) {
  for (int value = 0; value <= 16; ++value) {
    EXPECT_EQ(CodeFromName(CodeName(static_cast<Code>(value))), static_cast<Code>(value));
  }
  EXPECT_EQ(CodeFromName("NONSENSE"), Code::kUnknown);
}

TEST(Ids, Of64BitsSurviveAsText) {
  EXPECT_EQ(IdText(UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(HashText(0x0123'4567'89AB'CDEF), "0123456789abcdef");
  EXPECT_EQ(HashText(1), "0000000000000001");
  EXPECT_EQ(ReadId(json(IdText(UINT64_MAX))), UINT64_MAX);
  EXPECT_EQ(ReadId(json(17U)), 17U);
  for (const json& wrong : {json(""),
                            json("-1"),
                            json(-1),
                            json("1x"),
                            json(" 1"),
                            json(1.5),
                            json("18446744073709551616"),
                            json(),
                            json::array()}) {
    EXPECT_EQ(ReadId(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace trib::host::control
