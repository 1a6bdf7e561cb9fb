/* The system's libcrypto 3, and the three kernel calls that Swift cannot import because glibc
 * declares them variadic or offers no wrapper without a cache in between. */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Straight to the kernel. Newer glibc answers getrandom() from a per-thread buffer in the vDSO,
 * and a buffer is what a cloned virtual machine would repeat. Returns bytes written or -1. */
static inline long holdfast_getrandom(void *buffer, size_t count) {
    return syscall(SYS_getrandom, buffer, count, 0);
}

/* No core file and no ptrace by the same user. Returns 0 when both limits are in force. */
static inline int holdfast_forbid_core_dumps(void) {
    struct rlimit none = {0, 0};
    int limited = setrlimit(RLIMIT_CORE, &none);
    int undumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return limited == 0 && undumpable == 0 ? 0 : -1;
}

/* Soft limit of lockable memory in bytes; all ones means no limit. Returns 0 on success. */
static inline int holdfast_memlock_limit(unsigned long long *bytes) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return -1;
    *bytes = limit.rlim_cur == RLIM_INFINITY ? ~0ULL : (unsigned long long)limit.rlim_cur;
    return 0;
}
