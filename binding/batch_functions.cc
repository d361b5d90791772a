#include "batch_functions.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "assemble.h"
#include "checksum.h"
#include "join.h"
#include "layout.h"
#include "memory.h"
#include "tx_batch.h"
#include "verify.h"

namespace rawtcp {
namespace {

size_t SizeArgument(const Napi::CallbackInfo& info, size_t index) {
  double value = info[index].IsNumber() ? info[index].As<Napi::Number>().DoubleValue() : 0;
  return value > 0 ? static_cast<size_t>(value) : 0;
}

/** By name, the fastest where none is given; null where this processor has no such variant. */
const ChecksumVariant* VariantArgument(const Napi::Value& name) {
  if (!name.IsString()) return &BestChecksum();
  std::string wanted = name.As<Napi::String>().Utf8Value();
  size_t count;
  const ChecksumVariant* variants = ChecksumVariants(&count);
  const ChecksumVariant* found =
      std::find_if(variants, variants + count, [&](const ChecksumVariant& it) { return wanted == it.name; });
  return found == variants + count ? nullptr : found;
}

Napi::Value FoldedSum(Napi::Env env, uint64_t sum) { return Napi::Number::New(env, ntohs(Fold(sum))); }

Napi::Value Variants(const Napi::CallbackInfo& info) {
  size_t count;
  const ChecksumVariant* variants = ChecksumVariants(&count);
  Napi::Array names = Napi::Array::New(info.Env(), count);
  for (size_t i = 0; i < count; i++) names.Set(static_cast<uint32_t>(i), variants[i].name);
  return names;
}

/** (bytes, offset, length, initial, variant?): the folded sum, not inverted, as a number in network order. */
Napi::Value Checksum(const Napi::CallbackInfo& info) {
  const ChecksumVariant* variant = VariantArgument(info[4]);
  if (!IsTypedArray(info[0], napi_uint8_array) || variant == nullptr) {
    return ThrowArguments(info.Env(), "checksum(bytes: Uint8Array, offset, length, initial, variant?)");
  }
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  size_t offset = std::min(SizeArgument(info, 1), bytes.ElementLength());
  size_t length = std::min(SizeArgument(info, 2), bytes.ElementLength() - offset);
  uint64_t initial = htons(static_cast<uint16_t>(SizeArgument(info, 3)));
  return FoldedSum(info.Env(), variant->sum(bytes.Data() + offset, length, initial));
}

/** (to, toOffset, from, fromOffset, length, initial, variant?): copies, and answers as `checksum` does. */
Napi::Value CopyChecksum(const Napi::CallbackInfo& info) {
  const ChecksumVariant* variant = VariantArgument(info[6]);
  if (!IsTypedArray(info[0], napi_uint8_array) || !IsTypedArray(info[2], napi_uint8_array) || variant == nullptr) {
    return ThrowArguments(info.Env(), "copyChecksum(to: Uint8Array, toOffset, from: Uint8Array, fromOffset, ...)");
  }
  Napi::Uint8Array to = info[0].As<Napi::Uint8Array>();
  Napi::Uint8Array from = info[2].As<Napi::Uint8Array>();
  size_t to_offset = std::min(SizeArgument(info, 1), to.ElementLength());
  size_t from_offset = std::min(SizeArgument(info, 3), from.ElementLength());
  size_t length = std::min(
      {SizeArgument(info, 4), to.ElementLength() - to_offset, from.ElementLength() - from_offset});
  uint64_t initial = htons(static_cast<uint16_t>(SizeArgument(info, 5)));
  return FoldedSum(info.Env(),
                   variant->copy(to.Data() + to_offset, from.Data() + from_offset, length, initial));
}

/** What a packet takes in the memory that it is gathered into: each begins at a multiple of 8 (src/link/gather.ts). */
size_t GatheredLength(size_t length) { return (length + 7) & ~size_t{7}; }

/**
 * (batch, count, to, toOffset, rxTable, rxFirst): the packets of a TxBatch with checksums, super-segments cut if `cuts`, behind one
 * another in `to`, and their descriptors as RxBatch has them. Answers where the next packet may begin.
 */
template <bool cuts>
Napi::Value Gather(const Napi::CallbackInfo& info) {
  TxBatch* batch = TxBatch::From(info[0]);
  if (batch == nullptr || !IsTypedArray(info[2], napi_uint8_array) || !IsTypedArray(info[4], napi_int32_array)) {
    return ThrowArguments(info.Env(), "gather(batch, count, to: Uint8Array, toOffset, rxTable: Int32Array, rxFirst)");
  }
  size_t count = SizeArgument(info, 1);
  Napi::Uint8Array to = info[2].As<Napi::Uint8Array>();
  uint8_t* bytes = to.Data();
  size_t room = to.ElementLength();
  size_t offset = SizeArgument(info, 3);
  Napi::Int32Array table = info[4].As<Napi::Int32Array>();
  int32_t* row = table.Data() + std::min(SizeArgument(info, 5) * kRxStride, table.ElementLength());
  int32_t* end = table.Data() + table.ElementLength();

  for (size_t i = 0; i < count; i++) {
    Packet whole;
    // A descriptor that makes no sense takes its row all the same, as a packet of no bytes: the receiver counts it.
    bool sound = ReadDescriptor(batch->source(), i, &whole);
    size_t pieces = cuts && sound ? CountPieces(whole) : 1;
    for (size_t k = 0; k < pieces; k++, row += kRxStride) {
      uint8_t header[kHeaderRoom];
      Packet packet = pieces == 1 ? whole : CutPiece(whole, k, header);
      size_t length = sound ? packet.length() : 0;
      if (offset > room || length > room - offset || end - row < kRxStride) {
        Napi::RangeError::New(info.Env(), "gather: the batch does not fit").ThrowAsJavaScriptException();
        return info.Env().Undefined();
      }
      if (sound) CopyPacket(packet, bytes + offset);
      row[kRxOffset] = static_cast<int32_t>(offset);
      row[kRxLength] = static_cast<int32_t>(length);
      row[kRxChecksum] = sound && !IpIsFragment(packet.header) ? kChecksumGood : kChecksumUnknown;
      row[kRxSegment] = 0;
      row[kRxRegion] = 0;
      offset += GatheredLength(length);
    }
  }
  return Napi::Number::New(info.Env(), static_cast<double>(offset));
}

/** (bytes, rxTable, count): looks at each packet and writes what its checksum says into its descriptor. */
Napi::Value VerifyBatch(const Napi::CallbackInfo& info) {
  if (!IsTypedArray(info[0], napi_uint8_array) || !IsTypedArray(info[1], napi_int32_array)) {
    return ThrowArguments(info.Env(), "verify(bytes: Uint8Array, rxTable: Int32Array, count)");
  }
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  Napi::Int32Array table = info[1].As<Napi::Int32Array>();
  size_t count = std::min(SizeArgument(info, 2), table.ElementLength() / kRxStride);
  for (size_t i = 0; i < count; i++) {
    int32_t* row = table.Data() + i * kRxStride;
    size_t offset = static_cast<uint32_t>(row[kRxOffset]);
    size_t length = static_cast<uint32_t>(row[kRxLength]);
    bool inside = offset <= bytes.ElementLength() && length <= bytes.ElementLength() - offset;
    row[kRxChecksum] = inside ? Verify(bytes.Data() + offset, length) : kChecksumUnknown;
  }
  return info.Env().Undefined();
}

/** (bytes, room, rxTable, count): joins what may be joined, as a driver does with what it has received, here in one region; answers the rows left. */
Napi::Value Join(const Napi::CallbackInfo& info) {
  if (!IsTypedArray(info[0], napi_uint8_array) || !IsTypedArray(info[2], napi_int32_array)) {
    return ThrowArguments(info.Env(), "join(bytes: Uint8Array, room, rxTable: Int32Array, count)");
  }
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  Napi::Int32Array table = info[2].As<Napi::Int32Array>();
  size_t room = SizeArgument(info, 1);
  size_t count = std::min(SizeArgument(info, 3), table.ElementLength() / kRxStride);
  for (size_t i = 0; i < count; i++) {
    const int32_t* row = table.Data() + i * kRxStride;
    size_t offset = static_cast<uint32_t>(row[kRxOffset]);
    if (row[kRxRegion] != 0 || static_cast<uint32_t>(row[kRxLength]) > room || offset > bytes.ElementLength() || room > bytes.ElementLength() - offset) {
      Napi::RangeError::New(info.Env(), "join: a packet lies outside its room").ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
  }
  uint8_t* slab = bytes.Data();
  return Napi::Number::New(info.Env(), static_cast<double>(JoinSegments(&slab, room, table.Data(), count)));
}

/** (to, toOffset, regions, spans, first, end): pieces of the regions, by region, offset and length in turn, behind one another. */
Napi::Value CopySpans(const Napi::CallbackInfo& info) {
  if (!IsTypedArray(info[0], napi_uint8_array) || !info[2].IsArray() || !IsTypedArray(info[3], napi_int32_array)) {
    return ThrowArguments(info.Env(), "copySpans(to: Uint8Array, toOffset, regions: Uint8Array[], spans: Int32Array, ...)");
  }
  Napi::Uint8Array to = info[0].As<Napi::Uint8Array>();
  Napi::Array regions = info[2].As<Napi::Array>();
  Napi::Int32Array spans = info[3].As<Napi::Int32Array>();
  uint8_t* target = to.Data();
  const int32_t* span = spans.Data();
  size_t room = to.ElementLength();
  size_t at = SizeArgument(info, 1);
  size_t end = std::min(SizeArgument(info, 5), spans.ElementLength());
  // Of the region that the last piece was of: as a rule the next one is, too.
  int64_t known = -1;
  const uint8_t* source = nullptr;
  size_t available = 0;
  for (size_t i = SizeArgument(info, 4); i + 2 < end; i += 3) {
    uint32_t index = static_cast<uint32_t>(span[i]);
    if (index != known) {
      Napi::Value region = regions.Get(index);
      if (!IsTypedArray(region, napi_uint8_array)) return ThrowArguments(info.Env(), "copySpans: a region is a Uint8Array");
      known = index;
      source = region.As<Napi::Uint8Array>().Data();
      available = region.As<Napi::Uint8Array>().ElementLength();
    }
    size_t offset = static_cast<uint32_t>(span[i + 1]);
    size_t length = static_cast<uint32_t>(span[i + 2]);
    if (at > room || length > room - at || offset > available || length > available - offset) {
      Napi::RangeError::New(info.Env(), "copySpans: a piece lies outside").ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
    memcpy(target + at, source + offset, length);
    at += length;
  }
  return info.Env().Undefined();
}

/** (bytes, rxTable, count): joins neighbours among packets that have no room between them; answers the rows left. */
Napi::Value JoinGathered(const Napi::CallbackInfo& info) {
  if (!IsTypedArray(info[0], napi_uint8_array) || !IsTypedArray(info[1], napi_int32_array)) {
    return ThrowArguments(info.Env(), "joinGathered(bytes: Uint8Array, rxTable: Int32Array, count)");
  }
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  Napi::Int32Array table = info[1].As<Napi::Int32Array>();
  size_t count = std::min(SizeArgument(info, 2), table.ElementLength() / kRxStride);
  size_t free = 0;
  for (size_t i = 0; i < count; i++) {
    const int32_t* row = table.Data() + i * kRxStride;
    size_t offset = static_cast<uint32_t>(row[kRxOffset]);
    size_t length = static_cast<uint32_t>(row[kRxLength]);
    if (row[kRxRegion] != 0 || offset < free || offset > bytes.ElementLength() || length > bytes.ElementLength() - offset) {
      Napi::RangeError::New(info.Env(), "joinGathered: packets out of order").ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
    free = offset + length;
  }
  return Napi::Number::New(info.Env(), static_cast<double>(JoinNeighbours(bytes.Data(), table.Data(), count)));
}

/** What src/link/link.ts has to agree with. */
Napi::Object Layout(Napi::Env env) {
  Napi::Object layout = Napi::Object::New(env);
  layout.Set("RX_OFFSET", static_cast<int>(kRxOffset));
  layout.Set("RX_LENGTH", static_cast<int>(kRxLength));
  layout.Set("RX_CHECKSUM", static_cast<int>(kRxChecksum));
  layout.Set("RX_SEGMENT", static_cast<int>(kRxSegment));
  layout.Set("RX_REGION", static_cast<int>(kRxRegion));
  layout.Set("RX_STRIDE", static_cast<int>(kRxStride));
  layout.Set("CHECKSUM_UNKNOWN", static_cast<int>(kChecksumUnknown));
  layout.Set("CHECKSUM_GOOD", static_cast<int>(kChecksumGood));
  layout.Set("CHECKSUM_BAD", static_cast<int>(kChecksumBad));
  layout.Set("CHECKSUM_PARTIAL", static_cast<int>(kChecksumPartial));
  layout.Set("TX_HEADER_OFFSET", static_cast<int>(kTxHeaderOffset));
  layout.Set("TX_HEADER_LENGTH", static_cast<int>(kTxHeaderLength));
  layout.Set("TX_REGION", static_cast<int>(kTxRegion));
  layout.Set("TX_PAYLOAD_OFFSET", static_cast<int>(kTxPayloadOffset));
  layout.Set("TX_PAYLOAD_LENGTH", static_cast<int>(kTxPayloadLength));
  layout.Set("TX_WRAPPED_OFFSET", static_cast<int>(kTxWrappedOffset));
  layout.Set("TX_WRAPPED_LENGTH", static_cast<int>(kTxWrappedLength));
  layout.Set("TX_SEGMENT", static_cast<int>(kTxSegment));
  layout.Set("TX_HEADER_ROOM", static_cast<int>(kHeaderRoom));
  layout.Set("TX_STRIDE", static_cast<int>(kTxStride));
  return layout;
}

}  // namespace

void InitBatchFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("variants", Napi::Function::New<Variants>(env, "variants"));
  exports.Set("checksum", Napi::Function::New<Checksum>(env, "checksum"));
  exports.Set("copyChecksum", Napi::Function::New<CopyChecksum>(env, "copyChecksum"));
  exports.Set("gather", Napi::Function::New<Gather<false>>(env, "gather"));
  exports.Set("gatherCut", Napi::Function::New<Gather<true>>(env, "gatherCut"));
  exports.Set("verify", Napi::Function::New<VerifyBatch>(env, "verify"));
  exports.Set("joinGathered", Napi::Function::New<JoinGathered>(env, "joinGathered"));
  exports.Set("copySpans", Napi::Function::New<CopySpans>(env, "copySpans"));
  exports.Set("join", Napi::Function::New<Join>(env, "join"));
  exports.Set("layout", Layout(env));
}

}  // namespace rawtcp
