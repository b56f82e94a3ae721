#include "trib/testing/tflite_writer.h"

#include <flatbuffers/flatbuffers.h>

#include <random>
#include <utility>

namespace trib::testing {
namespace {

namespace tflite = host::tflite;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using Any = Offset<void>;

constexpr flatbuffers::voffset_t Field(int n) {
  return static_cast<flatbuffers::voffset_t>(4 + 2 * n);
}

/// A table of scalars, each under its field number.
class TableWriter {
 public:
  explicit TableWriter(FlatBufferBuilder& builder)
      : builder_(builder), start_(builder.StartTable()) {}
  template <typename T>
  void Scalar(int n, T value, T otherwise) {
    builder_.AddElement<T>(Field(n), value, otherwise);
  }
  template <typename T>
  void Child(int n, Offset<T> child) {
    if (!child.IsNull()) {
      builder_.AddOffset(Field(n), child);
    }
  }
  Any Finish() { return builder_.EndTable(start_); }

 private:
  FlatBufferBuilder& builder_;
  const flatbuffers::uoffset_t start_;
};

std::uint8_t OptionsType(tflite::Builtin builtin) {
  switch (builtin) {
    case tflite::Builtin::kConv2D:
      return 1;
    case tflite::Builtin::kDepthwiseConv2D:
      return 2;
    case tflite::Builtin::kAveragePool2D:
      return 5;
    case tflite::Builtin::kSvdf:
      return 6;
    case tflite::Builtin::kFullyConnected:
      return 8;
    case tflite::Builtin::kSoftmax:
      return 9;
    case tflite::Builtin::kAdd:
      return 11;
    case tflite::Builtin::kUnidirectionalSequenceLstm:
      return 71;
    default:
      return 0;
  }
}

Any WriteOptions(FlatBufferBuilder& builder, const tflite::Operator& op) {
  const tflite::Options& o = op.options;
  TableWriter table(builder);
  const auto strides = [&] {
    table.Scalar<std::int8_t>(0, static_cast<std::int8_t>(o.padding), 0);
    table.Scalar<std::int32_t>(1, o.stride_width, 0);
    table.Scalar<std::int32_t>(2, o.stride_height, 0);
  };
  const auto activation = [&](int n) {
    table.Scalar<std::int8_t>(n, static_cast<std::int8_t>(o.activation), 0);
  };
  switch (op.builtin) {
    case tflite::Builtin::kConv2D:
      strides();
      activation(3);
      table.Scalar<std::int32_t>(4, o.dilation_width, 1);
      table.Scalar<std::int32_t>(5, o.dilation_height, 1);
      break;
    case tflite::Builtin::kDepthwiseConv2D:
      strides();
      table.Scalar<std::int32_t>(3, o.depth_multiplier, 0);
      activation(4);
      table.Scalar<std::int32_t>(5, o.dilation_width, 1);
      table.Scalar<std::int32_t>(6, o.dilation_height, 1);
      break;
    case tflite::Builtin::kAveragePool2D:
      strides();
      table.Scalar<std::int32_t>(3, o.filter_width, 0);
      table.Scalar<std::int32_t>(4, o.filter_height, 0);
      activation(5);
      break;
    case tflite::Builtin::kFullyConnected:
      activation(0);
      table.Scalar<std::int8_t>(1, o.weights_format, 0);
      break;
    case tflite::Builtin::kSoftmax:
      table.Scalar<float>(0, o.beta, 0);
      break;
    case tflite::Builtin::kAdd:
      activation(0);
      break;
    case tflite::Builtin::kSvdf:
      table.Scalar<std::int32_t>(0, o.rank, 0);
      activation(1);
      break;
    case tflite::Builtin::kUnidirectionalSequenceLstm:
      activation(0);
      table.Scalar<float>(1, o.cell_clip, 0);
      table.Scalar<float>(2, o.projection_clip, 0);
      table.Scalar<std::uint8_t>(3, o.time_major ? 1 : 0, 0);
      table.Scalar<std::uint8_t>(5, o.diagonal_recurrent ? 1 : 0, 0);
      break;
    default:
      break;
  }
  return table.Finish();
}

Any WriteTensor(FlatBufferBuilder& builder,
                const TfliteFile& file,
                const tflite::Tensor& tensor,
                std::uint32_t buffer) {
  const auto name = builder.CreateString(tensor.name);
  const auto shape = builder.CreateVector(tensor.shape);
  const auto scales = builder.CreateVector(tensor.scales);
  const auto zeros = builder.CreateVector(tensor.zero_points);
  TableWriter quantization(builder);
  quantization.Child(2, scales);
  quantization.Child(3, zeros);
  quantization.Scalar<std::int32_t>(6, tensor.channel_dimension, 0);
  const Any quantized = quantization.Finish();
  std::vector<std::int32_t> open = tensor.shape;
  if (file.dynamic && open.size() > 1) {
    open[1] = -1;
  }
  const auto signature = builder.CreateVector(open);
  const Any sparsity = tensor.sparse ? TableWriter(builder).Finish() : Any();
  TableWriter table(builder);
  table.Child(0, shape);
  table.Scalar<std::int8_t>(1, static_cast<std::int8_t>(tensor.type), 0);
  table.Scalar<std::uint32_t>(2, buffer, 0);
  table.Child(3, name);
  table.Child(4, quantized);
  table.Scalar<std::uint8_t>(5, tensor.variable ? 1 : 0, 0);
  table.Child(6, sparsity);
  table.Child(7, signature);
  return table.Finish();
}

Any WriteSubgraph(FlatBufferBuilder& builder, const TfliteFile& file) {
  std::vector<Any> tensors;
  std::uint32_t buffer = 0;
  for (const tflite::Tensor& tensor : file.model.tensors) {
    buffer += tensor.data.empty() ? 0U : 1U;
    tensors.push_back(
        WriteTensor(builder, file, tensor, tensor.data.empty() ? 0 : buffer + file.buffer_shift));
  }
  std::vector<Any> operators;
  for (std::size_t i = 0; i < file.model.operators.size(); ++i) {
    const tflite::Operator& op = file.model.operators[i];
    const Any options = file.without_options ? Any() : WriteOptions(builder, op);
    const auto inputs = builder.CreateVector(op.inputs);
    const auto outputs = builder.CreateVector(op.outputs);
    TableWriter table(builder);
    table.Scalar<std::uint32_t>(0, static_cast<std::uint32_t>(i), 0);
    table.Child(1, inputs);
    table.Child(2, outputs);
    table.Scalar<std::uint8_t>(
        3, static_cast<std::uint8_t>(OptionsType(op.builtin) + file.options_shift), 0);
    table.Child(4, options);
    operators.push_back(table.Finish());
  }
  const auto tensor_list = builder.CreateVector(tensors);
  const auto operator_list = builder.CreateVector(operators);
  const auto inputs = builder.CreateVector(file.model.inputs);
  const auto outputs = builder.CreateVector(file.model.outputs);
  TableWriter table(builder);
  table.Child(0, tensor_list);
  table.Child(1, inputs);
  table.Child(2, outputs);
  table.Child(3, operator_list);
  return table.Finish();
}

}  // namespace

std::vector<std::byte> WriteTflite(const TfliteFile& file) {
  FlatBufferBuilder builder;
  std::vector<Any> buffers;
  const auto add_buffer = [&](std::span<const std::byte> data) {
    const auto bytes =
        builder.CreateVector(reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
    TableWriter table(builder);
    table.Child(0, bytes);
    table.Scalar<std::uint64_t>(1, file.external_buffers ? 4096 : 0, 0);
    buffers.push_back(table.Finish());
  };
  add_buffer({});  // number 0 stands for none
  for (const tflite::Tensor& tensor : file.model.tensors) {
    if (!tensor.data.empty()) {
      add_buffer(tensor.data);
    }
  }
  std::vector<Any> subgraphs(file.subgraphs, WriteSubgraph(builder, file));
  std::vector<Any> codes;
  for (const tflite::Operator& op : file.model.operators) {
    const auto custom = builder.CreateString(op.custom);
    const auto number = static_cast<std::int32_t>(op.builtin);
    TableWriter table(builder);
    table.Scalar<std::int8_t>(0, static_cast<std::int8_t>(number < 127 ? number : 127), 0);
    table.Child(1, custom);
    table.Scalar<std::int32_t>(2, op.version, 1);
    table.Scalar<std::int32_t>(3, number, 0);
    codes.push_back(table.Finish());
  }
  const auto code_list = builder.CreateVector(codes);
  const auto subgraph_list = builder.CreateVector(subgraphs);
  const auto buffer_list = builder.CreateVector(buffers);
  const auto description = builder.CreateString(file.model.description);
  TableWriter table(builder);
  table.Scalar<std::uint32_t>(0, file.version, 0);
  table.Child(1, code_list);
  table.Child(2, subgraph_list);
  table.Child(3, description);
  table.Child(4, buffer_list);
  builder.Finish(table.Finish(), file.mark.c_str());
  const auto bytes = std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
  return {bytes.begin(), bytes.end()};
}

tflite::Tensor MakeTensor(std::string name,
                          std::vector<std::int32_t> shape,
                          tflite::Type type,
                          std::int64_t zero) {
  tflite::Tensor tensor;
  tensor.name = std::move(name);
  tensor.shape = std::move(shape);
  tensor.type = type;
  tensor.scales = {0.5F};
  tensor.zero_points = {zero};
  return tensor;
}

namespace {

/// Builds a model tensor by tensor, operator by operator.
class Sketch {
 public:
  Sketch(std::uint32_t seed, std::vector<std::vector<std::byte>>& storage)
      : random_(seed), storage_(storage) {}

  std::int32_t Add(tflite::Tensor tensor) {
    file_.model.tensors.push_back(std::move(tensor));
    return static_cast<std::int32_t>(file_.model.tensors.size() - 1);
  }
  /// `channels` = 0: per tensor.
  std::int32_t Weights(std::vector<std::int32_t> shape,
                       std::int32_t dimension,
                       std::size_t channels) {
    tflite::Tensor tensor = MakeTensor("weights", std::move(shape));
    std::size_t elements = 1;
    for (const std::int32_t dim : tensor.shape) {
      elements *= static_cast<std::size_t>(dim);
    }
    tensor.scales.assign(std::max<std::size_t>(channels, 1), 0.01F);
    tensor.zero_points.assign(tensor.scales.size(), 0);
    tensor.channel_dimension = dimension;
    tensor.data = Random(elements);
    return Add(std::move(tensor));
  }
  std::int32_t Bias(std::int32_t channels) {
    tflite::Tensor tensor = MakeTensor("bias", {channels}, tflite::Type::kInt32);
    std::vector<std::byte> data(4 * static_cast<std::size_t>(channels));
    for (std::size_t i = 0; i < data.size(); i += 4) {
      data[i] = static_cast<std::byte>(random_());
    }
    storage_.push_back(std::move(data));
    tensor.data = storage_.back();
    return Add(std::move(tensor));
  }
  tflite::Operator& Apply(tflite::Builtin builtin,
                          std::vector<std::int32_t> inputs,
                          std::int32_t output) {
    tflite::Operator op;
    op.builtin = builtin;
    op.inputs = std::move(inputs);
    op.outputs = {output};
    file_.model.operators.push_back(std::move(op));
    return file_.model.operators.back();
  }
  TfliteFile Finish(std::int32_t input, std::int32_t output) {
    file_.model.inputs = {input};
    file_.model.outputs = {output};
    return std::move(file_);
  }

 private:
  std::span<const std::byte> Random(std::size_t count) {
    std::vector<std::byte> data(count);
    for (std::byte& b : data) {
      b = static_cast<std::byte>(random_() >> 8U);
    }
    storage_.push_back(std::move(data));
    return storage_.back();
  }

  std::mt19937 random_;
  std::vector<std::vector<std::byte>>& storage_;
  TfliteFile file_;
};

}  // namespace

TfliteFile SmallConvNet(std::uint32_t seed, std::vector<std::vector<std::byte>>& storage) {
  using tflite::Builtin;
  Sketch sketch(seed, storage);
  const auto input = sketch.Add(MakeTensor("input", {1, 6, 6, 2}, tflite::Type::kInt8, -3));
  const auto a = sketch.Add(MakeTensor("a", {1, 3, 3, 4}));
  const auto b = sketch.Add(MakeTensor("b", {1, 3, 3, 4}, tflite::Type::kInt8, 7));
  const auto c = sketch.Add(MakeTensor("c", {1, 3, 3, 4}));
  const auto d = sketch.Add(MakeTensor("d", {1, 1, 1, 4}));
  const auto e = sketch.Add(MakeTensor("e", {1, 4}));
  const auto f = sketch.Add(MakeTensor("f", {1, 3}));
  tflite::Tensor result = MakeTensor("result", {1, 3}, tflite::Type::kInt8, -128);
  result.scales = {1.0F / 256};
  const auto g = sketch.Add(std::move(result));

  const auto conv_weights = sketch.Weights({4, 3, 3, 2}, 0, 4);
  auto& conv = sketch.Apply(Builtin::kConv2D, {input, conv_weights, sketch.Bias(4)}, a);
  conv.options.stride_width = 2;
  conv.options.stride_height = 2;
  conv.options.activation = tflite::Activation::kRelu;
  const auto depthwise_weights = sketch.Weights({1, 3, 3, 4}, 3, 4);
  sketch.Apply(Builtin::kDepthwiseConv2D, {a, depthwise_weights, sketch.Bias(4)}, b);
  sketch.Apply(Builtin::kAdd, {a, b}, c);
  auto& pool = sketch.Apply(Builtin::kAveragePool2D, {c}, d);
  pool.options.filter_width = 3;
  pool.options.filter_height = 3;
  pool.options.padding = tflite::Padding::kValid;
  sketch.Apply(Builtin::kReshape, {d}, e);
  const auto dense_weights = sketch.Weights({3, 4}, 0, 0);
  sketch.Apply(Builtin::kFullyConnected, {e, dense_weights, sketch.Bias(3)}, f);
  sketch.Apply(Builtin::kSoftmax, {f}, g);
  return sketch.Finish(input, g);
}

TfliteFile SmallSvdfNet(std::uint32_t seed, std::vector<std::vector<std::byte>>& storage) {
  using tflite::Builtin;
  Sketch sketch(seed, storage);
  const auto input = sketch.Add(MakeTensor("input", {1, 4}));
  const auto a = sketch.Add(MakeTensor("a", {1, 3}));
  const auto b = sketch.Add(MakeTensor("b", {1, 2}));
  const auto feature = sketch.Weights({6, 4}, 0, 0);
  const auto time = sketch.Weights({6, 5}, 0, 0);
  const auto bias = sketch.Bias(3);
  tflite::Tensor memory = MakeTensor("state", {1, 30});
  memory.variable = true;
  const auto state = sketch.Add(std::move(memory));
  sketch.Apply(Builtin::kSvdf, {input, feature, time, bias, state}, a).options.rank = 2;
  const auto weights = sketch.Weights({2, 3}, 0, 2);
  sketch.Apply(Builtin::kFullyConnected, {a, weights, tflite::kAbsent}, b);
  return sketch.Finish(input, b);
}

TfliteFile SmallLstmNet(std::uint32_t seed, std::vector<std::vector<std::byte>>& storage) {
  using tflite::Builtin;
  using tflite::Type;
  constexpr std::int32_t kInputs = 4;
  constexpr std::int32_t kCells = 3;
  Sketch sketch(seed, storage);
  const auto input = sketch.Add(MakeTensor("input", {1, 2, kInputs}, Type::kInt16));
  const auto a = sketch.Add(MakeTensor("a", {1, 2, kInputs}, Type::kInt8, 5));
  const auto b = sketch.Add(MakeTensor("b", {1, 2, kCells}, Type::kInt8, -2));
  tflite::Tensor classes = MakeTensor("c", {1, 2, kCells}, Type::kInt16, -32768);
  classes.scales = {1.0F / 65536};
  const auto c = sketch.Add(std::move(classes));
  const auto d = sketch.Add(MakeTensor("d", {1, 2, kCells}, Type::kInt32));
  sketch.Apply(Builtin::kQuantize, {input}, a);

  std::vector<std::int32_t> inputs(24, tflite::kAbsent);
  inputs[0] = a;
  for (std::size_t gate = 0; gate < 4; ++gate) {
    inputs[1 + gate] = sketch.Weights({kCells, kInputs}, 0, 0);
    inputs[5 + gate] = sketch.Weights({kCells, kCells}, 0, 0);
    inputs[12 + gate] = sketch.Bias(kCells);
  }
  tflite::Tensor hidden = MakeTensor("hidden", {1, kCells}, Type::kInt8, -2);
  hidden.variable = true;
  hidden.scales = {1.0F / 128};
  inputs[18] = sketch.Add(std::move(hidden));
  tflite::Tensor cell = MakeTensor("cell", {1, kCells}, Type::kInt16);
  cell.variable = true;
  cell.scales = {1.0F / 2048};
  inputs[19] = sketch.Add(std::move(cell));
  auto& lstm = sketch.Apply(Builtin::kUnidirectionalSequenceLstm, std::move(inputs), b);
  lstm.options.activation = tflite::Activation::kTanh;
  lstm.options.cell_clip = 10;
  sketch.Apply(Builtin::kSoftmax, {b}, c);
  sketch.Apply(Builtin::kQuantize, {c}, d);
  return sketch.Finish(input, d);
}

}  // namespace trib::testing
