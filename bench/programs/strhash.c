// An open-addressing hash table with strings for keys: byte loops, string compares, probing, malloc and free.
#include "bench.h"

#include <string.h>

typedef struct {
    char* key; // owned; NULL when the entry was never used
    uint32_t hash;
    uint32_t value;
} Entry;

typedef struct {
    Entry* entries;
    uint32_t capacity; // a power of two
    uint32_t used;
} Table;

static Entry* allocate_entries(uint32_t capacity) {
    Entry* entries = calloc(capacity, sizeof *entries);
    if (entries == NULL)
        fail("memory for the table");
    return entries;
}

static Table make_table(void) { return (Table){allocate_entries(16), 16, 0}; }

static void free_table(Table* table) {
    for (uint32_t i = 0; i < table->capacity; i++)
        free(table->entries[i].key);
    free(table->entries);
}

static uint32_t hash_of(const char* key) {
    uint32_t hash = checksum_start;
    for (; *key != '\0'; key++)
        hash = checksum(hash, (uint8_t)*key);
    return hash ^ hash >> 15;
}

// The entry of `key`, or the free one where it belongs.
static Entry* probe(const Table* table, const char* key, uint32_t hash) {
    uint32_t mask = table->capacity - 1;
    uint32_t i = hash & mask;
    while (table->entries[i].key != NULL) {
        if (table->entries[i].hash == hash && strcmp(table->entries[i].key, key) == 0)
            break;
        i = (i + 1) & mask;
    }
    return &table->entries[i];
}

static void grow(Table* table) {
    Table larger = {allocate_entries(table->capacity * 2), table->capacity * 2, table->used};
    for (uint32_t i = 0; i < table->capacity; i++) {
        const Entry* entry = &table->entries[i];
        if (entry->key != NULL)
            *probe(&larger, entry->key, entry->hash) = *entry;
    }
    free(table->entries);
    *table = larger;
}

static uint32_t* find_or_insert(Table* table, const char* key) {
    uint32_t hash = hash_of(key);
    Entry* entry = probe(table, key, hash);
    if (entry->key == NULL) {
        if ((table->used + 1) * 4 > table->capacity * 3) {
            grow(table);
            entry = probe(table, key, hash);
        }
        size_t size = strlen(key) + 1;
        entry->key = malloc(size);
        if (entry->key == NULL)
            fail("memory for a key");
        memcpy(entry->key, key, size);
        entry->hash = hash;
        table->used++;
    }
    return &entry->value;
}

static int erase(Table* table, const char* key) {
    Entry* hole = probe(table, key, hash_of(key));
    if (hole->key == NULL)
        return 0;
    free(hole->key);
    table->used--;
    // Later entries of the cluster move up into the hole, unless that would put them before their own slot.
    uint32_t mask = table->capacity - 1;
    uint32_t gap = (uint32_t)(hole - table->entries);
    for (uint32_t i = (gap + 1) & mask; table->entries[i].key != NULL; i = (i + 1) & mask) {
        uint32_t home = table->entries[i].hash & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            table->entries[gap] = table->entries[i];
            gap = i;
        }
    }
    table->entries[gap] = (Entry){NULL, 0, 0};
    return 1;
}

// Keys are short paths, so that many share a beginning and compare slowly.
static const char* make_key(uint32_t* seed) {
    static const char* const folders[] = {"usr/share", "home", "var/lib/data", "etc"};
    static char key[40];
    char* end = key;
    for (const char* c = folders[random_below(seed, 4)]; *c != '\0'; c++)
        *end++ = *c;
    *end++ = '/';
    for (uint32_t number = random_below(seed, 1500); number != 0; number /= 26)
        *end++ = (char)('a' + number % 26);
    *end = '\0';
    return key;
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 15);
    uint32_t seed = 31337;
    uint32_t sum = checksum_start;
    for (uint32_t round = 0; round < count; round++) {
        Table table = make_table();
        for (int i = 0; i < 6000; i++)
            ++*find_or_insert(&table, make_key(&seed));
        uint32_t erased = 0, seen = 0;
        for (int i = 0; i < 2000; i++)
            erased += (uint32_t)erase(&table, make_key(&seed));
        for (uint32_t i = 0; i < table.capacity; i++) {
            const Entry* entry = &table.entries[i];
            if (entry->key == NULL)
                continue;
            seen++;
            // Added up, since it should not matter where an entry stands.
            sum += entry->hash * entry->value;
        }
        if (seen != table.used)
            fail("count of entries");
        sum = checksum(checksum(sum, table.used), erased);
        free_table(&table);
    }
    printf("%" PRIu32 " tables: %08" PRIx32 "\n", count, sum);
    return 0;
}
