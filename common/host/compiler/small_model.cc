// Trees, linear and binary models from JSON.
#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "graph.h"
#include "trib/common/host/compiler/compiler.h"

namespace trib::host::compiler {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxWidth = 4096;
constexpr std::size_t kMaxTrees = 1024;
constexpr std::size_t kMaxNodes = 65534;
constexpr int kMaxDepth = 64;

void Append(std::vector<std::byte>& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
}
void Append(std::vector<std::byte>& out, float value) {
  Append(out, std::bit_cast<std::uint32_t>(value), 4);
}

class SmallReader {
 public:
  explicit SmallReader(std::string& error) : error_(error) {}
  Result<Graph> Read(std::string_view text);

 private:
  struct TreeNode {
    float threshold = 0;
    std::uint16_t feature = nn::kLeafNode;
    std::uint16_t next = 0;
  };

  Status Wrong(const std::string& where, const std::string& what) {
    error_ = where + ": " + what;
    return Code::kInvalidArgument;
  }
  /// Every key of the object is one of `known`.
  Status OnlyKeys(const json& object, const std::string& where, const std::set<std::string>& known);
  Status Count(const json& object, const char* key, std::size_t most, std::size_t& out);
  Result<float> Number(const json& value, const std::string& where);
  Result<std::vector<float>> Numbers(const json& value,
                                     std::size_t count,
                                     const std::string& where);

  Status ReadForest(const json& model);
  Status ReadTree(const json& tree,
                  const std::string& where,
                  int depth,
                  std::size_t at,
                  std::size_t inputs,
                  std::size_t outputs);
  Status ReadLinear(const json& model);
  Status ReadBinary(const json& model);
  Status ReadBinaryLayer(const json& layer, const std::string& where, bool last);

  nn::TensorIndex AddValue(std::size_t width, nn::TensorType type);
  void AddNode(nn::Opcode opcode,
               std::string name,
               std::uint64_t macs,
               std::size_t outputs,
               nn::TensorType gives);

  std::string& error_;
  Graph graph_;
  std::vector<TreeNode> nodes_;
  std::vector<std::vector<float>> leaves_;
  std::map<std::vector<float>, std::uint16_t> leaf_rows_;
};

Status SmallReader::OnlyKeys(const json& object,
                             const std::string& where,
                             const std::set<std::string>& known) {
  if (!object.is_object()) {
    return Wrong(where, "must be an object");
  }
  for (const auto& [key, value] : object.items()) {
    if (!known.contains(key)) {
      return Wrong(where, "has an unknown key \"" + key + "\"");
    }
  }
  return {};
}

Status SmallReader::Count(const json& object, const char* key, std::size_t most, std::size_t& out) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() == 0 ||
      found->get<std::uint64_t>() > most) {
    return Wrong(key, "must be a number from 1 to " + std::to_string(most));
  }
  out = found->get<std::size_t>();
  return {};
}

Result<float> SmallReader::Number(const json& value, const std::string& where) {
  const double number = value.is_number() ? value.get<double>() : std::nan("");
  const auto single = static_cast<float>(number);
  if (!std::isfinite(single)) {
    return Wrong(where, "must be a finite number");
  }
  return single;
}

Result<std::vector<float>> SmallReader::Numbers(const json& value,
                                                std::size_t count,
                                                const std::string& where) {
  if (!value.is_array() || value.size() != count) {
    return Wrong(where, "must be a list of " + std::to_string(count) + " numbers");
  }
  std::vector<float> numbers;
  for (const json& item : value) {
    TRIB_TRY_ASSIGN(const float number, Number(item, where));
    numbers.push_back(number);
  }
  return numbers;
}

nn::TensorIndex SmallReader::AddValue(std::size_t width, nn::TensorType type) {
  Value value;
  value.tensor.type = type;
  value.tensor.rank = 2;
  value.tensor.dims[3] = static_cast<std::uint16_t>(width);
  value.shape = {1, static_cast<std::int32_t>(width)};
  graph_.values.push_back(std::move(value));
  return static_cast<nn::TensorIndex>(graph_.values.size() - 1);
}

void SmallReader::AddNode(nn::Opcode opcode,
                          std::string name,
                          std::uint64_t macs,
                          std::size_t outputs,
                          nn::TensorType gives) {
  Node node;
  node.op.opcode = opcode;
  node.op.source = static_cast<std::uint16_t>(graph_.nodes.size());
  node.op.input = static_cast<nn::TensorIndex>(graph_.values.size() - 1);
  node.op.output = AddValue(outputs, gives);
  node.name = std::move(name);
  node.macs = macs;
  graph_.nodes.push_back(std::move(node));
}

Result<Graph> SmallReader::Read(std::string_view text) {
  const json model = json::parse(text, nullptr, false);
  if (!model.is_object()) {
    return Wrong("model", "is no JSON object");
  }
  const std::string type = model.contains("type") && model["type"].is_string()
                               ? model["type"].get<std::string>()
                               : std::string();
  if (type == "forest") {
    TRIB_TRY(ReadForest(model));
  } else if (type == "linear") {
    TRIB_TRY(ReadLinear(model));
  } else if (type == "binary") {
    TRIB_TRY(ReadBinary(model));
  } else {
    return Wrong("type", "must be \"forest\", \"linear\" or \"binary\"");
  }
  graph_.inputs = {0};
  graph_.outputs = {static_cast<nn::TensorIndex>(graph_.values.size() - 1)};
  return std::move(graph_);
}

Status SmallReader::ReadForest(const json& model) {
  TRIB_TRY(OnlyKeys(model, "model", {"type", "inputs", "outputs", "trees"}));
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  TRIB_TRY(Count(model, "inputs", kMaxWidth, inputs));
  TRIB_TRY(Count(model, "outputs", kMaxWidth, outputs));
  const auto trees = model.find("trees");
  if (trees == model.end() || !trees->is_array() || trees->empty() || trees->size() > kMaxTrees) {
    return Wrong("trees", "must be a list of 1 to " + std::to_string(kMaxTrees) + " trees");
  }
  std::vector<std::uint16_t> roots;
  for (std::size_t i = 0; i < trees->size(); ++i) {
    roots.push_back(static_cast<std::uint16_t>(nodes_.size()));
    nodes_.emplace_back();
    TRIB_TRY(ReadTree(
        (*trees)[i], "trees[" + std::to_string(i) + "]", 0, nodes_.size() - 1, inputs, outputs));
  }
  AddValue(inputs, nn::TensorType::kFloat32);
  AddNode(nn::Opcode::kForest, "FOREST", 0, outputs, nn::TensorType::kFloat32);
  Node& node = graph_.nodes.back();
  node.op.forest = {static_cast<std::uint16_t>(roots.size()),
                    static_cast<std::uint16_t>(nodes_.size()),
                    static_cast<std::uint16_t>(leaves_.size())};
  for (const auto& leaf : leaves_) {
    for (const float value : leaf) {
      Append(node.weights, value);
    }
  }
  for (const std::uint16_t root : roots) {
    Append(node.weights, root, 2);
  }
  if (roots.size() % 2 != 0) {
    Append(node.weights, 0, 2);
  }
  for (const TreeNode& tree : nodes_) {
    Append(node.weights, tree.threshold);
    Append(node.weights, tree.feature, 2);
    Append(node.weights, tree.next, 2);
  }
  return {};
}

/// Reads into node `at`, which is there already; children are appended, so they lie behind it.
Status SmallReader::ReadTree(const json& tree,
                             const std::string& where,
                             int depth,
                             std::size_t at,
                             std::size_t inputs,
                             std::size_t outputs) {
  if (depth > kMaxDepth) {
    return Wrong(where, "is deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  if (tree.is_object() && tree.contains("leaf")) {
    TRIB_TRY(OnlyKeys(tree, where, {"leaf"}));
    TRIB_TRY_ASSIGN(auto leaf, Numbers(tree["leaf"], outputs, where + ".leaf"));
    const auto row = leaf_rows_.try_emplace(leaf, static_cast<std::uint16_t>(leaves_.size()));
    if (row.second) {
      leaves_.push_back(leaf);
    }
    nodes_[at] = {0, nn::kLeafNode, row.first->second};
    return {};
  }
  TRIB_TRY(OnlyKeys(tree, where, {"feature", "threshold", "left", "right"}));
  if (!tree.contains("threshold") || !tree.contains("left") || !tree.contains("right") ||
      !tree.contains("feature")) {
    return Wrong(where, "needs feature, threshold, left and right, or leaf");
  }
  const json& feature = tree["feature"];
  if (!feature.is_number_unsigned() || feature.get<std::uint64_t>() >= inputs) {
    return Wrong(where + ".feature", "must be below " + std::to_string(inputs));
  }
  TRIB_TRY_ASSIGN(const float threshold, Number(tree["threshold"], where + ".threshold"));
  if (nodes_.size() + 2 > kMaxNodes) {
    return Wrong(where, "is a node too many: at most " + std::to_string(kMaxNodes));
  }
  const std::size_t left = nodes_.size();
  nodes_[at] = {threshold, feature.get<std::uint16_t>(), static_cast<std::uint16_t>(left)};
  nodes_.resize(left + 2);
  TRIB_TRY(ReadTree(tree["left"], where + ".left", depth + 1, left, inputs, outputs));
  return ReadTree(tree["right"], where + ".right", depth + 1, left + 1, inputs, outputs);
}

Status SmallReader::ReadLinear(const json& model) {
  TRIB_TRY(OnlyKeys(model, "model", {"type", "weights", "bias", "link"}));
  const json rows = model.value("weights", json());
  if (!rows.is_array() || rows.empty() || rows.size() > kMaxWidth || !rows[0].is_array() ||
      rows[0].empty() || rows[0].size() > kMaxWidth) {
    return Wrong("weights", "must be a list of lists, one per output");
  }
  const std::size_t outputs = rows.size();
  const std::size_t inputs = rows[0].size();
  std::vector<float> bias(outputs, 0);
  if (model.contains("bias")) {
    TRIB_TRY_ASSIGN(bias, Numbers(model["bias"], outputs, "bias"));
  }
  const json link = model.value("link", json("identity"));
  const std::map<std::string, nn::Link> links = {{"identity", nn::Link::kIdentity},
                                                 {"logistic", nn::Link::kLogistic},
                                                 {"softmax", nn::Link::kSoftmax}};
  const auto found = links.find(link.is_string() ? link.get<std::string>() : std::string());
  if (found == links.end()) {
    return Wrong("link", "must be \"identity\", \"logistic\" or \"softmax\"");
  }
  AddValue(inputs, nn::TensorType::kFloat32);
  AddNode(nn::Opcode::kLinear, "LINEAR", inputs * outputs, outputs, nn::TensorType::kFloat32);
  Node& node = graph_.nodes.back();
  node.op.link = found->second;
  for (const float value : bias) {
    Append(node.weights, value);
  }
  for (std::size_t i = 0; i < outputs; ++i) {
    TRIB_TRY_ASSIGN(const auto row, Numbers(rows[i], inputs, "weights[" + std::to_string(i) + "]"));
    for (const float value : row) {
      Append(node.weights, value);
    }
  }
  return {};
}

Status SmallReader::ReadBinary(const json& model) {
  TRIB_TRY(OnlyKeys(model, "model", {"type", "layers"}));
  const json layers = model.value("layers", json());
  if (!layers.is_array() || layers.empty() || layers.size() > 64) {
    return Wrong("layers", "must be a list of 1 to 64 layers");
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    TRIB_TRY(
        ReadBinaryLayer(layers[i], "layers[" + std::to_string(i) + "]", i + 1 == layers.size()));
  }
  return {};
}

Status SmallReader::ReadBinaryLayer(const json& layer, const std::string& where, bool last) {
  TRIB_TRY(OnlyKeys(layer, where, {"weights", "thresholds"}));
  const json rows = layer.value("weights", json());
  if (!rows.is_array() || rows.empty() || rows.size() > kMaxWidth || !rows[0].is_array() ||
      rows[0].empty() || rows[0].size() > kMaxWidth) {
    return Wrong(where + ".weights", "must be a list of lists, one per output");
  }
  const std::size_t inputs = rows[0].size();
  if (graph_.values.empty()) {
    AddValue(inputs, nn::TensorType::kFloat32);
  } else if (graph_.values.back().tensor.channels() != inputs) {
    return Wrong(where + ".weights", "must be as long as the layer before has outputs");
  }
  if (last == layer.contains("thresholds")) {
    return Wrong(where, last ? "is the last: it has no thresholds" : "needs thresholds");
  }
  std::vector<float> thresholds(rows.size(), 0);
  if (!last) {
    TRIB_TRY_ASSIGN(thresholds, Numbers(layer["thresholds"], rows.size(), where + ".thresholds"));
  }
  AddNode(nn::Opcode::kBinary,
          "BINARY",
          inputs * rows.size(),
          rows.size(),
          last ? nn::TensorType::kInt32 : nn::TensorType::kInt8);
  Node& node = graph_.nodes.back();
  node.op.flags = last ? std::uint8_t{0} : nn::op_flag::kSign;
  for (const float threshold : thresholds) {
    const float limit = static_cast<float>(kMaxWidth);
    Append(node.weights,
           static_cast<std::uint32_t>(
               static_cast<std::int32_t>(std::ceil(std::clamp(threshold, -limit, limit + 1)))),
           4);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string row = where + ".weights[" + std::to_string(i) + "]";
    TRIB_TRY_ASSIGN(const auto values, Numbers(rows[i], inputs, row));
    std::vector<std::uint32_t> words((inputs + 31) / 32);
    for (std::size_t k = 0; k < inputs; ++k) {
      if (values[k] != 1 && values[k] != -1) {
        return Wrong(row, "must hold 1 and -1 only");
      }
      words[k / 32] |= static_cast<std::uint32_t>(values[k] > 0) << (k % 32);
    }
    for (const std::uint32_t word : words) {
      Append(node.weights, word, 4);
    }
  }
  return {};
}

}  // namespace

Result<Graph> ReadSmallModel(std::string_view text, std::string& error) {
  return SmallReader(error).Read(text);
}

}  // namespace trib::host::compiler
