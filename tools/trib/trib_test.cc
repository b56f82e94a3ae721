// Runs the real binary: what it prints, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trib_fixture.h"

namespace trib::tools::trib_cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

TEST_F(Trib, MistakesOnTheCommandLineAreOneLineAndExitTwo) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "trib: a command is missing; one of key, enroll"},
      {{"flet", "list"}, "trib: unknown command flet; did you mean fleet?"},
      {{"fleet"}, "trib: a command is missing; one of list"},
      {{"fleet", "lst"}, "trib: unknown command lst; did you mean list?"},
      {{"fleet", "list", "--jsno"}, "trib: unknown option --jsno; did you mean --json?"},
      {{"node", "show"}, "trib: ID is required"},
      {{"node", "show", "x"}, "trib: ID: Value x not in range"},
      {{"accept", "0"}, "trib: ID: Value 0 not in range"},
      {{"enroll", "--id", "3", "--key", std::string(64, 'a')}, "trib: a node needs its gateway"},
      {{"enroll", "--id", "3", "--gateway", "1", "--key", "none.pub"}, "trib: --key: none.pub"},
      {{"recording", "import", "x", "-o", "y", "--dialect", "z"}, "trib: --dialect: z not in"},
      {{"fleet", "list"}, "trib: no server; give --server"},
      {{"stats", "--server", "tcp://127.0.0.1:1"}, "trib: no server key; give --server-key"},
  };
  for (const auto& [arguments, text] : cases) {
    const Ended ended = Run(arguments);
    EXPECT_EQ(ended.code, 2) << text;
    EXPECT_THAT(ended.error, StartsWith(text));
    EXPECT_EQ(std::count(ended.error.begin(), ended.error.end(), '\n'), 1) << ended.error;
    EXPECT_EQ(ended.out, "");
  }
}

TEST_F(Trib, EveryVerbHasHelpWithAnExample) {
  const std::vector<std::vector<std::string>> verbs = {{"key", "new"},
                                                       {"key", "show"},
                                                       {"enroll"},
                                                       {"accept"},
                                                       {"revoke"},
                                                       {"fleet", "list"},
                                                       {"node", "show"},
                                                       {"gateway", "list"},
                                                       {"gateway", "nodes"},
                                                       {"stats"},
                                                       {"event", "tail"},
                                                       {"package", "build"},
                                                       {"package", "sign"},
                                                       {"package", "inspect"},
                                                       {"package", "verify"},
                                                       {"board", "image"},
                                                       {"board", "inspect"},
                                                       {"recording", "import"},
                                                       {"recording", "check"},
                                                       {"doctor"}};
  for (std::vector<std::string> verb : verbs) {
    std::string name = "trib";
    for (const std::string& word : verb) {
      name += " " + word;
    }
    verb.emplace_back("--help");
    const Ended ended = Run(verb);
    EXPECT_EQ(ended.code, 0);
    EXPECT_THAT(ended.out, HasSubstr("Example: " + name));
    EXPECT_THAT(ended.out, HasSubstr("Usage: " + name));
  }
}

TEST_F(Trib, AKeyIsMadeOnceAndShownWithoutItsSecret) {
  const json made = RunJson({"key", "new", "-o", Path("a.key"), "--comment", "operator of site 1"});
  EXPECT_THAT(
      KeysOf(made),
      UnorderedElementsAre("file", "kind", "public_key", "key_id", "curve_key", "public_file"));
  struct stat info = {};
  ASSERT_EQ(::stat(Path("a.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);

  const Ended again = Run({"key", "new", "-o", Path("a.key")});
  EXPECT_EQ(again.code, 3);
  EXPECT_THAT(again.error, HasSubstr("exists already"));

  const json secret = RunJson({"key", "show", Path("a.key")});
  const json open = RunJson({"key", "show", Path("a.key.pub")});
  EXPECT_EQ(secret["kind"], "secret");
  EXPECT_EQ(open["kind"], "public");
  EXPECT_EQ(secret["public_key"], made["public_key"]);
  EXPECT_EQ(open["public_key"], made["public_key"]);
  const std::string text = Read("a.key");
  const std::string seed = text.substr(text.find("seed: ") + 6, 64);
  EXPECT_THAT(secret.dump() + open.dump() + made.dump(), Not(HasSubstr(seed)));

  ASSERT_EQ(::chmod(Path("a.key").c_str(), 0644), 0);
  EXPECT_EQ(Run({"key", "show", Path("a.key")}).code, 1);
}

TEST_F(Trib, FailuresAreJsonToo) {
  const Ended ended = Run({"recording", "check", Path("none.toml"), "--json"});
  EXPECT_EQ(ended.code, 1);
  const json error = json::parse(ended.out, nullptr, false);
  ASSERT_TRUE(error.is_object()) << ended.out;
  EXPECT_EQ(error["error"]["code"], "NOT_FOUND");
  EXPECT_THAT(ended.error, HasSubstr("none.toml: no such file"));
}

TEST_F(Trib, ADataSetIsImportedAndChecked) {
  WriteDataSet(50);
  const json imported =
      RunJson({"recording", "import", folder_.string(), "--dialect", "mfpt", "-o", Path("m.toml")});
  EXPECT_EQ(imported["frames"], 50);
  const json checked = RunJson({"recording", "check", Path("m.toml")});
  EXPECT_THAT(KeysOf(checked),
              UnorderedElementsAre("manifest", "recordings", "frames", "seconds", "labels"));
  EXPECT_EQ(checked["labels"][0]["label"], "normal");
  EXPECT_EQ(checked["seconds"], 0.5);
  EXPECT_THAT(Run({"recording", "check", Path("m.toml")}).out, HasSubstr("normal"));

  std::filesystem::resize_file(Path("a.i16"), 80);
  const Ended shorter = Run({"recording", "check", Path("m.toml")});
  EXPECT_EQ(shorter.code, 1);
  EXPECT_THAT(shorter.error, HasSubstr("holds 40 frames; the manifest says 50"));
}

TEST_F(Trib, AnImportTakesOnlyWhatTheFiltersLeave) {
  Write("a.i16", std::string(100, '\x01'));
  Write("manifest.csv",
        "file,label,fs_hz,n_samples,g_per_lsb,split\na.i16,normal,100,50,0.5,train\n"
        "a.i16,inner,100,50,0.5,test\na.i16,outer,100,50,0.5,test\n");
  const auto import = [&](std::vector<std::string> filters) {
    std::vector<std::string> words = {
        "recording", "import", folder_.string(), "--dialect", "mfpt", "-o", Path("m.toml")};
    for (const std::string& filter : filters) {
      words.insert(words.end(), {"--only", filter});
    }
    return words;
  };
  EXPECT_EQ(RunJson(import({}))["recordings"], 3);
  EXPECT_EQ(RunJson(import({"label=inner"}))["labels"][0]["label"], "inner");
  EXPECT_EQ(RunJson(import({"label=*er", "split=test"}))["recordings"], 2);
  EXPECT_EQ(RunJson({"recording", "check", Path("m.toml")})["recordings"], 2);
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{"label"}, "trib: --only label: is not KEY=PATTERN"},
      {{"label=healthy"}, "takes none of what is left; label is one of inner, normal, outer"},
      {{"label=normal", "split=test"}, "split is one of train"},
      {{"lable=normal"}, "no recording has lable; there are file, label"},
  };
  for (const auto& [filters, text] : mistakes) {
    const Ended ended = Run(import(filters));
    EXPECT_EQ(ended.code, 2) << text;
    EXPECT_THAT(ended.error, HasSubstr(text));
  }
}

TEST_F(Trib, AWrongConfigurationNamesFileLineAndNearestKey) {
  config_ = Write("trib.toml", "# operator\nservr = \"tcp://127.0.0.1:1\"\n");
  const Ended ended = Run({"fleet", "list"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.error,
            "trib: " + config_ + ":2: unknown key \"servr\"; did you mean \"server\"?\n");
}

TEST_F(Trib, NobodyAtTheServerIsAFailure) {
  RunJson({"key", "new", "-o", Path("op.key")});
  config_ = Write("trib.toml",
                  "server = \"tcp://127.0.0.1:1\"\nserver_key = \"op.key.pub\"\n"
                  "key = \"op.key\"\ntimeout = \"300ms\"\n");
  const Ended ended = Run({"fleet", "list", "--json"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(json::parse(ended.out, nullptr, false)["error"]["code"], "UNAVAILABLE");
  EXPECT_THAT(ended.error, HasSubstr("tcp://127.0.0.1:1"));
}

TEST_F(Trib, DoctorSaysWhatToDo) {
  RunJson({"key", "new", "-o", Path("op.key")});
  ASSERT_EQ(::chmod(Path("op.key").c_str(), 0640), 0);
  config_ = Write("trib.toml",
                  "server = \"tcp://127.0.0.1:1\"\nserver_key = \"op.key.pub\"\n"
                  "key = \"op.key\"\ntimeout = \"300ms\"\n");
  const Ended ended = Run({"doctor", "--json"});
  EXPECT_EQ(ended.code, 1);
  const json result = json::parse(ended.out, nullptr, false);
  ASSERT_TRUE(result.is_object()) << ended.out;
  EXPECT_THAT(KeysOf(result), UnorderedElementsAre("ok", "checks"));
  EXPECT_EQ(result["ok"], false);
  std::vector<std::string> states;
  for (const json& check : result["checks"]) {
    EXPECT_THAT(KeysOf(check), UnorderedElementsAre("name", "status", "text", "fix"));
    states.push_back(check["name"].get<std::string>() + " " + check["status"].get<std::string>());
  }
  EXPECT_THAT(states, ElementsAre("config ok", "key fail", "cloud fail"));
  EXPECT_EQ(result["checks"][1]["fix"], "chmod 600 " + Path("op.key"));
}

TEST_F(Trib, TheExampleConfigurationIsValidWithEveryKeySet) {
  const char* source = std::getenv("TRIB_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "set by ctest";
  std::ifstream in(std::filesystem::path(source) / "deploy" / "trib.toml");
  std::string text;
  std::size_t keys = 0;
  for (std::string line; std::getline(in, line);) {
    const bool key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    keys += key ? 1 : 0;
    text += (key ? line.substr(1) : line) + "\n";
  }
  EXPECT_EQ(keys, 5U);
  config_ = Write("trib.toml", text);
  const Ended ended = Run({"doctor", "--json"});
  const json result = json::parse(ended.out, nullptr, false);
  ASSERT_TRUE(result.is_object()) << ended.out;
  EXPECT_EQ(result["checks"][0]["status"], "ok") << result.dump();
}

TEST_F(Trib, APackageIsBuiltSignedInspectedAndVerified) {
  const char* source = std::getenv("TRIB_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "set by ctest";
  const std::string spec = std::string(source) + "/workloads/bearing/package.toml";
  RunJson({"key", "new", "-o", Path("p.key"), "--role", "package"});
  RunJson({"key", "new", "-o", Path("other.key"), "--role", "package"});
  const auto summary = UnorderedElementsAre("file", "digest", "bytes", "signatures");
  const json built = RunJson({"package", "build", spec, "-o", Path("b.trib")});
  EXPECT_THAT(KeysOf(built), summary);
  EXPECT_EQ(built["bytes"], std::filesystem::file_size(Path("b.trib")));

  const Ended unsigned_one = Run({"package", "verify", Path("b.trib"), "--key", Path("p.key.pub")});
  EXPECT_EQ(unsigned_one.code, 1);
  EXPECT_THAT(unsigned_one.error, HasSubstr("b.trib: refused: not signed"));

  const json made = RunJson(
      {"package", "sign", Path("b.trib"), "--key", Path("p.key"), "-o", Path("signed.trib")});
  EXPECT_THAT(KeysOf(made), summary);
  EXPECT_EQ(made["signatures"], 1);
  EXPECT_EQ(made["digest"], built["digest"]);

  const json verified = RunJson({"package",
                                 "verify",
                                 Path("signed.trib"),
                                 "--key",
                                 Path("p.key.pub"),
                                 "--hardware-class",
                                 "linux"});
  EXPECT_THAT(
      KeysOf(verified),
      UnorderedElementsAre("file", "digest", "bytes", "signatures", "verified", "platform"));
  EXPECT_EQ(verified["verified"], true);
  const Ended wrong_key =
      Run({"package", "verify", Path("signed.trib"), "--key", Path("other.key.pub")});
  EXPECT_EQ(wrong_key.code, 1);
  EXPECT_THAT(wrong_key.error, HasSubstr("signed by no trusted key"));

  const json inside = RunJson({"package", "inspect", Path("signed.trib")});
  EXPECT_THAT(KeysOf(inside),
              ::testing::IsSupersetOf({"digest", "hash", "signatures", "sections"}));
  EXPECT_EQ(inside["digest"], built["digest"]);

  std::string bytes = Read("signed.trib");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  Write("broken.trib", bytes);
  const Ended broken =
      Run({"package", "verify", Path("broken.trib"), "--key", Path("p.key.pub"), "--json"});
  EXPECT_EQ(broken.code, 1);
  EXPECT_EQ(json::parse(broken.out, nullptr, false)["error"]["code"], "DATA_LOSS");

  const Ended no_package = Run({"package", "inspect", Path("p.key")});
  EXPECT_EQ(no_package.code, 1);
  EXPECT_THAT(no_package.error, HasSubstr("not a package"));
}

TEST_F(Trib, AWrongPackageSpecificationNamesFileAndLine) {
  const std::string spec = Write("spec.toml", "[manifest]\nname = 3\n");
  const Ended ended = Run({"package", "build", spec, "-o", Path("b.trib")});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.error, HasSubstr("spec.toml:2: "));
  EXPECT_FALSE(std::filesystem::exists(Path("b.trib")));
}

TEST_F(Trib, VersionIsOneLine) {
  const Ended ended = Run({"--version"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, StartsWith("trib "));
}

}  // namespace
}  // namespace trib::tools::trib_cli
