#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>

#include "trib/common/base/check.h"

namespace trib {

/// A vector with room for N trivially copyable elements inside itself.
template <typename T, std::size_t N>
class FixedVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  constexpr FixedVector() = default;

  [[nodiscard]] static constexpr std::size_t capacity() { return N; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  [[nodiscard]] constexpr bool full() const { return size_ == N; }
  [[nodiscard]] constexpr T* data() { return items_.data(); }
  [[nodiscard]] constexpr const T* data() const { return items_.data(); }
  [[nodiscard]] constexpr T* begin() { return items_.data(); }
  [[nodiscard]] constexpr T* end() { return items_.data() + size_; }
  [[nodiscard]] constexpr const T* begin() const { return items_.data(); }
  [[nodiscard]] constexpr const T* end() const { return items_.data() + size_; }
  [[nodiscard]] constexpr T& operator[](std::size_t i) {
    TRIB_DCHECK(i < size_);
    return items_[i];
  }
  [[nodiscard]] constexpr const T& operator[](std::size_t i) const {
    TRIB_DCHECK(i < size_);
    return items_[i];
  }
  [[nodiscard]] constexpr std::span<const T> span() const { return {items_.data(), size_}; }
  [[nodiscard]] constexpr std::span<T> span() { return {items_.data(), size_}; }

  constexpr void clear() { size_ = 0; }
  /// @returns false, and changes nothing, when full.
  constexpr bool push_back(const T& item) {
    if (full()) {
      return false;
    }
    items_[size_++] = item;
    return true;
  }
  /// New elements are value-initialised. @returns false, and changes nothing, above capacity.
  constexpr bool resize(std::size_t size) {
    if (size > N) {
      return false;
    }
    for (std::size_t i = size_; i < size; ++i) {
      items_[i] = T{};
    }
    size_ = size;
    return true;
  }
  constexpr bool assign(std::span<const T> items) {
    if (items.size() > N) {
      return false;
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      items_[i] = items[i];
    }
    size_ = items.size();
    return true;
  }

  friend constexpr bool operator==(const FixedVector& a, const FixedVector& b) {
    if (a.size_ != b.size_) {
      return false;
    }
    for (std::size_t i = 0; i < a.size_; ++i) {
      if (!(a.items_[i] == b.items_[i])) {
        return false;
      }
    }
    return true;
  }

 private:
  std::array<T, N> items_{};
  std::size_t size_ = 0;
};

}  // namespace trib
