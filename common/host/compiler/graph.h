#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/host/tflite/model.h"
#include "trib/common/nn/types.h"
#include "trib/common/status/result.h"

namespace trib::host::compiler {

/// A model in the plan's terms, before memory is laid out.
struct Node {
  nn::Operator op;  ///< tensor indices count in Graph::tensors
  std::string name;
  std::vector<std::byte> weights;  ///< its block
  std::uint64_t state_bytes = 0;
  std::uint64_t scratch_bytes = 0;  ///< beyond a staged pixel
  std::uint64_t macs = 0;
};

struct Value {
  nn::Tensor tensor;
  std::vector<std::int32_t> shape;
  float scale = 1;
};

struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<nn::TensorIndex> inputs;
  std::vector<nn::TensorIndex> outputs;
};

/// Checks every operator and lowers it. On failure `error` names operator, index, tensor, reason.
Result<Graph> Lower(const tflite::Model& model, std::string& error);

/// Reads docs/formats/small_model.md.
Result<Graph> ReadSmallModel(std::string_view text, std::string& error);

/// Takes reshapes out where their readers do not mind.
void RemoveCopies(Graph& graph);

/// Places all values; sets Tensor::offset and the staged flags.
struct Layout {
  std::uint32_t scratch_offset = 0;
  std::uint32_t arena_bytes = 0;
  std::uint64_t liveness_peak = 0;
  std::vector<std::uint64_t> alive;  ///< per node: bytes covered by values alive while it runs
};
Layout PlaceValues(Graph& graph, bool overlap);

}  // namespace trib::host::compiler
