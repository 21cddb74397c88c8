# Code for newer processors must not leave inline functions behind that the linker could take for all callers:
# whatever is defined in OBJECTS and may be merged with other definitions must belong to ISA's namespace.
#   cmake -DNM=nm -DISA=simd_avx2 -DOBJECTS="a.o;b.o" -P isa_test.cmake
set(found 0)
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]* [WVu] [^\n]*" merged "${symbols}")
  foreach(symbol IN LISTS merged)
    math(EXPR found "${found} + 1")
    if(NOT symbol MATCHES "${ISA}")
      message(SEND_ERROR "${object} shares ${symbol}")
    endif()
  endforeach()
endforeach()
if(found EQUAL 0)
  message(FATAL_ERROR "no handlers in ${OBJECTS}")
endif()
