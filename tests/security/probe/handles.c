/* Opens namespaces by file handles that it was told, and whatever else leads to them, and tries to
 * join them and to reach a path of the host. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct nsfs_handle {
    struct file_handle head;
    uint64_t id;
    uint32_t type, number;
};

static const char *canary;
static unsigned long opened, foreign, joined, reached, errnos[256];

static void reach(const char *path, const char *how) {
    int fd = open(path, O_WRONLY | O_APPEND);
    if (fd < 0)
        return;
    reached++;
    printf("REACHED by %s\n", how);
    if (write(fd, "reached\n", 8) < 0)
        printf("but not written\n");
    close(fd);
}

/* Joins it in a child, since nothing leads back. */
static void join(int fd, const char *how) {
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (setns(fd, 0))
            _exit(1);
        reach(canary, how);
        fflush(stdout);
        _exit(reached ? 3 : 2);
    }
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) > 1) {
        joined++;
        printf("JOINED by %s\n", how);
        reached += WEXITSTATUS(status) == 3;
    }
}

static int is_own(int fd) {
    static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
    struct stat wanted, own;
    if (fstat(fd, &wanted))
        return 1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        if (!stat(path, &own) && own.st_ino == wanted.st_ino)
            return 1;
    }
    return 0;
}

static void relatives(void) {
    static const unsigned long asked[] = {NS_GET_PARENT, NS_GET_USERNS};
    static const char *const kinds[] = {"mnt", "pid", "user", "net", "pid_for_children"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        for (int step = 0; fd >= 0 && step < 8; step++) {
            int next = ioctl(fd, asked[step % 2]);
            if (next < 0)
                next = ioctl(fd, asked[(step + 1) % 2]);
            if (next < 0)
                break;
            if (!is_own(next)) {
                foreign++;
                join(next, "ioctl");
            }
            close(fd);
            fd = next;
        }
        if (fd >= 0)
            close(fd);
    }
}

static void through_proc(void) {
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        char path[5000];
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%s/root%s", entry->d_name, canary);
        reach(path, path);
        snprintf(path, sizeof path, "/proc/%s/cwd%s", entry->d_name, canary);
        reach(path, path);
        snprintf(path, sizeof path, "/proc/%s/ns/mnt", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && !is_own(fd)) {
            foreign++;
            join(fd, path);
        }
        if (fd >= 0)
            close(fd);
    }
    if (proc)
        closedir(proc);
}

static int handle_of(int fd, struct nsfs_handle *handle) {
    int mount_id;
    *handle = (struct nsfs_handle){.head.handle_bytes = sizeof *handle - sizeof handle->head};
    return name_to_handle_at(fd, "", &handle->head, &mount_id, AT_EMPTY_PATH);
}

/* handle FILE...: prints the handle of each namespace as its three numbers, on one line, or the
 * error. */
int handle(int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        struct nsfs_handle found;
        int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return perror(argv[i]), 1;
        if (handle_of(fd, &found))
            printf("%s\n", strerrorname_np(errno));
        else
            printf("%lu:%u:%u\n", found.id, found.type, found.number);
        close(fd);
    }
    return 0;
}

static void open_handle(int nsfs, struct nsfs_handle *guessed) {
    int fd = open_by_handle_at(nsfs, &guessed->head, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        errnos[errno & 255]++;
        return;
    }
    opened++;
    if (!is_own(fd)) {
        foreign++;
        join(fd, "handle");
    }
    close(fd);
}

/* handles CANARY HANDLE...: the handles, as `handle` prints them, spare all guessing: a kernel
 * numbers namespaces in batches for each processor. */
int handles(int argc, char **argv) {
    if (argc < 1)
        return 2;
    canary = argv[0];
    reach(canary, "path");
    through_proc();
    relatives();
    int nsfs = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    struct nsfs_handle own;
    if (handle_of(nsfs, &own)) {
        printf("own=%s\n", strerrorname_np(errno));
        printf("opened=0\njoined=%lu\nreached=%lu\n", joined, reached);
        return 0;
    }
    int again = open_by_handle_at(nsfs, &own.head, O_RDONLY | O_CLOEXEC);
    printf("own=%s\n", again >= 0 ? "opened" : strerrorname_np(errno));
    for (int i = 1; i < argc; i++) {
        struct nsfs_handle guessed = own;
        if (sscanf(argv[i], "%lu:%u:%u", &guessed.id, &guessed.type, &guessed.number) != 3)
            return fprintf(stderr, "probe: %s is no handle\n", argv[i]), 2;
        open_handle(nsfs, &guessed);
    }
    printf("opened=%lu\nforeign=%lu\njoined=%lu\nreached=%lu\n", opened, foreign, joined, reached);
    for (int i = 0; i < 256; i++)
        if (errnos[i])
            printf("errno=%s %lu\n", strerrorname_np(i), errnos[i]);
    return 0;
}
