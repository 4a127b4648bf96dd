/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - how much memory and disk there is for this process. Callable from any thread; reads
 * files, so not for hot paths. */
#ifndef OS_MACHINE_H
#define OS_MACHINE_H

#include <stdint.h>

/* Bytes of memory: those of the machine, or less where a control group (a container, a systemd
 * unit) limits this process. 0: unknown. */
int64_t machine_memory_bytes(void);

/* Bytes that an unprivileged process may still write to the file system which path is on, or will
 * be on once its missing folders are made. -1: unknown. */
int64_t machine_disk_bytes(const char *path);

/* The lowest memory limit of the control groups that cgroup_file (/proc/self/cgroup) names, and
 * of those above them, in the hierarchy mounted at root (/sys/fs/cgroup), of version 1 or 2. 0:
 * none. For machine_memory_bytes and its test. */
int64_t machine_cgroup_memory_bytes(const char *cgroup_file, const char *root);

/* The folder for files that may vanish: $TMPDIR or "/tmp". Valid until the environment changes. */
const char *machine_temporary_folder(void);

#endif
