#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

/// Runs the httpwg suite: https://github.com/httpwg/structured-field-tests.

namespace warpbeam::sfv {

struct SuiteCounts {
    size_t passed = 0;
    size_t failed = 0;

    SuiteCounts& operator+=(const SuiteCounts& other) {
        passed += other.passed;
        failed += other.failed;
        return *this;
    }
};

/// A case that may fail, and what the library does.
struct Choice {
    std::string file;
    std::string name;
    std::string field;  ///< its lines, separated by line feeds
    std::string answer; ///< the canonical field it is read as, or why it is refused
    std::string option; ///< the option of ParseOptions that refuses it
};

/// What a run reports; each function may be empty.
struct SuiteListener {
    std::function<void(const std::string& file, const SuiteCounts& counts)> file;
    std::function<void(const std::string& failure)> failure;
    std::function<void(const Choice& choice)> choice;
};

/// Runs all files in a directory and in its folder serialisation-tests. A case passes if
/// * a field that must fail is refused by the pull parser and by the document;
/// * any other field is accepted by both, becomes the expected document, gives the canonical field, and
/// survives a
///   round trip through JSON; if a case may fail, the option that refuses it does so;
/// * a value is serialized as expected, or refused if it must be.
/// Throws std::runtime_error if a file cannot be read or does not have the suite's form.
SuiteCounts run_suite(const std::string& directory, const SuiteListener& listener);

} // namespace warpbeam::sfv
