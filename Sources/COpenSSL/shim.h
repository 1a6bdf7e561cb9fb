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
#include <openssl/x509_vfy.h>
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

/* Parses the one certificate that `*next` is at, and moves it on. NULL for anything else. */
static inline X509 *holdfast_certificate(const unsigned char **next, const unsigned char *end) {
    if (end - *next <= 0 || end - *next > 1 << 20) return NULL;
    return d2i_X509(NULL, next, (long)(end - *next));
}

/* Where a certificate of a chain came from: 0 the leaf, then the others, then the anchor. -1 if it is
 * none of them, which cannot be. */
static inline int holdfast_origin(X509 *certificate, X509 *leaf, STACK_OF(X509) *others,
                                  X509 *anchor) {
    int count = sk_X509_num(others);
    if (X509_cmp(certificate, leaf) == 0) return 0;
    if (X509_cmp(certificate, anchor) == 0) return count + 1;
    for (int i = 0; i < count; i++)
        if (X509_cmp(certificate, sk_X509_value(others, i)) == 0) return i + 1;
    return -1;
}

/* A chain from the leaf over some of the others (DER, one behind the other) to the anchor, good at a
 * time in seconds since 1970. In C because the stacks of libcrypto are macros. Returns how many
 * certificates the chain has, and for each, in order, its position: 0 the leaf, then the others, then
 * the anchor. Without a chain: minus libcrypto's X509_V_ERR number, X509_V_ERR_UNSPECIFIED for what
 * is no certificate. */
static inline int holdfast_verify_chain(const unsigned char *leaf_der, size_t leaf_count,
                                        const unsigned char *others_der, size_t others_count,
                                        const unsigned char *anchor_der, size_t anchor_count,
                                        long long seconds, int *positions, int positions_max) {
    int status = -X509_V_ERR_UNSPECIFIED;
    const unsigned char *next = leaf_der;
    X509 *leaf = holdfast_certificate(&next, leaf_der + leaf_count);
    next = anchor_der;
    X509 *anchor = holdfast_certificate(&next, anchor_der + anchor_count);
    STACK_OF(X509) *others = sk_X509_new_null();
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int complete = leaf != NULL && anchor != NULL && others != NULL && store != NULL && context != NULL;
    next = others_der;
    while (complete && next < others_der + others_count) {
        X509 *other = holdfast_certificate(&next, others_der + others_count);
        if (other == NULL || sk_X509_push(others, other) <= 0) {
            X509_free(other);
            complete = 0;
        }
    }
    if (complete && X509_STORE_add_cert(store, anchor) == 1 &&
        X509_STORE_CTX_init(context, store, leaf, others) == 1) {
        X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(context);
        /* The anchor is trusted as it is, self-signed or not. */
        X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_time(rules, (time_t)seconds);
        X509_VERIFY_PARAM_set_depth(rules, 16);
        X509_VERIFY_PARAM_set_auth_level(rules, 2);
        int error = X509_V_ERR_UNSPECIFIED;
        if (X509_verify_cert(context) == 1) {
            STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
            int count = sk_X509_num(chain);
            status = count > 0 && count <= positions_max ? count : -error;
            for (int i = 0; status > 0 && i < count; i++) {
                positions[i] = holdfast_origin(sk_X509_value(chain, i), leaf, others, anchor);
                if (positions[i] < 0) status = -error;
            }
        } else {
            error = X509_STORE_CTX_get_error(context);
            status = error > 0 ? -error : status;
        }
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    sk_X509_pop_free(others, X509_free);
    X509_free(leaf);
    X509_free(anchor);
    ERR_clear_error();
    return status;
}
