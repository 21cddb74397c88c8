// A ray tracer: spheres over a floor, with shadows and reflections.
#include "../programs/bench.h"

#include <math.h>

typedef struct {
    double x, y, z;
} Vector;

typedef struct {
    Vector centre;
    double radius, mirror;
    Vector colour;
} Sphere;

static const Sphere spheres[] = {
    {{0, -1000, 0}, 1000, 0.1, {0.6, 0.6, 0.55}}, {{0, 1, 6}, 1, 0.5, {0.9, 0.2, 0.2}},
    {{2, 0.7, 5}, 0.7, 0.3, {0.2, 0.8, 0.3}},     {{-2.2, 1.2, 7}, 1.2, 0.7, {0.3, 0.4, 0.9}},
    {{0.8, 0.4, 3.6}, 0.4, 0.2, {0.9, 0.8, 0.2}}, {{-1, 0.3, 3.8}, 0.3, 0.6, {0.8, 0.8, 0.8}},
};
enum { count_of_spheres = sizeof spheres / sizeof spheres[0], width = 96, height = 72, bounces = 4 };

static Vector add(Vector a, Vector b) { return (Vector){a.x + b.x, a.y + b.y, a.z + b.z}; }
static Vector subtract(Vector a, Vector b) { return (Vector){a.x - b.x, a.y - b.y, a.z - b.z}; }
static Vector scale(Vector a, double by) { return (Vector){a.x * by, a.y * by, a.z * by}; }
static double dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static Vector unit(Vector a) { return scale(a, 1 / sqrt(dot(a, a))); }

// The nearest sphere that the ray hits, or -1.
static int hit(Vector from, Vector direction, double* distance) {
    int nearest = -1;
    *distance = 1e9;
    for (int i = 0; i < count_of_spheres; i++) {
        const Vector to_centre = subtract(spheres[i].centre, from);
        const double along = dot(to_centre, direction);
        const double inside =
            along * along - dot(to_centre, to_centre) + spheres[i].radius * spheres[i].radius;
        if (inside < 0)
            continue;
        const double root = sqrt(inside);
        const double at = along - root > 1e-4 ? along - root : along + root;
        if (at > 1e-4 && at < *distance) {
            *distance = at;
            nearest = i;
        }
    }
    return nearest;
}

static Vector trace(Vector from, Vector direction, Vector light, int depth) {
    double distance;
    const int found = hit(from, direction, &distance);
    if (found < 0)
        return scale((Vector){0.5, 0.7, 1}, 0.5 + 0.5 * direction.y);
    const Sphere* const sphere = &spheres[found];
    const Vector point = add(from, scale(direction, distance));
    const Vector normal = unit(subtract(point, sphere->centre));
    double shadow;
    const double lit = dot(normal, light) > 0 && hit(point, light, &shadow) < 0 ? dot(normal, light) : 0;
    Vector colour = scale(sphere->colour, 0.2 + 0.8 * lit);
    if (depth < bounces) {
        const Vector mirrored = subtract(direction, scale(normal, 2 * dot(direction, normal)));
        colour = add(scale(colour, 1 - sphere->mirror),
                     scale(trace(point, mirrored, light, depth + 1), sphere->mirror));
    }
    return colour;
}

int main(int argc, char** argv) {
    const uint32_t count = iterations(argc, argv, 1);
    uint32_t sum = checksum_start;
    for (uint32_t picture = 0; picture < count; picture++) {
        const Vector light = unit((Vector){0.5 + 0.01 * (picture % 50), 1, -0.6});
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                const Vector direction = unit((Vector){(x - width / 2) / 60.0, (height / 2 - y) / 60.0, 1});
                const Vector colour = trace((Vector){0, 1, 0}, direction, light, 0);
                sum = checksum(sum, (uint32_t)(colour.x * 255) << 16 | (uint32_t)(colour.y * 255) << 8 |
                                        (uint32_t)(colour.z * 255));
            }
        }
    }
    printf("%" PRIu32 " pictures: %08" PRIx32 "\n", count, sum);
    return 0;
}
