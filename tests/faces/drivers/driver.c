/* The C library as a face: reads requests on stdin, one a line, and answers on stdout. A line is a
 * word and `name=value` pairs between tabs, with values percent-encoded; the words are those of
 * request.rs. Lists come as the library gives them, as JSON. */
#define _POSIX_C_SOURCE 200809L
#include <minidock.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 64

struct pair {
    char *name, *value;
};

static minidock_client_t *client;
static struct pair asked[MOST];
static size_t pairs;

static const char *value(const char *name) {
    for (size_t i = 0; i < pairs; i++)
        if (!strcmp(asked[i].name, name))
            return asked[i].value;
    return NULL;
}

/* All values of a name, with NULL at the end; the last one asked for is overwritten by the next. */
static const char *const *values(const char *name) {
    static const char *list[MOST + 1];
    size_t found = 0;
    for (size_t i = 0; i < pairs; i++)
        if (!strcmp(asked[i].name, name))
            list[found++] = asked[i].value;
    list[found] = NULL;
    return list;
}

static void put(const char *name, const char *bytes, size_t length) {
    printf("\t%s=", name);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte > ' ' && byte < 127 && byte != '%')
            putchar(byte);
        else
            printf("%%%02X", byte);
    }
}

static void put_text(const char *name, const char *text) {
    put(name, text, strlen(text));
}

static void decode(char *text) {
    char *to = text;
    for (; *text; text++) {
        unsigned byte;
        if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = 0;
}

/* The first error ends an answer. */
static minidock_error_t *error;

static int ok(minidock_error_t *happened) {
    if (error)
        minidock_error_free(happened);
    else
        error = happened;
    return !error;
}

static void done(void) {
    fputs("done", stdout);
}

static void done_json(char *json) {
    done();
    put_text("json", json);
    minidock_string_free(json);
}

static void done_id(char *id) {
    done();
    put_text("id", id);
    minidock_string_free(id);
}

struct output {
    char *bytes;
    size_t length;
};

static void append(struct output *output, const char *bytes, size_t length) {
    output->bytes = realloc(output->bytes, output->length + length + 1);
    if (!output->bytes)
        abort();
    memcpy(output->bytes + output->length, bytes, length);
    output->length += length;
}

/* Reads both outputs at once until both end. */
static void read_all(int out, int err, struct output outputs[2]) {
    int fds[2] = {out, err};
    while (fds[0] >= 0 || fds[1] >= 0) {
        struct pollfd ready[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};
        if (poll(ready, 2, -1) < 0)
            abort();
        for (int i = 0; i < 2; i++) {
            char buffer[65536];
            if (!ready[i].revents)
                continue;
            ssize_t got = read(fds[i], buffer, sizeof buffer);
            if (got > 0)
                append(&outputs[i], buffer, (size_t)got);
            else
                fds[i] = -1;
        }
    }
}

static void put_outputs(int status, struct output outputs[2]) {
    char text[16];
    snprintf(text, sizeof text, "%d", status);
    done();
    put_text("status", text);
    put("stdout", outputs[0].bytes, outputs[0].length);
    put("stderr", outputs[1].bytes, outputs[1].length);
}

static minidock_container_options_t *container_options(void) {
    minidock_container_options_t *options = NULL;
    if (!ok(minidock_container_options_new(value("image"), &options)))
        return NULL;
    if (value("arg"))
        ok(minidock_container_options_set_command(options, values("arg")));
    if (value("entrypoint"))
        ok(minidock_container_options_set_entrypoint(options, values("entrypoint")));
    if (value("name"))
        ok(minidock_container_options_set_name(options, value("name")));
    if (value("workdir"))
        ok(minidock_container_options_set_workdir(options, value("workdir")));
    if (value("user"))
        ok(minidock_container_options_set_user(options, value("user")));
    for (const char *const *each = values("env"); *each; each++)
        ok(minidock_container_options_add_env(options, *each));
    for (const char *const *each = values("volume"); *each; each++)
        ok(minidock_container_options_add_volume(options, *each));
    for (const char *const *each = values("label"); *each; each++) {
        char label[256];
        snprintf(label, sizeof label, "%s", *each);
        char *equals = strchr(label, '=');
        *equals = 0;
        ok(minidock_container_options_set_label(options, label, equals + 1));
    }
    ok(minidock_container_options_set_read_only(options, value("read-only") != NULL));
    ok(minidock_container_options_set_network(options, "none"));
    return options;
}

static void run(void) {
    minidock_container_options_t *options = container_options();
    minidock_container_t *container = NULL;
    struct output outputs[2] = {{NULL, 0}, {NULL, 0}};
    int status = 0;
    ok(minidock_container_options_set_attach(options, value("stdin") != NULL, true, true));
    ok(minidock_container_options_set_owned(options, true));
    ok(minidock_container_options_set_auto_remove(options, value("remove") != NULL));
    if (!error && ok(minidock_container_run(client, options, &container))) {
        int in = minidock_container_stdin_fd(container);
        const char *input = value("stdin");
        if (in >= 0 && write(in, input, strlen(input)) < 0)
            perror("stdin");
        if (in >= 0)
            ok(minidock_container_close_stdin(container));
        read_all(minidock_container_stdout_fd(container), minidock_container_stderr_fd(container),
                 outputs);
        if (ok(minidock_container_wait(container, -1, &status)))
            put_outputs(status, outputs);
    }
    minidock_container_free(container);
    minidock_container_options_free(options);
    free(outputs[0].bytes);
    free(outputs[1].bytes);
}

static void create(void) {
    minidock_container_options_t *options = container_options();
    minidock_container_t *container = NULL;
    if (!error && ok(minidock_container_create(client, options, &container))) {
        done();
        put_text("id", minidock_container_id(container));
    }
    minidock_container_free(container);
    minidock_container_options_free(options);
}

static void execute(const minidock_container_t *container) {
    minidock_exec_options_t *options = NULL;
    minidock_exec_t *exec = NULL;
    struct output outputs[2] = {{NULL, 0}, {NULL, 0}};
    int status = 0;
    ok(minidock_exec_options_new(values("arg"), &options));
    for (const char *const *each = values("env"); *each; each++)
        ok(minidock_exec_options_add_env(options, *each));
    if (value("workdir"))
        ok(minidock_exec_options_set_workdir(options, value("workdir")));
    if (value("user"))
        ok(minidock_exec_options_set_user(options, value("user")));
    ok(minidock_exec_options_set_attach(options, value("stdin") != NULL, true, true));
    if (!error && ok(minidock_exec_start(container, options, &exec))) {
        int in = minidock_exec_stdin_fd(exec);
        const char *input = value("stdin");
        if (in >= 0 && write(in, input, strlen(input)) < 0)
            perror("stdin");
        if (in >= 0)
            ok(minidock_exec_close_stdin(exec));
        read_all(minidock_exec_stdout_fd(exec), minidock_exec_stderr_fd(exec), outputs);
        if (ok(minidock_exec_wait(exec, -1, &status)))
            put_outputs(status, outputs);
    }
    minidock_exec_free(exec);
    minidock_exec_options_free(options);
    free(outputs[0].bytes);
    free(outputs[1].bytes);
}

static bool keep_line(void *userdata, int stream, const char *bytes, size_t length, int64_t time) {
    struct output *outputs = userdata;
    (void)time;
    append(&outputs[stream - 1], bytes, length);
    return true;
}

static void logs(const minidock_container_t *container) {
    struct output outputs[2] = {{NULL, 0}, {NULL, 0}};
    if (ok(minidock_container_logs(container, false, -1, keep_line, outputs))) {
        done();
        put("stdout", outputs[0].bytes, outputs[0].length);
        put("stderr", outputs[1].bytes, outputs[1].length);
    }
    free(outputs[0].bytes);
    free(outputs[1].bytes);
}

static void of_container(const char *verb) {
    minidock_container_t *container = NULL;
    char *json = NULL;
    int status = 0;
    if (!ok(minidock_container_open(client, value("container"), &container)))
        return;
    if (!strcmp(verb, "start")) {
        if (ok(minidock_container_start(container)))
            done();
    } else if (!strcmp(verb, "restart")) {
        if (ok(minidock_container_stop(container, 0)) && ok(minidock_container_start(container)))
            done();
    } else if (!strcmp(verb, "stop")) {
        if (ok(minidock_container_stop(container, atoi(value("seconds")))))
            done();
    } else if (!strcmp(verb, "kill")) {
        if (ok(minidock_container_kill(container, value("signal"))))
            done();
    } else if (!strcmp(verb, "remove")) {
        if (ok(minidock_container_remove(container, value("force") != NULL, false)))
            done();
    } else if (!strcmp(verb, "inspect")) {
        if (ok(minidock_container_inspect(container, &json)))
            done_json(json);
    } else if (!strcmp(verb, "wait")) {
        if (ok(minidock_container_wait(container, -1, &status))) {
            char text[16];
            snprintf(text, sizeof text, "%d", status);
            done();
            put_text("status", text);
        }
    } else if (!strcmp(verb, "exec")) {
        execute(container);
    } else if (!strcmp(verb, "logs")) {
        logs(container);
    } else {
        fprintf(stderr, "the driver does not know %s\n", verb);
        exit(2);
    }
    minidock_container_free(container);
}

static void build(void) {
    minidock_build_options_t *options = NULL;
    char *id = NULL;
    ok(minidock_build_options_new(value("context"), &options));
    for (const char *const *each = values("tag"); *each; each++)
        ok(minidock_build_options_add_tag(options, *each));
    for (const char *const *each = values("arg"); *each; each++) {
        char argument[256];
        snprintf(argument, sizeof argument, "%s", *each);
        char *equals = strchr(argument, '=');
        *equals = 0;
        ok(minidock_build_options_set_argument(options, argument, equals + 1));
    }
    if (value("target"))
        ok(minidock_build_options_set_target(options, value("target")));
    ok(minidock_build_options_set_no_cache(options, value("no-cache") != NULL));
    ok(minidock_build_options_set_network(options, "none"));
    if (!error && ok(minidock_image_build(client, options, NULL, NULL, &id)))
        done_id(id);
    minidock_build_options_free(options);
}

/* Whether the verb is about images. */
static int of_image(const char *verb) {
    char *text = NULL;
    const char *image = value("image");
    if (!strcmp(verb, "import")) {
        if (ok(minidock_image_import(client, value("file"), value("reference"), values("change"),
                                     &text)))
            done_id(text);
    } else if (!strcmp(verb, "load")) {
        if (ok(minidock_image_load(client, value("file"), &text)))
            done_json(text);
    } else if (!strcmp(verb, "save")) {
        if (ok(minidock_image_save(client, values("image"), value("file"))))
            done();
    } else if (!strcmp(verb, "images")) {
        if (ok(minidock_image_list(client, &text)))
            done_json(text);
    } else if (!strcmp(verb, "tag")) {
        if (ok(minidock_image_tag(client, image, value("reference"))))
            done();
    } else if (!strcmp(verb, "remove-image")) {
        if (ok(minidock_image_remove(client, image, value("force") != NULL, NULL)))
            done();
    } else if (!strcmp(verb, "inspect-image")) {
        if (ok(minidock_image_inspect(client, image, &text)))
            done_json(text);
    } else if (!strcmp(verb, "history")) {
        if (ok(minidock_image_history(client, image, &text)))
            done_json(text);
    } else if (!strcmp(verb, "build")) {
        build();
    } else {
        return 0;
    }
    return 1;
}

static void answer(char *line) {
    char *verb = strtok(line, "\t\n"), *text = NULL;
    pairs = 0;
    error = NULL;
    for (char *part; pairs < MOST && (part = strtok(NULL, "\t\n"));) {
        char *equals = strchr(part, '=');
        *equals = 0;
        decode(equals + 1);
        asked[pairs++] = (struct pair){part, equals + 1};
    }
    if (!strcmp(verb, "run")) {
        run();
    } else if (!strcmp(verb, "create")) {
        create();
    } else if (!strcmp(verb, "containers")) {
        if (ok(minidock_container_list(client, true, &text)))
            done_json(text);
    } else if (!of_image(verb)) {
        of_container(verb);
    }
    if (error) {
        fputs("failed", stdout);
        put_text("kind", minidock_error_name(error));
        put_text("message", minidock_error_message(error));
        minidock_error_free(error);
    }
    putchar('\n');
    fflush(stdout);
}

int main(int argc, char **argv) {
    minidock_client_options_t *options = minidock_client_options_new();
    static char line[1 << 20];
    signal(SIGPIPE, SIG_IGN);
    if (argc != 2 || minidock_client_options_set_root(options, argv[1]))
        return 2;
    minidock_error_t *failed = minidock_client_open(options, &client);
    if (failed) {
        fprintf(stderr, "%s\n", minidock_error_message(failed));
        return 1;
    }
    minidock_client_options_free(options);
    while (fgets(line, sizeof line, stdin))
        answer(line);
    minidock_client_free(client);
    return 0;
}
