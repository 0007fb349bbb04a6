/* The whole life of an image and a container, each function at least once as it is meant.
   Arguments: store, tar of a root file system, a directory to write to; with a fourth one only what
   needs neither openat2 nor pidfd_open. */
#include "check.h"

static char text[8192];

static void events(void *userdata, const minidock_build_event_t *event)
{
    int *seen = userdata;
    size_t length = 0;
    const char *bytes = minidock_build_event_bytes(event, &length);
    switch (minidock_build_event_kind(event)) {
    case MINIDOCK_BUILD_STEP:
        CHECK(minidock_build_event_step(event) >= 1);
        CHECK(minidock_build_event_steps(event) >= minidock_build_event_step(event));
        CHECK(*minidock_build_event_text(event) != 0);
        seen[0]++;
        break;
    case MINIDOCK_BUILD_OUTPUT:
        CHECK(minidock_build_event_stream(event) == 1);
        CHECK(length > 0 && memchr(bytes, 'h', length) != NULL);
        seen[1]++;
        break;
    case MINIDOCK_BUILD_CACHED:
        seen[2]++;
        break;
    case MINIDOCK_BUILD_FINISHED:
        CHECK(strncmp(minidock_build_event_text(event), "sha256:", 7) == 0);
        seen[3]++;
        break;
    default:
        break;
    }
}

static bool log_line(void *userdata, int stream, const char *bytes, size_t length, int64_t time)
{
    int *lines = userdata;
    CHECK(time > 0 && length > 0 && bytes[length - 1] == '\n');
    lines[stream]++;
    return lines[0] == 0 || --lines[0] > 0;
}

static void images(minidock_client_t *client, const char *tar, const char *dir)
{
    const char *names[] = {"busybox", NULL};
    char path[4096];
    char *id = NULL, *json = NULL;
    OK(minidock_image_import(client, tar, "busybox", NULL, &id));
    CHECK(strncmp(id, "sha256:", 7) == 0);
    OK(minidock_image_tag(client, id, "again:1"));
    OK(minidock_image_list(client, &json));
    CHECK(strstr(json, "busybox:latest") && strstr(json, "again:1") && strstr(json, id));
    minidock_string_free(json);
    OK(minidock_image_inspect(client, "again:1", &json));
    CHECK(strstr(json, id) && strstr(json, "RootFS"));
    minidock_string_free(json);
    OK(minidock_image_history(client, "busybox", &json));
    CHECK(strstr(json, "CreatedBy"));
    minidock_string_free(json);
    snprintf(path, sizeof path, "%s/saved.tar", dir);
    OK(minidock_image_save(client, names, path));
    OK(minidock_image_remove(client, "again:1", false, &json));
    CHECK(strstr(json, "Untagged"));
    minidock_string_free(json);
    OK(minidock_image_remove(client, id, false, &json));
    CHECK(strstr(json, "Deleted"));
    minidock_string_free(json);
    FAILS(MINIDOCK_ERROR_NOT_FOUND, minidock_image_inspect(client, "busybox", &json));
    OK(minidock_image_load(client, path, &json));
    CHECK(strstr(json, id) && strstr(json, "busybox:latest"));
    minidock_string_free(json);
    minidock_string_free(id);
}

static void descriptors(minidock_client_t *client, const char *dir)
{
    const char *names[] = {"busybox", NULL};
    char path[4096];
    FILE *file;
    snprintf(path, sizeof path, "%s/saved-fd.tar", dir);
    file = fopen(path, "w+");
    CHECK(file != NULL);
    OK(minidock_image_save_fd(client, names, fileno(file)));
    CHECK(lseek(fileno(file), 0, SEEK_SET) == 0);
    OK(minidock_image_load_fd(client, fileno(file), NULL));
    CHECK(lseek(fileno(file), 0, SEEK_SET) == 0);
    FAILS(MINIDOCK_ERROR_IO, minidock_image_import_fd(client, 999, "x", NULL, NULL));
    fclose(file);
}

static void build(minidock_client_t *client, const char *dir)
{
    int seen[4] = {0, 0, 0, 0};
    minidock_build_options_t *options = NULL;
    minidock_cancel_t *cancel = minidock_cancel_new();
    char *id = NULL;
    OK(minidock_build_options_new(dir, &options));
    OK(minidock_build_options_set_dockerfile_text(
        options, "FROM busybox AS base\nARG who\nRUN echo hello $who\nFROM base AS other\nRUN no\n"));
    OK(minidock_build_options_add_tag(options, "built:1"));
    OK(minidock_build_options_set_argument(options, "who", "you"));
    OK(minidock_build_options_set_label(options, "made", "here"));
    OK(minidock_build_options_set_target(options, "base"));
    OK(minidock_build_options_set_network(options, "none"));
    OK(minidock_image_build(client, options, events, seen, &id));
    CHECK(seen[0] >= 2 && seen[1] >= 1 && seen[2] == 0 && seen[3] == 1);
    OK(minidock_image_build(client, options, events, seen, NULL));
    CHECK(seen[2] == 1 && seen[3] == 2);
    OK(minidock_build_options_set_no_cache(options, true));
    OK(minidock_build_options_set_target(options, "other"));
    FAILS(MINIDOCK_ERROR_STEP_FAILED, minidock_image_build(client, options, NULL, NULL, NULL));
    OK(minidock_build_options_set_cancel(options, cancel));
    OK(minidock_cancel_request(cancel));
    minidock_cancel_free(cancel);
    FAILS(MINIDOCK_ERROR_CANCELLED, minidock_image_build(client, options, NULL, NULL, NULL));
    minidock_build_options_free(options);
    minidock_string_free(id);
}

static void container(minidock_client_t *client)
{
    int lines[3] = {0, 0, 0};
    int code = -1;
    char *json = NULL;
    minidock_container_t *container = NULL, *same = NULL;
    minidock_container_options_t *options = shell("echo out; echo err >&2; cat; exit 3");
    OK(minidock_container_options_set_name(options, "first"));
    OK(minidock_container_options_set_attach(options, true, true, true));
    OK(minidock_container_create(client, options, &container));
    CHECK(strlen(minidock_container_id(container)) == 64);
    CHECK(minidock_container_stdout_fd(container) == -1);
    FAILS(MINIDOCK_ERROR_CONFLICT, minidock_container_create(client, options, &same));
    OK(minidock_container_start(container));
    FAILS(MINIDOCK_ERROR_CONFLICT, minidock_container_start(container));
    FAILS(MINIDOCK_ERROR_TIMED_OUT, minidock_container_wait(container, 1, &code));
    CHECK(code == -1);
    CHECK(write(minidock_container_stdin_fd(container), "in\n", 3) == 3);
    OK(minidock_container_close_stdin(container));
    CHECK(minidock_container_stdin_fd(container) == -1);
    char *out = read_all(minidock_container_stdout_fd(container));
    char *err = read_all(minidock_container_stderr_fd(container));
    CHECK(strcmp(out, "out\nin\n") == 0 && strcmp(err, "err\n") == 0);
    free(out);
    free(err);
    OK(minidock_container_wait(container, -1, &code));
    CHECK(code == 3);
    OK(minidock_container_wait(container, 0, &code));
    OK(minidock_container_open(client, "first", &same));
    CHECK(strcmp(minidock_container_id(same), minidock_container_id(container)) == 0);
    OK(minidock_container_wait(same, 0, &code));
    CHECK(code == 3);
    OK(minidock_container_logs(same, true, -1, log_line, lines));
    CHECK(lines[1] == 2 && lines[2] == 1);
    lines[0] = lines[1] = lines[2] = 0;
    OK(minidock_container_logs(same, false, 1, log_line, lines));
    CHECK(lines[1] + lines[2] == 1);
    lines[0] = 1;
    OK(minidock_container_logs(same, false, -1, log_line, lines));
    CHECK(lines[1] + lines[2] == 2);
    OK(minidock_container_inspect(same, &json));
    CHECK(strstr(json, "\"ExitCode\":3") && strstr(json, "\"Status\":\"exited\""));
    minidock_string_free(json);
    OK(minidock_container_list(client, false, &json));
    CHECK(strcmp(json, "[]") == 0);
    minidock_string_free(json);
    OK(minidock_container_list(client, true, &json));
    CHECK(strstr(json, "/first"));
    minidock_string_free(json);
    OK(minidock_container_remove(same, false, true));
    FAILS(MINIDOCK_ERROR_NOT_FOUND, minidock_container_remove(container, false, true));
    minidock_container_free(same);
    minidock_container_free(container);
    minidock_container_options_free(options);
}

static void settings(minidock_client_t *client, const char *dir)
{
    const char *entrypoint[] = {"/bin/sh", "-c", NULL};
    const char *none[] = {"id -u; pwd; echo $WHO; cat /data/x; hostname; mount; grep -c . /etc/hosts;"
                          " grep ^NoNewPrivs: /proc/self/status; ulimit -n",
                          NULL};
    char volume[4096];
    int code = -1;
    FILE *file;
    minidock_container_options_t *options = NULL;
    minidock_container_t *container = NULL;
    snprintf(volume, sizeof volume, "%s/x", dir);
    CHECK((file = fopen(volume, "w")) != NULL && fputs("bound\n", file) >= 0 && !fclose(file));
    OK(minidock_container_options_new("busybox", &options));
    OK(minidock_container_options_set_entrypoint(options, entrypoint));
    OK(minidock_container_options_set_command(options, none));
    OK(minidock_container_options_add_env(options, "WHO=me"));
    OK(minidock_container_options_set_workdir(options, "/tmp"));
    OK(minidock_container_options_set_user(options, "0:0"));
    snprintf(volume, sizeof volume, "%s:/data:ro", dir);
    OK(minidock_container_options_add_volume(options, volume));
    snprintf(volume, sizeof volume, "type=bind,source=%s,target=/more", dir);
    OK(minidock_container_options_add_mount(options, volume));
    OK(minidock_container_options_add_tmpfs(options, "/scratch:size=1m"));
    OK(minidock_container_options_set_read_only(options, true));
    OK(minidock_container_options_set_network(options, "none"));
    OK(minidock_container_options_set_hostname(options, "here"));
    OK(minidock_container_options_add_capability(options, "NET_ADMIN"));
    OK(minidock_container_options_drop_capability(options, "CHOWN"));
    OK(minidock_container_options_set_no_new_privileges(options, true));
    OK(minidock_container_options_add_limit(options, "nofile=100"));
    OK(minidock_container_options_set_shm_size(options, 1 << 20));
    OK(minidock_container_options_add_host(options, "other:10.0.0.1"));
    OK(minidock_container_options_set_init(options, true));
    OK(minidock_container_options_set_label(options, "a", "b"));
    OK(minidock_container_options_set_stop(options, "SIGINT", 1));
    OK(minidock_container_options_set_tty(options, false));
    OK(minidock_container_options_set_privileged(options, false));
    OK(minidock_container_options_set_seccomp(options, "unconfined"));
    OK(minidock_container_options_set_owned(options, true));
    OK(minidock_container_options_set_auto_remove(options, true));
    OK(minidock_container_options_set_attach(options, false, true, false));
    OK(minidock_container_run(client, options, &container));
    char *out = read_all(minidock_container_stdout_fd(container));
    OK(minidock_container_wait(container, 60000, &code));
    snprintf(text, sizeof text, "%s", out);
    CHECK(code == 0);
    CHECK(strncmp(text, "0\n/tmp\nme\nbound\nhere\n", 21) == 0);
    CHECK(strstr(text, " /scratch ") && strstr(text, " /more ") && strstr(text, "NoNewPrivs:\t1"));
    CHECK(strcmp(text + strlen(text) - 4, "100\n") == 0);
    free(out);
    minidock_container_free(container);
    minidock_container_options_free(options);
    options = shell("true");
    OK(minidock_container_options_add_port(options, "127.0.0.1::80"));
    minidock_container_options_free(options);
}

static void exec(minidock_client_t *client)
{
    const char *argv[] = {"sh", "-c", "read line; echo $line $WHO $(pwd); echo e >&2; exit 4", NULL};
    const char *sleeps[] = {"sleep", "1000", NULL};
    const char *absent[] = {"no-such-program", NULL};
    int code = -1;
    struct pollfd poll_exit = {-1, POLLIN, 0};
    minidock_container_options_t *options = shell("trap 'exit 7' HUP; sleep 1000 & wait");
    minidock_container_t *container = NULL;
    minidock_exec_options_t *exec_options = NULL;
    minidock_exec_t *exec = NULL;
    OK(minidock_container_options_set_stop(options, NULL, 0));
    OK(minidock_container_run(client, options, &container));
    OK(minidock_exec_options_new(argv, &exec_options));
    OK(minidock_exec_options_add_env(exec_options, "WHO=me"));
    OK(minidock_exec_options_set_workdir(exec_options, "/home"));
    OK(minidock_exec_options_set_user(exec_options, "0"));
    OK(minidock_exec_options_set_tty(exec_options, false));
    OK(minidock_exec_options_set_owned(exec_options, true));
    OK(minidock_exec_options_set_attach(exec_options, true, true, true));
    OK(minidock_exec_start(container, exec_options, &exec));
    CHECK(write(minidock_exec_stdin_fd(exec), "hello\n", 6) == 6);
    OK(minidock_exec_close_stdin(exec));
    char *out = read_all(minidock_exec_stdout_fd(exec));
    char *err = read_all(minidock_exec_stderr_fd(exec));
    CHECK(strcmp(out, "hello me /home\n") == 0 && strcmp(err, "e\n") == 0);
    free(out);
    free(err);
    poll_exit.fd = minidock_exec_exit_fd(exec);
    CHECK(poll(&poll_exit, 1, 60000) == 1);
    OK(minidock_exec_wait(exec, 60000, &code));
    CHECK(code == 4);
    OK(minidock_exec_wait(exec, 0, &code));
    minidock_exec_free(exec);
    minidock_exec_options_free(exec_options);

    OK(minidock_exec_options_new(sleeps, &exec_options));
    OK(minidock_exec_options_set_tty(exec_options, true));
    OK(minidock_exec_start(container, exec_options, &exec));
    FAILS(MINIDOCK_ERROR_TIMED_OUT, minidock_exec_wait(exec, 1, &code));
    OK(minidock_exec_resize(exec, 10, 20));
    OK(minidock_exec_kill(exec, NULL));
    OK(minidock_exec_wait(exec, 60000, &code));
    CHECK(code == 137);
    minidock_exec_free(exec);
    minidock_exec_options_free(exec_options);

    OK(minidock_exec_options_new(absent, &exec_options));
    FAILS(MINIDOCK_ERROR_COMMAND_NOT_FOUND, minidock_exec_start(container, exec_options, &exec));
    minidock_exec_options_free(exec_options);

    FAILS(MINIDOCK_ERROR_CONFLICT, minidock_container_remove(container, false, true));
    OK(minidock_container_kill(container, "HUP"));
    OK(minidock_container_wait(container, 60000, &code));
    CHECK(code == 7);
    OK(minidock_container_start(container));
    OK(minidock_container_stop(container, -1));
    OK(minidock_container_stop(container, 0));
    OK(minidock_container_wait(container, 60000, &code));
    CHECK(code == 137 || code == 143);
    OK(minidock_container_remove(container, true, true));
    minidock_container_free(container);
    minidock_container_options_free(options);
}

int main(int argc, char **argv)
{
    minidock_client_t *client;
    CHECK(argc == 4 || argc == 5);
    CHECK(minidock_abi_version() == MINIDOCK_ABI_VERSION);
    CHECK(minidock_has_feature("exec") && !minidock_has_feature("teleport"));
    CHECK(strchr(minidock_version(), '.') != NULL);
    client = client_of(argv[1]);
    images(client, argv[2], argv[3]);
    descriptors(client, argv[3]);
    container(client);
    if (argc == 4) {
        build(client, argv[3]);
        settings(client, argv[3]);
        exec(client);
    }
    minidock_client_free(client);
    puts("alive and well");
    return 0;
}
