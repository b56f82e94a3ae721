#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "trib/common/status/status.h"

namespace trib {

/// A value, or the failed Status that says why there is none.
///
/// Requires  Reading `*` or `->` only when ok(). A Result made from a Status needs a failed one; an
///           ok Status becomes kInternal, so that a mistake cannot look like a value.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(Status status)  // NOLINT(google-explicit-constructor)
      : status_(status.ok() ? Status(Code::kInternal) : status) {}
  Result(Code code) : Result(Status(code)) {}      // NOLINT(google-explicit-constructor)
  Result(const T& value) : value_(value) {}        // NOLINT(google-explicit-constructor)
  Result(T&& value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)

  Result(const Result& other) : status_(other.status_) {
    if (ok()) {
      new (&value_) T(other.value_);
    }
  }
  Result(Result&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : status_(other.status_) {
    if (ok()) {
      new (&value_) T(std::move(other.value_));
    }
  }
  Result& operator=(const Result& other) {
    if (this != &other) {
      Destroy();
      status_ = other.status_;
      if (ok()) {
        new (&value_) T(other.value_);
      }
    }
    return *this;
  }
  Result& operator=(Result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    if (this != &other) {
      Destroy();
      status_ = other.status_;
      if (ok()) {
        new (&value_) T(std::move(other.value_));
      }
    }
    return *this;
  }
  ~Result() { Destroy(); }

  [[nodiscard]] bool ok() const { return status_.ok(); }
  [[nodiscard]] Status status() const { return status_; }
  [[nodiscard]] T& operator*() & { return value_; }
  [[nodiscard]] const T& operator*() const& { return value_; }
  [[nodiscard]] T&& operator*() && { return std::move(value_); }
  [[nodiscard]] T* operator->() { return &value_; }
  [[nodiscard]] const T* operator->() const { return &value_; }
  template <typename U>
  [[nodiscard]] T value_or(U&& otherwise) const& {
    return ok() ? value_ : static_cast<T>(std::forward<U>(otherwise));
  }

 private:
  void Destroy() {
    if (ok()) {
      value_.~T();
    }
  }

  Status status_;
  union {
    T value_;
  };
};

}  // namespace trib

#define TRIB_CONCAT_INNER(a, b) a##b
#define TRIB_CONCAT(a, b) TRIB_CONCAT_INNER(a, b)

// NOLINTBEGIN(bugprone-macro-parentheses): `target` may be a declaration.
/// Declares or assigns `target` from the value of a Result, or returns its Status.
#define TRIB_TRY_ASSIGN(target, expression)                \
  auto TRIB_CONCAT(trib_result_, __LINE__) = (expression); \
  if (!TRIB_CONCAT(trib_result_, __LINE__).ok()) {         \
    return TRIB_CONCAT(trib_result_, __LINE__).status();   \
  }                                                        \
  target = *std::move(TRIB_CONCAT(trib_result_, __LINE__))
// NOLINTEND(bugprone-macro-parentheses)
