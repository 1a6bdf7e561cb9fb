/* The system's libcrypto 3, and the three kernel calls that Swift cannot import because glibc
 * declares them variadic or offers no wrapper without a cache in between. */
#include <signal.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
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

/* An RSA public key out of a SubjectPublicKeyInfo, or NULL. All of the input must be the key, and in
 * the one form that it has in DER: libcrypto alone overlooks what it has no use for. */
static inline EVP_PKEY *holdfast_rsa_key(const unsigned char *info, size_t info_count) {
    const unsigned char *next = info;
    if (info_count > 65536) return NULL;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &next, (long)info_count);
    if (key != NULL) {
        unsigned char *again = NULL;
        int count = next == info + info_count && EVP_PKEY_is_a(key, "RSA") ? i2d_PUBKEY(key, &again) : 0;
        if (count < 0 || (size_t)count != info_count || memcmp(again, info, info_count) != 0) {
            EVP_PKEY_free(key);
            key = NULL;
        }
        OPENSSL_free(again);
    }
    if (key == NULL) ERR_clear_error();
    return key;
}

/* Bits of the modulus, or 0 for what is no RSA key, and for an exponent that is even or 1: with 1 a
 * signature is the padded digest itself, so that anybody can make one. */
static inline int holdfast_rsa_bits(const unsigned char *info, size_t info_count) {
    EVP_PKEY *key = holdfast_rsa_key(info, info_count);
    if (key == NULL) return 0;
    BIGNUM *exponent = NULL;
    int bits = 0;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
        BN_is_odd(exponent) && !BN_is_one(exponent)) {
        bits = EVP_PKEY_get_bits(key);
    }
    BN_free(exponent);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return bits;
}

/* RSASSA-PKCS1-v1_5, or with pss RSASSA-PSS with a salt as long as the digest, over SHA-2. In C
 * because EVP_PKEY_CTX_set_rsa_padding and its like are macros in some versions. 1 = it verifies. */
static inline int holdfast_rsa_verify(const unsigned char *info, size_t info_count, int digest_bits,
                                      int pss, const unsigned char *signature,
                                      size_t signature_count, const unsigned char *message,
                                      size_t message_count) {
    const char *name = digest_bits == 256 ? "SHA256" : digest_bits == 384 ? "SHA384" : "SHA512";
    EVP_PKEY *key = holdfast_rsa_key(info, info_count);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    int verified = 0;
    if (key != NULL && context != NULL &&
        EVP_DigestVerifyInit_ex(context, &options, name, NULL, NULL, key, NULL) == 1 &&
        (!pss || (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1))) {
        verified = EVP_DigestVerify(context, signature, signature_count, message,
                                    message_count) == 1;
    }
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return verified;
}
