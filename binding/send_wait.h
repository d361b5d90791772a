#ifndef RAWTCP_SEND_WAIT_H_
#define RAWTCP_SEND_WAIT_H_

namespace rawtcp {

/** What has to happen before a driver's backlog can leave. */
enum class SendWait { kNothing, kWritable, kMemory };

}  // namespace rawtcp

#endif  // RAWTCP_SEND_WAIT_H_
