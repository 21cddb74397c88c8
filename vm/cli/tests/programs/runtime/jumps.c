// What clang's -wasm-enable-sjlj calls. Debian's wasi-libc does not have it. A jump is an exception: the
// function whose setjmp it goes to catches it, and asks with __wasm_setjmp_test whether it is the one.
#include "setjmp.h"

// The tag of such exceptions, and its number in __builtin_wasm_throw.
__asm__(".globl __c_longjmp\n"
        ".tagtype __c_longjmp i32\n"
        "__c_longjmp:\n");
enum { long_jump_tag = 1 };

void __wasm_setjmp(void* buffer, unsigned label, void* call) {
    jmp_buf* target = buffer;
    (*target)->call = call;
    (*target)->label = label;
}

// The label to go on at; 0 if the buffer was set by another call.
unsigned __wasm_setjmp_test(void* buffer, void* call) {
    jmp_buf* target = buffer;
    return (*target)->call == call ? (*target)->label : 0;
}

_Noreturn void __wasm_longjmp(void* buffer, int value) {
    jmp_buf* target = buffer;
    (*target)->thrown.buffer = buffer;
    (*target)->thrown.value = value == 0 ? 1 : value;
    __builtin_wasm_throw(long_jump_tag, &(*target)->thrown);
}
