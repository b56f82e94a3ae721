#include "trib/cloud/drift/names.h"

namespace trib::cloud::drift {

const char* NameOf(SubjectKind kind) {
  switch (kind) {
    case SubjectKind::kNode:
      return "node";
    case SubjectKind::kSite:
      return "site";
    case SubjectKind::kFirmware:
      return "firmware";
    case SubjectKind::kFleet:
      return "fleet";
    case SubjectKind::kModel:
      break;
  }
  return "model";
}

const char* NameOf(Cause cause) {
  switch (cause) {
    case Cause::kSensor:
      return "sensor";
    case Cause::kMachine:
      return "machine";
    case Cause::kEnvironment:
      return "environment";
    case Cause::kFirmware:
      return "firmware";
    case Cause::kModel:
      return "model";
    case Cause::kUnknown:
      break;
  }
  return "unknown";
}

const char* NameOf(Family family) {
  switch (family) {
    case Family::kNode:
      return "node";
    case Family::kGroup:
      return "group";
    case Family::kFleet:
      return "fleet";
    case Family::kEmbedding:
      return "embedding";
    case Family::kModel:
      break;
  }
  return "model";
}

const char* NameOf(Detector detector) {
  switch (detector) {
    case Detector::kAdwin:
      return "adwin";
    case Detector::kPageHinkley:
      return "page_hinkley";
    case Detector::kDdm:
      break;
  }
  return "ddm";
}

}  // namespace trib::cloud::drift
