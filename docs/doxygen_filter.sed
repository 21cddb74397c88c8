# What Doxygen reads of a header: special member functions and defaulted comparisons do what they do everywhere, so
# that is said here once.
s#^( *)(.*operator(==|<=>)\(.*= default;)#\1/** Compares all members. */ \2#
/= delete;/! s#^( *)(.*\b([A-Z][A-Za-z]*)\((const )?\3(<T>)?&&? ?[a-z_]*\)( noexcept.*|;.*| =.*)?)$#\1/** Copies or moves. */ \2#
/= delete;/! s#^( *)([A-Z][A-Za-z]*& operator=\()#\1/** Assigns. */ \2#
# It takes this for a recursion.
s#^struct Callable : Callable<.*#struct Callable;#
