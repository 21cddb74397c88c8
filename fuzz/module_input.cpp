// How libFuzzer changes inputs that are modules; part of the targets that take them.

#include "custom_input.hpp"
#include "module_mutator.hpp"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
    using namespace warpbeam::fuzz;
    return changed_input(ModuleMutator{seed, LLVMFuzzerMutate}.mutate({data, size}), data, size, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data, size_t size, const uint8_t* other,
                                            size_t other_size, uint8_t* out, size_t max_size, unsigned seed) {
    using namespace warpbeam::fuzz;
    return crossed_input(ModuleMutator{seed, LLVMFuzzerMutate}.cross({data, size}, {other, other_size}), out,
                         max_size);
}
