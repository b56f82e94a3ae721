#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "trib/common/host/tflite/model.h"
#include "trib/testing/tflite_writer.h"

namespace trib::host::tflite {
namespace {

using testing::SmallConvNet;
using testing::TfliteFile;
using testing::WriteTflite;

class Reading : public ::testing::Test {
 protected:
  Result<Model> Read(const TfliteFile& file) {
    bytes_ = WriteTflite(file);
    return tflite::Read(bytes_, error_);
  }
  /// Expects a refusal with `code` whose line contains `text`.
  void ExpectRefused(const TfliteFile& file, Code code, const std::string& text) {
    const auto model = Read(file);
    ASSERT_FALSE(model.ok());
    EXPECT_EQ(model.status().code(), code) << error_;
    EXPECT_NE(error_.find(text), std::string::npos) << error_;
    EXPECT_EQ(error_.find('\n'), std::string::npos);
  }

  std::vector<std::vector<std::byte>> storage_;
  TfliteFile file_ = SmallConvNet(1, storage_);
  std::vector<std::byte> bytes_;
  std::string error_;
};

TEST_F(Reading, GivesBackWhatWasWritten) {
  file_.model.description = "small";
  const auto model = Read(file_);
  ASSERT_TRUE(model.ok()) << error_;
  EXPECT_EQ(model->description, "small");
  ASSERT_EQ(model->tensors.size(), file_.model.tensors.size());
  for (std::size_t i = 0; i < model->tensors.size(); ++i) {
    const Tensor& got = model->tensors[i];
    const Tensor& put = file_.model.tensors[i];
    EXPECT_EQ(got.name, put.name);
    EXPECT_EQ(got.shape, put.shape);
    EXPECT_EQ(got.type, put.type);
    EXPECT_EQ(got.scales, put.scales);
    EXPECT_EQ(got.zero_points, put.zero_points);
    EXPECT_TRUE(std::equal(got.data.begin(), got.data.end(), put.data.begin(), put.data.end()));
  }
  ASSERT_EQ(model->operators.size(), 7U);
  EXPECT_EQ(model->operators[0].builtin, Builtin::kConv2D);
  EXPECT_EQ(model->operators[0].options.stride_width, 2);
  EXPECT_EQ(model->operators[0].options.activation, Activation::kRelu);
  EXPECT_EQ(model->operators[3].options.padding, Padding::kValid);
  EXPECT_EQ(model->inputs, file_.model.inputs);
}

TEST_F(Reading, RefusesEveryTruncationWithoutLookingOutside) {
  const auto whole = WriteTflite(file_);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of exactly that size: a sanitizer sees any look past it.
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto model = tflite::Read(cut, error_);
    if (!model.ok()) {
      EXPECT_EQ(model.status().code(), Code::kDataLoss) << size << ": " << error_;
    }
  }
}

TEST_F(Reading, NamesWhatIsNotATfliteFile) {
  ASSERT_FALSE(tflite::Read({}, error_).ok());
  EXPECT_NE(error_.find("0 bytes"), std::string::npos) << error_;
  file_.mark = "ELF1";
  ExpectRefused(file_, Code::kDataLoss, "no mark TFL3");
}

TEST_F(Reading, RefusesOtherSchemaVersions) {
  file_.version = 2;
  ExpectRefused(file_, Code::kUnimplemented, "schema version 2");
}

TEST_F(Reading, RefusesSeveralSubgraphs) {
  file_.subgraphs = 2;
  ExpectRefused(file_, Code::kUnimplemented, "exactly one subgraph");
}

TEST_F(Reading, RefusesBuffersThatDoNotExist) {
  file_.buffer_shift = 1000;
  ExpectRefused(file_, Code::kInvalidArgument, "does not exist");
}

TEST_F(Reading, RefusesDataBehindTheModel) {
  file_.external_buffers = true;
  ExpectRefused(file_, Code::kUnimplemented, "behind the model");
}

TEST_F(Reading, RefusesTensorsThatDoNotExist) {
  file_.model.operators[2].inputs[1] = 99;
  ExpectRefused(file_, Code::kInvalidArgument, "operator 2 (ADD) inputs: tensor 99");
  file_.model.operators[2].inputs[1] = -2;
  ExpectRefused(file_, Code::kInvalidArgument, "tensor -2");
  file_.model.operators[2].inputs[1] = 1;
  file_.model.outputs[0] = -1;
  ExpectRefused(file_, Code::kInvalidArgument, "model outputs: tensor -1");
}

TEST_F(Reading, RefusesScalesThatAreNoScales) {
  for (const float scale : {0.0F, -1.0F, std::nanf(""), std::numeric_limits<float>::infinity()}) {
    file_.model.tensors[1].scales = {scale};
    ExpectRefused(file_, Code::kInvalidArgument, "tensor 1 (a): scale");
  }
  file_.model.tensors[1].scales = {1, 1, 1};
  file_.model.tensors[1].zero_points = {0, 0};
  ExpectRefused(file_, Code::kInvalidArgument, "differ in number");
  file_.model.tensors[1].zero_points = {0, 0, 0};
  ExpectRefused(file_, Code::kInvalidArgument, "do not fit its channels");
}

TEST_F(Reading, RefusesShapesThatAreNoShapes) {
  file_.model.tensors[0].shape = {1, -6, 6, 2};
  ExpectRefused(file_, Code::kInvalidArgument, "tensor 0 (input): dimension -6");
  file_.model.tensors[0].shape = {2'000'000'000, 2'000'000'000, 6, 2};
  ExpectRefused(file_, Code::kInvalidArgument, "too large");
}

TEST_F(Reading, RefusesDataOfAnotherSizeThanTheShape) {
  for (Tensor& tensor : file_.model.tensors) {
    if (tensor.name == "bias") {
      tensor.shape = {5};
      break;
    }
  }
  ExpectRefused(file_, Code::kInvalidArgument, "bytes of data for 5 elements");
}

TEST_F(Reading, EveryFlippedByteIsReadOrRefused) {
  const auto whole = WriteTflite(file_);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
      auto bytes = whole;
      bytes[i] ^= static_cast<std::byte>(flip);
      const auto model = tflite::Read(bytes, error_);
      ASSERT_TRUE(model.ok() || !error_.empty()) << i;
    }
  }
}

}  // namespace
}  // namespace trib::host::tflite
