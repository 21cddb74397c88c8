// Measures how fast structured fields are read: by the pull parser, into a document, and by sfparse if it was
// built with it. See README.md.

#include "corpus.hpp"
#include "walk.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <stdexcept>
#include <string_view>

namespace {

using namespace warpbeam::bench;

struct Options {
    std::string suite;
    std::string_view only_reader;
    std::string_view only_class;
    int rounds = 15;
    size_t bytes = 200'000; ///< read in each round of each class
};

struct Reader {
    const char* name;
    const Walk* walk;
};

uint64_t sink = 0;

/// The nanoseconds that one field takes on average.
double measure(const InputClass& inputs, const Walk& walk, size_t repetitions) {
    const std::clock_t start = std::clock(); // CPU time, since machines are shared
    for (size_t i = 0; i < repetitions; ++i)
        for (const Field& field : inputs.fields)
            sink += read(walk, field);
    const double nanoseconds = static_cast<double>(std::clock() - start) * (1e9 / CLOCKS_PER_SEC);
    return nanoseconds / static_cast<double>(repetitions * inputs.fields.size());
}

/// The fields that both parsers accept; valid fields that the other one refuses are reported and left out.
void keep_common(InputClass& inputs) {
    std::erase_if(inputs.fields, [&](const Field& field) {
        if (read(walk_ours, field) == 0) {
            std::fprintf(stderr, "%s: refused by us: %s\n", inputs.name.c_str(), field.text.c_str());
            std::exit(1);
        }
        const bool differs =
            walk_sfparse[0] != nullptr && read(walk_sfparse, field) != read(walk_ours, field);
        if (differs)
            std::fprintf(stderr, "%s: left out, since sfparse reads it differently: %s\n",
                         inputs.name.c_str(), field.text.c_str());
        return differs;
    });
}

/// Geometric means of ratios, over classes.
struct Mean {
    double sum = 0;
    int count = 0;
    void add(double ratio) {
        sum += std::log(ratio);
        ++count;
    }
    [[nodiscard]] double value() const { return count == 0 ? 0 : std::exp(sum / count); }
};

struct Means {
    Mean speed;    ///< sfparse's time divided by ours
    Mean document; ///< the document's time divided by the pull parser's
    double least = INFINITY;
};

double median(std::vector<double> values) {
    std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
    return values[values.size() / 2];
}

void run_class(const InputClass& inputs, const Options& options, const std::vector<Reader>& readers,
               Means& means) {
    size_t bytes = 1;
    for (const Field& field : inputs.fields)
        bytes += field.text.size() + 20; // short fields cost more than their bytes
    const size_t repetitions = std::max<size_t>(1, options.bytes / bytes);
    std::vector<std::vector<double>> times(readers.size());
    for (int round = 0; round < options.rounds; ++round)
        for (size_t i = 0; i < readers.size(); ++i)
            times[i].push_back(measure(inputs, *readers[i].walk, repetitions));
    std::printf("%-24s %6zu", inputs.name.c_str(), inputs.fields.size());
    for (const auto& samples : times)
        std::printf(" %10.1f", median(samples));
    // Ratios within a round, since the machine's speed changes from one round to the next.
    const auto ratio = [&](size_t above, size_t below) {
        std::vector<double> ratios;
        for (size_t i = 0; i < times[above].size(); ++i)
            ratios.push_back(times[above][i] / times[below][i]);
        return median(ratios);
    };
    if (readers.size() >= 2) {
        const double document = ratio(1, 0);
        means.document.add(document);
        std::printf(" %9.2f", document);
    }
    if (readers.size() == 3) {
        const double speed = ratio(2, 0);
        means.speed.add(speed);
        means.least = std::min(means.least, speed);
        std::printf(" %9.2f", speed);
    }
    std::printf("\n");
}

/// Returns whether any are asked for.
bool run_classes(const char* title, std::vector<InputClass> classes, const Options& options,
                 const std::vector<Reader>& readers) {
    if (!options.only_class.empty())
        std::erase_if(classes, [&](const InputClass& inputs) { return inputs.name != options.only_class; });
    if (classes.empty())
        return false;
    std::printf("\n%-24s %6s", title, "fields");
    for (const Reader& reader : readers)
        std::printf(" %10s", reader.name);
    if (readers.size() >= 2)
        std::printf(" %9s", "doc/pull");
    if (readers.size() == 3)
        std::printf(" %9s", "speed-up");
    std::printf("\n");
    Means means;
    for (InputClass& inputs : classes) {
        keep_common(inputs);
        if (!inputs.fields.empty())
            run_class(inputs, options, readers, means);
    }
    if (means.document.count != 0)
        std::printf("%-24s document / pull parser %.2f", "geometric mean", means.document.value());
    if (means.speed.count != 0)
        std::printf(", speed-up over sfparse %.2f, minimum %.2f", means.speed.value(), means.least);
    std::printf("\n");
    return true;
}

int run(const Options& options) {
    std::vector<Reader> readers{{"pull", &walk_ours}, {"document", &walk_document}};
    if (walk_sfparse[0] != nullptr)
        readers.push_back({"sfparse", &walk_sfparse});
    if (!options.only_reader.empty())
        std::erase_if(readers, [&](const Reader& reader) { return reader.name != options.only_reader; });
    if (readers.empty())
        throw std::runtime_error{"--only: no reader has that name, or sfparse is not in this build"};
    std::printf("nanoseconds for a field, median of %d interleaved rounds\n", options.rounds);
    std::vector<InputClass> classes = built_in_classes();
    std::vector<InputClass> reals = classes;
    std::erase_if(classes, [](const InputClass& inputs) { return inputs.is_real; });
    std::erase_if(reals, [](const InputClass& inputs) { return !inputs.is_real; });
    std::vector<InputClass> mixed{shuffled("real fields", reals, 20'000)};
    bool any = run_classes("by type", std::move(classes), options, readers);
    any |= run_classes("real fields", std::move(reals), options, readers);
    if (!options.suite.empty()) {
        std::vector<InputClass> suite = suite_classes(options.suite);
        mixed.push_back(shuffled("httpwg suite", suite, 20'000));
        any |= run_classes("httpwg suite", std::move(suite), options, readers);
    }
    any |= run_classes("shuffled", std::move(mixed), options, readers);
    if (!any)
        throw std::runtime_error{"--class: no class has that name; without --class all are listed"};
    return sink == 1 ? 3 : 0; // prevents optimising the work away
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const char* const value = i + 1 < argc ? argv[i + 1] : nullptr;
        if (value == nullptr) {
            std::fputs("usage: sfv_bench [--suite DIR] [--rounds N] [--bytes N] [--class NAME]\n"
                       "                 [--only pull|document|sfparse]\n",
                       stderr);
            return 2;
        }
        ++i;
        if (word == "--suite")
            options.suite = value;
        else if (word == "--rounds")
            options.rounds = std::max(1, std::atoi(value));
        else if (word == "--bytes")
            options.bytes = static_cast<size_t>(std::max(1, std::atoi(value)));
        else if (word == "--class")
            options.only_class = value;
        else if (word == "--only")
            options.only_reader = value;
        else
            return 2;
    }
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sfv_bench: %s\n", error.what());
        return 1;
    }
}
