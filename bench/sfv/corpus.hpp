#pragma once

#include <warpbeam/sfv/types.hpp>

#include <string>
#include <vector>

namespace warpbeam::bench {

struct Field {
    sfv::FieldType type;
    std::string text;
};

/// Fields of one kind, measured together.
struct InputClass {
    std::string name;
    bool is_real = false; ///< fields from practice, not made for a single type
    std::vector<Field> fields;
};

/// One class per type and shape, then the real fields.
[[nodiscard]] std::vector<InputClass> built_in_classes();

/// The valid inputs of the httpwg suite, a class for each of its files. Throws std::runtime_error.
[[nodiscard]] std::vector<InputClass> suite_classes(const std::string& directory);

/// This number of fields (of less than 1,000 bytes) in a random order, which no branch predictor can learn.
[[nodiscard]] InputClass shuffled(std::string name, const std::vector<InputClass>& classes, size_t count);

} // namespace warpbeam::bench
