// Sound .tflite files, each damaged at one place or in need of what the engine lacks: every one is
// refused with a line of its own that names operator, index, tensor and reason.
#include "broken_models.h"

#include <gtest/gtest.h>

#include <set>

#include "trib/common/host/compiler/compiler.h"
#include "trib/testing/tflite_writer.h"

namespace trib::host::compiler {
namespace {

using testing::TfliteFile;
using tflite::Type;

TfliteFile Make(From from, std::vector<std::vector<std::byte>>& storage) {
  switch (from) {
    case From::kConv:
      return testing::SmallConvNet(1, storage);
    case From::kSvdf:
      return testing::SmallSvdfNet(1, storage);
    case From::kLstm:
      break;
  }
  return testing::SmallLstmNet(1, storage);
}

Status ReadAndCompile(std::span<const std::byte> bytes, std::string& line) {
  const auto model = tflite::Read(bytes, line);
  return model.ok() ? Compile(*model, {}, line).status() : model.status();
}

TEST(BrokenModel, IsSoundBeforeItIsBroken) {
  for (const From from : {From::kConv, From::kSvdf, From::kLstm}) {
    std::vector<std::vector<std::byte>> storage;
    std::string line;
    EXPECT_TRUE(ReadAndCompile(testing::WriteTflite(Make(from, storage)), line).ok()) << line;
  }
}

TEST(BrokenModel, EachIsRefusedWithItsOwnLine) {
  std::set<std::string> lines;
  for (const Case& broken : kFiles) {
    std::vector<std::vector<std::byte>> storage;
    TfliteFile file = Make(broken.from, storage);
    broken.edit(file);
    std::string line;
    const Status status = ReadAndCompile(testing::WriteTflite(file), line);
    EXPECT_EQ(status.code(), broken.code) << broken.what << ": " << line;
    EXPECT_EQ(line, broken.line) << broken.what;
    EXPECT_TRUE(lines.insert(line).second) << broken.what << ": another damage has this line";
  }
}

/// The bytes at `at`, as a FlatBuffer's offsets lie.
void Put32(std::vector<std::byte>& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
  }
}

TEST(BrokenModel, OffsetsThatLeadOutsideAreFound) {
  std::vector<std::vector<std::byte>> storage;
  const auto sound = testing::WriteTflite(testing::SmallConvNet(1, storage));
  const auto refuse = [](const std::vector<std::byte>& bytes) {
    std::string line;
    EXPECT_EQ(ReadAndCompile(bytes, line).code(), Code::kDataLoss) << line;
    return line;
  };
  const std::string outside = "damaged or cut off: an offset leads outside the file";
  for (const std::size_t size : {sound.size() / 2, sound.size() / 4 * 3}) {
    EXPECT_EQ(refuse({sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)}), outside);
  }
  EXPECT_EQ(refuse({sound.begin(), sound.begin() + 7}), "not a .tflite file: 7 bytes");
  auto bytes = sound;
  Put32(bytes, 0, static_cast<std::uint32_t>(bytes.size()));  // of the model's table
  EXPECT_EQ(refuse(bytes), outside);
  bytes = sound;
  Put32(bytes, 0, 0xFFFFFFF0);
  EXPECT_EQ(refuse(bytes), outside);
}

TEST(BrokenModel, LinesStayShortAndSingleWhateverNamesSay) {
  std::vector<std::vector<std::byte>> storage;
  TfliteFile file = testing::SmallConvNet(1, storage);
  TensorOf(file, conv_net::kInput).name = "two\nlines" + std::string(100'000, 'x');
  TensorOf(file, conv_net::kInput).type = Type::kFloat32;
  std::string line;
  EXPECT_FALSE(ReadAndCompile(testing::WriteTflite(file), line).ok());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_LT(line.size(), 300U);
  EXPECT_NE(line.find("two?lines"), std::string::npos) << line;
}

}  // namespace
}  // namespace trib::host::compiler
