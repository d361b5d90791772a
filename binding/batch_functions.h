// Functions over batches and bytes that belong to no socket: checksum, copyChecksum, gather, verify, layout.

#ifndef RAWTCP_BATCH_FUNCTIONS_H_
#define RAWTCP_BATCH_FUNCTIONS_H_

#include <napi.h>

namespace rawtcp {

void InitBatchFunctions(Napi::Env env, Napi::Object exports);

}  // namespace rawtcp

#endif  // RAWTCP_BATCH_FUNCTIONS_H_
