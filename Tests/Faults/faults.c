#define _GNU_SOURCE
#include "include/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// The real calls are made with syscall(2): nothing has to be looked up before main, and nothing
// here can call itself.

enum { RULES_MAX = 16, FILES_MAX = 4096, PIECES_MAX = 64 };

enum action { ACTION_ERROR, ACTION_SHORT, ACTION_DELAY, ACTION_FULL };

struct rule {
    char call[24];
    char pattern[PATH_MAX];
    char gate[PATH_MAX];
    uint64_t first;
    bool onward;
    enum action action;
    int value;
    uint64_t count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool armed;
static atomic_ullong injected;
static struct rule rules[RULES_MAX];
static int rule_count;
static int trace = -1;
static char prefix[PATH_MAX];
static size_t prefix_bytes;
// Which file an inode is; a file that is made anew gets a new number although its inode may not be.
static struct { dev_t device; ino_t inode; } files[FILES_MAX];
static uint64_t file_count;

// What is known of one call's target.
struct target {
    char path[PATH_MAX];
    struct stat status;
    bool dsync;
    bool recorded;
};

static void die(const char *what) {
    dprintf(STDERR_FILENO, "faults: %s: %s\n", what, strerror(errno));
    _exit(71);
}

static void put(const void *data, size_t count) {
    const char *next = data;
    while (count > 0) {
        ssize_t done = syscall(SYS_write, trace, next, count);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) die("the trace cannot be written");
        next += done;
        count -= (size_t)done;
    }
}

static void record(uint32_t kind, uint32_t flags, uint64_t file, uint64_t offset,
                   const void *data, size_t count) {
    struct faults_record header = {kind, flags, file, offset, count};
    put(&header, sizeof header);
    put(data, count);
}

// Looks at a descriptor. False when nobody is interested in it.
static bool look(int number, struct target *target) {
    char name[64];
    int kept = errno;
    snprintf(name, sizeof name, "/proc/self/fd/%d", number);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, name, target->path, PATH_MAX - 1);
    bool found = length > 0 && target->path[0] == '/';
    if (found) {
        target->path[length] = 0;
        found = fstat(number, &target->status) == 0;
        int flags = fcntl(number, F_GETFL);
        target->dsync = flags >= 0 && (flags & O_DSYNC) != 0;
        target->recorded = trace >= 0 && strncmp(target->path, prefix, prefix_bytes) == 0;
    }
    errno = kept;
    return found;
}

static uint64_t file_number(const struct stat *status, bool is_new) {
    for (uint64_t i = 0; i < file_count; i++) {
        if (files[i].device != status->st_dev || files[i].inode != status->st_ino) continue;
        if (!is_new) return i;
        files[i].inode = 0;
    }
    if (file_count == FILES_MAX) die("too many files");
    files[file_count].device = status->st_dev;
    files[file_count].inode = status->st_ino;
    return file_count++;
}

// The rule that this call meets, or NULL. Counts it.
static struct rule *meet(const char *call, const char *path, bool dsync) {
    struct rule *met = NULL;
    for (int i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        bool is_dsync = strcmp(rule->call, "write/dsync") == 0 && strcmp(call, "write") == 0;
        if (strcmp(rule->call, call) != 0 && !(is_dsync && dsync)) continue;
        if (fnmatch(rule->pattern, path, 0) != 0) continue;
        if (rule->gate[0] && syscall(SYS_faccessat, AT_FDCWD, rule->gate, F_OK) != 0) continue;
        rule->count++;
        bool hit = rule->onward ? rule->count >= rule->first : rule->count == rule->first;
        if (hit && !met) met = rule;
    }
    return met;
}

static void note_injected(const struct rule *rule, const char *path) {
    char text[PATH_MAX + 32];
    atomic_fetch_add(&injected, 1);
    if (trace < 0) return;
    int count = snprintf(text, sizeof text, "%s %s", rule->call, path);
    uint64_t code = rule->action == ACTION_ERROR ? (uint64_t)rule->value : 0;
    record(FAULTS_INJECTED, 0, 0, code, text, (size_t)count);
}

// Takes the lock and asks for a fault; a delay is served before. Returns the errno to fail with.
static int enter(const char *call, const char *path, bool dsync, enum action *action) {
    int kept = errno;
    pthread_mutex_lock(&lock);
    struct rule *rule = meet(call, path, dsync);
    int code = 0;
    *action = ACTION_ERROR;
    if (rule && rule->action == ACTION_DELAY) {
        int wait = rule->value;
        note_injected(rule, path);
        pthread_mutex_unlock(&lock);
        struct timespec time = {wait / 1000, wait % 1000 * 1000000L};
        nanosleep(&time, NULL);
        pthread_mutex_lock(&lock);
    } else if (rule) {
        note_injected(rule, path);
        *action = rule->action;
        if (rule->action == ACTION_ERROR) code = rule->value;
    }
    errno = kept;
    return code;
}

static void leave(void) {
    int kept = errno;
    pthread_mutex_unlock(&lock);
    errno = kept;
}

// MARK: writes

static void record_pieces(const struct target *target, uint64_t offset, const struct iovec *pieces,
                          int count, size_t written) {
    uint64_t file = file_number(&target->status, false);
    struct faults_record header = {
        FAULTS_WRITE, target->dsync ? FAULTS_DSYNC : 0, file, offset, written};
    put(&header, sizeof header);
    for (int i = 0; i < count && written > 0; i++) {
        size_t part = pieces[i].iov_len < written ? pieces[i].iov_len : written;
        put(pieces[i].iov_base, part);
        written -= part;
    }
}

static size_t total(const struct iovec *pieces, int count) {
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += pieces[i].iov_len;
    return bytes;
}

// Every kind of write: at `offset`, or at the descriptor's own position when that is -1.
static ssize_t write_pieces(int number, const struct iovec *pieces, int count, off_t offset) {
    struct target target;
    bool interesting = atomic_load(&armed) && look(number, &target) && count <= PIECES_MAX;
    if (!interesting) {
        return offset < 0 ? syscall(SYS_writev, number, pieces, count)
                          : syscall(SYS_pwritev, number, pieces, count, offset, 0);
    }
    enum action action;
    int code = enter("write", target.path, target.dsync, &action);
    if (code != 0) {
        leave();
        errno = code;
        return -1;
    }
    struct iovec copy[PIECES_MAX];
    memcpy(copy, pieces, sizeof *pieces * (size_t)count);
    if (action == ACTION_SHORT) {
        size_t left = total(pieces, count) / 2;
        for (int i = 0; i < count; i++) {
            if (copy[i].iov_len > left) copy[i].iov_len = left;
            left -= copy[i].iov_len;
        }
    }
    off_t at = offset;
    if (at < 0) {
        bool appends = (fcntl(number, F_GETFL) & O_APPEND) != 0;
        at = appends ? target.status.st_size : syscall(SYS_lseek, number, 0, SEEK_CUR);
    }
    ssize_t done = offset < 0 ? syscall(SYS_writev, number, copy, count)
                              : syscall(SYS_pwritev, number, copy, count, offset, 0);
    if (done > 0 && target.recorded && at >= 0) {
        record_pieces(&target, (uint64_t)at, copy, count, (size_t)done);
    }
    leave();
    return done;
}

ssize_t write(int number, const void *data, size_t count) {
    struct iovec piece = {(void *)data, count};
    return write_pieces(number, &piece, 1, -1);
}

ssize_t writev(int number, const struct iovec *pieces, int count) {
    return write_pieces(number, pieces, count, -1);
}

ssize_t pwrite(int number, const void *data, size_t count, off_t offset) {
    struct iovec piece = {(void *)data, count};
    return write_pieces(number, &piece, 1, offset);
}

ssize_t pwrite64(int number, const void *data, size_t count, off64_t offset) {
    return pwrite(number, data, count, offset);
}

ssize_t pwritev(int number, const struct iovec *pieces, int count, off_t offset) {
    return write_pieces(number, pieces, count, offset);
}

ssize_t pwritev64(int number, const struct iovec *pieces, int count, off64_t offset) {
    return pwritev(number, pieces, count, offset);
}

// MARK: barriers

static int sync_with(long call, int number) {
    struct target target;
    if (!atomic_load(&armed) || !look(number, &target)) return (int)syscall(call, number);
    enum action action;
    int code = enter("sync", target.path, target.dsync, &action);
    int result = code == 0 ? (int)syscall(call, number) : -1;
    if (result == 0 && target.recorded) {
        if (S_ISDIR(target.status.st_mode)) {
            record(FAULTS_SYNC, FAULTS_DIRECTORY, 0, 0, target.path, strlen(target.path));
        } else {
            record(FAULTS_SYNC, 0, file_number(&target.status, false), 0, NULL, 0);
        }
    }
    leave();
    if (code != 0) errno = code;
    return result;
}

int fdatasync(int number) { return sync_with(SYS_fdatasync, number); }
int fsync(int number) { return sync_with(SYS_fsync, number); }

int msync(void *start, size_t count, int flags) {
    if (atomic_load(&armed)) {
        pthread_mutex_lock(&lock);
        if (trace >= 0) record(FAULTS_MSYNC, 0, 0, 0, NULL, 0);
        leave();
    }
    return (int)syscall(SYS_msync, start, count, flags);
}

// MARK: sizes

int ftruncate(int number, off_t size) {
    struct target target;
    if (!atomic_load(&armed) || !look(number, &target)) {
        return (int)syscall(SYS_ftruncate, number, size);
    }
    enum action action;
    int code = enter("truncate", target.path, target.dsync, &action);
    int result = code == 0 ? (int)syscall(SYS_ftruncate, number, size) : -1;
    if (result == 0 && target.recorded) {
        uint64_t file = file_number(&target.status, false);
        record(FAULTS_TRUNCATE, 0, file, (uint64_t)size, NULL, 0);
    }
    leave();
    if (code != 0) errno = code;
    return result;
}

int ftruncate64(int number, off64_t size) { return ftruncate(number, size); }

// Returns the error's number, as posix_fallocate does.
static int allocate(int number, off_t offset, off_t count) {
    // The C library writes zeros itself where the file system cannot reserve.
    int (*real)(int, off_t, off_t) = dlsym(RTLD_NEXT, "posix_fallocate");
    if (!real) die("no posix_fallocate");
    struct target target;
    if (!atomic_load(&armed) || !look(number, &target)) return real(number, offset, count);
    enum action action;
    int code = enter("allocate", target.path, target.dsync, &action);
    int result = code == 0 ? real(number, offset, count) : code;
    if (result == 0 && target.recorded) {
        uint64_t file = file_number(&target.status, false);
        record(FAULTS_EXTEND, 0, file, (uint64_t)(offset + count), NULL, 0);
    }
    leave();
    return result;
}

int posix_fallocate(int number, off_t offset, off_t count) {
    return allocate(number, offset, count);
}

int posix_fallocate64(int number, off64_t offset, off64_t count) {
    return allocate(number, offset, count);
}

// Room behind the end is no content, so the trace does not tell of it.
int fallocate(int number, int mode, off_t offset, off_t count) {
    struct target target;
    int code = 0;
    bool looks = atomic_load(&armed) && look(number, &target);
    if (looks) {
        enum action action;
        code = enter("allocate", target.path, target.dsync, &action);
    }
    int result = code == 0 ? (int)syscall(SYS_fallocate, number, mode, offset, count) : -1;
    if (looks) leave();
    if (code != 0) errno = code;
    return result;
}

int fallocate64(int number, int mode, off64_t offset, off64_t count) {
    return fallocate(number, mode, offset, count);
}

static void pretend_full(const char *path, struct statfs *status) {
    enum action action;
    (void)enter("statfs", path, false, &action);
    if (action == ACTION_FULL) {
        status->f_bfree = 0;
        status->f_bavail = 0;
    }
    leave();
}

int statfs(const char *path, struct statfs *status) {
    int result = (int)syscall(SYS_statfs, path, status);
    if (result == 0 && atomic_load(&armed)) pretend_full(path, status);
    return result;
}

int statfs64(const char *path, struct statfs64 *status) {
    return statfs(path, (struct statfs *)status);
}

// MARK: names

static bool absolute(const char *path, char *full) {
    if (path[0] == '/') {
        return snprintf(full, PATH_MAX, "%s", path) < PATH_MAX;
    }
    char folder[PATH_MAX];
    if (syscall(SYS_getcwd, folder, sizeof folder) < 0) return false;
    return snprintf(full, PATH_MAX, "%s/%s", folder, path) < PATH_MAX;
}

static bool is_recorded(const char *path) {
    return trace >= 0 && strncmp(path, prefix, prefix_bytes) == 0;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    if (!atomic_load(&armed) || (folder != AT_FDCWD && path[0] != '/') || !absolute(path, full)) {
        return (int)syscall(SYS_openat, folder, path, flags, mode);
    }
    enum action action;
    int code = enter("open", full, (flags & O_DSYNC) != 0, &action);
    if (code != 0) {
        leave();
        errno = code;
        return -1;
    }
    int kept = errno;
    bool existed = syscall(SYS_faccessat, AT_FDCWD, full, F_OK) == 0;
    errno = kept;
    int number = (int)syscall(SYS_openat, folder, path, flags, mode);
    struct stat status;
    if (number >= 0 && is_recorded(full) && fstat(number, &status) == 0) {
        if (!existed && (flags & O_CREAT)) {
            uint64_t file = file_number(&status, true);
            record(FAULTS_CREATE, 0, file, 0, full, strlen(full));
        } else if ((flags & O_TRUNC) && S_ISREG(status.st_mode)) {
            record(FAULTS_TRUNCATE, 0, file_number(&status, false), 0, NULL, 0);
        }
    }
    leave();
    return number;
}

static mode_t mode_of(int flags, va_list list) {
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_of(flags, list);
    va_end(list);
    return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_of(flags, list);
    va_end(list);
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_of(flags, list);
    va_end(list);
    return open_at(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_of(flags, list);
    va_end(list);
    return open_at(folder, path, flags, mode);
}

int rename(const char *source, const char *target) {
    char from[PATH_MAX], to[PATH_MAX], both[2 * PATH_MAX];
    if (!atomic_load(&armed) || !absolute(source, from) || !absolute(target, to)) {
        return (int)syscall(SYS_renameat2, AT_FDCWD, source, AT_FDCWD, target, 0);
    }
    enum action action;
    int code = enter("rename", from, false, &action);
    int result = -1;
    if (code == 0) result = (int)syscall(SYS_renameat2, AT_FDCWD, source, AT_FDCWD, target, 0);
    if (result == 0 && is_recorded(to)) {
        size_t first = strlen(from) + 1, second = strlen(to);
        memcpy(both, from, first);
        memcpy(both + first, to, second);
        record(FAULTS_RENAME, 0, 0, 0, both, first + second);
    }
    leave();
    if (code != 0) errno = code;
    return result;
}

int unlink(const char *path) {
    char full[PATH_MAX];
    if (!atomic_load(&armed) || !absolute(path, full)) {
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    }
    enum action action;
    int code = enter("unlink", full, false, &action);
    int result = code == 0 ? (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0) : -1;
    if (result == 0 && is_recorded(full)) record(FAULTS_UNLINK, 0, 0, 0, full, strlen(full));
    leave();
    if (code != 0) errno = code;
    return result;
}

// MARK: control

static bool parse_action(const char *text, struct rule *rule) {
    static const struct { const char *name; enum action action; int value; } known[] = {
        {"EIO", ACTION_ERROR, EIO},       {"ENOSPC", ACTION_ERROR, ENOSPC},
        {"EDQUOT", ACTION_ERROR, EDQUOT}, {"short", ACTION_SHORT, 0},
        {"full", ACTION_FULL, 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(text, known[i].name) != 0) continue;
        rule->action = known[i].action;
        rule->value = known[i].value;
        return true;
    }
    rule->action = ACTION_DELAY;
    return sscanf(text, "delay=%d", &rule->value) == 1 && rule->value >= 0;
}

static bool parse_rule(char *text, struct rule *rule) {
    char *state = NULL;
    char *fields[5] = {NULL};
    int count = 0;
    for (char *field = strtok_r(text, " ", &state); field; field = strtok_r(NULL, " ", &state)) {
        if (count == 5) return false;
        fields[count++] = field;
    }
    if (count < 4 || strlen(fields[0]) >= sizeof rule->call) return false;
    memset(rule, 0, sizeof *rule);
    snprintf(rule->call, sizeof rule->call, "%s", fields[0]);
    snprintf(rule->pattern, sizeof rule->pattern, "%s", fields[1]);
    char *end = NULL;
    rule->first = strtoull(fields[2], &end, 10);
    rule->onward = *end == '+';
    if (rule->first == 0 || (*end && strcmp(end, "+") != 0)) return false;
    if (fields[4]) {
        if (fields[4][0] != '@') return false;
        snprintf(rule->gate, sizeof rule->gate, "%s", fields[4] + 1);
    }
    return parse_action(fields[3], rule);
}

int faults_plan(const char *plan) {
    char *copy = strdup(plan), *state = NULL;
    if (!copy) return -1;
    int result = 0;
    pthread_mutex_lock(&lock);
    rule_count = 0;
    for (char *text = strtok_r(copy, ";", &state); text; text = strtok_r(NULL, ";", &state)) {
        if (rule_count == RULES_MAX || !parse_rule(text, &rules[rule_count])) {
            result = -1;
            break;
        }
        rule_count++;
    }
    pthread_mutex_unlock(&lock);
    free(copy);
    if (result == 0) atomic_store(&armed, true);
    return result;
}

int faults_record(const char *path, const char *begin) {
    int number = (int)syscall(SYS_openat, AT_FDCWD, path,
                              O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (number < 0) return -1;
    pthread_mutex_lock(&lock);
    if (trace >= 0) syscall(SYS_close, trace);
    trace = number;
    file_count = 0;
    snprintf(prefix, sizeof prefix, "%s", begin);
    prefix_bytes = strlen(prefix);
    pthread_mutex_unlock(&lock);
    atomic_store(&armed, true);
    return 0;
}

void faults_mark(uint64_t value) {
    pthread_mutex_lock(&lock);
    if (trace >= 0) record(FAULTS_MARK, 0, 0, value, NULL, 0);
    pthread_mutex_unlock(&lock);
}

void faults_stop(void) {
    atomic_store(&armed, false);
    pthread_mutex_lock(&lock);
    if (trace >= 0) syscall(SYS_close, trace);
    trace = -1;
    rule_count = 0;
    pthread_mutex_unlock(&lock);
}

uint64_t faults_injected(void) { return atomic_load(&injected); }

__attribute__((constructor)) static void begin(void) {
    const char *plan = getenv("FAULTS_PLAN");
    const char *path = getenv("FAULTS_TRACE");
    const char *start = getenv("FAULTS_PREFIX");
    if (path && faults_record(path, start ? start : "/") != 0) die("the trace cannot be opened");
    if (plan && faults_plan(plan) != 0) {
        errno = EINVAL;
        die("FAULTS_PLAN does not parse");
    }
}
