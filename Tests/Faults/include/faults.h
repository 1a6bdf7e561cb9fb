#ifndef HOLDFAST_FAULTS_H
#define HOLDFAST_FAULTS_H

// A layer between a process and the kernel that records what reaches files and injects faults.
//
// It defines pwrite, fdatasync and their kin itself, so whatever it is linked into (a test binary)
// or preloaded into (LD_PRELOAD, a real node) calls it instead of the C library, LMDB included. It
// does nothing until it is told to, by the calls below or, at the start of a process, by
// FAULTS_PLAN (a plan) and FAULTS_TRACE with FAULTS_PREFIX (a trace).

#include <stdint.h>

// A record of the trace: this header, then `data_bytes` of data. Native byte order.
struct faults_record {
    uint32_t kind;
    uint32_t flags;
    uint64_t file;
    uint64_t offset;
    uint64_t data_bytes;
};

enum faults_kind {
    // `file` is made; data is its path.
    FAULTS_CREATE = 1,
    // Data was written to `file` at `offset`.
    FAULTS_WRITE = 2,
    // A sync of `file`, or of a directory (data is its path), returned without an error.
    FAULTS_SYNC = 3,
    // `file` was cut to, or extended with zeros to, exactly `offset` bytes.
    FAULTS_TRUNCATE = 4,
    // `file` was extended to at least `offset` bytes.
    FAULTS_EXTEND = 5,
    // Data is the old path, a zero byte, the new path.
    FAULTS_RENAME = 6,
    // Data is the path.
    FAULTS_UNLINK = 7,
    // `offset` is what the test gave to faults_mark.
    FAULTS_MARK = 8,
    // A fault was injected: `offset` is its errno, data the call and the path.
    FAULTS_INJECTED = 9,
    // A mapping was synced: LMDB must not write through its map.
    FAULTS_MSYNC = 10,
};

enum faults_flag {
    // The descriptor was opened with O_DSYNC: a write is durable when it returns.
    FAULTS_DSYNC = 1,
    // The sync was of a directory.
    FAULTS_DIRECTORY = 2,
};

// Begins to inject. A plan is a list of rules separated by ';':
//
//   CALL PATTERN COUNT ACTION [@GATE]
//
// CALL: write, write/dsync (through an O_DSYNC descriptor only), sync, open, truncate, allocate,
// rename, unlink, statfs. PATTERN: as of fnmatch, over the whole path. COUNT: "3" for the third
// such call, "3+" for it and all later ones. ACTION: EIO, ENOSPC, EDQUOT, "short" (half of a write
// is done), "delay=MS", "full" (statfs only: no block is free). GATE: the rule sleeps, and does not
// count, while this file is missing.
//
// Returns 0, or -1 for a plan that does not parse.
int faults_plan(const char *plan);

// Begins to record what happens to paths that begin with `prefix` into the file `path`, which is
// replaced. Returns 0, or -1 with errno.
int faults_record(const char *path, const char *prefix);

// Writes a mark into the trace: the test's side channel, in order with all the rest.
void faults_mark(uint64_t value);

// Stops recording and injecting.
void faults_stop(void);

// How many faults were injected since the start.
uint64_t faults_injected(void);

#endif
