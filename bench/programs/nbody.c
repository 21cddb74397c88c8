// A softened gravitational system under leapfrog integration: f64 arithmetic with square roots and divisions
// over an array of structures.
#include "bench.h"

#include <math.h>

enum { bodies = 6, steps_per_iteration = 100 };

typedef struct {
    double x, y, z, vx, vy, vz, mass;
} Body;

static Body system_of[bodies];
static const double softening = 1e-3;
static const double dt = 1.0 / 4096;

static void scatter(void) {
    uint32_t seed = 77;
    for (int i = 0; i < bodies; i++) {
        double* fields[] = {&system_of[i].x,  &system_of[i].y,  &system_of[i].z,
                            &system_of[i].vx, &system_of[i].vy, &system_of[i].vz};
        for (int k = 0; k < 6; k++)
            *fields[k] = ((double)random_below(&seed, 2000001) - 1000000) / (k < 3 ? 1e5 : 1e6);
        system_of[i].mass = i == 0 ? 40.0 : (1 + random_below(&seed, 1000)) / 1000.0;
    }
}

static void kick(double time) {
    for (int i = 0; i < bodies; i++) {
        Body* a = &system_of[i];
        for (int j = i + 1; j < bodies; j++) {
            Body* b = &system_of[j];
            double dx = b->x - a->x, dy = b->y - a->y, dz = b->z - a->z;
            double r2 = dx * dx + dy * dy + dz * dz + softening;
            double pull = time / (r2 * sqrt(r2));
            a->vx += dx * b->mass * pull;
            a->vy += dy * b->mass * pull;
            a->vz += dz * b->mass * pull;
            b->vx -= dx * a->mass * pull;
            b->vy -= dy * a->mass * pull;
            b->vz -= dz * a->mass * pull;
        }
    }
}

static void drift(double time) {
    for (int i = 0; i < bodies; i++) {
        Body* body = &system_of[i];
        body->x += body->vx * time;
        body->y += body->vy * time;
        body->z += body->vz * time;
    }
}

static double energy(void) {
    double total = 0;
    for (int i = 0; i < bodies; i++) {
        const Body* a = &system_of[i];
        total += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
        for (int j = i + 1; j < bodies; j++) {
            const Body* b = &system_of[j];
            double dx = b->x - a->x, dy = b->y - a->y, dz = b->z - a->z;
            total -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz + softening);
        }
    }
    return total;
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 400);
    scatter();
    double before = energy();
    for (uint32_t i = 0; i < count; i++) {
        for (int step = 0; step < steps_per_iteration; step++) {
            drift(dt / 2);
            kick(dt);
            drift(dt / 2);
        }
    }
    uint32_t sum = checksum_bytes(checksum_start, system_of, sizeof system_of);
    printf("energy %.9f, then %.9f after %" PRIu64 " steps: %08" PRIx32 "\n", before, energy(),
           (uint64_t)count * steps_per_iteration, sum);
    return 0;
}
