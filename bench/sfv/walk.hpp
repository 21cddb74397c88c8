#pragma once

#include "corpus.hpp"

#include <cstdint>

namespace warpbeam::bench {

/// Reads a field to its end and returns a number that depends on everything read; 0 if it was refused. Both
/// walks add up the same things, so the numbers are equal.
using Walk = uint64_t (*)(const Field& field);

uint64_t walk_ours(const Field& field);
/// Makes a document from the field, and destroys it. Returns the number of its members.
uint64_t walk_document(const Field& field);
/// Null if built without sfparse.
extern const Walk walk_sfparse;

} // namespace warpbeam::bench
