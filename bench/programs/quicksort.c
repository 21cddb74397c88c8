// Quicksort twice: over plain integers, and over records through a comparison function chosen at run time
// (indirect calls).
#include "bench.h"

#include <string.h>

enum { numbers = 6000, records = 2000, small = 12 };

static uint32_t number[numbers];

typedef struct {
    char name[12];
    uint32_t age;
    int32_t balance;
} Record;

static Record record[records];

static void sort_numbers(uint32_t* first, uint32_t* last) {
    while (last - first >= small) {
        uint32_t a = *first, b = first[(last - first) / 2], c = *last;
        uint32_t pivot = a < b ? (b < c ? b : (a < c ? c : a)) : (a < c ? a : (b < c ? c : b));
        uint32_t *i = first, *j = last;
        while (i <= j) {
            while (*i < pivot)
                i++;
            while (*j > pivot)
                j--;
            if (i <= j) {
                uint32_t swap = *i;
                *i++ = *j;
                *j-- = swap;
            }
        }
        // Recursing into the shorter side keeps the stack logarithmic.
        if (j - first < last - i) {
            sort_numbers(first, j);
            first = i;
        } else {
            sort_numbers(i, last);
            last = j;
        }
    }
    for (uint32_t* i = first + 1; i <= last; i++) {
        uint32_t value = *i;
        uint32_t* hole = i;
        for (; hole > first && hole[-1] > value; hole--)
            *hole = hole[-1];
        *hole = value;
    }
}

typedef int (*Compare)(const Record*, const Record*);

static int by_name(const Record* a, const Record* b) { return strcmp(a->name, b->name); }
static int by_age(const Record* a, const Record* b) {
    return a->age != b->age ? (a->age < b->age ? -1 : 1) : by_name(a, b);
}
static int by_balance(const Record* a, const Record* b) {
    return a->balance != b->balance ? (a->balance < b->balance ? -1 : 1) : by_age(a, b);
}
static const Compare orders[] = {by_name, by_age, by_balance};

static void sort_records(Record* first, Record* last, Compare compare) {
    while (first < last) {
        Record pivot = first[(last - first) / 2];
        Record *i = first, *j = last;
        while (i <= j) {
            while (compare(i, &pivot) < 0)
                i++;
            while (compare(j, &pivot) > 0)
                j--;
            if (i <= j) {
                Record swap = *i;
                *i++ = *j;
                *j-- = swap;
            }
        }
        if (j - first < last - i) {
            sort_records(first, j, compare);
            first = i;
        } else {
            sort_records(i, last, compare);
            last = j;
        }
    }
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 12);
    uint32_t seed = 4711;
    uint32_t sum = checksum_start;
    for (uint32_t round = 0; round < count; round++) {
        for (int i = 0; i < numbers; i++)
            number[i] = next_random(&seed);
        for (int i = 0; i < records; i++) {
            for (size_t k = 0; k < sizeof record[i].name - 1; k++)
                record[i].name[k] = (char)('a' + random_below(&seed, k < 2 ? 4 : 26));
            record[i].age = random_below(&seed, 90);
            record[i].balance = (int32_t)random_below(&seed, 500) - 250;
        }

        Compare compare = orders[round % (sizeof orders / sizeof *orders)];
        sort_numbers(number, number + numbers - 1);
        sort_records(record, record + records - 1, compare);

        for (int i = 0; i < numbers; i++) {
            if (i > 0 && number[i - 1] > number[i])
                fail("numbers in order");
            sum = checksum(sum, number[i]);
        }
        for (int i = 0; i < records; i++) {
            if (i > 0 && compare(&record[i - 1], &record[i]) > 0)
                fail("records in order");
            sum = checksum(sum, record[i].age ^ (uint32_t)record[i].balance);
            sum = checksum(sum, (uint8_t)record[i].name[5]);
        }
    }
    printf("%d numbers and %d records sorted %" PRIu32 " times: %08" PRIx32 "\n", numbers, records, count,
           sum);
    return 0;
}
