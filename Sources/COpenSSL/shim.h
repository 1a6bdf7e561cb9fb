/* The system's libcrypto 3, and the three kernel calls that Swift cannot import because glibc
 * declares them variadic or offers no wrapper without a cache in between. */
#include <signal.h>
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
    /* Swift's backtracer prints the memory that registers point to: a crash could show a key. */
    static const int crashes[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGQUIT};
    for (unsigned i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        signal(crashes[i], SIG_DFL);
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

/* HKDF-SHA256. In C because OSSL_PARAM keeps the pointers it is given, and the address of a Swift
 * string literal is good for one call only. Returns 1 on success. */
static inline int holdfast_hkdf_sha256(EVP_KDF_CTX *context, const unsigned char *key,
                                       size_t key_count, const unsigned char *salt,
                                       size_t salt_count, const unsigned char *info,
                                       size_t info_count, unsigned char *target,
                                       size_t target_count) {
    OSSL_PARAM parameters[5];
    OSSL_PARAM *next = parameters;
    *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0);
    *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_count);
    if (salt_count > 0) {
        *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_count);
    }
    if (info_count > 0) {
        *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_count);
    }
    *next = OSSL_PARAM_construct_end();
    return EVP_KDF_derive(context, target, target_count, parameters);
}
