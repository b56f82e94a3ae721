// The byte law's tables against the descriptors that protoc made from the schema: a field added to
// a .proto without its rule fails here.
#include "../../message/wire_rules.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "tributary/v1/link.pb.h"
#include "tributary/v1/record.pb.h"

namespace trib::message::internal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool TypesAgree(const FieldRule& rule, const FieldDescriptor& field) {
  switch (rule.type) {
    case kU32:
      return field.type() == FieldDescriptor::TYPE_UINT32;
    case kU64:
    case kTimeMs:
      return field.type() == FieldDescriptor::TYPE_UINT64;
    case kBool:
      return field.type() == FieldDescriptor::TYPE_BOOL;
    case kEnum:  // some closed sets are plain numbers in the schema
      return field.type() == FieldDescriptor::TYPE_ENUM ||
             field.type() == FieldDescriptor::TYPE_UINT32;
    case kFixed32:
      return field.type() == FieldDescriptor::TYPE_FIXED32;
    case kFixed64:
      return field.type() == FieldDescriptor::TYPE_FIXED64;
    case kFloat:
      return field.type() == FieldDescriptor::TYPE_FLOAT;
    case kBytes:
      return field.type() == FieldDescriptor::TYPE_BYTES;
    case kMessage:
      return field.type() == FieldDescriptor::TYPE_MESSAGE;
  }
  return false;
}

void Compare(const MessageRule& rule, const Descriptor& descriptor) {
  SCOPED_TRACE(descriptor.full_name());
  EXPECT_EQ(rule.fields.size(), static_cast<std::size_t>(descriptor.field_count()));
  EXPECT_LE(rule.fields.size(), 32U);  // one bit each
  for (const FieldRule& one : rule.fields) {
    const FieldDescriptor* field = descriptor.FindFieldByNumber(one.number);
    ASSERT_NE(field, nullptr) << int{one.number};
    SCOPED_TRACE(field->name());
    EXPECT_TRUE(TypesAgree(one, *field));
    EXPECT_EQ(one.repeated, field->is_repeated());
    EXPECT_EQ(one.body, field->containing_oneof() != nullptr);
    EXPECT_FALSE(one.repeated && one.type != kMessage && !field->is_packed());
    EXPECT_FALSE(one.repeated && one.max == 0);
    if (field->type() == FieldDescriptor::TYPE_ENUM) {
      const auto& values = *field->enum_type();
      EXPECT_EQ(one.max + 1, static_cast<std::uint32_t>(values.value_count()));
      EXPECT_NE(values.FindValueByNumber(static_cast<int>(one.max)), nullptr);
    }
    if (one.message != nullptr) {
      Compare(*one.message, *field->message_type());
    }
  }
}

TEST(WireRules, CoverTheSchemaExactly) {
  Compare(kRecord, *tributary::v1::Record::descriptor());
  Compare(kEnvelope, *tributary::v1::Envelope::descriptor());
  Compare(kSealedRecord, *tributary::v1::SealedRecord::descriptor());
}

TEST(WireRules, RefusalsAreAsManyAsTheSchemaNames) {
  EXPECT_EQ(kAckRangeFields[3].max, static_cast<std::uint32_t>(tributary::v1::RefusalReason_MAX));
  EXPECT_EQ(kVerdictFields[3].max, static_cast<std::uint32_t>(tributary::v1::Tier_MAX));
}

}  // namespace
}  // namespace trib::message::internal
