// A typed array's memory, held for as long as this object lives. The memory must not be transferred or detached by
// JavaScript: nothing on this side would notice.

#ifndef RAWTCP_MEMORY_H_
#define RAWTCP_MEMORY_H_

#include <napi.h>

#include <cstddef>

namespace rawtcp {

template <typename T>
class Memory {
 public:
  Memory() = default;
  explicit Memory(const Napi::TypedArrayOf<T>& array)
      : data_(const_cast<Napi::TypedArrayOf<T>&>(array).Data()),
        length_(array.ElementLength()),
        reference_(Napi::Persistent(array.template As<Napi::Object>())) {}

  T* data() const { return data_; }
  /** Elements, not bytes. */
  size_t length() const { return length_; }

 private:
  T* data_ = nullptr;
  size_t length_ = 0;
  Napi::ObjectReference reference_;
};

/** For arguments: whether the value is the typed array that the function wants. */
inline bool IsTypedArray(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

/** The one complaint about arguments: only the TypeScript of this package calls the addon, and it is typed. */
inline Napi::Value ThrowArguments(Napi::Env env, const char* expected) {
  Napi::TypeError::New(env, expected).ThrowAsJavaScriptException();
  return env.Undefined();
}

}  // namespace rawtcp

#endif  // RAWTCP_MEMORY_H_
