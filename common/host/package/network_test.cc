// Packages of the golden models: what they weigh beside their own weights.
#include <gtest/gtest.h>

#include <filesystem>

#include "trib/common/host/compiler/compiler.h"
#include "trib/common/host/package/package.h"
#include "trib/common/host/tflite/model.h"
#include "trib/common/nn/plan.h"
#include "trib/testing/shared_data.h"

namespace trib::host::package {
namespace {

/// int8 weights, int32 biases, and five bytes a channel for multiplier and shift.
std::uint64_t BareBytes(const tflite::Model& model) {
  std::uint64_t bytes = 0;
  for (const tflite::Operator& op : model.operators) {
    for (const std::int32_t input : op.inputs) {
      // A reshape's constant is a shape.
      if (input == tflite::kAbsent || op.builtin == tflite::Builtin::kReshape) {
        continue;
      }
      const tflite::Tensor& tensor = model.tensors[static_cast<std::size_t>(input)];
      if (tensor.type == tflite::Type::kInt8) {
        bytes += tensor.data.size();
      } else if (tensor.type == tflite::Type::kInt32 && tensor.shape.size() == 1) {
        bytes += tensor.data.size() + tensor.data.size() / 4 * 5;
      }
    }
  }
  return bytes;
}

TEST(NetworkPackages, WeighAtMostTwoKibibytesMoreThanTheirWeights) {
  const auto shared = testing::SharedDir();
  if (!shared || !std::filesystem::exists(*shared / "golden")) {
    GTEST_SKIP() << "NOT TESTED: no golden models here (shared/golden beside the repository)";
  }
  int models = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*shared / "golden")) {
    if (entry.path().extension() != ".tflite") {
      continue;
    }
    std::string error;
    const auto file = tflite::ModelFile::Load(entry.path(), error);
    ASSERT_TRUE(file.ok()) << error;
    const auto bytes = BuildPackage({}, &error, entry.path());
    ASSERT_TRUE(bytes.ok()) << error;
    const std::uint64_t bare = BareBytes((*file)->model());
    std::printf("%-44s package %6zu bytes, weights alone %6llu\n",
                entry.path().filename().c_str(),
                bytes->size(),
                static_cast<unsigned long long>(bare));
    EXPECT_LE(bytes->size(), bare + 2048);
    // What is in it is what a node will load.
    const auto view = PackageView::Open(*bytes);
    ASSERT_TRUE(view.ok());
    EXPECT_TRUE(
        nn::Plan::Load(view->Find(SectionType::kPlan), view->Find(SectionType::kWeights)).ok());
    ++models;
  }
  EXPECT_EQ(models, 8);
}

}  // namespace
}  // namespace trib::host::package
