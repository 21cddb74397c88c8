// How libFuzzer changes inputs that are WebAssembly text; part of the targets that take it.

#include "custom_input.hpp"
#include "text_mutator.hpp"

namespace {

std::string_view text_of(const uint8_t* data, size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
    using namespace warpbeam::fuzz;
    // The target also takes modules, which it prints; only changes of bytes make these.
    const bool as_bytes = seed % 4 == 0;
    return changed_input(as_bytes ? std::string{} : TextMutator{seed}.mutate(text_of(data, size)), data, size,
                         max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data, size_t size, const uint8_t* other,
                                            size_t other_size, uint8_t* out, size_t max_size, unsigned seed) {
    using namespace warpbeam::fuzz;
    return crossed_input(TextMutator{seed}.cross(text_of(data, size), text_of(other, other_size)), out,
                         max_size);
}
