#include "trap.hpp"
#include "types.hpp"

#include <warpbeam/vm/print.hpp>

/// What people want to know of traps: codes, texts and names.

using namespace warpbeam;

warpbeam_trap_code_t warpbeam_trap_code(const wasm_trap_t* trap) {
#define WARPBEAM_TRAP_CODE(id, words) +1
    static_assert(WARPBEAM_TRAP_USAGE + 1 == 0
#include <warpbeam/vm/trap_codes.inc>
    );
#undef WARPBEAM_TRAP_CODE
    const Trap* const found = capi::peek_trap(trap);
    return static_cast<warpbeam_trap_code_t>(found != nullptr ? found->code() : TrapCode::usage);
}
int32_t warpbeam_trap_exit_status(const wasm_trap_t* trap) {
    const Trap* const found = capi::peek_trap(trap);
    return found != nullptr ? found->exit_status() : 0;
}
void warpbeam_trap_text(const wasm_trap_t* trap, wasm_byte_vec_t* out) {
    *out = {0, nullptr};
    if (const Trap* const found = capi::peek_trap(trap)) {
        const Text text = to_text(*found);
        (void)capi::make_name(*out, text.view());
    }
}

void warpbeam_frame_func_name(const wasm_frame_t* frame, wasm_name_t* out) {
    (void)capi::make_name(*out, capi::frame_of(*frame).func_name());
}
void warpbeam_frame_module_name(const wasm_frame_t* frame, wasm_name_t* out) {
    (void)capi::make_name(*out, capi::frame_of(*frame).module_name());
}
