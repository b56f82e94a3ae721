#pragma once

/// Two charts that notice a lasting shift of a value whose healthy mean and spread are known, as a
/// node watches each of its features and the confidence. What they give is a flag, never an alarm.
///
/// Memory   The state is the object: eight bytes and four in float. No heap.
/// Threads  One caller at a time for each object.
/// Units    Values are standardised: (x - healthy mean) / healthy deviation.
/// State    After a flag a chart starts from zero with the next value, so a lasting shift flags
///          again and again. May be kept and restored as plain bytes, or begun anew.
namespace trib::drift {

enum class Flag {
  kNone,
  kUp,
  kDown,
  kIgnored,  ///< the value was NaN; nothing changed, and whoever counts such values counts it
};

/// Slack and threshold in deviations. Half the shift that matters is the best slack.
///
/// The defaults flag, with values that are independent and normal, once in 12,900 (Siegmund's
/// approximation for both sides), and a shift of half a deviation after some 56. With a slack of
/// 0.5, threshold 8 flags as rarely but takes twice as long for half a deviation; the textbook's
/// 5 flags once in 470. Values that are correlated flag more often.
template <typename Real>
struct CusumParameters {
  Real slack = Real(0.25);
  Real threshold = Real(15);
};

/// Page's cumulative sums, both sides: a run of small deviations in one direction adds up, and one
/// outlier counts once.
template <typename Real>
class Cusum {
 public:
  Flag Push(Real value, const CusumParameters<Real>& parameters) {
    if (value != value) {
      return Flag::kIgnored;
    }
    up_ = AboveZero(up_ + value - parameters.slack);
    down_ = AboveZero(down_ - value - parameters.slack);
    if (up_ > parameters.threshold || down_ > parameters.threshold) {
      const Flag flag = up_ > parameters.threshold ? Flag::kUp : Flag::kDown;
      *this = Cusum();
      return flag;
    }
    return Flag::kNone;
  }

  [[nodiscard]] Real up() const { return up_; }
  [[nodiscard]] Real down() const { return down_; }

 private:
  static Real AboveZero(Real x) { return x > Real(0) ? x : Real(0); }

  Real up_ = Real(0);
  Real down_ = Real(0);
};

/// Weight of a new value, in (0, 1], and how many deviations of the average are too many.
///
/// The defaults flagged not once in 20,000 independent normal values and noticed half a deviation
/// after some 150: the slower and quieter of the two charts. It is there for what a sum forgives:
/// an excursion that came back is over for it at once.
template <typename Real>
struct EwmaParameters {
  Real weight = Real(0.05);
  Real limit = Real(4.5);
};

/// Exponentially weighted moving average against the limits that it has in the long run.
template <typename Real>
class Ewma {
 public:
  Flag Push(Real value, const EwmaParameters<Real>& parameters) {
    if (value != value) {
      return Flag::kIgnored;
    }
    average_ += parameters.weight * (value - average_);
    // The average's variance is weight / (2 - weight); squares spare the root.
    if (average_ * average_ * (Real(2) - parameters.weight) >
        parameters.limit * parameters.limit * parameters.weight) {
      const Flag flag = average_ > Real(0) ? Flag::kUp : Flag::kDown;
      *this = Ewma();
      return flag;
    }
    return Flag::kNone;
  }

  [[nodiscard]] Real average() const { return average_; }

 private:
  Real average_ = Real(0);
};

/// What a node runs; `watch.cc` holds them.
extern template class Cusum<float>;
extern template class Ewma<float>;

static_assert(sizeof(Cusum<float>) == 8);
static_assert(sizeof(Ewma<float>) == 4);

}  // namespace trib::drift
