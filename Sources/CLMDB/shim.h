#include <lmdb.h>
/* statfs(2) is not in Swift's Glibc module; Store asks it which file system a folder is on. */
#include <sys/vfs.h>
/* Nor is sync_file_range(2): glibc declares it with _GNU_SOURCE alone, which that module does not
   set. */
#include <stdint.h>
int sync_file_range(int descriptor, int64_t offset, int64_t count, unsigned int flags);
