# What convert.hpp must not compile, and the words that must explain it.
#   cmake -DCXX=clang++ -DSOURCE_DIR=sfv -P rejected_test.cmake
set(passed 0)
set(failed 0)

# compile(EXPRESSION [WORDS]): checks that it compiles; with WORDS, that it does not, and that the compiler prints
# them.
function(compile expression)
  execute_process(
    COMMAND ${CXX} -std=c++23 -fsyntax-only -I${SOURCE_DIR}/include "-DCASE=${expression}"
      ${SOURCE_DIR}/tests/rejected.cpp
    RESULT_VARIABLE status ERROR_VARIABLE output OUTPUT_QUIET)
  set(words "${ARGN}")
  if((words STREQUAL "" AND status EQUAL 0) OR
     (NOT words STREQUAL "" AND NOT status EQUAL 0 AND output MATCHES "${words}"))
    math(EXPR count "${passed} + 1")
    set(passed ${count} PARENT_SCOPE)
  else()
    message("${expression}: expected '${words}'; the compiler's status is ${status}\n${output}")
    math(EXPR count "${failed} + 1")
    set(failed ${count} PARENT_SCOPE)
  endif()
endfunction()

compile("item_of(std::vector<uint8_t>{})")
compile("item_of(1, Parameters{})")

set(character "a character is neither text nor a number")
compile("item_of('a')" "${character}")
compile("list_of(std::string())" "${character}")
set(char_range "use std::string_view or ByteSequence")
compile("item_of(std::vector<char>{})" "${char_range}")
compile("item_of(std::array<char, 3>{})" "${char_range}")
compile("list_of(std::vector<std::deque<char>>{})" "${char_range}")
compile("item_of(u8\"a\")" "UTF-8 in char8_t")
compile("item_of(std::u16string())" "text must consist of char")
compile("member_of(std::filesystem::path())" "pass a string made from it")
compile("dictionary_of(std::map<std::string, std::filesystem::path>{})" "pass a string made from it")
set(bytes "bytes must be contiguous")
compile("item_of(std::list<std::byte>{})" "${bytes}")
compile("dictionary_of(std::map<std::string, std::set<uint8_t>>{})" "${bytes}")
compile("item_of(1.0L)" "a long double is not a decimal")
compile("Decimal::from_double(1.0L)" "deleted")
compile("item_of(Colour::red)" "cannot hold a value of this type")
compile("item_of(std::byte{1})" "cannot hold a value of this type")
compile("list_of(5)" "this is not a range")

message("${passed} passed, ${failed} failed")
if(failed GREATER 0)
  message(FATAL_ERROR "see above")
endif()
