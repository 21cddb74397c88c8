#include "shorthands.h"

extern "C" bool shorthands_are_right_in_cpp();

extern "C" bool shorthands_are_right_in_cpp() { return shorthands_are_right(); }
