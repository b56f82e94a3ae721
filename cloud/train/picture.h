#pragma once

#include <string>
#include <vector>

#include "trib/cloud/train/card.h"

/// The pictures of a model card as SVG texts. Equal arguments give equal texts.
namespace trib::cloud::train {

/// With so many decimals, whatever the locale.
std::string Fixed(double value, int decimals);

std::string ConfusionPicture(const std::vector<std::string>& classes,
                             const std::vector<std::vector<std::size_t>>& confusion);
std::string RocPicture(const std::vector<std::string>& classes,
                       const std::vector<std::vector<CurvePoint>>& curves);
std::string ReliabilityPicture(const std::vector<host::calibration::Bin>& bins);
std::string ExitPicture(const std::vector<ColumnReport::ExitPoint>& curve);

}  // namespace trib::cloud::train
