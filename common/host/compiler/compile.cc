#include <algorithm>
#include <bit>
#include <fstream>

#include "graph.h"
#include "trib/common/host/compiler/compiler.h"
#include "trib/common/nn/plan.h"

namespace trib::host::compiler {
namespace {

/// Little-endian, growing.
class Bytes {
 public:
  void U8(std::uint8_t value) { out_.push_back(static_cast<std::byte>(value)); }
  void I8(std::int8_t value) { U8(static_cast<std::uint8_t>(value)); }
  void U16(std::uint16_t value) { Little(value, 2); }
  void I16(std::int16_t value) { U16(static_cast<std::uint16_t>(value)); }
  void U32(std::uint32_t value) { Little(value, 4); }
  void I32(std::int32_t value) { U32(static_cast<std::uint32_t>(value)); }
  void F32(float value) { U32(std::bit_cast<std::uint32_t>(value)); }
  void Zero(int count) {
    for (int i = 0; i < count; ++i) {
      U8(0);
    }
  }
  void Multipliers(std::span<const nn::Multiplier> list) {
    for (const auto& multiplier : list) {
      I32(multiplier.m);
    }
    for (const auto& multiplier : list) {
      I8(multiplier.shift);
    }
  }
  std::vector<std::byte> Take() { return std::move(out_); }

 private:
  void Little(std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) {
      out_.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
  }
  std::vector<std::byte> out_;
};

void WriteClamp(Bytes& out, nn::Clamp clamp) {
  out.I8(clamp.low);
  out.I8(clamp.high);
}

void WriteLstm(Bytes& out, const nn::LstmParameters& lstm) {
  std::vector<nn::Multiplier> gates;
  for (std::size_t i = 0; i < nn::kGates; ++i) {
    gates.push_back(lstm.input[i]);
    gates.push_back(lstm.recurrent[i]);
  }
  out.Multipliers(gates);
  const nn::Multiplier products[] = {lstm.forget_cell, lstm.input_cell, lstm.hidden};
  out.Multipliers(products);
  out.U8(0);
  out.I8(lstm.cell_log2);
  out.I8(lstm.hidden_zero_point);
  out.I16(lstm.cell_clip);
}

void WriteOperator(Bytes& out, const nn::Operator& op) {
  out.U8(static_cast<std::uint8_t>(op.opcode));
  out.U8(op.flags);
  out.U16(op.source);
  out.U16(op.input);
  out.U16(op.output);
  const nn::Geometry& g = op.geometry;
  switch (op.opcode) {
    case nn::Opcode::kConv2D:
    case nn::Opcode::kDepthwiseConv2D:
      out.U8(g.kernel_height);
      out.U8(g.kernel_width);
      out.U8(g.stride_height);
      out.U8(g.stride_width);
      out.U8(g.dilation_height);
      out.U8(g.dilation_width);
      out.U8(g.pad_top);
      out.U8(g.pad_left);
      [[fallthrough]];
    case nn::Opcode::kFullyConnected:
      WriteClamp(out, op.clamp);
      out.U16(0);
      out.U32(op.weights);
      break;
    case nn::Opcode::kAveragePool2D:
      out.U8(g.kernel_height);
      out.U8(g.kernel_width);
      out.U8(g.stride_height);
      out.U8(g.stride_width);
      out.U8(g.pad_top);
      out.U8(g.pad_left);
      WriteClamp(out, op.clamp);
      break;
    case nn::Opcode::kAdd:
      out.U16(op.input2);
      WriteClamp(out, op.clamp);
      out.Multipliers(op.multipliers);
      out.U8(0);
      break;
    case nn::Opcode::kCopy:
      break;
    case nn::Opcode::kSoftmax:
      out.I32(op.multipliers[0].m);
      out.I32(op.least_difference);
      out.I8(op.multipliers[0].shift);
      out.Zero(3);
      break;
    case nn::Opcode::kRequantize:
      out.I32(op.multipliers[0].m);
      out.I8(op.multipliers[0].shift);
      out.Zero(3);
      break;
    case nn::Opcode::kSvdf:
      out.U16(op.rank);
      out.U16(op.memory);
      out.Multipliers(std::span(op.multipliers).first(2));
      out.I16(op.state_zero_point);
      out.U32(op.state);
      out.U32(op.weights);
      break;
    case nn::Opcode::kLstm:
      WriteLstm(out, op.lstm);
      out.U32(op.state);
      out.U32(op.weights);
      break;
    case nn::Opcode::kForest:
      out.U16(op.forest.trees);
      out.U16(op.forest.nodes);
      out.U16(op.forest.leaves);
      out.U16(0);
      out.U32(op.weights);
      break;
    case nn::Opcode::kLinear:
      out.U8(static_cast<std::uint8_t>(op.link));
      out.Zero(3);
      out.U32(op.weights);
      break;
    case nn::Opcode::kBinary:
      out.U32(op.weights);
      break;
  }
}

/// Values that no node and no port names any more would only cost 16 bytes each.
void Renumber(Graph& graph) {
  std::vector<bool> used(graph.values.size());
  const auto mark = [&](nn::TensorIndex i) {
    if (i != nn::kNoTensor) {
      used[i] = true;
    }
  };
  for (const Node& node : graph.nodes) {
    mark(node.op.input);
    mark(node.op.input2);
    mark(node.op.output);
  }
  std::for_each(graph.inputs.begin(), graph.inputs.end(), mark);
  std::for_each(graph.outputs.begin(), graph.outputs.end(), mark);
  std::vector<nn::TensorIndex> to(graph.values.size(), nn::kNoTensor);
  std::vector<Value> kept;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (used[i]) {
      to[i] = static_cast<nn::TensorIndex>(kept.size());
      kept.push_back(graph.values[i]);
    }
  }
  graph.values = std::move(kept);
  const auto move = [&](nn::TensorIndex& i) { i = i == nn::kNoTensor ? i : to[i]; };
  for (Node& node : graph.nodes) {
    move(node.op.input);
    move(node.op.input2);
    move(node.op.output);
  }
  std::for_each(graph.inputs.begin(), graph.inputs.end(), move);
  std::for_each(graph.outputs.begin(), graph.outputs.end(), move);
}

/// Leaves the first `count` nodes, and what lives behind them as outputs.
Status Cut(Graph& graph, std::size_t count, std::string& error) {
  const auto refuse = [&](const std::string& reason) -> Status {
    error = "no cut after operator " + std::to_string(count) + ": " + reason;
    return Code::kInvalidArgument;
  };
  if (count >= graph.nodes.size()) {
    return refuse("the model has " + std::to_string(graph.nodes.size()));
  }
  std::vector<bool> written(graph.values.size());
  std::vector<bool> read(graph.values.size());
  for (const nn::TensorIndex input : graph.inputs) {
    written[input] = true;
  }
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const nn::Operator& op = graph.nodes[n].op;
    if (n < count) {
      written[op.output] = true;
      continue;
    }
    read[op.input] = true;
    if (op.input2 != nn::kNoTensor) {
      read[op.input2] = true;
    }
  }
  std::vector<nn::TensorIndex> outputs;
  for (const nn::TensorIndex output : graph.outputs) {
    if (written[output]) {
      outputs.push_back(output);
    }
  }
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const auto index = static_cast<nn::TensorIndex>(i);
    if (written[i] && read[i] &&
        std::find(outputs.begin(), outputs.end(), index) == outputs.end()) {
      outputs.push_back(index);
    }
  }
  if (outputs.size() > nn::kMaxOutputs) {
    return refuse(std::to_string(outputs.size()) + " tensors live there; at most " +
                  std::to_string(nn::kMaxOutputs) + " can");
  }
  graph.outputs = std::move(outputs);
  graph.nodes.resize(count);
  // Tensors are numbered in order of definition, so that what is left keeps its numbers.
  std::size_t values = graph.values.size();
  while (values > 0 && !written[values - 1]) {
    --values;
  }
  graph.values.resize(values);
  return {};
}

std::uint32_t Align4(std::size_t bytes) {
  return static_cast<std::uint32_t>((bytes + 3) / 4 * 4);
}

std::vector<std::byte> WritePlan(const Graph& graph, const Layout& layout, const Compiled& sizes) {
  Bytes out;
  out.U16(nn::kPlanVersion);
  out.U16(static_cast<std::uint16_t>(graph.values.size()));
  out.U16(static_cast<std::uint16_t>(graph.nodes.size()));
  out.U8(static_cast<std::uint8_t>(graph.inputs.size()));
  out.U8(static_cast<std::uint8_t>(graph.outputs.size()));
  out.U32(layout.arena_bytes);
  out.U32(layout.scratch_offset);
  out.U32(sizes.state_bytes);
  out.U32(static_cast<std::uint32_t>(sizes.weights.size()));
  for (const auto* ports : {&graph.inputs, &graph.outputs}) {
    for (const nn::TensorIndex port : *ports) {
      out.U16(port);
      out.U16(0);
      out.F32(graph.values[port].scale);
    }
  }
  for (const Value& value : graph.values) {
    out.U32(value.tensor.offset);
    for (const std::uint16_t dim : value.tensor.dims) {
      out.U16(dim);
    }
    out.I16(value.tensor.zero_point);
    out.U8(static_cast<std::uint8_t>(value.tensor.type));
    out.U8(value.tensor.rank);
  }
  for (const Node& node : graph.nodes) {
    WriteOperator(out, node.op);
  }
  return out.Take();
}

Result<Compiled> Emit(Graph graph, bool overlap, std::string& error) {
  if (graph.nodes.empty()) {
    error = "nothing is left to compute";
    return Code::kInvalidArgument;
  }
  const Layout layout = PlaceValues(graph, overlap);
  Compiled compiled;
  compiled.arena_bytes = layout.arena_bytes;
  compiled.scratch_bytes = layout.arena_bytes - layout.scratch_offset;
  compiled.liveness_peak = layout.liveness_peak;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& node = graph.nodes[n];
    node.op.weights = node.weights.empty() ? 0 : Align4(compiled.weights.size());
    if (!node.weights.empty()) {
      compiled.weights.resize(node.op.weights);
      compiled.weights.insert(compiled.weights.end(), node.weights.begin(), node.weights.end());
    }
    node.op.state = Align4(compiled.state_bytes);
    if (node.state_bytes != 0) {
      compiled.state_bytes = node.op.state + static_cast<std::uint32_t>(node.state_bytes);
    }
    compiled.report.push_back({node.name,
                               node.op.opcode,
                               node.op.source,
                               graph.values[node.op.output].shape,
                               node.macs,
                               node.weights.size(),
                               layout.alive[n]});
    compiled.operators |= std::uint64_t{1} << (static_cast<unsigned>(node.op.opcode) - 1);
  }
  if (compiled.arena_bytes > nn::kMaxArenaBytes || compiled.state_bytes > nn::kMaxStateBytes) {
    error = "the model needs " + std::to_string(compiled.arena_bytes) + " bytes of arena and " +
            std::to_string(compiled.state_bytes) + " of state: more than a plan may";
    return Code::kUnimplemented;
  }
  compiled.plan = WritePlan(graph, layout, compiled);
  // What is shipped is what the node will check.
  const auto plan = nn::Plan::Load(compiled.plan, compiled.weights);
  if (!plan.ok()) {
    error = "the plan made of it is not sound: " +
            std::string(nn::PlanReasonName(static_cast<nn::PlanReason>(plan.status().reason())));
    return Code::kInternal;
  }
  for (std::size_t cut = 1; cut < plan->operators(); ++cut) {
    const auto live = plan->LiveAt(cut);
    if (!live.ok()) {
      continue;
    }
    CutReport report{cut, {live->begin(), live->end()}, 0};
    for (const nn::TensorIndex index : report.tensors) {
      report.bytes += plan->tensor(index).bytes();
    }
    compiled.cuts.push_back(std::move(report));
  }
  return compiled;
}

}  // namespace

Result<Compiled> Compile(const tflite::Model& model, const Options& options, std::string& error) {
  TRIB_TRY_ASSIGN(Graph graph, Lower(model, error));
  if (options.fuse) {
    RemoveCopies(graph);
    Renumber(graph);
  }
  if (options.operators != 0) {
    TRIB_TRY(Cut(graph, options.operators, error));
  }
  return Emit(std::move(graph), options.overlap, error);
}

Result<Compiled> CompileSmall(std::string_view text, std::string& error) {
  TRIB_TRY_ASSIGN(Graph graph, ReadSmallModel(text, error));
  return Emit(std::move(graph), true, error);
}

Result<Compiled> CompileFile(const std::filesystem::path& path,
                             const Options& options,
                             std::string& error) {
  constexpr std::size_t kMaxTextBytes = 16U << 20U;
  std::ifstream in(path, std::ios::binary);
  if (in.peek() == '{') {
    std::string text(kMaxTextBytes, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (options.operators != 0) {
      error = path.string() + ": a model in JSON has one operator; there is no cut";
      return Code::kInvalidArgument;
    }
    auto compiled = CompileSmall(text, error);
    error = compiled.ok() ? error : path.string() + ": " + error;
    return compiled;
  }
  TRIB_TRY_ASSIGN(const auto file, tflite::ModelFile::Load(path, error));
  auto compiled = Compile(file->model(), options, error);
  error = compiled.ok() ? error : path.string() + ": " + error;
  return compiled;
}

}  // namespace trib::host::compiler
