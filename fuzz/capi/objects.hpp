#pragma once

#include "input.hpp"

#include <utility>
#include <vector>
#include <warpbeam.h>

namespace warpbeam::fuzz {

/// Objects that the program owns.
template <class T, void (*destroy)(T*)>
class Pool {
public:
    Pool() = default;
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool() { clear(); }

    /// Takes ownership of what is not null.
    void add(T* object) {
        if (object != nullptr && objects_.size() < 24)
            objects_.push_back(object);
        else
            destroy(object);
    }
    /// One of them; null if there is none, and now and then.
    T* pick(Input& input) const {
        const uint8_t choice = input.byte();
        return objects_.empty() || choice == 255 ? nullptr : objects_[choice % objects_.size()];
    }
    void remove(Input& input) {
        if (objects_.empty())
            return;
        T*& object = objects_[input.byte() % objects_.size()];
        destroy(std::exchange(object, objects_.back()));
        objects_.pop_back();
    }
    void clear() {
        for (T* const object : std::exchange(objects_, {}))
            destroy(object);
    }

private:
    std::vector<T*> objects_;
};

/// A vector of the C API, which owns its elements.
struct Values : wasm_val_vec_t {
    Values() : wasm_val_vec_t{0, nullptr} {}
    explicit Values(size_t count) : wasm_val_vec_t{} { wasm_val_vec_new_uninitialized(this, count); }
    Values(const Values&) = delete;
    Values& operator=(const Values&) = delete;
    ~Values() { wasm_val_vec_delete(this); }
};
struct Bytes : wasm_byte_vec_t {
    Bytes() : wasm_byte_vec_t{0, nullptr} {}
    Bytes(const Bytes&) = delete;
    Bytes& operator=(const Bytes&) = delete;
    ~Bytes() { wasm_byte_vec_delete(this); }
};

} // namespace warpbeam::fuzz
