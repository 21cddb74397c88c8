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

/// A case that may fail, and what we do.
struct Choice {
    std::string file;
    std::string name;
    std::string field;  ///< its lines, separated by line feeds
    std::string answer; ///< the canonical field that it is read as, or why it is refused
    std::string option; ///< the option of ParseOptions that refuses it
};

/// What a run tells while it goes on; each may be empty.
struct SuiteListener {
    std::function<void(const std::string& file, const SuiteCounts& counts)> file;
    std::function<void(const std::string& failure)> failure;
    std::function<void(const Choice& choice)> choice;
};

/// Runs all files of a directory and of its folder serialisation-tests. A case passes when
/// * a field that must fail is refused by the pull parser and by the document's;
/// * any other field is accepted by both, is the document that is expected, gives the canonical field, and
/// comes
///   through JSON and back unchanged; where a case may fail the option that refuses it does so;
/// * a value is serialized as expected, or refused where that must be.
/// Throws std::runtime_error when a file cannot be read or is not of the suite's form.
SuiteCounts run_suite(const std::string& directory, const SuiteListener& listener);

} // namespace warpbeam::sfv
