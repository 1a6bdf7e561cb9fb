/* fallocate(2) is not in Swift's Glibc module; Audit takes room on the disk ahead with it. */
#include <sys/types.h>
extern int fallocate(int file, int mode, off_t offset, off_t length);

/* sem_clockwait(3), glibc 2.30: a semaphore's timed wait by a clock of the caller's choice. */
#include <semaphore.h>
#include <time.h>
extern int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *deadline);
