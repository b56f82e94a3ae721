#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>

/// The tables of a `.tflite` file that this project reads, by their published field numbers
/// (TensorFlow Lite schema, version 3). A table knows how to verify itself; nothing may be read
/// from it before that.
namespace trib::host::tflite::schema {

using flatbuffers::Offset;
using flatbuffers::Verifier;

/// Field n of a table is at vtable position 4 + 2 n.
constexpr flatbuffers::voffset_t Field(int n) {
  return static_cast<flatbuffers::voffset_t>(4 + 2 * n);
}

class Table : protected flatbuffers::Table {
 protected:
  template <typename T>
  bool Scalar(Verifier& v, int n) const {
    return VerifyField<T>(v, Field(n), sizeof(T));
  }
  template <typename T>
  bool Vector(Verifier& v, int n) const {
    if (!VerifyOffset(v, Field(n))) {
      return false;
    }
    const auto* const vector = Get<flatbuffers::Vector<T>>(n);
    return v.VerifyVector(vector) && Aligned(vector);
  }
  /// The verifier looks at the alignment of a vector's length only. An empty one has no elements
  /// that could lie askew.
  template <typename T>
  static bool Aligned(const flatbuffers::Vector<T>* vector) {
    return vector == nullptr || vector->size() == 0 ||
           reinterpret_cast<std::uintptr_t>(vector->Data()) % alignof(T) == 0;
  }
  bool Text(Verifier& v, int n) const {
    return VerifyOffset(v, Field(n)) && v.VerifyString(Get<flatbuffers::String>(n));
  }
  template <typename T>
  bool Child(Verifier& v, int n) const {
    return VerifyOffset(v, Field(n)) && v.VerifyTable(Get<T>(n));
  }
  template <typename T>
  bool Children(Verifier& v, int n) const {
    return Vector<Offset<T>>(v, n) &&
           v.VerifyVectorOfTables(Get<flatbuffers::Vector<Offset<T>>>(n));
  }
  template <typename T>
  const T* Get(int n) const {
    return GetPointer<const T*>(Field(n));
  }
  template <typename T>
  T Value(int n, T otherwise) const {
    return GetField<T>(Field(n), otherwise);
  }
  bool Present(int n) const { return CheckField(Field(n)); }
};

class Quantization final : public Table {
 public:
  bool Verify(Verifier& v) const {
    return VerifyTableStart(v) && Vector<float>(v, 2) && Vector<std::int64_t>(v, 3) &&
           Scalar<std::int32_t>(v, 6) && v.EndTable();
  }
  auto scale() const { return Get<flatbuffers::Vector<float>>(2); }
  auto zero_point() const { return Get<flatbuffers::Vector<std::int64_t>>(3); }
  std::int32_t dimension() const { return Value<std::int32_t>(6, 0); }
};

class Tensor final : public Table {
 public:
  bool Verify(Verifier& v) const {
    return VerifyTableStart(v) && Vector<std::int32_t>(v, 0) && Scalar<std::int8_t>(v, 1) &&
           Scalar<std::uint32_t>(v, 2) && Text(v, 3) && Child<Quantization>(v, 4) &&
           Scalar<std::uint8_t>(v, 5) && VerifyOffset(v, Field(6)) && Vector<std::int32_t>(v, 7) &&
           v.EndTable();
  }
  auto shape() const { return Get<flatbuffers::Vector<std::int32_t>>(0); }
  std::int8_t type() const { return Value<std::int8_t>(1, 0); }
  std::uint32_t buffer() const { return Value<std::uint32_t>(2, 0); }
  auto name() const { return Get<flatbuffers::String>(3); }
  auto quantization() const { return Get<Quantization>(4); }
  bool variable() const { return Value<std::uint8_t>(5, 0) != 0; }
  bool sparse() const { return Present(6); }
  auto shape_signature() const { return Get<flatbuffers::Vector<std::int32_t>>(7); }
};

/// Options of any operator: which fields there are depends on the operator, and each is verified
/// when it is read.
class Options final : public Table {
 public:
  bool Verify(Verifier& v) const { return VerifyTableStart(v) && v.EndTable(); }
  /// The field, or `otherwise` when absent; `good` turns false when it lies outside the file.
  template <typename T>
  T Read(Verifier& v, int n, T otherwise, bool& good) const {
    if (!Scalar<T>(v, n)) {
      good = false;
      return otherwise;
    }
    return Value<T>(n, otherwise);
  }
};

class Operator final : public Table {
 public:
  bool Verify(Verifier& v) const {
    return VerifyTableStart(v) && Scalar<std::uint32_t>(v, 0) && Vector<std::int32_t>(v, 1) &&
           Vector<std::int32_t>(v, 2) && Scalar<std::uint8_t>(v, 3) && Child<Options>(v, 4) &&
           v.EndTable();
  }
  std::uint32_t opcode_index() const { return Value<std::uint32_t>(0, 0); }
  auto inputs() const { return Get<flatbuffers::Vector<std::int32_t>>(1); }
  auto outputs() const { return Get<flatbuffers::Vector<std::int32_t>>(2); }
  std::uint8_t options_type() const { return Value<std::uint8_t>(3, 0); }
  auto options() const { return Get<Options>(4); }
};

class Subgraph final : public Table {
 public:
  bool Verify(Verifier& v) const {
    return VerifyTableStart(v) && Children<Tensor>(v, 0) && Vector<std::int32_t>(v, 1) &&
           Vector<std::int32_t>(v, 2) && Children<Operator>(v, 3) && v.EndTable();
  }
  auto tensors() const { return Get<flatbuffers::Vector<Offset<Tensor>>>(0); }
  auto inputs() const { return Get<flatbuffers::Vector<std::int32_t>>(1); }
  auto outputs() const { return Get<flatbuffers::Vector<std::int32_t>>(2); }
  auto operators() const { return Get<flatbuffers::Vector<Offset<Operator>>>(3); }
};

class Buffer final : public Table {
 public:
  bool Verify(Verifier& v) const {
    return VerifyTableStart(v) && Vector<std::uint8_t>(v, 0) && Scalar<std::uint64_t>(v, 1) &&
           Scalar<std::uint64_t>(v, 2) && v.EndTable();
  }
  auto data() const { return Get<flatbuffers::Vector<std::uint8_t>>(0); }
  /// Data behind the FlatBuffer, as models above 2 GiB have it.
  bool external() const { return Value<std::uint64_t>(1, 0) > 1; }
};

class OperatorCode final : public Table {
 public:
  bool Verify(Verifier& v) const {
    return VerifyTableStart(v) && Scalar<std::int8_t>(v, 0) && Text(v, 1) &&
           Scalar<std::int32_t>(v, 2) && Scalar<std::int32_t>(v, 3) && v.EndTable();
  }
  /// Old files have the first alone, files of operators above 127 the second alone.
  std::int32_t builtin() const {
    const std::int32_t small = Value<std::int8_t>(0, 0);
    const std::int32_t wide = Value<std::int32_t>(3, 0);
    return small > wide ? small : wide;
  }
  auto custom() const { return Get<flatbuffers::String>(1); }
  std::int32_t version() const { return Value<std::int32_t>(2, 1); }
};

class Model final : public Table {
 public:
  bool Verify(Verifier& v) const {
    return VerifyTableStart(v) && Scalar<std::uint32_t>(v, 0) && Children<OperatorCode>(v, 1) &&
           Children<Subgraph>(v, 2) && Text(v, 3) && Children<Buffer>(v, 4) && v.EndTable();
  }
  std::uint32_t version() const { return Value<std::uint32_t>(0, 0); }
  auto operator_codes() const { return Get<flatbuffers::Vector<Offset<OperatorCode>>>(1); }
  auto subgraphs() const { return Get<flatbuffers::Vector<Offset<Subgraph>>>(2); }
  auto description() const { return Get<flatbuffers::String>(3); }
  auto buffers() const { return Get<flatbuffers::Vector<Offset<Buffer>>>(4); }
};

}  // namespace trib::host::tflite::schema
