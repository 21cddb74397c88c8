#pragma once

#include "corpus.hpp"

#include <cstdint>

namespace warpbeam::bench {

/// Reads a field to its end and returns a number that depends on all that was read; 0 when it was refused.
/// Both walks add up the same things, so that the numbers are equal.
using Walk = uint64_t (*)(const Field& field);

uint64_t walk_ours(const Field& field);
/// A document made of the field, and ended. The number is that of its members.
uint64_t walk_document(const Field& field);
/// Null when this was built without sfparse.
extern const Walk walk_sfparse;

} // namespace warpbeam::bench
