/* Calls that no container gets, each with arguments that would work. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIGH (1L << 32)


static long answer(long result) { return result < 0 ? errno : 0; }

/* Each runs in a child of its own, so that one that succeeds changes nothing for the next. */
static void attempt(const char *name, long number, long a, long b, long c, long d, long e, long f) {
    int pipes[2];
    if (pipe(pipes))
        exit(1);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(5);
        long result = answer(syscall(number, a, b, c, d, e, f));
        /* The child of a clone that worked passes here as well, and says the same. */
        if (write(pipes[1], &result, sizeof result) != sizeof result)
            _exit(1);
        _exit(0);
    }
    close(pipes[1]);
    long result = -1;
    ssize_t got = read(pipes[0], &result, sizeof result);
    close(pipes[0]);
    waitpid(child, NULL, 0);
    printf("%s=%s\n", name,
           got != sizeof result ? "killed"
           : result == 0        ? "allowed"
                                : strerrorname_np(result));
}

#ifdef __x86_64__
/* The 32-bit door: its numbers and a 32-bit stack of arguments. */
static void int80(const char *name, long number, long b, long c, long d) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(b), "c"(c), "d"(d), "S"(0L), "D"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    result = (int)result;
    printf("%s=%s\n", name, result < 0 ? strerrorname_np(-result) : "allowed");
}
#endif

static void families(void) {
    static const struct {
        const char *name;
        long family;
    } closed[] = {{"alg", 38}, {"vsock", 40}, {"kcm", 41}, {"rds", 21}, {"can", 29}, {"tipc", 30}};
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        char name[64];
        long type = closed[i].family == 38 ? SOCK_SEQPACKET : SOCK_STREAM;
        for (int high = 0; high < 3; high++) {
            static const char *const shown[] = {"", "+high", "+top"};
            long family = closed[i].family + (high == 1 ? HIGH : high == 2 ? 1L << 63 : 0);
            snprintf(name, sizeof name, "socket.%s%s", closed[i].name, shown[high]);
            attempt(name, SYS_socket, family, type, 0, 0, 0, 0);
            snprintf(name, sizeof name, "socketpair.%s%s", closed[i].name, shown[high]);
            int pair[2];
            attempt(name, SYS_socketpair, family, type, 0, (long)pair, 0, 0);
        }
    }
}

static void clones(void) {
    static const struct {
        const char *name;
        long flags;
    } asked[] = {
        {"user", CLONE_NEWUSER},
        {"user+pid", CLONE_NEWUSER | CLONE_NEWPID},
        {"user+net+mount", CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS},
        {"user+untraced", CLONE_NEWUSER | CLONE_UNTRACED},
        {"user+parent_settid", CLONE_NEWUSER | 0x00100000},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        for (int high = 0; high < 3; high++) {
            static const char *const shown[] = {"", "+high", "+top"};
            long more = high == 1 ? HIGH : high == 2 ? 1L << 63 : 0;
            char name[64];
            int tid;
            snprintf(name, sizeof name, "clone.%s%s", asked[i].name, shown[high]);
            attempt(name, SYS_clone, asked[i].flags | more | SIGCHLD, 0, (long)&tid, 0, 0, 0);
            snprintf(name, sizeof name, "unshare.%s%s", asked[i].name, shown[high]);
            attempt(name, SYS_unshare, asked[i].flags | more, 0, 0, 0, 0, 0);
        }
}

int denied(int argc, char **argv) {
    (void)argc, (void)argv;
    attempt("keyctl", SYS_keyctl, 0, -3, 1, 0, 0, 0);
    attempt("add_key", SYS_add_key, (long)"user", (long)"minidock-probe", (long)"x", 1, -1, 0);
    attempt("request_key", SYS_request_key, (long)"user", (long)"minidock-probe", 0, 0, 0, 0);
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    attempt("bpf", SYS_bpf, BPF_MAP_CREATE, (long)&map, sizeof map, 0, 0, 0);
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event,
                                    .config = PERF_COUNT_SW_DUMMY, .exclude_kernel = 1};
    attempt("perf_event_open", SYS_perf_event_open, (long)&event, 0, -1, -1, 0, 0);
    attempt("userfaultfd", SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */, 0, 0, 0, 0, 0);
    char handle[64] = {8, 0, 0, 0, 1};
    attempt("open_by_handle_at", SYS_open_by_handle_at, AT_FDCWD, (long)handle, O_RDONLY, 0, 0, 0);
    attempt("mount", SYS_mount, (long)"none", (long)"/tmp", (long)"tmpfs", 0, 0, 0);
    attempt("umount2", SYS_umount2, (long)"/proc", 2, 0, 0, 0, 0);
    attempt("pivot_root", SYS_pivot_root, (long)"/tmp", (long)"/tmp", 0, 0, 0, 0);
    attempt("open_tree", SYS_open_tree, AT_FDCWD, (long)"/", 1, 0, 0, 0);
    attempt("fsopen", SYS_fsopen, (long)"tmpfs", 0, 0, 0, 0, 0);
    int own = open("/proc/self/ns/uts", O_RDONLY);
    attempt("setns", SYS_setns, own, 0, 0, 0, 0, 0);
    attempt("kexec_load", SYS_kexec_load, 0, 0, 0, 0, 0, 0);
    attempt("init_module", SYS_init_module, (long)"", 0, (long)"", 0, 0, 0);
    attempt("finit_module", SYS_finit_module, own, (long)"", 0, 0, 0, 0);
    attempt("io_uring_setup", SYS_io_uring_setup, 1, (long)(char[256]){0}, 0, 0, 0, 0);
    attempt("clone3", SYS_clone3, (long)(uint64_t[8]){[4] = SIGCHLD}, 64, 0, 0, 0, 0);
    clones();
    families();
#ifdef __x86_64__
    attempt("x32.getpid", 0x40000000 + SYS_getpid, 0, 0, 0, 0, 0, 0);
    attempt("x32.socket", 0x40000000 + SYS_socket, 38, SOCK_SEQPACKET, 0, 0, 0, 0);
    attempt("x32.unshare", 0x40000000 + SYS_unshare, CLONE_NEWUSER, 0, 0, 0, 0, 0);
    attempt("x32.clone", 0x40000000 + SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0, 0);
    fflush(stdout);
    int80("int80.socketcall", 102, 1, 0, 0);
    int80("int80.socketcall-pair", 102, 8, 0, 0);
    int80("int80.socket.alg", 359, 38, SOCK_SEQPACKET, 0);
    int80("int80.socket.vsock", 359, 40, SOCK_STREAM, 0);
    int80("int80.keyctl", 288, 0, -3, 1);
    int80("int80.bpf", 357, 0, 0, 0);
    int80("int80.clone3", 435, 0, 0, 0);
    int80("int80.mount", 21, 0, 0, 0);
    int80("int80.unshare", 310, CLONE_NEWUSER, 0, 0);
#endif
    return 0;
}
