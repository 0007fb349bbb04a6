/* What a process is born with: namespaces, credentials, signals, limits, descriptors. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void namespaces(void) {
    static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64], target[128] = "none";
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        ssize_t length = readlink(path, target, sizeof target - 1);
        if (length > 0)
            target[length] = 0;
        printf("ns.%s=%s\n", kinds[i], target);
    }
}

/* The lines of /proc/self/status that a parent decides about. */
static void status(void) {
    static const char *const wanted[] = {
        "Umask:",  "Uid:",    "Gid:",    "Groups:", "SigBlk:",     "SigIgn:",  "SigCgt:", "CapInh:",
        "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "Cpus_allowed:"};
    char line[4096];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            if (!strncmp(line, wanted[i], strlen(wanted[i]))) {
                char *value = line + strlen(wanted[i]);
                value[strcspn(value, "\n")] = 0;
                for (char *c = value; *c; c++)
                    if (*c == '\t')
                        *c = ' ';
                while (*value == ' ')
                    value++;
                size_t length = strlen(value);
                while (length && value[length - 1] == ' ')
                    value[--length] = 0;
                printf("%.*s=%s\n", (int)strlen(wanted[i]) - 1, wanted[i], value);
            }
    if (file)
        fclose(file);
}

static void file(const char *name, const char *path) {
    char line[4096];
    FILE *stream = fopen(path, "r");
    while (stream && fgets(line, sizeof line, stream))
        printf("%s=%s", name, line);
    if (stream)
        fclose(stream);
}

static void descriptors(void) {
    DIR *dir = opendir("/proc/self/fd");
    int own = dirfd(dir), open[4096] = {0};
    for (struct dirent *entry; (entry = readdir(dir));) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && number != own && number < 4096)
            open[number] = 1;
    }
    printf("fds=");
    for (int i = 0; i < 4096; i++)
        if (open[i])
            printf("%d ", i);
    printf("\n");
    closedir(dir);
}

int facts(int argc, char **argv) {
    (void)argc, (void)argv;
    extern char **environ;
    descriptors();
    namespaces();
    status();
    file("limit", "/proc/self/limits");
    file("oom_score_adj", "/proc/self/oom_score_adj");
    file("coredump_filter", "/proc/self/coredump_filter");
    file("timerslack", "/proc/self/timerslack_ns");
    char cwd[4096];
    printf("cwd=%s\n", getcwd(cwd, sizeof cwd) ? cwd : strerror(errno));
    int death = -1;
    prctl(PR_GET_PDEATHSIG, &death);
    printf("pdeathsig=%d\n", death);
    printf("securebits=%d\n", prctl(PR_GET_SECUREBITS));
    printf("subreaper=%d\n", (prctl(PR_GET_CHILD_SUBREAPER, &death), death));
    printf("nice=%d\n", getpriority(PRIO_PROCESS, 0));
    printf("ioprio=%ld\n", syscall(SYS_ioprio_get, 1, 0));
    printf("personality=%ld\n", syscall(SYS_personality, 0xffffffff));
    errno = 0;
    long keyring = syscall(SYS_keyctl, 0, -3, 0);
    printf("keyctl=%s\n", keyring < 0 ? strerrorname_np(errno) : "visible");
    for (char **entry = environ; *entry; entry++)
        printf("env=%s\n", *entry);
    return 0;
}

/* Uids as the kernel has them after execve of a setuid file, and what the file's capabilities
 * gave. */
int ids(int argc, char **argv) {
    (void)argc, (void)argv;
    printf("ruid=%d euid=%d\n", getuid(), geteuid());
    status();
    return 0;
}

/* Outside: opens a hundred descriptors without close-on-exec, then becomes the given program. */
int inherit(int argc, char **argv) {
    if (argc < 1)
        return 2;
    for (int i = 0; i < 100; i++) {
        static const char *const paths[] = {"/etc/passwd", "/", "/proc/self/ns/mnt", "/dev/null"};
        if (open(paths[i % 4], O_RDONLY) < 0)
            return 3;
    }
    execvp(argv[0], argv);
    return 4;
}
