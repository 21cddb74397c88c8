#pragma once

#include "corpus.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace warpbeam::bench {

/// For each FieldType, a function that reads a field of that type to its end and returns a number that
/// depends on everything read; 0 if it was refused. A program knows the type of the field that it reads, so
/// each function knows it when it is compiled.
using Walk = std::array<uint64_t (*)(std::string_view field), 3>;

/// @{ Both add up the same things, so the numbers are equal. Null if built without sfparse.
extern const Walk walk_ours;
extern const Walk walk_sfparse;
/// @}
/// Makes a document from the field, and destroys it. Returns the number of its members.
extern const Walk walk_document;

inline uint64_t read(const Walk& walk, const Field& field) {
    return walk[static_cast<size_t>(field.type)](field.text);
}

} // namespace warpbeam::bench
