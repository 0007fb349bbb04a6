/* minidock: containers as a library, without root and without a daemon.
 *
 * Made from bindings/c/src by `cargo xtask header`; do not edit.
 *
 * Errors    A function that can fail returns `minidock_error_t *`: NULL is success. Results come
 *           last, by pointer, and are written only on success.
 * Owners    What a function hands out by pointer to pointer is the caller's, and is freed by the
 *           `_free` of its type, strings by minidock_string_free. `_free(NULL)` does nothing.
 * Texts     Strings are UTF-8 and end in a NUL byte; paths, arguments and environment are any
 *           bytes. NULL, or bytes that are not UTF-8, give MINIDOCK_ERROR_INVALID_INPUT.
 * Threads   A handle that a function takes as `const` may be used by any number of threads at
 *           once; one that it takes without `const` by one at a time. A handle is freed when no
 *           thread uses it any more.
 * Process   The library forks no copy of its caller, changes no signal handler or mask, no
 *           working directory, umask or environment, and needs no SIGCHLD. Every descriptor that
 *           it opens is close-on-exec. After fork() only the parent may use handles.
 *           A program that writes to stdin descriptors wants to ignore SIGPIPE.
 */

#ifndef MINIDOCK_H
#define MINIDOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Changes when a program that was compiled before could not run with the library any more.
#define MINIDOCK_ABI_VERSION 0

// What went wrong, as far as a program can act on it. More may come; numbers never change.
typedef enum minidock_error_code_t {
    // No error: what NULL has.
    MINIDOCK_OK = 0,
    // The named image, container, layer, volume or file does not exist.
    MINIDOCK_ERROR_NOT_FOUND = 1,
    // The request contradicts what is there: a name is taken, a container runs.
    MINIDOCK_ERROR_CONFLICT = 2,
    // An argument is NULL, not UTF-8, malformed, or asks for what is not offered.
    MINIDOCK_ERROR_INVALID_INPUT = 3,
    // The host lacks what is needed; the hint says how to get it.
    MINIDOCK_ERROR_HOST_UNSUPPORTED = 4,
    // No space, inodes or quota left.
    MINIDOCK_ERROR_NO_SPACE = 5,
    // The kernel or the owner of a file refuses access.
    MINIDOCK_ERROR_PERMISSION = 6,
    // Stored content is not what was written.
    MINIDOCK_ERROR_CORRUPT = 7,
    // The thing is used by something alive.
    MINIDOCK_ERROR_IN_USE = 8,
    // The store was written by a newer version.
    MINIDOCK_ERROR_INCOMPATIBLE = 9,
    // The store can only be read.
    MINIDOCK_ERROR_READ_ONLY = 10,
    // A handle was used in a forked child of the process that made it.
    MINIDOCK_ERROR_FORKED = 11,
    // The runtime failed or could not be reached.
    MINIDOCK_ERROR_RUNTIME = 12,
    // The program to run is not in the container.
    MINIDOCK_ERROR_COMMAND_NOT_FOUND = 13,
    // The program to run cannot be executed.
    MINIDOCK_ERROR_COMMAND_NOT_EXECUTABLE = 14,
    // A network transfer failed.
    MINIDOCK_ERROR_NETWORK = 15,
    // The caller cancelled.
    MINIDOCK_ERROR_CANCELLED = 16,
    // A command of a build ended with another status than 0.
    MINIDOCK_ERROR_STEP_FAILED = 17,
    // Any other failure of input or output.
    MINIDOCK_ERROR_IO = 18,
    // What was waited for did not happen in time.
    MINIDOCK_ERROR_TIMED_OUT = 19,
    // A defect of minidock.
    MINIDOCK_ERROR_INTERNAL = 20,
    // A registry wants a login, or refuses the one it got.
    MINIDOCK_ERROR_UNAUTHORIZED = 21,
} minidock_error_code_t;

// What an event of a build is about. More may come: ignore what you do not know.
typedef enum minidock_build_event_kind_t {
    // A stage begins; the text is what it begins with.
    MINIDOCK_BUILD_STAGE = 1,
    // A step begins; the text is its instruction.
    MINIDOCK_BUILD_STEP = 2,
    // The step's layer was there already.
    MINIDOCK_BUILD_CACHED = 3,
    // A command of the step wrote the bytes.
    MINIDOCK_BUILD_OUTPUT = 4,
    // The step ended well.
    MINIDOCK_BUILD_STEP_DONE = 5,
    // Something works but is hardly meant; the text says what.
    MINIDOCK_BUILD_WARNING = 6,
    // The image is there; the text is its id.
    MINIDOCK_BUILD_FINISHED = 7,
    // An event of a newer engine.
    MINIDOCK_BUILD_OTHER = 8,
} minidock_build_event_kind_t;

// Something that happened in a build. It lives for the call of the callback.
typedef struct minidock_build_event_t minidock_build_event_t;

// What to build. One thread at a time.
typedef struct minidock_build_options_t minidock_build_options_t;

// Stops a call from another thread. Any number of threads may use one at once.
typedef struct minidock_cancel_t minidock_cancel_t;

// How a client is opened. One thread at a time.
typedef struct minidock_client_options_t minidock_client_options_t;

// A store and the program that runs containers. Any number of threads may use one at once; it
// must outlive no other handle, since containers and processes keep what they need of it.
//
// In a child made by fork() without exec() every function gives MINIDOCK_ERROR_FORKED.
typedef struct minidock_client_t minidock_client_t;

// A container to be made. What is not set comes from the image. One thread at a time.
typedef struct minidock_container_options_t minidock_container_options_t;

// A container. Any number of threads may use one at once. Freeing the handle neither ends nor
// removes the container.
typedef struct minidock_container_t minidock_container_t;

// An error. It never changes: any thread may read it. Texts live as long as it does.
typedef struct minidock_error_t minidock_error_t;

// A process to be executed. What is not set comes from the container. One thread at a time.
typedef struct minidock_exec_options_t minidock_exec_options_t;

// A process in a container. Any number of threads may use one at once. Freeing the handle does
// not end the process.
typedef struct minidock_exec_t minidock_exec_t;

// Gets the events of a build: never two at a time, not always on the thread that builds. It must
// not unwind (throw, longjmp).
typedef void (*minidock_build_callback_t)(void *userdata,
                                          const struct minidock_build_event_t *event);

// Gets a piece of a log: the stream (1 is standard output, 2 is standard error), the bytes as
// they were written, a line or a part of one, and when they were, nanoseconds since 1970. `false`
// ends the reading. It is called on the thread that reads and must not unwind (throw, longjmp).
typedef bool (*minidock_log_callback_t)(void *userdata,
                                        int stream,
                                        const char *bytes,
                                        size_t length,
                                        int64_t time);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// A build of this directory, with defaults. Free it with minidock_build_options_free.
struct minidock_error_t *minidock_build_options_new(const char *context,
                                                    struct minidock_build_options_t **options);

// The Dockerfile; `Dockerfile` of the context without.
struct minidock_error_t *minidock_build_options_set_dockerfile(struct minidock_build_options_t *options,
                                                               const char *path);

// The text of the Dockerfile, in place of a file.
struct minidock_error_t *minidock_build_options_set_dockerfile_text(struct minidock_build_options_t *options,
                                                                    const char *text);

// A further name for the image.
struct minidock_error_t *minidock_build_options_add_tag(struct minidock_build_options_t *options,
                                                        const char *reference);

// A value for ARG.
struct minidock_error_t *minidock_build_options_set_argument(struct minidock_build_options_t *options,
                                                             const char *name,
                                                             const char *value);

// A label on top of the Dockerfile's.
struct minidock_error_t *minidock_build_options_set_label(struct minidock_build_options_t *options,
                                                          const char *name,
                                                          const char *value);

// The stage to build; the last one without.
struct minidock_error_t *minidock_build_options_set_target(struct minidock_build_options_t *options,
                                                           const char *stage);

// Run every step, whatever is remembered.
struct minidock_error_t *minidock_build_options_set_no_cache(struct minidock_build_options_t *options,
                                                             bool no_cache);

// The network of RUN: "private", "none" or "host".
struct minidock_error_t *minidock_build_options_set_network(struct minidock_build_options_t *options,
                                                            const char *network);

// What stops the build from another thread.
struct minidock_error_t *minidock_build_options_set_cancel(struct minidock_build_options_t *options,
                                                           const struct minidock_cancel_t *cancel);

// Ends the options. NULL is nothing.
void minidock_build_options_free(struct minidock_build_options_t *options);

// Builds an image. `callback` may be NULL; it gets `userdata` back. `id`, which may be NULL,
// gets a string for minidock_string_free.
struct minidock_error_t *minidock_image_build(const struct minidock_client_t *client,
                                              const struct minidock_build_options_t *options,
                                              minidock_build_callback_t callback,
                                              void *userdata,
                                              char **id);

// One of minidock_build_event_kind_t; 0 for NULL.
int minidock_build_event_kind(const struct minidock_build_event_t *event);

// The step it belongs to, from 1; 0 without one.
size_t minidock_build_event_step(const struct minidock_build_event_t *event);

// How many steps there are, where a step begins; 0 elsewhere.
size_t minidock_build_event_steps(const struct minidock_build_event_t *event);

// Its text, one line of UTF-8; "" without one.
const char *minidock_build_event_text(const struct minidock_build_event_t *event);

// Where output came from: 1 is standard output, 2 is standard error; 0 for other events.
int minidock_build_event_stream(const struct minidock_build_event_t *event);

// The bytes of output as they came; `length`, which may be NULL, gets their number.
const char *minidock_build_event_bytes(const struct minidock_build_event_t *event,
                                       size_t *length);

// A token that was not used yet. Never NULL.
struct minidock_cancel_t *minidock_cancel_new(void);

// Asks the calls that have the token to stop; they give MINIDOCK_ERROR_CANCELLED. It stays so.
struct minidock_error_t *minidock_cancel_request(const struct minidock_cancel_t *cancel);

// Ends the token; calls that have it go on. NULL is nothing.
void minidock_cancel_free(struct minidock_cancel_t *cancel);

// Options with defaults. Never NULL.
struct minidock_client_options_t *minidock_client_options_new(void);

// Where the store lies; without it MINIDOCK_ROOT, then $XDG_DATA_HOME/minidock.
struct minidock_error_t *minidock_client_options_set_root(struct minidock_client_options_t *options,
                                                          const char *path);

// The absolute path of the program minidock-runtime; without it MINIDOCK_RUNTIME,
// /usr/libexec/minidock, then ../libexec/minidock beside the directory of this library.
struct minidock_error_t *minidock_client_options_set_runtime(struct minidock_client_options_t *options,
                                                             const char *path);

// Which ids containers have: "auto" (subordinate ids where there are some), "single".
struct minidock_error_t *minidock_client_options_set_user_namespace(struct minidock_client_options_t *options,
                                                                    const char *name);

// Ends the options. NULL is nothing.
void minidock_client_options_free(struct minidock_client_options_t *options);

// Opens a client; NULL for `options` means defaults. Free it with minidock_client_free.
struct minidock_error_t *minidock_client_open(const struct minidock_client_options_t *options,
                                              struct minidock_client_t **client);

// Ends the client; containers and what runs in them stay. NULL is nothing.
void minidock_client_free(struct minidock_client_t *client);

// Makes a container; nothing runs yet. Free the handle with minidock_container_free.
struct minidock_error_t *minidock_container_create(const struct minidock_client_t *client,
                                                   const struct minidock_container_options_t *options,
                                                   struct minidock_container_t **container);

// Makes a container and starts it at once. When it does not start, it is removed again.
struct minidock_error_t *minidock_container_run(const struct minidock_client_t *client,
                                                const struct minidock_container_options_t *options,
                                                struct minidock_container_t **container);

// A handle of a container that is there, by its name, its id or the start of its id.
struct minidock_error_t *minidock_container_open(const struct minidock_client_t *client,
                                                 const char *name,
                                                 struct minidock_container_t **container);

// Its id; it lives as long as the handle. NULL for NULL.
const char *minidock_container_id(const struct minidock_container_t *container);

// Starts a container that does not run. Descriptors of an earlier start are closed.
struct minidock_error_t *minidock_container_start(const struct minidock_container_t *container);

// The descriptor to write its input to, or -1. It stays the handle's.
int minidock_container_stdin_fd(const struct minidock_container_t *container);

// The descriptor to read its output from, or -1. It stays the handle's.
int minidock_container_stdout_fd(const struct minidock_container_t *container);

// The descriptor to read its errors from, or -1. It stays the handle's.
int minidock_container_stderr_fd(const struct minidock_container_t *container);

// Ends the container's input. Nobody may be writing to its descriptor.
struct minidock_error_t *minidock_container_close_stdin(const struct minidock_container_t *container);

// Waits for its end, at most that many milliseconds, without a limit if negative; then it gives
// MINIDOCK_ERROR_TIMED_OUT. `exit_code`, which may be NULL, gets the program's own status, or
// 128 and the number of the signal that ended it.
struct minidock_error_t *minidock_container_wait(const struct minidock_container_t *container,
                                                 int64_t timeout_ms,
                                                 int *exit_code);

// Asks it to stop and kills it when it did not in that many seconds, in its own time if
// negative. One that does not run is stopped already.
struct minidock_error_t *minidock_container_stop(const struct minidock_container_t *container,
                                                 int seconds);

// Sends a signal, "HUP", "SIGHUP" or "1", to its first process; NULL is "KILL".
struct minidock_error_t *minidock_container_kill(const struct minidock_container_t *container,
                                                 const char *signal);

// Describes it: a JSON object as docker's `inspect` gives.
struct minidock_error_t *minidock_container_inspect(const struct minidock_container_t *container,
                                                    char **json);

// Lists containers, the newest first, those that run or `all`: a JSON array as docker's
// `GET /containers/json` gives.
struct minidock_error_t *minidock_container_list(const struct minidock_client_t *client,
                                                 bool all,
                                                 char **json);

// Removes it, `force` ends it first, `volumes` takes those that were made for it alone along.
// The handle stays to be freed.
struct minidock_error_t *minidock_container_remove(const struct minidock_container_t *container,
                                                   bool force,
                                                   bool volumes);

// Ends the handle and closes its descriptors; the container goes on. NULL is nothing.
void minidock_container_free(struct minidock_container_t *container);

// A container of this image, a name or an id, with defaults. Free it with
// minidock_container_options_free.
struct minidock_error_t *minidock_container_options_new(const char *image,
                                                        struct minidock_container_options_t **options);

// Program and arguments, a list with NULL at its end; it replaces the image's CMD.
struct minidock_error_t *minidock_container_options_set_command(struct minidock_container_options_t *options,
                                                                const char *const *argv);

// Replaces the image's ENTRYPOINT and drops its CMD; an empty list means none at all.
struct minidock_error_t *minidock_container_options_set_entrypoint(struct minidock_container_options_t *options,
                                                                   const char *const *argv);

// Its name; a random one without.
struct minidock_error_t *minidock_container_options_set_name(struct minidock_container_options_t *options,
                                                             const char *name);

// A variable of its environment, "NAME=value".
struct minidock_error_t *minidock_container_options_add_env(struct minidock_container_options_t *options,
                                                            const char *variable);

// Its working directory.
struct minidock_error_t *minidock_container_options_set_workdir(struct minidock_container_options_t *options,
                                                                const char *path);

// Its user, "user[:group]", names or numbers of the container.
struct minidock_error_t *minidock_container_options_set_user(struct minidock_container_options_t *options,
                                                             const char *user);

// Whether the program has a terminal; all its output then comes from standard output.
struct minidock_error_t *minidock_container_options_set_tty(struct minidock_container_options_t *options,
                                                            bool tty);

// Which streams the caller carries from the first byte on, none without. Output goes to the log
// all the same. What is attached has to be read, or the program waits once the pipe is full.
struct minidock_error_t *minidock_container_options_set_attach(struct minidock_container_options_t *options,
                                                               bool stdin_fd,
                                                               bool stdout_fd,
                                                               bool stderr_fd);

// Whether the container ends with this process, however the process ends.
struct minidock_error_t *minidock_container_options_set_owned(struct minidock_container_options_t *options,
                                                              bool owned);

// Whether the container is removed when it ends.
struct minidock_error_t *minidock_container_options_set_auto_remove(struct minidock_container_options_t *options,
                                                                    bool auto_remove);

// Whether a small init reaps processes and forwards signals.
struct minidock_error_t *minidock_container_options_set_init(struct minidock_container_options_t *options,
                                                             bool init);

// The signal for stop, a name or number, and the seconds until it kills; -1 for the image's.
struct minidock_error_t *minidock_container_options_set_stop(struct minidock_container_options_t *options,
                                                             const char *signal,
                                                             int32_t seconds);

// A label.
struct minidock_error_t *minidock_container_options_set_label(struct minidock_container_options_t *options,
                                                              const char *name,
                                                              const char *value);

// Ends the options. NULL is nothing.
void minidock_container_options_free(struct minidock_container_options_t *options);

// A volume or a path of the host, "[source:]target[:ro]" as `-v` takes it.
struct minidock_error_t *minidock_container_options_add_volume(struct minidock_container_options_t *options,
                                                               const char *volume);

// A mount, "type=bind,source=/data,target=/data,readonly" as `--mount` takes it.
struct minidock_error_t *minidock_container_options_add_mount(struct minidock_container_options_t *options,
                                                              const char *mount);

// An empty file system in memory, "target[:size=64m]" as `--tmpfs` takes it.
struct minidock_error_t *minidock_container_options_add_tmpfs(struct minidock_container_options_t *options,
                                                              const char *tmpfs);

// Whether the root file system is read-only.
struct minidock_error_t *minidock_container_options_set_read_only(struct minidock_container_options_t *options,
                                                                  bool read_only);

// Its network: "private", "none" or "host".
struct minidock_error_t *minidock_container_options_set_network(struct minidock_container_options_t *options,
                                                                const char *network);

// A port of the host that leads inside, "8080:80" as `-p` takes it; minidock_container_inspect
// tells a port that was chosen.
struct minidock_error_t *minidock_container_options_add_port(struct minidock_container_options_t *options,
                                                             const char *port);

// Its host name; the short id without.
struct minidock_error_t *minidock_container_options_set_hostname(struct minidock_container_options_t *options,
                                                                 const char *hostname);

// A capability on top of docker's default, "NET_ADMIN"; "ALL" for all.
struct minidock_error_t *minidock_container_options_add_capability(struct minidock_container_options_t *options,
                                                                   const char *capability);

// A capability taken from docker's default; "ALL" for all.
struct minidock_error_t *minidock_container_options_drop_capability(struct minidock_container_options_t *options,
                                                                    const char *capability);

// Whether the container has all capabilities, no filter and nothing masked.
struct minidock_error_t *minidock_container_options_set_privileged(struct minidock_container_options_t *options,
                                                                   bool privileged);

// Whether setuid programs and file capabilities do not count.
struct minidock_error_t *minidock_container_options_set_no_new_privileges(struct minidock_container_options_t *options,
                                                                          bool no_new_privileges);

// A seccomp profile in docker's JSON format, its text; "unconfined" for none.
struct minidock_error_t *minidock_container_options_set_seccomp(struct minidock_container_options_t *options,
                                                                const char *profile);

// A resource limit, "nofile=1024:2048" as `--ulimit` takes it.
struct minidock_error_t *minidock_container_options_add_limit(struct minidock_container_options_t *options,
                                                              const char *limit);

// Bytes of /dev/shm; 64 MiB without.
struct minidock_error_t *minidock_container_options_set_shm_size(struct minidock_container_options_t *options,
                                                                 uint64_t bytes);

// A line of /etc/hosts, "name:address".
struct minidock_error_t *minidock_container_options_add_host(struct minidock_container_options_t *options,
                                                             const char *host);

// Its code; MINIDOCK_OK for NULL.
int minidock_error_code(const struct minidock_error_t *error);

// The code's name without its prefix, "NOT_FOUND"; "OK" for NULL.
const char *minidock_error_name(const struct minidock_error_t *error);

// What went wrong and why, one line of UTF-8; "" for NULL.
const char *minidock_error_message(const struct minidock_error_t *error);

// What to do about it, or NULL.
const char *minidock_error_hint(const struct minidock_error_t *error);

// Lines of a Dockerfile that it is about, or NULL.
const char *minidock_error_excerpt(const struct minidock_error_t *error);

// Ends it. NULL is nothing.
void minidock_error_free(struct minidock_error_t *error);

// A process with program and arguments, a list with NULL at its end. Its output is attached.
struct minidock_error_t *minidock_exec_options_new(const char *const *argv,
                                                   struct minidock_exec_options_t **options);

// A variable of its environment, "NAME=value".
struct minidock_error_t *minidock_exec_options_add_env(struct minidock_exec_options_t *options,
                                                       const char *variable);

// Its working directory.
struct minidock_error_t *minidock_exec_options_set_workdir(struct minidock_exec_options_t *options,
                                                           const char *path);

// Its user, "user[:group]".
struct minidock_error_t *minidock_exec_options_set_user(struct minidock_exec_options_t *options,
                                                        const char *user);

// Whether it has a terminal.
struct minidock_error_t *minidock_exec_options_set_tty(struct minidock_exec_options_t *options,
                                                       bool tty);

// Which streams the caller carries. What is attached has to be read, or the program waits once
// the pipe is full.
struct minidock_error_t *minidock_exec_options_set_attach(struct minidock_exec_options_t *options,
                                                          bool stdin_fd,
                                                          bool stdout_fd,
                                                          bool stderr_fd);

// Whether the process ends with this one, however this one ends.
struct minidock_error_t *minidock_exec_options_set_owned(struct minidock_exec_options_t *options,
                                                         bool owned);

// Ends the options. NULL is nothing.
void minidock_exec_options_free(struct minidock_exec_options_t *options);

// Executes a process in a running container. Free the handle with minidock_exec_free.
struct minidock_error_t *minidock_exec_start(const struct minidock_container_t *container,
                                             const struct minidock_exec_options_t *options,
                                             struct minidock_exec_t **exec);

// The descriptor to write its input to, or -1. It stays the handle's.
int minidock_exec_stdin_fd(const struct minidock_exec_t *exec);

// The descriptor to read its output from, or -1. It stays the handle's.
int minidock_exec_stdout_fd(const struct minidock_exec_t *exec);

// The descriptor to read its errors from, or -1. It stays the handle's.
int minidock_exec_stderr_fd(const struct minidock_exec_t *exec);

// A descriptor that polls as readable once the process has ended; nothing may be read from it.
// It stays the handle's. -1 for NULL.
int minidock_exec_exit_fd(const struct minidock_exec_t *exec);

// Ends the process's input. Nobody may be writing to its descriptor.
struct minidock_error_t *minidock_exec_close_stdin(const struct minidock_exec_t *exec);

// Waits for its end, at most that many milliseconds, without a limit if negative; then it gives
// MINIDOCK_ERROR_TIMED_OUT. `exit_code`, which may be NULL, gets its status.
struct minidock_error_t *minidock_exec_wait(const struct minidock_exec_t *exec,
                                            int64_t timeout_ms,
                                            int *exit_code);

// Sends it a signal, "HUP", "SIGHUP" or "1"; NULL is "KILL".
struct minidock_error_t *minidock_exec_kill(const struct minidock_exec_t *exec,
                                            const char *signal);

// Changes the size of its terminal.
struct minidock_error_t *minidock_exec_resize(const struct minidock_exec_t *exec,
                                              uint16_t rows,
                                              uint16_t columns);

// Ends the handle and closes its descriptors; the process goes on. NULL is nothing.
void minidock_exec_free(struct minidock_exec_t *exec);

// Makes an image of a tar of a root file system, plain or compressed with gzip or zstd.
// `reference` may be NULL: the image has no name then. `changes` may be NULL, or a list with NULL
// at its end of instructions for the image's config, as "CMD [\"sh\"]". `id`, which may be NULL,
// gets a string for minidock_string_free.
struct minidock_error_t *minidock_image_import(const struct minidock_client_t *client,
                                               const char *path,
                                               const char *reference,
                                               const char *const *changes,
                                               char **id);

// As minidock_image_import, from a descriptor, which stays the caller's and need not be
// seekable.
struct minidock_error_t *minidock_image_import_fd(const struct minidock_client_t *client,
                                                  int fd,
                                                  const char *reference,
                                                  const char *const *changes,
                                                  char **id);

// Loads the images of a docker or OCI archive. `json`, which may be NULL, gets
// `[{"Id":…,"RepoTags":[…]}]`, a string for minidock_string_free.
struct minidock_error_t *minidock_image_load(const struct minidock_client_t *client,
                                             const char *path,
                                             char **json);

// As minidock_image_load, from a descriptor, which stays the caller's.
struct minidock_error_t *minidock_image_load_fd(const struct minidock_client_t *client,
                                                int fd,
                                                char **json);

// Writes images, a list of names or ids with NULL at its end, to a docker archive, which is made
// or overwritten. After an error the file is incomplete.
struct minidock_error_t *minidock_image_save(const struct minidock_client_t *client,
                                             const char *const *images,
                                             const char *path);

// As minidock_image_save, to a descriptor, which stays the caller's.
struct minidock_error_t *minidock_image_save_fd(const struct minidock_client_t *client,
                                                const char *const *images,
                                                int fd);

// Lists images, the newest first: a JSON array as docker's `GET /images/json` gives.
struct minidock_error_t *minidock_image_list(const struct minidock_client_t *client,
                                             char **json);

// Gives an image a further name.
struct minidock_error_t *minidock_image_tag(const struct minidock_client_t *client,
                                            const char *image,
                                            const char *reference);

// Removes a name, and the image with its last one. `json`, which may be NULL, gets what went:
// `[{"Untagged":…},{"Deleted":…}]`.
struct minidock_error_t *minidock_image_remove(const struct minidock_client_t *client,
                                               const char *image,
                                               bool force,
                                               char **json);

// Describes an image: a JSON object as docker's `image inspect` gives.
struct minidock_error_t *minidock_image_inspect(const struct minidock_client_t *client,
                                                const char *image,
                                                char **json);

// The steps that an image was made by, the newest first: a JSON array as docker's
// `GET /images/NAME/history` gives.
struct minidock_error_t *minidock_image_history(const struct minidock_client_t *client,
                                                const char *image,
                                                char **json);

// The version of the library, "0.1.0". Any thread.
const char *minidock_version(void);

// MINIDOCK_ABI_VERSION of the library that is loaded. Any thread.
int minidock_abi_version(void);

// Whether the library that is loaded has a feature. A name that it does not know, NULL too, is
// one it does not have. Any thread.
bool minidock_has_feature(const char *name);

// Ends a string that a function handed out. NULL is nothing.
void minidock_string_free(char *string);

// Reads a container's log: all of it, or with `tail` above -1 the last lines of it. With `follow`
// it goes on with what comes until the container ends or the callback says `false`.
struct minidock_error_t *minidock_container_logs(const struct minidock_container_t *container,
                                                 bool follow,
                                                 int64_t tail,
                                                 minidock_log_callback_t callback,
                                                 void *userdata);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MINIDOCK_H */
