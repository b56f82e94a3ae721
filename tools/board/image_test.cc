#include "trib/tools/board/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trib/node/board/sensor_memory.h"
#include "trib/node/sim/board_file.h"
#include "trib/node/sim/paced_sensor.h"
#include "trib/node/sim/sim_clock.h"

namespace trib::tools::board {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Image : public ::testing::Test {
 protected:
  Image() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("board_image." + std::to_string(::getpid()) + "." + test->name());
    std::filesystem::create_directories(folder_);
    request_.identity.node = NodeId(7);
    request_.source.generate = 3;
    request_.source.phases = "normal:2,fault:1";
  }
  ~Image() override { std::filesystem::remove_all(folder_); }

  std::string File(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  Status Make() { return MakeImage(request_, path(), errors_); }
  [[nodiscard]] std::filesystem::path path() const { return folder_ / "nvm.img"; }

  /// All that a sensor gives until its source ends.
  struct Given {
    std::vector<std::int16_t> samples;
    std::vector<std::uint64_t> boundaries;  ///< frames behind which the source ends
    std::vector<std::uint64_t> pauses;      ///< frames before which it was off
    std::uint64_t next = 0;
  };
  static Given Drain(node::Sensor& sensor) {
    Given out;
    std::vector<std::int16_t> memory(1000 * sensor.channels());
    for (auto block = sensor.Read(memory); block.ok(); block = sensor.Read(memory)) {
      if (block->pause_frames > 0) {
        out.pauses.push_back(block->first_frame);
      }
      out.samples.insert(out.samples.end(), block->samples.begin(), block->samples.end());
      out.next = block->first_frame + block->samples.size() / sensor.channels();
      if (block->boundary) {
        out.boundaries.push_back(out.next);
      }
    }
    return out;
  }
  Given FromMemory() {
    std::string error;
    const auto file = node::sim::BoardFile::Open(path(), error);
    EXPECT_TRUE(file.ok()) << error;
    const auto table = node::board::SensorTable::Open((*file)->area(node::board::kSensorArea));
    EXPECT_TRUE(table.ok());
    node::sim::SimClock world({});
    node::board::SampleClock clock(world, LogicalTime(Millis(1)));
    node::board::SensorMemory sensor(*table, clock, true);
    return Drain(sensor);
  }
  Given FromHost() {
    std::vector<std::string> errors;
    auto source = node::sim::OpenSource(request_.source, errors);
    node::sim::SimClock clock({});
    node::sim::PacedSensor sensor(std::move(source.samples), clock, {.pace = 0});
    return Drain(sensor);
  }
  void ExpectTheSame() {
    const Given host = FromHost();
    const Given board = FromMemory();
    EXPECT_FALSE(host.samples.empty());
    EXPECT_EQ(board.samples, host.samples);
    EXPECT_EQ(board.boundaries, host.boundaries);
    EXPECT_EQ(board.pauses, host.pauses);
    EXPECT_EQ(board.next, host.next);
  }

  std::filesystem::path folder_;
  ImageRequest request_;
  std::vector<std::string> errors_;
};

TEST_F(Image, GivesABoardTheSamplesThatTheHostWouldTake) {
  ASSERT_TRUE(Make().ok()) << errors_.front();
  ExpectTheSame();
}

TEST_F(Image, KeepsRecordsOfARecordingApart) {
  File("a.i16", std::string(2 * 3000, '\x07'));
  File("b.i16", std::string(2 * 500, '\x11'));
  request_.source = {.replay = File("manifest.toml", R"(
format = "trib.recording"
version = 1
[[recording]]
file = "a.i16"
encoding = "int16le"
channels = ["x"]
fs_hz = 1000
scale = 0.5
unit = "g"
label = "normal"
record_frames = 700
[[recording]]
file = "b.i16"
encoding = "int16le"
channels = ["x"]
fs_hz = 1000
scale = 0.5
unit = "g"
label = "fault"
)")};
  ASSERT_TRUE(Make().ok()) << errors_.front();
  ExpectTheSame();
  EXPECT_EQ(FromMemory().boundaries.size(), 6U);
}

TEST_F(Image, KeepsThePausesOfADutyCycle) {
  request_.source = {
      .machine = File("machine.toml", "[sampling]\nburst_frames = 1024\nperiod = \"2s\"\n")};
  request_.seconds = 20;
  ASSERT_TRUE(Make().ok()) << errors_.front();
  const Given board = FromMemory();
  EXPECT_EQ(board.pauses.size(), 9U);
  EXPECT_EQ(board.samples.size(), 10U * 1024);
}

TEST_F(Image, EachBoardHasItsOwnFile) {
  for (const auto& [name, bytes] :
       {std::pair("mps2-an386", 16U << 20U), {"mps3-an547", 2U << 30U}}) {
    request_.board = *ParseBoard(name);
    ASSERT_TRUE(Make().ok()) << errors_.front();
    EXPECT_EQ(std::filesystem::file_size(path()), bytes);
    struct stat info {};
    ASSERT_EQ(::stat(path().c_str(), &info), 0);
    EXPECT_LE(info.st_blocks * 512, 17 << 20) << "holes stay holes";
    std::string error;
    EXPECT_EQ(Inspect(path(), error)["board"], name) << error;
    std::filesystem::remove(path());
  }
  EXPECT_THAT(BoardNames(), ElementsAre("mps2-an386", "mps3-an547"));
  EXPECT_FALSE(ParseBoard("linux"));
}

TEST_F(Image, ShowsWhatItHolds) {
  request_.identity.seed = 9;
  request_.identity.start = LogicalTime(Millis(1234));
  request_.identity.own_time = true;
  request_.identity.full_speed = true;
  request_.identity.mtu = 51;
  request_.source.loop = true;
  ASSERT_TRUE(Make().ok()) << errors_.front();
  std::string error;
  const auto shown = Inspect(path(), error);
  EXPECT_EQ(shown["node"], 7);
  EXPECT_EQ(shown["seed"], 9);
  EXPECT_EQ(shown["start_time_ms"], 1234);
  EXPECT_EQ(shown["own_time"], true);
  EXPECT_EQ(shown["full_speed"], true);
  EXPECT_EQ(shown["hold_for_verdicts"], false);
  EXPECT_EQ(shown["mtu"], 51);
  EXPECT_EQ(shown["package"], nullptr);
  EXPECT_EQ(shown["entropy"]["generation"], 1);
  EXPECT_EQ(shown["entropy"]["boots"], 0);
  EXPECT_EQ(shown["sensor"]["sample_rate_hz"], 12'000);
  EXPECT_EQ(shown["sensor"]["seconds"], 3.0);
  EXPECT_EQ(shown["sensor"]["loop"], true);
}

TEST_F(Image, NeverTouchesAFileThatIsThere) {
  File("nvm.img", "a node's life");
  EXPECT_EQ(Make().code(), Code::kAlreadyExists);
  EXPECT_EQ(std::filesystem::file_size(path()), 13U);
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("exists already")));
}

TEST_F(Image, SaysWhatItCannotHold) {
  request_.source.phases = "normal:1000";
  EXPECT_EQ(Make().code(), Code::kInvalidArgument);
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("longer than sensor memory, which holds 349 s")));
  errors_.clear();
  request_.source = {.machine = File("machine.toml", "")};
  EXPECT_EQ(Make().code(), Code::kInvalidArgument);
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("--seconds")));
  errors_.clear();
  request_.seconds = 5;
  request_.faults = {{.kind = simulation::SensorFaultKind::kGap, .begin_s = 1, .end_s = 2}};
  EXPECT_EQ(Make().code(), Code::kInvalidArgument);
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("missing")));
  errors_.clear();
  request_.faults.clear();
  request_.seconds = 0.00001;
  EXPECT_EQ(Make().code(), Code::kInvalidArgument);
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("gives nothing")));
  errors_.clear();
  request_.seconds = 5;
  request_.identity.mtu = 50;
  EXPECT_EQ(Make().code(), Code::kInvalidArgument);
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("MTU")));
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Image, RefusesAPackageThatTheBoardWouldRefuse) {
  request_.package = File("package.trib", std::string(100, 'x'));
  EXPECT_EQ(Make().code(), Code::kInvalidArgument);
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("the board would refuse it")));
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Image, ShowsWhyAFileIsNone) {
  std::string error;
  EXPECT_TRUE(Inspect(path(), error).is_null());
  EXPECT_THAT(error, HasSubstr("No such file"));
  File("nvm.img", "short");
  EXPECT_TRUE(Inspect(path(), error).is_null());
  EXPECT_THAT(error, HasSubstr("no board's memory"));
  std::filesystem::resize_file(path(), 16U << 20U);
  EXPECT_TRUE(Inspect(path(), error).is_null());
  EXPECT_THAT(error, HasSubstr("no identity: blank"));
}

}  // namespace
}  // namespace trib::tools::board
