// JavaScript's handle on the memory of a TxBatch: headers, table and the slab's regions, each handed over once.

#ifndef RAWTCP_TX_BATCH_H_
#define RAWTCP_TX_BATCH_H_

#include <napi.h>

#include <vector>

#include "assemble.h"
#include "memory.h"

namespace rawtcp {

class TxBatch : public Napi::ObjectWrap<TxBatch> {
 public:
  static void Init(Napi::Env env, Napi::Object exports);

  explicit TxBatch(const Napi::CallbackInfo& info);

  /** Null where the value is something else. */
  static TxBatch* From(const Napi::Value& value);

  const TxSource& source() const { return source_; }

 private:
  Napi::Value AddRegion(const Napi::CallbackInfo& info);

  Memory<uint8_t> headers_;
  Memory<int32_t> table_;
  std::vector<Memory<uint8_t>> regions_;
  TxSource source_;
};

}  // namespace rawtcp

#endif  // RAWTCP_TX_BATCH_H_
