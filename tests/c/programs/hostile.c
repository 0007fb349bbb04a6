/* A container in a host that is no friend: what is odd is set by the first argument, and nothing
   of the process is changed afterwards. Arguments: what, store, tar. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

static const char *root, *tar;

struct state {
    char cwd[4096], fds[4096];
    mode_t mask;
    struct sigaction actions[65];
    sigset_t blocked;
    unsigned long environment;
    int dumpable, threads;
};

/* SQLite, which the library holds, puts /dev/null where a standard stream is closed, so that
   nothing written there ends in a database. */
static bool standard_or_null(int fd)
{
    char link[32], target[32] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return fd <= 2 && readlink(link, target, sizeof target - 1) > 0
           && strcmp(target, "/dev/null") == 0;
}

/* Names in a directory of /proc, in the kernel's order. */
static int names_in(const char *dir, char *names, size_t room)
{
    int count = 0;
    struct dirent *entry;
    DIR *open = opendir(dir);
    CHECK(open != NULL);
    while ((entry = readdir(open)) != NULL) {
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(open)) {
            continue;
        }
        if (names != NULL && standard_or_null(atoi(entry->d_name))) {
            continue;
        }
        count++;
        if (names != NULL) {
            strncat(strncat(names, entry->d_name, room - strlen(names) - 1), " ",
                    room - strlen(names) - 1);
        }
    }
    closedir(open);
    return count;
}

static struct state look(void)
{
    struct state state;
    memset(&state, 0, sizeof state);
    CHECK(readlink("/proc/self/cwd", state.cwd, sizeof state.cwd - 1) > 0);
    names_in("/proc/self/fd", state.fds, sizeof state.fds);
    state.threads = names_in("/proc/self/task", NULL, 0);
    umask(state.mask = umask(0));
    for (int number = 1; number <= 64; number++) {
        sigaction(number, NULL, &state.actions[number]);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &state.blocked);
    for (char **variable = environ; *variable != NULL; variable++) {
        for (char *byte = *variable; *byte != 0; byte++) {
            state.environment = state.environment * 31 + (unsigned char)*byte;
        }
    }
    state.dumpable = prctl(PR_GET_DUMPABLE);
    return state;
}

static void same(const struct state *before, const struct state *after)
{
    CHECK(strcmp(before->cwd, after->cwd) == 0);
    if (strcmp(before->fds, after->fds) != 0) {
        give_up(before->fds, 0, after->fds, "descriptors before and after");
    }
    CHECK(before->mask == after->mask);
    for (int number = 1; number <= 64; number++) {
        CHECK(before->actions[number].sa_handler == after->actions[number].sa_handler);
        CHECK(before->actions[number].sa_flags == after->actions[number].sa_flags);
    }
    CHECK(memcmp(&before->blocked, &after->blocked, sizeof before->blocked) == 0);
    CHECK(before->environment == after->environment);
    CHECK(before->dumpable == after->dumpable);
    CHECK(before->threads == after->threads);
}

static void use(void)
{
    int code = -1;
    minidock_client_t *client = client_of(root);
    OK(minidock_image_import(client, tar, "busybox", NULL, NULL));
    char *out = output_of(client, "echo fine; exit 5", &code);
    CHECK(strcmp(out, "fine\n") == 0 && code == 5);
    free(out);
    minidock_client_free(client);
}

static void *use_in_thread(void *unused)
{
    use();
    return unused;
}

static void use_with_stack(size_t size)
{
    pthread_t thread;
    pthread_attr_t attributes;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, size) == 0);
    CHECK(pthread_create(&thread, &attributes, use_in_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    pthread_attr_destroy(&attributes);
}

/* What reads our messages is gone: an error, and no SIGPIPE. */
static void talk_to_the_dead(void)
{
    const char *argv[] = {"sleep", "1000", NULL};
    minidock_client_t *client = client_of(root);
    minidock_container_options_t *options = shell("sleep 1000");
    minidock_exec_options_t *exec_options = NULL;
    minidock_container_t *container = NULL;
    minidock_exec_t *exec = NULL;
    minidock_error_t *error;
    OK(minidock_container_run(client, options, &container));
    OK(minidock_exec_options_new(argv, &exec_options));
    OK(minidock_exec_start(container, exec_options, &exec));
    OK(minidock_container_remove(container, true, true));
    error = minidock_exec_kill(exec, NULL);
    CHECK(error != NULL);
    minidock_error_free(error);
    FAILS(MINIDOCK_ERROR_RUNTIME, minidock_exec_wait(exec, 60000, NULL));
    minidock_exec_free(exec);
    minidock_exec_options_free(exec_options);
    minidock_container_free(container);
    minidock_container_options_free(options);
    minidock_client_free(client);
}

/* In a forked child every handle refuses, and the parent's goes on. */
static void forked(void)
{
    int status = 0, code = -1;
    char *json = NULL;
    minidock_client_t *client = client_of(root);
    OK(minidock_image_import(client, tar, "busybox", NULL, NULL));
    pid_t child = fork();
    if (child == 0) {
        FAILS(MINIDOCK_ERROR_FORKED, minidock_image_list(client, &json));
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    char *out = output_of(client, "echo fine", &code);
    CHECK(strcmp(out, "fine\n") == 0 && code == 0);
    free(out);
    minidock_client_free(client);
}

int main(int argc, char **argv)
{
    const char *what = argv[1];
    CHECK(argc == 4);
    root = argv[2];
    tar = argv[3];
    if (strcmp(what, "closed") == 0) {
        told_to = fcntl(2, F_DUPFD_CLOEXEC, 100);
        close(0), close(1), close(2);
    } else if (strcmp(what, "sigchld") == 0) {
        signal(SIGCHLD, SIG_IGN);
    } else if (strcmp(what, "blocked") == 0) {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, NULL);
    } else if (strcmp(what, "cwd") == 0) {
        char gone[] = "/var/tmp/minidock-gone-XXXXXX";
        CHECK(mkdtemp(gone) != NULL && chdir(gone) == 0 && rmdir(gone) == 0);
    } else if (strcmp(what, "nofile") == 0) {
        struct rlimit limit = {64, 64};
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    } else if (strcmp(what, "umask") == 0) {
        umask(0777);
    } else if (strcmp(what, "dumpable") == 0) {
        CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
    }
    struct state before = look();
    if (strcmp(what, "stack") == 0) {
        use_with_stack(256 * 1024);
    } else if (strcmp(what, "forked") == 0) {
        forked();
    } else {
        use();
    }
    if (strcmp(what, "sigpipe") == 0) {
        talk_to_the_dead();
    }
    struct state after = look();
    same(&before, &after);
    return 42;
}
