/* Makes file system calls fail, for tests: loaded with LD_PRELOAD, built by failing_disk.py.
 *
 *   FAIL_BELOW    only calls on paths that begin like this count
 *   FAIL_PROGRAM  only in programs of this name (default: all)
 *   FAIL_LOG      each call that counts is appended here, as "<number> <name> <path>"
 *   FAIL_AT       the number, from 1, of the one call that fails
 *   FAIL_WITH     the errno it fails with
 *   FAIL_ALWAYS   names of calls that always fail so, between commas: ",symlink,flock,fsync-folder,"
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int calls;

static int below(const char *path) {
    const char *root = getenv("FAIL_BELOW");
    const char *program = getenv("FAIL_PROGRAM");
    if (program && strncmp(program_invocation_short_name, program, strlen(program))) return 0;
    return root && path && !strncmp(path, root, strlen(root));
}

/* Count a call on `path`, and tell whether it is to fail; then errno is set. */
static int fails(const char *name, const char *path) {
    if (!below(path)) return 0;
    int number = atomic_fetch_add(&calls, 1) + 1;
    const char *log = getenv("FAIL_LOG"), *at = getenv("FAIL_AT"), *with = getenv("FAIL_WITH");
    const char *always = getenv("FAIL_ALWAYS");
    if (log) {
        char line[PATH_MAX + 100];
        int length = snprintf(line, sizeof line, "%d %s %s\n", number, name, path);
        int file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0666);
        syscall(SYS_write, file, line, length);
        syscall(SYS_close, file);
    }
    char word[64];
    snprintf(word, sizeof word, ",%s,", name);
    if (!(at && atoi(at) == number) && !(always && strstr(always, word))) return 0;
    errno = with ? atoi(with) : EIO;
    return 1;
}

static int resolved(int folder, const char *path, char *whole) {
    if (!path || path[0] == '/' || folder == AT_FDCWD)
        return path ? snprintf(whole, PATH_MAX, "%s", path) : 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    int length = syscall(SYS_readlinkat, AT_FDCWD, link, whole, PATH_MAX - 1);
    if (length < 0) return 0;
    return snprintf(whole + length, PATH_MAX - length, *path ? "/%s" : "%s", path);
}

static int fails_at(const char *name, int folder, const char *path) {
    char whole[2 * PATH_MAX] = "";
    int before = errno;
    resolved(folder, path, whole);
    errno = before;
    return fails(name, whole);
}

static int fails_open(const char *name, int file) {
    return fails_at(name, file, "");
}

#define NEXT(result, name, ...) \
    static result (*next)(__VA_ARGS__); \
    if (!next) next = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name);

#define ON_PATH(result, bad, name, args, given, path) \
    result name args { \
        static result (*next) args; \
        if (!next) next = (result (*) args)dlsym(RTLD_NEXT, #name); \
        if (fails(#name, path)) return bad; \
        return next given; \
    }

#define ON_PLACE(result, bad, name, args, given, folder, path) \
    result name args { \
        static result (*next) args; \
        if (!next) next = (result (*) args)dlsym(RTLD_NEXT, #name); \
        if (fails_at(#name, folder, path)) return bad; \
        return next given; \
    }

#define ON_FILE(result, bad, name, args, given, file) \
    result name args { \
        static result (*next) args; \
        if (!next) next = (result (*) args)dlsym(RTLD_NEXT, #name); \
        if (fails_open(#name, file)) return bad; \
        return next given; \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        NEXT(int, #name, const char *, int, ...) \
        if (fails("open", path)) return -1; \
        return next(path, flags, mode); \
    }
#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        NEXT(int, #name, int, const char *, int, ...) \
        if (fails_at("open", folder, path)) return -1; \
        return next(folder, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

ON_PATH(int, -1, stat, (const char *p, struct stat *s), (p, s), p)
ON_PATH(int, -1, stat64, (const char *p, struct stat64 *s), (p, s), p)
ON_PATH(int, -1, lstat, (const char *p, struct stat *s), (p, s), p)
ON_PATH(int, -1, lstat64, (const char *p, struct stat64 *s), (p, s), p)
ON_PLACE(int, -1, fstatat, (int d, const char *p, struct stat *s, int f), (d, p, s, f), d, p)
ON_PLACE(int, -1, fstatat64, (int d, const char *p, struct stat64 *s, int f), (d, p, s, f), d, p)
ON_FILE(int, -1, fstat, (int d, struct stat *s), (d, s), d)
ON_FILE(int, -1, fstat64, (int d, struct stat64 *s), (d, s), d)
ON_PATH(int, -1, statvfs, (const char *p, struct statvfs *s), (p, s), p)
ON_PATH(int, -1, statvfs64, (const char *p, struct statvfs64 *s), (p, s), p)
ON_PATH(int, -1, access, (const char *p, int m), (p, m), p)
ON_PLACE(int, -1, faccessat, (int d, const char *p, int m, int f), (d, p, m, f), d, p)
ON_PATH(DIR *, NULL, opendir, (const char *p), (p), p)
ON_FILE(DIR *, NULL, fdopendir, (int d), (d), d)
ON_FILE(struct dirent64 *, NULL, readdir64, (DIR *d), (d), dirfd(d))
ON_FILE(struct dirent *, NULL, readdir, (DIR *d), (d), dirfd(d))
ON_PATH(int, -1, mkdir, (const char *p, mode_t m), (p, m), p)
ON_PLACE(int, -1, mkdirat, (int d, const char *p, mode_t m), (d, p, m), d, p)
ON_PATH(int, -1, rename, (const char *p, const char *q), (p, q), q)
ON_PLACE(int, -1, renameat, (int c, const char *p, int d, const char *q), (c, p, d, q), d, q)
ON_PATH(int, -1, unlink, (const char *p), (p), p)
ON_PLACE(int, -1, unlinkat, (int d, const char *p, int f), (d, p, f), d, p)
ON_PATH(int, -1, rmdir, (const char *p), (p), p)
ON_PATH(int, -1, symlink, (const char *t, const char *p), (t, p), p)
ON_PLACE(int, -1, symlinkat, (const char *t, int d, const char *p), (t, d, p), d, p)
ON_PATH(ssize_t, -1, readlink, (const char *p, char *b, size_t n), (p, b, n), p)
ON_PLACE(ssize_t, -1, readlinkat, (int d, const char *p, char *b, size_t n), (d, p, b, n), d, p)
ON_PATH(int, -1, chmod, (const char *p, mode_t m), (p, m), p)
ON_FILE(int, -1, fchmod, (int d, mode_t m), (d, m), d)
ON_PATH(int, -1, chown, (const char *p, uid_t u, gid_t g), (p, u, g), p)
ON_PATH(int, -1, lchown, (const char *p, uid_t u, gid_t g), (p, u, g), p)
ON_FILE(int, -1, fchown, (int d, uid_t u, gid_t g), (d, u, g), d)
ON_PLACE(int, -1, fchownat, (int d, const char *p, uid_t u, gid_t g, int f), (d, p, u, g, f), d, p)
ON_PLACE(int, -1, utimensat, (int d, const char *p, const struct timespec t[2], int f),
         (d, p, t, f), d, p)
ON_FILE(int, -1, ftruncate, (int d, off_t n), (d, n), d)
ON_FILE(int, -1, ftruncate64, (int d, off64_t n), (d, n), d)
ON_FILE(int, -1, flock, (int d, int o), (d, o), d)
ON_FILE(ssize_t, -1, read, (int d, void *b, size_t n), (d, b, n), d)
ON_FILE(ssize_t, -1, write, (int d, const void *b, size_t n), (d, b, n), d)

int fsync(int file) {
    NEXT(int, "fsync", int)
    struct stat64 found;
    int folder = !syscall(SYS_fstat, file, &found) && S_ISDIR(found.st_mode);
    if (fails_open(folder ? "fsync-folder" : "fsync", file)) return -1;
    return next(file);
}
