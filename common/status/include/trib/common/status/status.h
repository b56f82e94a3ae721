#pragma once

#include <cstdint>
#include <string_view>

namespace trib {

/// What a caller can do about a failure: the canonical gRPC/Abseil codes and values. Persisted and
/// sent on links, so values are never reused.
enum class Code : std::uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

/// The canonical name, e.g. "INVALID_ARGUMENT"; "UNKNOWN" for a value outside the enum.
std::string_view CodeName(Code code);

/// Success, or a code plus a reason number that the failing module defines (its `Reason` enum).
/// Four bytes, trivially copyable; carries no text: the text is logged where it is known.
class [[nodiscard]] Status {
 public:
  constexpr Status() = default;
  // Implicit, so that `return Code::kNotFound;` reads as it should.
  constexpr Status(Code code) : code_(code) {}  // NOLINT(google-explicit-constructor)
  constexpr Status(Code code, std::uint16_t reason) : code_(code), reason_(reason) {}
  template <typename Reason>
  requires(__is_enum(Reason) && !__is_same(Reason, Code)) constexpr Status(Code code, Reason reason)
      : code_(code), reason_(static_cast<std::uint16_t>(reason)) {}

  [[nodiscard]] constexpr bool ok() const { return code_ == Code::kOk; }
  [[nodiscard]] constexpr Code code() const { return code_; }
  [[nodiscard]] constexpr std::uint16_t reason() const { return reason_; }

  friend constexpr bool operator==(Status, Status) = default;

 private:
  Code code_ = Code::kOk;
  std::uint16_t reason_ = 0;
};
static_assert(sizeof(Status) == 4);

}  // namespace trib

/// Returns from the enclosing function when `expression` is a failed Status.
#define TRIB_TRY(expression)                                                    \
  do {                                                                          \
    if (::trib::Status trib_try_status = (expression); !trib_try_status.ok()) { \
      return trib_try_status;                                                   \
    }                                                                           \
  } while (false)
