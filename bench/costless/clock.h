#ifndef COSTLESS_CLOCK_H_
#define COSTLESS_CLOCK_H_

#include <ctime>

namespace costless {

/** Milliseconds. */
inline double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

}  // namespace costless

#endif  // COSTLESS_CLOCK_H_
