/* fallocate(2) is not in Swift's Glibc module; Audit takes room on the disk ahead with it. */
#include <sys/types.h>
extern int fallocate(int file, int mode, off_t offset, off_t length);
