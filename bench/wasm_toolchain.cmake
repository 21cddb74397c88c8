# WARPBEAM_WASM_CLANG: a clang that compiles C to WebAssembly, if WARPBEAM_WASM_TOOLCHAIN_WORKS.
find_program(WARPBEAM_WASM_CLANG NAMES clang-19 clang DOC "A clang that can target wasm32-wasi")

# Only linking a program shows whether the linker, the libc and the compiler's runtime library are all installed.
if(WARPBEAM_WASM_CLANG AND NOT DEFINED WARPBEAM_WASM_TOOLCHAIN_WORKS)
  set(probe ${CMAKE_CURRENT_BINARY_DIR}/probe)
  file(WRITE ${probe}.c "#include <stdio.h>\nint main(void) { return puts(\"probe\") < 0; }\n")
  execute_process(
    COMMAND ${WARPBEAM_WASM_CLANG} --target=wasm32-wasi ${probe}.c -o ${probe}.wasm
    RESULT_VARIABLE probe_status
    OUTPUT_QUIET ERROR_QUIET)
  if(probe_status EQUAL 0)
    set(WARPBEAM_WASM_TOOLCHAIN_WORKS ON CACHE INTERNAL "clang, wasm-ld and wasi-libc fit together")
  endif()
endif()
