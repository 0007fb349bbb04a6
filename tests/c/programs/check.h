/* What the test programs share: assertions that say where, and the store of the scenario. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <minidock.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition) \
    ((condition) ? (void)0 : give_up(__FILE__, __LINE__, #condition, "does not hold"))
#define OK(call) ok(__FILE__, __LINE__, #call, call)
#define FAILS(code, call) fails(__FILE__, __LINE__, #call, code, call)

/* Where failures are told. */
static int told_to = 2;

static inline void give_up(const char *file, int line, const char *what, const char *why)
{
    dprintf(told_to, "%s:%d: %s: %s\n", file, line, what, why);
    exit(1);
}

static inline void ok(const char *file, int line, const char *call, minidock_error_t *error)
{
    if (error != NULL) {
        give_up(file, line, call, minidock_error_message(error));
    }
}

/* The error that a call must give; its message and its name are never empty. */
static inline void fails(const char *file, int line, const char *call, int code,
                         minidock_error_t *error)
{
    if (minidock_error_code(error) != code) {
        give_up(file, line, call, error ? minidock_error_message(error) : "it succeeded");
    }
    if (*minidock_error_message(error) == 0 || *minidock_error_name(error) == 0) {
        give_up(file, line, call, "the error says nothing");
    }
    minidock_error_free(error);
}

/* A client of the store of the scenario. */
static inline minidock_client_t *client_of(const char *root)
{
    minidock_client_options_t *options = minidock_client_options_new();
    minidock_client_t *client = NULL;
    OK(minidock_client_options_set_root(options, root));
    OK(minidock_client_open(options, &client));
    minidock_client_options_free(options);
    return client;
}

/* Options of a container of the image `busybox` that runs a shell command without network. */
static inline minidock_container_options_t *shell(const char *script)
{
    const char *argv[] = {"sh", "-c", NULL, NULL};
    minidock_container_options_t *options = NULL;
    argv[2] = script;
    OK(minidock_container_options_new("busybox", &options));
    OK(minidock_container_options_set_command(options, argv));
    OK(minidock_container_options_set_network(options, "none"));
    return options;
}

/* Everything that comes from a descriptor, as a string to be freed. */
static inline char *read_all(int fd)
{
    size_t length = 0, room = 4096;
    char *text = malloc(room);
    for (;;) {
        ssize_t count = read(fd, text + length, room - length - 1);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        CHECK(count >= 0);
        if (count == 0) {
            break;
        }
        length += (size_t)count;
        if (room - length < 2) {
            text = realloc(text, room *= 2);
        }
    }
    text[length] = 0;
    return text;
}

/* The output of a shell command in a container that is removed at its end. */
static inline char *output_of(minidock_client_t *client, const char *script, int *code)
{
    minidock_container_options_t *options = shell(script);
    minidock_container_t *container = NULL;
    char *text;
    OK(minidock_container_options_set_attach(options, false, true, false));
    OK(minidock_container_options_set_auto_remove(options, true));
    OK(minidock_container_options_set_owned(options, true));
    OK(minidock_container_run(client, options, &container));
    text = read_all(minidock_container_stdout_fd(container));
    OK(minidock_container_wait(container, 60000, code));
    minidock_container_free(container);
    minidock_container_options_free(options);
    return text;
}

#endif
