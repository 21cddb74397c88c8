# Copies the folder, builds it as a project of its own, and compiles each header separately: as C++, with and
# without exceptions, and the C header as C99.
#   cmake -DCXX=clang++ -DGENERATOR=Ninja -DSOURCE_DIR=sfv -DWORK_DIR=build/standalone -P standalone_test.cmake
set(passed 0)
set(failed 0)

# check(NAME COMMAND...): checks that the command succeeds.
function(check name)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(status EQUAL 0)
    math(EXPR count "${passed} + 1")
    set(passed ${count} PARENT_SCOPE)
  else()
    message("${name}:\n${output}")
    math(EXPR count "${failed} + 1")
    set(failed ${count} PARENT_SCOPE)
  endif()
endfunction()

set(copy ${WORK_DIR}/sfv)
set(build ${WORK_DIR}/build)
file(REMOVE_RECURSE ${WORK_DIR})
file(COPY ${SOURCE_DIR}/ DESTINATION ${copy})
check("configure" ${CMAKE_COMMAND} -G ${GENERATOR} -S ${copy} -B ${build} -DCMAKE_CXX_COMPILER=${CXX}
  -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wconversion -Wshadow -Werror")
check("build" ${CMAKE_COMMAND} --build ${build})

set(warnings -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
file(GLOB headers RELATIVE ${copy}/include ${copy}/include/warpbeam/sfv/*.h ${copy}/include/warpbeam/sfv/*.hpp)
foreach(header IN LISTS headers)
  # Included from a file, since a header compiled directly gets other warnings. Twice, to test the include guard.
  file(WRITE ${WORK_DIR}/header.cpp "#include <${header}>\n#include <${header}>\n")
  check("${header} by itself" ${CXX} -std=c++23 ${warnings} -fsyntax-only -I${copy}/include ${WORK_DIR}/header.cpp)
  check("${header} without exceptions" ${CXX} -std=c++23 ${warnings} -fno-exceptions -fno-rtti -fsyntax-only
    -I${copy}/include ${WORK_DIR}/header.cpp)
endforeach()
file(WRITE ${WORK_DIR}/header.c "#include <warpbeam/sfv/sfv.h>\n#include <warpbeam/sfv/sfv.h>\nint main(void) { return 0; }\n")
check("sfv.h as C99" ${CXX} -x c -std=c99 ${warnings} -fsyntax-only -I${copy}/include ${WORK_DIR}/header.c)

message("${passed} passed, ${failed} failed")
if(failed GREATER 0)
  message(FATAL_ERROR "see above")
endif()
