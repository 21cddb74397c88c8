# A host that only embeds the library stays small (docs/decisions/0010).
#   cmake -DSTRIP=strip -DHOST=program -DMAX=bytes -P size_test.cmake
execute_process(COMMAND ${STRIP} -s -o ${HOST}.stripped ${HOST} COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${HOST}.stripped size)
message(STATUS "${size} bytes")
if(size GREATER MAX)
  message(FATAL_ERROR "that is more than ${MAX}")
endif()
