#include <lmdb.h>
/* statfs(2) is not in Swift's Glibc module; Store asks it which file system a folder is on. */
#include <sys/vfs.h>
