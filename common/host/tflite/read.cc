#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>

#include "schema.h"
#include "trib/common/host/tflite/model.h"

namespace trib::host::tflite {
namespace {

constexpr std::uint32_t kSchemaVersion = 3;
constexpr std::size_t kMaxFileBytes = 64U << 20U;
constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 31;

std::size_t BytesOf(Type type) {
  switch (type) {
    case Type::kInt8:
    case Type::kUint8:
    case Type::kBool:
      return 1;
    case Type::kInt16:
    case Type::kFloat16:
      return 2;
    case Type::kFloat32:
    case Type::kInt32:
      return 4;
    case Type::kInt64:
    case Type::kComplex64:
      return 8;
    case Type::kString:
      break;
  }
  return 0;
}

/// Number of the options table that belongs to an operator; 0 where none is read.
std::uint8_t OptionsType(Builtin builtin) {
  switch (builtin) {
    case Builtin::kConv2D:
      return 1;
    case Builtin::kDepthwiseConv2D:
      return 2;
    case Builtin::kAveragePool2D:
      return 5;
    case Builtin::kSvdf:
      return 6;
    case Builtin::kFullyConnected:
      return 8;
    case Builtin::kSoftmax:
      return 9;
    case Builtin::kAdd:
      return 11;
    case Builtin::kUnidirectionalSequenceLstm:
      return 71;
    case Builtin::kReshape:
    case Builtin::kQuantize:
      break;
  }
  return 0;
}

/// Without a table, the options of these two are those of a plain sum or product.
bool NeedsOptions(Builtin builtin) {
  return OptionsType(builtin) != 0 && builtin != Builtin::kFullyConnected &&
         builtin != Builtin::kAdd;
}

template <typename T>
std::vector<T> Copy(const flatbuffers::Vector<T>* from) {
  return from == nullptr ? std::vector<T>() : std::vector<T>(from->begin(), from->end());
}

/// Names are for people alone: of reasonable length, and in one line.
std::string Copy(const flatbuffers::String* from) {
  constexpr std::size_t kMaxNameBytes = 200;
  std::string text = from == nullptr ? std::string() : from->str();
  if (text.size() > kMaxNameBytes) {
    text.resize(kMaxNameBytes);
    text += "...";
  }
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  return text;
}

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::string& error)
      : bytes_(bytes),
        error_(error),
        verifier_(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) {}

  Result<Model> Run();

 private:
  Status Fail(Code code, std::string text) {
    error_ = std::move(text);
    return code;
  }
  Result<Tensor> ReadTensor(const schema::Tensor& from, std::size_t index);
  Status CheckQuantization(const Tensor& tensor, const std::string& where);
  Status ReadData(const schema::Tensor& from, const std::string& where, Tensor& tensor);
  Result<Operator> ReadOperator(const schema::Operator& from, std::size_t index);
  bool ReadOptions(const schema::Options& from, Operator& op);
  Status CheckIndices(const std::vector<std::int32_t>& list,
                      const std::string& where,
                      bool optional);

  std::span<const std::byte> bytes_;
  std::string& error_;
  flatbuffers::Verifier verifier_;
  const schema::Model* model_ = nullptr;
  std::size_t tensors_ = 0;
};

Result<Model> Reader::Run() {
  if (bytes_.size() < 8 || bytes_.size() > kMaxFileBytes) {
    return Fail(Code::kDataLoss, "not a .tflite file: " + std::to_string(bytes_.size()) + " bytes");
  }
  if (reinterpret_cast<std::uintptr_t>(bytes_.data()) % 16 != 0) {
    return Fail(Code::kInvalidArgument, "the file's bytes must start at a multiple of 16");
  }
  if (std::memcmp(bytes_.data() + 4, "TFL3", 4) != 0) {
    return Fail(Code::kDataLoss, "not a .tflite file: no mark TFL3 at byte 4");
  }
  if (!verifier_.VerifyBuffer<schema::Model>("TFL3")) {
    return Fail(Code::kDataLoss, "damaged or cut off: an offset leads outside the file");
  }
  model_ = flatbuffers::GetRoot<schema::Model>(bytes_.data());
  if (model_->version() != kSchemaVersion) {
    return Fail(Code::kUnimplemented,
                "schema version " + std::to_string(model_->version()) + "; only 3 is read");
  }
  if (model_->subgraphs() == nullptr || model_->subgraphs()->size() != 1) {
    return Fail(Code::kUnimplemented, "models with exactly one subgraph are read");
  }
  const schema::Subgraph& graph = *model_->subgraphs()->Get(0);
  if (graph.tensors() == nullptr || graph.operators() == nullptr ||
      graph.operators()->size() == 0) {
    return Fail(Code::kInvalidArgument, "the model has no tensors or no operators");
  }
  Model model;
  model.description = Copy(model_->description());
  tensors_ = graph.tensors()->size();
  for (std::size_t i = 0; i < tensors_; ++i) {
    TRIB_TRY_ASSIGN(auto tensor,
                    ReadTensor(*graph.tensors()->Get(static_cast<flatbuffers::uoffset_t>(i)), i));
    model.tensors.push_back(std::move(tensor));
  }
  for (flatbuffers::uoffset_t i = 0; i < graph.operators()->size(); ++i) {
    TRIB_TRY_ASSIGN(auto op, ReadOperator(*graph.operators()->Get(i), i));
    model.operators.push_back(std::move(op));
  }
  model.inputs = Copy(graph.inputs());
  model.outputs = Copy(graph.outputs());
  TRIB_TRY(CheckIndices(model.inputs, "model inputs", false));
  TRIB_TRY(CheckIndices(model.outputs, "model outputs", false));
  return model;
}

Status Reader::CheckQuantization(const Tensor& tensor, const std::string& where) {
  if (tensor.scales.size() != tensor.zero_points.size()) {
    return Fail(Code::kInvalidArgument, where + ": scales and zero points differ in number");
  }
  for (const float scale : tensor.scales) {
    if (!(scale > 0) || scale > std::numeric_limits<float>::max()) {
      return Fail(Code::kInvalidArgument, where + ": scale is not a positive number");
    }
  }
  if (tensor.scales.size() > 1) {
    const auto dimension = static_cast<std::size_t>(tensor.channel_dimension);
    if (tensor.channel_dimension < 0 || dimension >= tensor.shape.size() ||
        tensor.scales.size() != static_cast<std::size_t>(tensor.shape[dimension])) {
      return Fail(Code::kInvalidArgument, where + ": scales do not fit its channels");
    }
  }
  return {};
}

Result<Tensor> Reader::ReadTensor(const schema::Tensor& from, std::size_t index) {
  Tensor tensor;
  tensor.name = Copy(from.name());
  const std::string where = "tensor " + std::to_string(index) + " (" + tensor.name + ")";
  tensor.type = static_cast<Type>(from.type());
  tensor.shape = Copy(from.shape());
  tensor.variable = from.variable();
  tensor.sparse = from.sparse();
  std::uint64_t elements = 1;
  for (const std::int32_t dim : tensor.shape) {
    if (dim < 0) {
      return Fail(Code::kInvalidArgument, where + ": dimension " + std::to_string(dim));
    }
    elements *= static_cast<std::uint64_t>(dim);
    if (elements > kMaxElements) {
      return Fail(Code::kInvalidArgument, where + ": too large");
    }
  }
  // Converters leave the batch open, and then the shape says 1.
  const std::vector<std::int32_t> signature = Copy(from.shape_signature());
  for (std::size_t i = 1; i < signature.size(); ++i) {
    tensor.dynamic = tensor.dynamic || signature[i] < 0;
  }
  if (const schema::Quantization* quantization = from.quantization()) {
    tensor.scales = Copy(quantization->scale());
    tensor.zero_points = Copy(quantization->zero_point());
    tensor.channel_dimension = quantization->dimension();
  }
  TRIB_TRY(CheckQuantization(tensor, where));
  TRIB_TRY(ReadData(from, where, tensor));
  const std::size_t size = BytesOf(tensor.type);
  if (!tensor.data.empty() && size != 0 && !tensor.sparse &&
      tensor.data.size() != elements * size) {
    return Fail(Code::kInvalidArgument,
                where + ": " + std::to_string(tensor.data.size()) + " bytes of data for " +
                    std::to_string(elements) + " elements");
  }
  return tensor;
}

Status Reader::ReadData(const schema::Tensor& from, const std::string& where, Tensor& tensor) {
  if (from.buffer() == 0) {
    return {};
  }
  const auto* buffers = model_->buffers();
  if (buffers == nullptr || from.buffer() >= buffers->size()) {
    return Fail(Code::kInvalidArgument,
                where + ": buffer " + std::to_string(from.buffer()) + " does not exist");
  }
  const schema::Buffer& buffer = *buffers->Get(from.buffer());
  if (buffer.external()) {
    return Fail(Code::kUnimplemented, where + ": its data lies behind the model");
  }
  if (buffer.data() != nullptr) {
    tensor.data = std::as_bytes(std::span(buffer.data()->data(), buffer.data()->size()));
  }
  return {};
}

Result<Operator> Reader::ReadOperator(const schema::Operator& from, std::size_t index) {
  Operator op;
  std::string where = "operator " + std::to_string(index);
  const auto* codes = model_->operator_codes();
  if (codes == nullptr || from.opcode_index() >= codes->size()) {
    return Fail(
        Code::kInvalidArgument,
        where + ": operator code " + std::to_string(from.opcode_index()) + " does not exist");
  }
  const schema::OperatorCode& code = *codes->Get(from.opcode_index());
  op.builtin = static_cast<Builtin>(code.builtin());
  op.custom = Copy(code.custom());
  op.version = code.version();
  op.inputs = Copy(from.inputs());
  op.outputs = Copy(from.outputs());
  where += " (" + BuiltinName(op.builtin) + ")";
  TRIB_TRY(CheckIndices(op.inputs, where + " inputs", true));
  TRIB_TRY(CheckIndices(op.outputs, where + " outputs", false));
  const std::uint8_t wanted = OptionsType(op.builtin);
  if (from.options() == nullptr && NeedsOptions(op.builtin)) {
    return Fail(Code::kInvalidArgument, where + ": its options are missing");
  }
  if (from.options() != nullptr && wanted != 0 && from.options_type() != wanted) {
    return Fail(Code::kInvalidArgument, where + ": its options are those of another operator");
  }
  if (from.options() != nullptr && !ReadOptions(*from.options(), op)) {
    return Fail(Code::kDataLoss, where + ": its options lead outside the file");
  }
  return op;
}

/// Field numbers as in the options table that belongs to the operator.
bool Reader::ReadOptions(const schema::Options& from, Operator& op) {
  bool good = true;
  Options& o = op.options;
  const auto i32 = [&](int n, std::int32_t& out) {
    out = from.Read<std::int32_t>(verifier_, n, out, good);
  };
  const auto f32 = [&](int n, float& out) { out = from.Read<float>(verifier_, n, out, good); };
  const auto flag = [&](int n, bool& out) {
    out = from.Read<std::uint8_t>(verifier_, n, out ? 1 : 0, good) != 0;
  };
  const auto activation = [&](int n) {
    o.activation = static_cast<Activation>(from.Read<std::int8_t>(verifier_, n, 0, good));
  };
  const auto strides = [&] {
    o.padding = static_cast<Padding>(from.Read<std::int8_t>(verifier_, 0, 0, good));
    o.stride_width = from.Read<std::int32_t>(verifier_, 1, 0, good);
    o.stride_height = from.Read<std::int32_t>(verifier_, 2, 0, good);
  };
  switch (op.builtin) {
    case Builtin::kConv2D:
      strides();
      activation(3);
      i32(4, o.dilation_width);
      i32(5, o.dilation_height);
      break;
    case Builtin::kDepthwiseConv2D:
      strides();
      o.depth_multiplier = from.Read<std::int32_t>(verifier_, 3, 0, good);
      activation(4);
      i32(5, o.dilation_width);
      i32(6, o.dilation_height);
      break;
    case Builtin::kAveragePool2D:
      strides();
      o.filter_width = from.Read<std::int32_t>(verifier_, 3, 0, good);
      o.filter_height = from.Read<std::int32_t>(verifier_, 4, 0, good);
      activation(5);
      break;
    case Builtin::kFullyConnected:
      activation(0);
      o.weights_format = from.Read<std::int8_t>(verifier_, 1, 0, good);
      break;
    case Builtin::kSoftmax:
      o.beta = from.Read<float>(verifier_, 0, 0, good);
      break;
    case Builtin::kAdd:
      activation(0);
      break;
    case Builtin::kSvdf:
      o.rank = from.Read<std::int32_t>(verifier_, 0, 0, good);
      activation(1);
      break;
    case Builtin::kUnidirectionalSequenceLstm:
      activation(0);
      f32(1, o.cell_clip);
      f32(2, o.projection_clip);
      flag(3, o.time_major);
      flag(5, o.diagonal_recurrent);
      break;
    case Builtin::kReshape:
    case Builtin::kQuantize:
      break;
  }
  return good;
}

Status Reader::CheckIndices(const std::vector<std::int32_t>& list,
                            const std::string& where,
                            bool optional) {
  for (const std::int32_t index : list) {
    const bool absent = optional && index == kAbsent;
    if (!absent && (index < 0 || static_cast<std::size_t>(index) >= tensors_)) {
      return Fail(Code::kInvalidArgument,
                  where + ": tensor " + std::to_string(index) + " does not exist");
    }
  }
  return {};
}

}  // namespace

Result<Model> Read(std::span<const std::byte> bytes, std::string& error) {
  return Reader(bytes, error).Run();
}

Result<std::unique_ptr<ModelFile>> ModelFile::Load(const std::filesystem::path& path,
                                                   std::string& error) {
  if (std::error_code failure; std::filesystem::is_directory(path, failure)) {
    error = path.string() + ": is a folder";
    return Code::kInvalidArgument;
  }
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  const auto size = in ? static_cast<std::int64_t>(in.tellg()) : -1;
  if (size < 0) {
    error = path.string() + ": cannot be opened";
    return Code::kNotFound;
  }
  if (size > static_cast<std::int64_t>(kMaxFileBytes)) {
    error = path.string() + ": larger than 64 MiB";
    return Code::kInvalidArgument;
  }
  auto file = std::make_unique<ModelFile>();
  const auto length = static_cast<std::size_t>(size);
  file->blocks_.resize(length / sizeof(Block) + 1);
  const auto bytes = std::as_writable_bytes(std::span(file->blocks_)).first(length);
  in.seekg(0);
  in.read(reinterpret_cast<char*>(bytes.data()), size);
  if (!in) {
    error = path.string() + ": cannot be read";
    return Code::kDataLoss;
  }
  file->bytes_ = bytes;
  auto model = Read(file->bytes_, error);
  if (!model.ok()) {
    error = path.string() + ": " + error;
    return model.status();
  }
  file->model_ = *std::move(model);
  return file;
}

}  // namespace trib::host::tflite
