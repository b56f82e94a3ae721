#include "trib/gateway/app/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "trib/common/host/identity/identity.h"

namespace trib::gateway {
namespace {

std::filesystem::path SourceDir() {
  const char* given = std::getenv("TRIB_SOURCE_DIR");
  std::filesystem::path dir = given != nullptr ? given : std::filesystem::current_path().string();
  while (!std::filesystem::exists(dir / "deploy/gateway.toml") && dir.has_relative_path()) {
    dir = dir.parent_path();
  }
  return dir;
}

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    file = std::filesystem::temp_directory_path() /
           ("trib_gateway_config_" + std::to_string(::getpid()) + ".toml");
    key = host::identity::ToHex(host::identity::GenerateKeyPair()->public_key.span());
  }
  ~ConfigTest() override { std::filesystem::remove(file); }
  Status Load(const std::string& text) {
    std::ofstream(file) << text;
    errors.clear();
    config = {};
    return LoadConfig(file, config, errors);
  }
  std::string Minimal() const {
    return "id = 7\nkey = \"g.key\"\n[north]\nendpoint = \"tcp://127.0.0.1:1\"\ncloud_key = \"" +
           key + "\"\n[spool]\npath = \"s.db\"\n";
  }
  std::filesystem::path file;
  std::string key;
  Config config;
  std::vector<std::string> errors;
};

TEST_F(ConfigTest, TheMinimumIsEnough) {
  ASSERT_TRUE(Load(Minimal()).ok()) << (errors.empty() ? "" : errors[0]);
  EXPECT_EQ(config.id, GatewayId(7));
  EXPECT_EQ(config.spool.policy, spool::FullPolicy::kReject);
  EXPECT_EQ(config.spool.path, file.parent_path() / "s.db");
}

TEST_F(ConfigTest, TheDeployedFileIsValidWhenItsKeyIsFilledIn) {
  std::ifstream in(SourceDir() / "deploy/gateway.toml");
  std::stringstream text;
  text << in.rdbuf();
  std::string filled = text.str();
  const auto at = filled.find(std::string(64, '0'));
  ASSERT_NE(at, std::string::npos);
  filled.replace(at, 64, key);
  EXPECT_TRUE(Load(filled).ok()) << (errors.empty() ? "" : errors[0]);
  // The commented defaults are what is built in: uncommented, they change nothing.
  Config plain = config;
  std::string uncommented;
  std::istringstream lines(filled);
  for (std::string line; std::getline(lines, line);) {
    const bool key_line = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    uncommented += (key_line ? line.substr(1) : line) + "\n";
  }
  const auto ready = uncommented.find("ready_file = \"\"");
  ASSERT_NE(ready, std::string::npos);
  uncommented.erase(ready, std::string("ready_file = \"\"").size());
  ASSERT_TRUE(Load(uncommented).ok()) << (errors.empty() ? "" : errors[0]);
  EXPECT_EQ(config.south_bind, plain.south_bind);
  EXPECT_EQ(config.credit_bytes, plain.credit_bytes);
  EXPECT_EQ(config.spool.max_bytes, plain.spool.max_bytes);
  EXPECT_EQ(config.spool.max_records, plain.spool.max_records);
  EXPECT_EQ(config.spool.policy, plain.spool.policy);
  EXPECT_EQ(config.commit_interval, plain.commit_interval);
  EXPECT_TRUE(config.serial.endpoints.empty() && plain.serial.endpoints.empty());
  EXPECT_TRUE(config.serial.nodes.empty() && plain.serial.nodes.empty());
  EXPECT_TRUE(config.tails.directory.empty() && plain.tails.directory.empty());
  EXPECT_EQ(config.tails.options.batch, plain.tails.options.batch);
  EXPECT_EQ(config.tails.options.deadline, plain.tails.options.deadline);
  EXPECT_EQ(config.tails.options.patience, plain.tails.options.patience);
}

TEST_F(ConfigTest, TailsNeedKeysToTrust) {
  const std::string tails = Minimal() + "[tails]\ndirectory = \"networks\"\n";
  EXPECT_FALSE(Load(tails).ok());
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].find("tails.package_keys"), std::string::npos) << errors[0];
  EXPECT_FALSE(Load(tails + "package_keys = [\"abc\"]\n").ok());
  EXPECT_EQ(errors.size(), 1U) << "one line for one mistake";
  ASSERT_TRUE(Load(tails + "package_keys = [\"" + key + "\"]\nbatch = 8\ndeadline = \"5ms\"\n" +
                   "patience = \"2s\"\n")
                  .ok());
  EXPECT_EQ(config.tails.directory, file.parent_path() / "networks");
  EXPECT_EQ(config.tails.package_keys.size(), 1U);
  EXPECT_EQ(config.tails.options.batch, 8U);
  EXPECT_EQ(config.tails.options.deadline, Millis(5));
  EXPECT_EQ(config.tails.options.patience, Millis(2000));
  EXPECT_FALSE(Load(Minimal() + "[tails]\nbatch = 0\n").ok());
  EXPECT_FALSE(Load(Minimal() + "[tails]\nkeep = \"1d\"\n").ok()) << "that is the cloud's";
}

TEST_F(ConfigTest, WiresAreOfThisMachineAndNobodySpeaksUnlessNamed) {
  ASSERT_TRUE(
      Load(Minimal() + "[serial]\nendpoints = [\"tcp://127.0.0.1:*\", \"/dev/ttyS0\"]\n").ok());
  ASSERT_EQ(config.serial.endpoints.size(), 2U);
  EXPECT_EQ(config.serial.endpoints[1].path, "/dev/ttyS0");
  EXPECT_TRUE(config.serial.nodes.empty());
  ASSERT_TRUE(Load(Minimal() + "[serial]\nnodes = [17, 18, 17]\n").ok());
  EXPECT_EQ(config.serial.nodes, (std::set<std::uint64_t>{17, 18}));
  EXPECT_FALSE(Load(Minimal() + "[serial]\nnodes = [0]\n").ok());
  EXPECT_FALSE(Load(Minimal() + "[serial]\nendpoints = [\"tcp://10.0.0.1:7500\"]\n").ok());
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].find(":9"), std::string::npos) << errors[0];
  EXPECT_NE(errors[0].find("not encrypted yet"), std::string::npos) << errors[0];
  EXPECT_FALSE(
      Load(Minimal() + "[serial]\nendpoints = [\"/dev/ttyS0\", \"/dev/ttyS0?baud=9600\"]\n").ok());
  EXPECT_NE(errors[0].find("named twice"), std::string::npos) << errors[0];
}

TEST_F(ConfigTest, EndpointsOfTheCommandLineComeOnTop) {
  ASSERT_TRUE(Load(Minimal() + "[serial]\nendpoints = [\"/dev/ttyS0\"]\n").ok());
  const std::vector<std::string> more = {"tcp://localhost:7500"};
  ASSERT_TRUE(AddSerialEndpoints(more, config.serial, errors).ok());
  ASSERT_EQ(config.serial.endpoints.size(), 2U);
  EXPECT_EQ(config.serial.endpoints[1].port, 7500);
  const std::vector<std::string> wrong = {"tcp://10.0.0.1:1", "/dev/ttyS0", "ttyS0"};
  EXPECT_FALSE(AddSerialEndpoints(wrong, config.serial, errors).ok());
  ASSERT_EQ(errors.size(), 3U);
  EXPECT_TRUE(errors[0].starts_with("--serial: ")) << errors[0];
}

TEST_F(ConfigTest, MistakesNameTheLine) {
  EXPECT_FALSE(Load(Minimal() + "polcy = \"reject\"\n").ok());
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].find(":8"), std::string::npos) << errors[0];
  EXPECT_NE(errors[0].find("policy"), std::string::npos) << errors[0];
  EXPECT_FALSE(Load(Minimal() + "policy = \"whatever\"\n").ok());
  EXPECT_FALSE(Load("id = 0\n" + Minimal().substr(7)).ok());
  EXPECT_FALSE(Load(Minimal() + "[admin]\noperators = [\"abc\"]\n").ok());
  EXPECT_FALSE(Load("id = 7\n").ok());
  EXPECT_GE(errors.size(), 4U) << "all that is missing, at once";
}

}  // namespace
}  // namespace trib::gateway
