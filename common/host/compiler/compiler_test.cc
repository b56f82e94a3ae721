#include "trib/common/host/compiler/compiler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "trib/common/nn/runner.h"
#include "trib/testing/tflite_writer.h"

namespace trib::host::compiler {
namespace {

using testing::SmallConvNet;
using testing::SmallSvdfNet;
using testing::TfliteFile;
using tflite::Builtin;
using tflite::Type;

class Compiling : public ::testing::Test {
 protected:
  Result<Compiled> Make(const Options& options = {}) {
    bytes_ = testing::WriteTflite(file_);
    auto model = tflite::Read(bytes_, error_);
    EXPECT_TRUE(model.ok()) << error_;
    return Compile(*model, options, error_);
  }
  void ExpectRefused(Code code, const std::string& text) {
    const auto compiled = Make();
    ASSERT_FALSE(compiled.ok()) << text;
    EXPECT_EQ(compiled.status().code(), code) << error_;
    EXPECT_NE(error_.find(text), std::string::npos) << error_;
    EXPECT_EQ(error_.find('\n'), std::string::npos);
  }
  tflite::Operator& op(std::size_t i) { return file_.model.operators[i]; }
  tflite::Tensor& tensor(std::int32_t i) {
    return file_.model.tensors[static_cast<std::size_t>(i)];
  }

  std::vector<std::vector<std::byte>> storage_;
  TfliteFile file_ = SmallConvNet(1, storage_);
  std::vector<std::byte> bytes_;
  std::string error_;
};

TEST_F(Compiling, EqualModelsGiveEqualBytes) {
  const auto a = Make();
  const auto b = Make();
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->plan, b->plan);
  EXPECT_EQ(a->weights, b->weights);
}

TEST_F(Compiling, FusingDropsTheReshapeAndReportsTheRest) {
  const auto fused = Make();
  const auto whole = Make({.fuse = false});
  ASSERT_TRUE(fused.ok() && whole.ok()) << error_;
  EXPECT_EQ(fused->report.size() + 1, whole->report.size());
  EXPECT_EQ(whole->report[0].name, "CONV_2D");
  EXPECT_EQ(whole->report[0].macs, 3U * 3 * 4 * 18);
  EXPECT_EQ(whole->report[0].weight_bytes, 4U * 18 + 4 * 4 + 5 * 4);
  EXPECT_EQ(whole->cuts.size(), 6U);
  // Before the sum both its inputs live.
  EXPECT_EQ(whole->cuts[1].tensors.size(), 2U);
  EXPECT_EQ(whole->cuts[1].bytes, 72U);
}

TEST_F(Compiling, EveryRandomModelRunsAlikeWithAndWithoutOverlapAndFusion) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    storage_.clear();
    file_ = seed % 2 == 0 ? SmallConvNet(seed, storage_) : SmallSvdfNet(seed, storage_);
    std::vector<std::vector<std::byte>> results;
    for (const Options options :
         {Options{false, false}, Options{false, true}, Options{true, false}, Options{true, true}}) {
      const auto compiled = Make(options);
      ASSERT_TRUE(compiled.ok()) << error_;
      const auto plan = nn::Plan::Load(compiled->plan, compiled->weights);
      ASSERT_TRUE(plan.ok());
      std::vector<std::uint32_t> arena(compiled->arena_bytes / 4 + 1, 0xABABABABU);
      std::vector<std::uint32_t> state(compiled->state_bytes / 4 + 1);
      auto runner = nn::Runner::Open(*plan,
                                     std::as_writable_bytes(std::span(arena)),
                                     std::as_writable_bytes(std::span(state)));
      ASSERT_TRUE(runner.ok());
      runner->Reset();
      std::vector<std::byte> all;
      for (unsigned step = 0; step < 3; ++step) {
        unsigned value = seed * 31 + step;
        for (std::byte& b : runner->input(0)) {
          value = value * 1664525U + 1013904223U;
          b = static_cast<std::byte>(value >> 24U);
        }
        runner->Run();
        const auto out = runner->output(0);
        all.insert(all.end(), out.begin(), out.end());
      }
      EXPECT_EQ(arena.back(), 0xABABABABU);  // beyond the stated arena
      results.push_back(all);
    }
    ASSERT_EQ(results[0], results[1]) << seed;
    ASSERT_EQ(results[0], results[2]) << seed;
    ASSERT_EQ(results[0], results[3]) << seed;
  }
}

TEST_F(Compiling, RefusesFloatModelsByName) {
  for (tflite::Tensor& t : file_.model.tensors) {
    if (t.data.empty()) {
      t.type = Type::kFloat32;
    }
  }
  ExpectRefused(Code::kUnimplemented, "tensor 0 (input) is float32: quantise the model");
}

TEST_F(Compiling, RefusesUnknownOperatorsByNameAndIndex) {
  op(2).builtin = static_cast<Builtin>(17);
  ExpectRefused(Code::kUnimplemented, "operator 2 MAX_POOL_2D: this operator is not supported");
  op(2).builtin = static_cast<Builtin>(32);
  op(2).custom = "MyOp";
  ExpectRefused(Code::kUnimplemented, "'MyOp'");
}

TEST_F(Compiling, RefusesDynamicShapes) {
  file_.dynamic = true;
  ExpectRefused(Code::kUnimplemented, "tensor 0 (input) has a dynamic shape");
}

TEST_F(Compiling, RefusesOptionsThatTheEngineLacks) {
  op(0).options.activation = tflite::Activation::kTanh;
  ExpectRefused(Code::kUnimplemented, "operator 0 CONV_2D: fused activation TANH");
  op(0).options.activation = tflite::Activation::kNone;
  op(0).options.stride_width = 0;
  ExpectRefused(Code::kUnimplemented, "stride 0");
  op(0).options.stride_width = 1;
  ExpectRefused(Code::kInvalidArgument, "an output extent of 3 where 6 follows");
}

TEST_F(Compiling, RefusesComputedWeightsAndConstantInputs) {
  const std::int32_t weights = op(0).inputs[1];
  tensor(weights).data = {};
  ExpectRefused(Code::kUnimplemented, "is computed, not constant");
  storage_.clear();
  file_ = SmallConvNet(1, storage_);
  op(2).inputs[1] = op(5).inputs[1];
  ExpectRefused(Code::kUnimplemented, "is a constant where a computed one is needed");
}

TEST_F(Compiling, RefusesWrongTypesShapesAndZeroPoints) {
  const std::int32_t weights = op(0).inputs[1];
  tensor(weights).zero_points[2] = 5;
  ExpectRefused(Code::kUnimplemented, "zero point other than 0");
  tensor(weights).zero_points[2] = 0;
  tensor(op(2).outputs[0]).shape = {1, 3, 4, 3};
  ExpectRefused(Code::kUnimplemented, "different shapes");
}

TEST_F(Compiling, RefusesTensorsOutOfOrder) {
  std::swap(file_.model.operators[1], file_.model.operators[2]);
  ExpectRefused(Code::kInvalidArgument, "is not computed before");
  std::swap(file_.model.operators[1], file_.model.operators[2]);
  op(1).outputs[0] = op(0).outputs[0];
  ExpectRefused(Code::kInvalidArgument, "is computed twice");
}

TEST_F(Compiling, RefusesOutputsThatAreNeverComputed) {
  file_.model.operators.pop_back();
  ExpectRefused(Code::kInvalidArgument, "is never computed");
}

TEST(Multipliers, AreTheNearestAndRefuseWhatNoPlanHolds) {
  for (const double real : {1.0, 0.5, 0.75, 1e-9, 0.1, 3.7, 1e6, 1.0 - 1e-12}) {
    const auto m = QuantizeMultiplier(real);
    ASSERT_TRUE(m.ok());
    EXPECT_GE(m->m, 1 << 30);
    EXPECT_NEAR(std::ldexp(m->m, m->shift - 31) / real, 1, 1e-9);
  }
  EXPECT_EQ(QuantizeMultiplier(0)->m, 0);
  EXPECT_EQ(QuantizeMultiplier(1e-30)->m, 0);
  EXPECT_FALSE(QuantizeMultiplier(-1).ok());
  EXPECT_FALSE(QuantizeMultiplier(1e12).ok());
  EXPECT_FALSE(QuantizeMultiplier(std::numeric_limits<double>::quiet_NaN()).ok());
}

}  // namespace
}  // namespace trib::host::compiler
