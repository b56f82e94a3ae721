// What a person who makes a mistake in a file gets to read, from each program: one line that says
// where and what, and an exit code that says whose turn it is.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <tuple>

#include "river.h"
#include "run.h"
#include "tcp_peer.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/sqlite/database.h"

namespace trib::integration {
namespace {

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kDegraded = 4;
constexpr const char* kSomeKey = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// A program and a configuration file that it accepts; line 1 is `lines[0]`.
struct Subject {
  std::string program;
  std::vector<std::string> lines;
  std::vector<std::string> arguments;  ///< besides --config
};

Subject Cloud() {
  return {"trib-cloud",
          {"key = \"device.key\"",
           "[south]",
           "bind = \"tcp://127.0.0.1:*\"",
           "credit = 8",
           "[admin]",
           "bind = \"tcp://127.0.0.1:*\"",
           "operators = []",
           "[store]",
           "path = \"cloud.db\""},
          {}};
}

Subject Gateway() {
  return {"trib-gateway",
          {"key = \"device.key\"",
           "id = 1",
           "[south]",
           "bind = \"tcp://127.0.0.1:*\"",
           "[north]",
           "endpoint = \"tcp://127.0.0.1:1\"",
           std::string("cloud_key = \"") + kSomeKey + "\"",
           "[admin]",
           "bind = \"tcp://127.0.0.1:*\"",
           "operators = []",
           "[spool]",
           "path = \"gateway.db\""},
          {}};
}

Subject Node() {
  return {"trib-node",
          {"key = \"device.key\"",
           "id = 7",
           "state = \"node.state\"",
           "[gateway]",
           "endpoint = \"tcp://127.0.0.1:1\"",
           std::string("key = \"") + kSomeKey + "\"",
           "[source]",
           "loop = false"},
          {"--generate", "1", "--phases", "normal:1", "--time-scale", "max"}};
}

Subject Operator() {
  return {"trib",
          {"key = \"device.key\"",
           "server = \"tcp://127.0.0.1:1\"",
           std::string("server_key = \"") + kSomeKey + "\"",
           "timeout = \"1s\""},
          {"stats"}};
}

class ConfigurationErrors : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* bin = std::getenv("TRIB_BIN_DIR");
    ASSERT_NE(bin, nullptr) << "TRIB_BIN_DIR names the folder of the programs; ctest sets it";
    bin_ = bin;
    auto pattern = (std::filesystem::path(::testing::TempDir()) / "config-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    const auto pair = host::identity::GenerateKeyPair();
    ASSERT_TRUE(pair.ok());
    ASSERT_TRUE(host::identity::SaveKeyPair(folder_ / "device.key", *pair, "test").ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path ConfigOf(const Subject& subject) {
    return folder_ / (subject.program + ".toml");
  }
  /// Runs the program on its file.
  Ran Start(const Subject& subject) {
    std::ofstream out(ConfigOf(subject));
    for (const std::string& line : subject.lines) {
      out << line << "\n";
    }
    out.close();
    std::vector<std::string> argv = {
        bin_ + "/" + subject.program, "--config", ConfigOf(subject).string()};
    argv.insert(argv.end(), subject.arguments.begin(), subject.arguments.end());
    return RunProgram(argv, folder_);
  }
  /// The program ends with `code` and says just one line, which holds all of `parts`.
  void ExpectOneLine(const Subject& subject, int code, const std::vector<std::string>& parts) {
    const Ran ran = Start(subject);
    EXPECT_EQ(ran.code, code) << subject.program << ": " << ran.err;
    EXPECT_EQ(LineCount(ran.err), 1U) << ran.err;
    EXPECT_TRUE(ran.err.starts_with(subject.program + ": ")) << ran.err;
    for (const std::string& part : parts) {
      EXPECT_NE(ran.err.find(part), std::string::npos) << part << " is not in: " << ran.err;
    }
    EXPECT_EQ(ran.out, "");
    ++checked_;
  }
  /// The same for one line of the file written wrongly; the message names file and line.
  void ExpectMistake(Subject subject,
                     std::size_t line,
                     const std::string& text,
                     const std::vector<std::string>& parts) {
    subject.lines.at(line - 1) = text;
    std::vector<std::string> all = {subject.program + ".toml:" + std::to_string(line) + ": "};
    all.insert(all.end(), parts.begin(), parts.end());
    ExpectOneLine(subject, kUsage, all);
  }
  static Subject With(Subject subject, std::size_t line, const std::string& text) {
    subject.lines.at(line - 1) = text;
    return subject;
  }
  void PrintCount() { std::cout << checked_ << " mistakes made and told\n"; }

  std::string bin_;
  std::filesystem::path folder_;
  int checked_ = 0;
};

TEST_F(ConfigurationErrors, AnUnknownKeyIsNamedWithTheNearestRightOne) {
  ExpectMistake(Cloud(), 4, "credt = 8", {"unknown key \"south.credt\"", "\"south.credit\""});
  Subject gateway = Gateway();
  gateway.lines.emplace_back("max_byte = \"1MB\"");
  ExpectMistake(gateway,
                gateway.lines.size(),
                gateway.lines.back(),
                {"unknown key \"spool.max_byte\"", "\"spool.max_bytes\""});
  ExpectMistake(Node(), 8, "lop = false", {"unknown key \"source.lop\"", "\"source.loop\""});
  ExpectMistake(Operator(), 4, "timeot = \"1s\"", {"unknown key \"timeot\"", "\"timeout\""});
  PrintCount();
}

TEST_F(ConfigurationErrors, AWrongTypeIsNamed) {
  ExpectMistake(Cloud(), 3, "bind = 7410", {"\"south.bind\" is an integer; it must be a string"});
  ExpectMistake(Gateway(), 2, "id = \"one\"", {"\"id\" is a string; it must be an integer"});
  ExpectMistake(
      Node(), 8, "loop = \"no\"", {"\"source.loop\" is a string; it must be true or false"});
  ExpectMistake(Operator(), 4, "timeout = 5", {"\"timeout\" is an integer; it must be a duration"});
  PrintCount();
}

TEST_F(ConfigurationErrors, AValueOutOfRangeIsNamedWithTheRange) {
  ExpectMistake(Cloud(), 4, "credit = 65", {"\"south.credit\" is 65", "1 to 64"});
  ExpectMistake(Gateway(), 2, "id = 0", {"\"id\" is 0"});
  ExpectMistake(Node(), 2, "id = -1", {"\"id\" is -1"});
  ExpectMistake(Operator(), 4, "timeout = \"1ms\"", {"\"timeout\" is", "1ms"});
  ExpectMistake(Cloud(), 7, "operators = [\"abc\"]", {"\"abc\" is no public key"});
  ExpectMistake(Gateway(), 7, "cloud_key = \"abc\"", {"\"abc\" is no public key"});
  PrintCount();
}

TEST_F(ConfigurationErrors, AMissingKeyIsNamedWithItsTable) {
  ExpectOneLine(With(Cloud(), 9, "#"), kUsage, {"missing key \"path\" in [store]"});
  ExpectOneLine(With(Gateway(), 6, "#"), kUsage, {"missing key \"endpoint\" in [north]"});
  ExpectOneLine(With(Gateway(), 1, "#"), kUsage, {"missing key \"key\""});
  ExpectOneLine(With(Node(), 2, "#"), kUsage, {"--id"});
  ExpectOneLine(With(Operator(), 2, "#"), kUsage, {"no server"});
  PrintCount();
}

TEST_F(ConfigurationErrors, AFileThatIsNoTomlIsNamedWithTheLine) {
  for (const Subject& subject : {Cloud(), Gateway(), Node(), Operator()}) {
    ExpectMistake(subject, 3, "path = = 1", {});
    Subject absent = subject;
    const auto file = ConfigOf(subject);
    std::filesystem::remove(file);
    std::vector<std::string> argv = {bin_ + "/" + subject.program, "--config", file.string()};
    argv.insert(argv.end(), subject.arguments.begin(), subject.arguments.end());
    const Ran ran = RunProgram(argv, folder_);
    EXPECT_EQ(ran.code, kUsage) << ran.err;
    EXPECT_EQ(LineCount(ran.err), 1U) << ran.err;
    EXPECT_NE(ran.err.find(file.string()), std::string::npos) << ran.err;
    ++checked_;
  }
  PrintCount();
}

TEST_F(ConfigurationErrors, AllMistakesAreToldAtOnce) {
  Subject subject = Cloud();
  subject.lines[3] = "credit = 65";
  subject.lines[6] = "operator = []";
  subject.lines[8] = "";
  const Ran ran = Start(subject);
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_EQ(LineCount(ran.err), 3U) << ran.err;
}

TEST_F(ConfigurationErrors, CheckConfigOnlyChecks) {
  for (Subject subject : {Cloud(), Gateway(), Node()}) {
    subject.arguments.emplace_back("--check-config");
    const Ran good = Start(subject);
    EXPECT_EQ(good.code, kOk) << good.err;
    EXPECT_EQ(good.err, "");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "cloud.db"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "gateway.db"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "node.state"));
    ExpectMistake(subject, 1, "key = 1", {"\"key\" is an integer; it must be a string"});
    // The key file is read as well.
    ExpectOneLine(With(subject, 1, "key = \"absent.key\""), kUsage, {"absent.key"});
    ExpectOneLine(With(subject, 1, "key = \"device.key.pub\""),
                  kUsage,
                  {"device.key.pub: is a public key file; give the secret one"});
  }
}

TEST_F(ConfigurationErrors, ASourceOnTheCommandLineStandsAboveTheFiles) {
  // The file names a recording, the command line a made-up machine.
  Subject subject = With(Node(), 8, "replay = \"absent.toml\"");
  subject.arguments.emplace_back("--check-config");
  const Ran ran = Start(subject);
  EXPECT_EQ(ran.code, kOk) << ran.err;
}

TEST_F(ConfigurationErrors, ANodeSaysWhyItHasNoLinkAndThatItsPackageWasRefused) {
  Subject nobody = Node();
  nobody.arguments.insert(nobody.arguments.end(), {"--exit-when-done", "--drain-timeout", "1"});
  const Ran alone = Start(nobody);
  EXPECT_EQ(alone.code, kFailed);
  EXPECT_NE(alone.err.find("nobody listens at tcp://127.0.0.1:1"), std::string::npos) << alone.err;
  EXPECT_NE(alone.out.find("link unreachable"), std::string::npos) << alone.out;

  std::ofstream(folder_ / "no.trib") << "no package";
  Subject refused = Node();
  refused.lines[3] = refused.lines[4] = refused.lines[5] = "";  // no gateway
  refused.arguments.insert(refused.arguments.end(),
                           {"--exit-when-done",
                            "--package",
                            (folder_ / "no.trib").string(),
                            "--package-key",
                            kSomeKey,
                            "--json"});
  const Ran ran = Start(refused);
  EXPECT_EQ(ran.code, kDegraded) << ran.err;
  EXPECT_NE(ran.err.find("package refused: "), std::string::npos) << ran.err;
  EXPECT_NE(ran.out.find("\"link\":\"none\""), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("\"package_refused\":\""), std::string::npos) << ran.out;
}

TEST_F(ConfigurationErrors, APortInUseIsNamed) {
  const HeldPort taken;
  for (const Subject& subject : {Cloud(), Gateway()}) {
    const bool gateway = subject.program == "trib-gateway";
    const std::string endpoint = "tcp://127.0.0.1:" + std::to_string(taken.port());
    for (const std::size_t line : {gateway ? 4U : 3U, gateway ? 9U : 6U}) {
      ExpectOneLine(With(subject, line, "bind = \"" + endpoint + "\""),
                    kFailed,
                    {endpoint, "in use by another process"});
    }
  }
  PrintCount();
}

TEST_F(ConfigurationErrors, AStoreThatCannotBeUsedIsNamed) {
  const auto path_line = [](const Subject& subject) {
    return subject.program == "trib-node" ? std::size_t{3} : subject.lines.size();
  };
  const auto key = [](const Subject& subject) {
    return std::string(subject.program == "trib-node" ? "state" : "path");
  };
  for (const Subject& subject : {Cloud(), Gateway(), Node()}) {
    ExpectOneLine(With(subject, path_line(subject), key(subject) + " = \"no/such/folder/x\""),
                  kFailed,
                  {"no/such/folder/x"});
    std::filesystem::create_directory(folder_ / "folder");
    ExpectOneLine(
        With(subject, path_line(subject), key(subject) + " = \"folder\""), kFailed, {"/folder"});
    std::ofstream(folder_ / "text") << std::string(10'000, 'x');
    ExpectOneLine(
        With(subject, path_line(subject), key(subject) + " = \"text\""), kFailed, {"/text"});
  }
  for (const auto& [subject, kind, other] : {std::tuple(Cloud(), 0x54726243, 0x54726253),
                                             std::tuple(Gateway(), 0x54726253, 0x54726243)}) {
    const auto put = [&](const std::string& name, std::int32_t id, const std::string& sql) {
      std::string error;
      auto file = host::sqlite::Database::Open(
          (folder_ / name).string(), {.kind = {.id = id, .name = "file"}}, &error);
      ASSERT_TRUE(file.ok()) << error;
      ASSERT_TRUE(file->Execute(sql).ok());
    };
    const std::string name = subject.program + ".db";
    put(name, kind, "PRAGMA user_version = 999");
    ExpectOneLine(
        With(subject, path_line(subject), "path = \"" + name + "\""), kFailed, {name, "newer"});
    put(name + ".other", other, "PRAGMA user_version = 1");
    ExpectOneLine(With(subject, path_line(subject), "path = \"" + name + ".other\""),
                  kFailed,
                  {name + ".other", "of another kind"});
  }
  PrintCount();
}

TEST_F(ConfigurationErrors, AKeyFileThatWillNotDoIsNamed) {
  std::filesystem::copy_file(folder_ / "device.key", folder_ / "open.key");
  std::filesystem::permissions(folder_ / "open.key", std::filesystem::perms(0644));
  std::ofstream(folder_ / "broken.key") << "no key\n";
  std::filesystem::permissions(folder_ / "broken.key", std::filesystem::perms(0600));
  for (const Subject& subject : {Cloud(), Gateway(), Node(), Operator()}) {
    const bool daemon = subject.program == "trib-cloud" || subject.program == "trib-gateway";
    const int code = daemon ? kFailed : kUsage;
    ExpectOneLine(With(subject, 1, "key = \"absent.key\""), code, {"absent.key"});
    ExpectOneLine(With(subject, 1, "key = \"open.key\""), code, {"open.key", "chmod 600"});
    ExpectOneLine(With(subject, 1, "key = \"broken.key\""), code, {"broken.key"});
  }
  PrintCount();
}

}  // namespace
}  // namespace trib::integration
