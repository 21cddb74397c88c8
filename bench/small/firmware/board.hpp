#pragma once

/// What the program knows of the board: it prints and ends through the debugger ("semihosting").

namespace board {

/// Prints a text that ends with a zero byte.
void print(const char* text) noexcept;
/// Ends the program.
[[noreturn]] void end(int status) noexcept;

} // namespace board
