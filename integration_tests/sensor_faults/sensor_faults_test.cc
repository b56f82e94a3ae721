// Sensors that lie: each kind of bad sample keeps the model from running, lets the fallback rules
// drive the Actuator, and reaches the store as a fault, followed by its recovery.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <limits>
#include <random>
#include <sstream>

#include "river.h"
#include "trib/common/message/types.h"
#include "trib/node/ports/actuator.h"

namespace trib::integration {
namespace {

using message::FaultCode;
using node::ActuatorState;

constexpr double kRate_hz = 12'000;
constexpr double kScale = 0.00048828125;  // g per count
constexpr std::uint64_t kNode = 101;

/// A healthy machine, in g: a fast shaft, a harmonic and noise; 2 mm/s.
class Machine {
 public:
  float Next() {
    const double t = static_cast<double>(frame_++) / kRate_hz;
    return static_cast<float>(0.2 * std::sin(2 * 3.14159265358979 * 118.0 * t) +
                              0.1 * std::sin(2 * 3.14159265358979 * 236.0 * t + 1) +
                              0.03 * noise_(random_));
  }

 private:
  std::mt19937_64 random_{99};
  std::normal_distribution<double> noise_;
  std::uint64_t frame_ = 0;
};

/// Files of samples and the manifest that plays them in order.
class FaultPlaylist {
 public:
  explicit FaultPlaylist(std::filesystem::path folder) : folder_(std::move(folder)) {
    toml_ << "format = \"trib.recording\"\nversion = 1\n";
  }
  /// `bad` turns a healthy value in g into what the sensor says instead.
  template <typename Bad>
  void AddFloats(double seconds, Bad bad) {
    Add<float>(seconds, "float32le", kScale, bad);
  }
  template <typename Bad>
  void AddCounts(double seconds, const std::string& scale, Bad bad) {
    Add<std::int16_t>(seconds, "int16le", scale, [&](float value) {
      const double counts = bad(std::round(value / kScale));
      return static_cast<std::int16_t>(std::clamp(counts, -32'768.0, 32'767.0));
    });
  }
  void AddHealthy(double seconds) {
    AddCounts(seconds, "0.00048828125", [](double counts) { return counts; });
  }
  std::filesystem::path Write() {
    auto path = folder_ / "sensor.toml";
    std::ofstream(path) << toml_.str();
    return path;
  }

 private:
  template <typename Sample, typename Scale, typename Bad>
  void Add(double seconds, const char* encoding, const Scale& scale, Bad bad) {
    const std::string name = "part-" + std::to_string(parts_++) + ".bin";
    std::ofstream out(folder_ / name, std::ios::binary);
    for (int i = 0; i < static_cast<int>(seconds * kRate_hz); ++i) {
      const Sample sample = bad(machine_.Next());
      out.write(reinterpret_cast<const char*>(&sample), sizeof sample);
    }
    toml_ << "[[recording]]\nfile = \"" << name << "\"\nencoding = \"" << encoding
          << "\"\nchannels = [\"DE\"]\nfs_hz = 12000\nscale = " << std::setprecision(17) << scale
          << "\nunit = \"g\"\n";
  }

  std::filesystem::path folder_;
  std::ostringstream toml_;
  Machine machine_;
  int parts_ = 0;
};

class SensorFaults : public River {
 protected:
  struct Expected {
    FaultCode code = FaultCode::kUnspecified;
    ActuatorState actuator = ActuatorState::kWarn;
    const char* said = "warn";  ///< the Actuator's own log
    bool with_package = true;
  };

  void SetUp() override {
    River::SetUp();
    StartGateway(1);
    Admit(kNode, 1);
  }

  /// Plays, waits until all is stored, and checks everything that a fault must leave behind.
  void Play(const std::filesystem::path& manifest,
            const Expected& expected,
            std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"--replay",
                                          manifest.string(),
                                          "--exit-when-done",
                                          "--drain-timeout",
                                          "600",
                                          "--time-scale",
                                          "max"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ASSERT_TRUE(fleet().StartNode(
        kNode,
        {.arguments = arguments, .package = expected.with_package ? package() : std::string()}))
        << fleet().error();
    const auto report = AwaitNode(kNode);
    const auto made = report.value("records", std::uint64_t{0});
    AwaitStored(made);
    ExpectExactlyOnce(kNode, made);

    const auto windows = report.value("windows", std::uint64_t{0});
    const auto invalid = report.value("windows_invalid", std::uint64_t{0});
    EXPECT_GT(invalid, 0U);
    EXPECT_GT(windows, invalid);
    // Not one of the bad windows was shown to the trigger, the model of this package.
    EXPECT_EQ(Query("SELECT sum(windows) FROM record WHERE kind = 17"),
              static_cast<std::int64_t>(windows));
    EXPECT_EQ(report.value("windows_triggered", 1U), 0U) << "a bad window reached the trigger";
    EXPECT_EQ(report.value("events", 1U), 0U);

    const std::string fault = "FROM record WHERE kind = 20 AND fault_code = " +
                              std::to_string(static_cast<int>(expected.code));
    EXPECT_EQ(Query("SELECT count(*) " + fault), 1);
    EXPECT_EQ(Query("SELECT actuator " + fault), static_cast<int>(expected.actuator));
    EXPECT_EQ(Query("SELECT tier " + fault), static_cast<int>(message::Tier::kFallback));
    EXPECT_NE(Query("SELECT flags " + fault) & message::record_flag::kFallbackRules, 0);
    const std::string recovered = "FROM record WHERE kind = 20 AND fault_code = " +
                                  std::to_string(static_cast<int>(FaultCode::kSensorRecovered));
    EXPECT_EQ(Query("SELECT count(*) " + recovered), 1);
    EXPECT_EQ(Query("SELECT windows " + recovered), static_cast<std::int64_t>(invalid));
    EXPECT_EQ(Query("SELECT actuator " + recovered), static_cast<int>(ActuatorState::kNormal));
    EXPECT_GT(Query("SELECT sequence " + recovered), Query("SELECT sequence " + fault));
    EXPECT_EQ(Query("SELECT count(*) FROM record WHERE kind = 20"), 2);

    // The Actuator was driven there and back by the node itself.
    std::vector<std::string> states;
    std::ifstream log(fleet().File("node-101.log"));
    for (std::string line; std::getline(log, line);) {
      const auto at = line.find("[actuator] ");
      if (at != std::string::npos) {
        states.push_back(line.substr(at + std::string("[actuator] ").size()));
      }
    }
    EXPECT_EQ(states, (std::vector<std::string>{"normal", expected.said, "normal"}));
    std::cout << windows << " windows, " << invalid << " invalid; actuator normal, "
              << expected.said << ", normal; " << made << " records stored\n";
  }
};

constexpr double kBefore_s = 6;
constexpr double kBad_s = 2;
constexpr double kAfter_s = 4;

TEST_F(SensorFaults, NaNValues) {
  FaultPlaylist playlist(fleet().folder());
  playlist.AddHealthy(kBefore_s);
  int i = 0;
  playlist.AddFloats(kBad_s, [&](float value) {
    return ++i % 500 == 0 ? std::numeric_limits<float>::quiet_NaN() : value;
  });
  playlist.AddHealthy(kAfter_s);
  Play(playlist.Write(), {.code = FaultCode::kSensorNonFinite});
}

TEST_F(SensorFaults, InfiniteValues) {
  FaultPlaylist playlist(fleet().folder());
  playlist.AddHealthy(kBefore_s);
  int i = 0;
  playlist.AddFloats(kBad_s, [&](float value) {
    return ++i % 500 == 0 ? std::numeric_limits<float>::infinity() : value;
  });
  playlist.AddHealthy(kAfter_s);
  Play(playlist.Write(), {.code = FaultCode::kSensorNonFinite});
}

TEST_F(SensorFaults, ScaleNotANumber) {
  FaultPlaylist playlist(fleet().folder());
  playlist.AddHealthy(kBefore_s);
  playlist.AddCounts(kBad_s, "nan", [](double counts) { return counts; });
  playlist.AddHealthy(kAfter_s);
  Play(playlist.Write(), {.code = FaultCode::kSensorNonFinite});
}

TEST_F(SensorFaults, ScaleNotANumberWithoutAPackage) {
  FaultPlaylist playlist(fleet().folder());
  playlist.AddHealthy(kBefore_s);
  playlist.AddCounts(kBad_s, "nan", [](double counts) { return counts; });
  playlist.AddHealthy(kAfter_s);
  Play(playlist.Write(), {.code = FaultCode::kSensorNonFinite, .with_package = false});
}

TEST_F(SensorFaults, Stuck) {
  FaultPlaylist playlist(fleet().folder());
  playlist.AddHealthy(kBefore_s);
  playlist.AddCounts(kBad_s, "0.00048828125", [](double) { return 123.0; });
  playlist.AddHealthy(kAfter_s);
  Play(playlist.Write(), {.code = FaultCode::kSensorStuck});
}

TEST_F(SensorFaults, Clipped) {
  FaultPlaylist playlist(fleet().folder());
  playlist.AddHealthy(kBefore_s);
  playlist.AddCounts(kBad_s, "0.00048828125", [](double counts) { return counts * 75; });
  playlist.AddHealthy(kAfter_s);
  Play(playlist.Write(),
       {.code = FaultCode::kSensorClipped, .actuator = ActuatorState::kStop, .said = "stop"});
}

TEST_F(SensorFaults, ClippedAtTimesOnly) {
  FaultPlaylist playlist(fleet().folder());
  playlist.AddHealthy(kBefore_s);
  int i = 0;
  playlist.AddCounts(
      kBad_s, "0.00048828125", [&](double counts) { return ++i % 50 == 0 ? 32'767.0 : counts; });
  playlist.AddHealthy(kAfter_s);
  Play(playlist.Write(),
       {.code = FaultCode::kSensorClipped, .actuator = ActuatorState::kReduce, .said = "reduce"});
}

TEST_F(SensorFaults, ScaleOutOfRange) {
  FaultPlaylist playlist(fleet().folder());
  playlist.AddHealthy(kBefore_s);
  // Counts of 0.5 g per step: not a scale that a 16-bit sensor of this kind has.
  playlist.AddCounts(kBad_s, "0.5", [](double counts) { return counts / 1000 + 1; });
  playlist.AddHealthy(kAfter_s);
  Play(playlist.Write(), {.code = FaultCode::kSensorOutOfRange});
}

TEST_F(SensorFaults, Missing) {
  FaultPlaylist playlist(fleet().folder());
  playlist.AddHealthy(kBefore_s + kBad_s + kAfter_s);
  Play(playlist.Write(),
       {.code = FaultCode::kSensorMissing},
       {"--inject", "missing@" + std::to_string(kBefore_s) + ".." + std::to_string(8.0)});
}

TEST_F(SensorFaults, ABoundaryIsNoFaultAndNoWindowCrossesIt) {
  FaultPlaylist playlist(fleet().folder());
  constexpr int kParts = 10;
  for (int i = 0; i < kParts; ++i) {
    playlist.AddHealthy(1);
  }
  ASSERT_TRUE(fleet().StartNode(
      kNode,
      {.arguments =
           {"--replay", playlist.Write().string(), "--exit-when-done", "--time-scale", "max"},
       .package = package()}))
      << fleet().error();
  const auto report = AwaitNode(kNode);
  AwaitStored(report.value("records", std::uint64_t{0}));
  // A second holds ten windows of 2,048 frames every 1,024, and 12,000 - 11 x 1,024 frames are
  // left.
  EXPECT_EQ(report.value("windows", 0), kParts * 10);
  EXPECT_EQ(report.value("windows_invalid", 1), 0);
  EXPECT_EQ(report.value("frames_discarded", 0), kParts * (12'000 - 11 * 1'024));
  EXPECT_EQ(Query("SELECT count(*) FROM record WHERE kind = 20"), 0);
  std::cout << report["windows"] << " windows of " << kParts << " records, "
            << report["frames_discarded"] << " frames in no window\n";
}

}  // namespace
}  // namespace trib::integration
