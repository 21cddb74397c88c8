#pragma once

#include <warpbeam/sfv/types.hpp>

#include <string>
#include <vector>

namespace warpbeam::bench {

struct Field {
    sfv::FieldType type;
    std::string text;
};

/// Fields of one kind, which are measured together.
struct InputClass {
    std::string name;
    bool is_real = false; ///< fields as they are sent, not ones made for a single type
    std::vector<Field> fields;
};

/// One class for each type and shape, then the real fields.
[[nodiscard]] std::vector<InputClass> built_in_classes();

/// The valid inputs of the httpwg suite, a class for each of its files. Throws std::runtime_error.
[[nodiscard]] std::vector<InputClass> suite_classes(const std::string& directory);

/// So many of the fields (of less than 1,000 bytes) in a random order, which no branch predictor knows by
/// heart.
[[nodiscard]] InputClass shuffled(std::string name, const std::vector<InputClass>& classes, size_t count);

} // namespace warpbeam::bench
