#pragma once

namespace trib::node::cascade {

/// z with P(Z > z) = p for a standard normal Z: Newton's method on ln Q(z), where Q = density times
/// the Mills ratio, the latter by its continued fraction. Only + - * / and sqrt, so every target
/// computes the same bits.
///
/// Units  p is clamped to [1e-9, 0.25]; the absolute error there is below 2e-5 (quantile_test).
float NormalUpperQuantile(float p);

/// t with P(T > t) = p for Student's T with `degrees` of freedom, by the Cornish-Fisher type
/// expansion around the normal quantile (Abramowitz and Stegun 26.7.5, four terms).
///
/// Units  For degrees >= 7 and p >= 1e-5 the relative error is below 1 % (quantile_test), and the
///        expansion errs low; degrees below 2 count as 2.
float StudentUpperQuantile(float p, float degrees);

/// f with P(F > f) = p for Fisher's F with `above` and `below` degrees of freedom, which need not
/// be whole: bisection on the incomplete beta function by its continued fraction.
///
/// Units  p in [1e-6, 0.5], above in [1, 64], below in [2, 1000] (more counts as 1000, which errs
///        high by at most 0.6 %): the relative error of f is below 2e-3 (quantile_test). Arguments
///        outside are clamped.
float FisherUpperQuantile(float p, float above, float below);

}  // namespace trib::node::cascade
