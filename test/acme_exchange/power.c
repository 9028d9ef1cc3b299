/* What a disk would have if the power were cut: preloaded into a venue, it copies what is synced into another folder.
 *
 * Of each file below POWER_FROM, the bytes that were written since it was last synced are noted, and at its next fsync
 * or fdatasync copied into the file of the same path below POWER_TO. Whatever was not synced is not there, as after a
 * power cut on a disk that keeps what it said it has. The sync itself is left out: a test need not wait for this
 * machine's disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define FILES 64
static struct dirty { ino_t inode; off_t from, to; } files[FILES];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct dirty *of(int fd, struct stat *status) {
    if (fstat(fd, status) || !S_ISREG(status->st_mode)) return NULL;
    for (int i = 0; i < FILES; i++) {
        if (!files[i].inode) files[i] = (struct dirty){status->st_ino, 0, LLONG_MAX};
        if (files[i].inode == status->st_ino) return &files[i];
    }
    abort();
}

static void note(int fd, off_t from, ssize_t count) {
    struct stat status;
    pthread_mutex_lock(&mutex);
    struct dirty *file = count > 0 ? of(fd, &status) : NULL;
    if (file && from < file->from) file->from = from;
    if (file && from + count > file->to) file->to = from + count;
    pthread_mutex_unlock(&mutex);
}

static void copy(int fd, struct dirty *file, off_t size, const char *path) {
    static char block[1 << 16];
    int disk = open(path, O_WRONLY | O_CREAT, 0600);
    if (disk < 0) abort();
    ssize_t (*write_at)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    ssize_t count;
    for (off_t at = file->from; at < file->to && at < size; at += count) {
        size_t most = file->to - at < (off_t)sizeof block ? (size_t)(file->to - at) : sizeof block;
        if ((count = pread(fd, block, most, at)) <= 0) break;
        if (write_at(disk, block, count, at) != count) abort();
    }
    if (ftruncate(disk, size)) abort();
    close(disk);
    *file = (struct dirty){file->inode, LLONG_MAX, 0};
}

static int synced(int fd) {
    char link[64], path[PATH_MAX] = "", target[2 * PATH_MAX];
    const char *from = getenv("POWER_FROM"), *to = getenv("POWER_TO");
    struct stat status;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (!from || !to || readlink(link, path, sizeof path - 1) < 0 || strncmp(path, from, strlen(from))) return 0;
    snprintf(target, sizeof target, "%s%s", to, path + strlen(from));
    pthread_mutex_lock(&mutex);
    struct dirty *file = of(fd, &status);
    if (file) copy(fd, file, status.st_size, target);
    pthread_mutex_unlock(&mutex);
    return 0;
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }

#define PWRITE(name)                                                      \
    ssize_t name(int fd, const void *bytes, size_t size, off_t at) {      \
        ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, #name); \
        ssize_t count = real(fd, bytes, size, at);                        \
        note(fd, at, count);                                              \
        return count;                                                     \
    }
PWRITE(pwrite)
PWRITE(pwrite64)
