// setjmp and longjmp for WebAssembly: clang turns calls of both into calls of the functions in jumps.c.
#ifndef WARPBEAM_PROGRAMS_SETJMP_H
#define WARPBEAM_PROGRAMS_SETJMP_H

typedef struct {
    void* call;     // identifies the call of the function that set this
    unsigned label; // which setjmp in that function
    struct {
        void* buffer;
        int value;
    } thrown; // what the exception points to
} jmp_buf[1];

int setjmp(jmp_buf) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf, int);

// There are no signal masks to save.
#define sigjmp_buf jmp_buf
#define sigsetjmp(buffer, mask) setjmp(buffer)
#define siglongjmp longjmp

#endif
