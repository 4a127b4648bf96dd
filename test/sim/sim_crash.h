/* SPDX-License-Identifier: Apache-2.0 */
/* sim_crash.h - the states in which a crash may leave a simulated disk (the model: sim_disk.h).
 *
 * Where there are at most limit combinations, every one of them is made. Else: what a disk leaves
 * that writes in order, after each operation; everything but one operation; one operation only; and
 * samples at random, some of them torn within one operation. */
#ifndef SIM_SIM_CRASH_H
#define SIM_SIM_CRASH_H

#include "sim/sim_disk.h"

struct sim_crash;

/* Prepare the states of s, which must stay as it is until sim_crash_free. O(unsynced bytes). */
struct sim_crash *sim_crash_new(const struct sim_disk *s, uint64_t limit, uint64_t samples,
                                uint64_t seed);
void sim_crash_free(struct sim_crash **c);

/* Combinations in all; UINT64_MAX when there are more than fit. */
uint64_t sim_crash_count(const struct sim_crash *c);

/* The next state, a disk of its own that the caller frees; NULL: there are no more. The same seed
 * gives the same states. Some may be equal to others. */
struct sim_disk *sim_crash_next(struct sim_crash *c);

/* One state at random, for simulations that crash once. */
struct sim_disk *sim_crash_random(const struct sim_disk *s, struct rng *r);

#endif
