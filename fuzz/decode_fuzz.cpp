// libFuzzer target: any bytes must be decoded and validated, or refused, in memory proportional to their
// number; and the types of a frame are known only where an instruction begins.

#include "bounded_allocator.hpp"

#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/loader/module.hpp>

#include <cstdint>
#include <cstdlib>

namespace {

bool is_instruction(const warpbeam::Module& module, const warpbeam::FuncBody& body, size_t offset) {
    warpbeam::InstrReader in{module, body.code};
    while (in.offset() < offset)
        (void)in.skip(warpbeam::row_of(in.op()).imm);
    return in.offset() == offset;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace warpbeam;
    fuzz::BoundedAllocator allocator{fuzz::memory_bound(size)};
    {
        LoadOptions options;
        options.features = FeatureSet::all();
        options.allocator = &allocator;
        const auto module = Module::load({data, size}, options);
        // Running out of memory means that the request was out of proportion.
        if (!module && module.error().code() == ErrorCode::out_of_memory)
            std::abort();
        if (module)
            for (uint32_t i = 0; i < module->funcs().size(); ++i)
                (void)module->func_name(i);
        for (uint32_t i = 0; module && i < module->bodies().size(); ++i) {
            const FuncBody& body = module->bodies()[i];
            const auto offset = static_cast<uint32_t>(size * 31 % body.code.size());
            // A few bytes declare many locals, so this memory is not in proportion.
            ModuleAccess::FrameTypes types{Allocator::standard()};
            if (ModuleAccess::frame_types(*module, module->imported_funcs() + i, offset, types,
                                          Allocator::standard()) &&
                !is_instruction(*module, body, offset))
                std::abort();
        }
    }
    if (allocator.live() != 0)
        std::abort();
    return 0;
}
