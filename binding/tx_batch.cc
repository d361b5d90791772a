#include "tx_batch.h"

#include <utility>

#include "layout.h"

namespace rawtcp {
namespace {

constexpr napi_type_tag kTag = {0x7261777463705478, 0x9d1f4c0be2a86b35};

}  // namespace

void TxBatch::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("TxBatch", DefineClass(env, "TxBatch", {InstanceMethod<&TxBatch::AddRegion>("addRegion")}));
}

TxBatch::TxBatch(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TxBatch>(info) {
  if (!IsTypedArray(info[0], napi_uint8_array) || !IsTypedArray(info[1], napi_int32_array)) {
    ThrowArguments(info.Env(), "new TxBatch(headers: Uint8Array, table: Int32Array)");
    return;
  }
  info.This().As<Napi::Object>().TypeTag(&kTag);
  headers_ = Memory<uint8_t>(info[0].As<Napi::Uint8Array>());
  table_ = Memory<int32_t>(info[1].As<Napi::Int32Array>());
  source_.headers = headers_.data();
  source_.headers_length = headers_.length();
  source_.table = table_.data();
  source_.capacity = table_.length() / kTxStride;
}

TxBatch* TxBatch::From(const Napi::Value& value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTag)) return nullptr;
  return Unwrap(value.As<Napi::Object>());
}

/** (bytes): answers the index under which descriptors name the region. */
Napi::Value TxBatch::AddRegion(const Napi::CallbackInfo& info) {
  if (!IsTypedArray(info[0], napi_uint8_array)) return ThrowArguments(info.Env(), "addRegion(bytes: Uint8Array)");
  Memory<uint8_t> region(info[0].As<Napi::Uint8Array>());
  source_.regions.push_back({region.data(), region.length()});
  regions_.push_back(std::move(region));
  return Napi::Number::New(info.Env(), static_cast<double>(regions_.size() - 1));
}

}  // namespace rawtcp
