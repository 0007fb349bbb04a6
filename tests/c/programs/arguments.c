/* Every function with NULL in every place, and with bytes that are not UTF-8 where text is taken:
   an error that names the argument, never a crash. The suite checks that no exported function is
   missing here. Arguments: store. */
#include "check.h"

#define BAD "\xff\xfe"
#define INVALID(call) FAILS(MINIDOCK_ERROR_INVALID_INPUT, call)

static const char *const words[] = {"a", NULL};
static const char *const bad_words[] = {"a", BAD, NULL};

static bool never(void *userdata, int stream, const char *bytes, size_t length, int64_t time)
{
    (void)userdata, (void)stream, (void)bytes, (void)length, (void)time;
    return false;
}

static void library(void)
{
    size_t length = 1;
    CHECK(minidock_version() != NULL && minidock_abi_version() >= 0);
    CHECK(!minidock_has_feature(NULL) && !minidock_has_feature(BAD));
    CHECK(minidock_error_code(NULL) == MINIDOCK_OK);
    CHECK(strcmp(minidock_error_name(NULL), "OK") == 0);
    CHECK(*minidock_error_message(NULL) == 0);
    CHECK(minidock_error_hint(NULL) == NULL && minidock_error_excerpt(NULL) == NULL);
    CHECK(minidock_build_event_kind(NULL) == 0 && minidock_build_event_step(NULL) == 0);
    CHECK(minidock_build_event_steps(NULL) == 0 && minidock_build_event_stream(NULL) == 0);
    CHECK(*minidock_build_event_text(NULL) == 0);
    CHECK(*minidock_build_event_bytes(NULL, &length) == 0 && length == 0);
    CHECK(*minidock_build_event_bytes(NULL, NULL) == 0);
    CHECK(minidock_container_id(NULL) == NULL);
    CHECK(minidock_container_stdin_fd(NULL) == -1 && minidock_container_stdout_fd(NULL) == -1);
    CHECK(minidock_container_stderr_fd(NULL) == -1 && minidock_exec_exit_fd(NULL) == -1);
    CHECK(minidock_exec_stdin_fd(NULL) == -1 && minidock_exec_stdout_fd(NULL) == -1);
    CHECK(minidock_exec_stderr_fd(NULL) == -1);
    minidock_error_free(NULL);
    minidock_string_free(NULL);
    minidock_cancel_free(NULL);
    minidock_client_options_free(NULL);
    minidock_client_free(NULL);
    minidock_build_options_free(NULL);
    minidock_container_options_free(NULL);
    minidock_container_free(NULL);
    minidock_exec_options_free(NULL);
    minidock_exec_free(NULL);
    INVALID(minidock_cancel_request(NULL));
}

static void client_and_images(minidock_client_t *client)
{
    minidock_client_options_t *options = minidock_client_options_new();
    char *out = NULL;
    INVALID(minidock_client_options_set_root(NULL, "/x"));
    INVALID(minidock_client_options_set_root(options, NULL));
    INVALID(minidock_client_options_set_root(options, ""));
    INVALID(minidock_client_options_set_runtime(NULL, "/x"));
    INVALID(minidock_client_options_set_runtime(options, NULL));
    INVALID(minidock_client_options_set_user_namespace(NULL, "auto"));
    INVALID(minidock_client_options_set_user_namespace(options, NULL));
    INVALID(minidock_client_options_set_user_namespace(options, BAD));
    INVALID(minidock_client_options_set_user_namespace(options, "other"));
    INVALID(minidock_client_open(options, NULL));
    INVALID(minidock_client_open(NULL, NULL));
    minidock_client_options_free(options);

    INVALID(minidock_image_import(NULL, "x", "x", NULL, &out));
    INVALID(minidock_image_import(client, NULL, "x", NULL, &out));
    INVALID(minidock_image_import(client, "x", BAD, NULL, &out));
    INVALID(minidock_image_import(client, "x", "x", bad_words, &out));
    INVALID(minidock_image_import(client, "x", "No Name", NULL, &out));
    INVALID(minidock_image_import_fd(NULL, 0, "x", NULL, &out));
    INVALID(minidock_image_import_fd(client, -1, "x", NULL, &out));
    INVALID(minidock_image_import_fd(client, 0, BAD, NULL, &out));
    INVALID(minidock_image_import_fd(client, 0, "x", bad_words, &out));
    INVALID(minidock_image_load(NULL, "x", &out));
    INVALID(minidock_image_load(client, NULL, &out));
    INVALID(minidock_image_load_fd(NULL, 0, &out));
    INVALID(minidock_image_load_fd(client, -1, &out));
    INVALID(minidock_image_save(NULL, words, "x"));
    INVALID(minidock_image_save(client, NULL, "x"));
    INVALID(minidock_image_save(client, bad_words, "x"));
    INVALID(minidock_image_save(client, words, NULL));
    INVALID(minidock_image_save_fd(NULL, words, 1));
    INVALID(minidock_image_save_fd(client, NULL, 1));
    INVALID(minidock_image_save_fd(client, bad_words, 1));
    INVALID(minidock_image_save_fd(client, words, -1));
    INVALID(minidock_image_list(NULL, &out));
    INVALID(minidock_image_list(client, NULL));
    INVALID(minidock_image_tag(NULL, "a", "b"));
    INVALID(minidock_image_tag(client, NULL, "b"));
    INVALID(minidock_image_tag(client, BAD, "b"));
    INVALID(minidock_image_tag(client, "a", NULL));
    INVALID(minidock_image_tag(client, "a", BAD));
    INVALID(minidock_image_remove(NULL, "a", false, &out));
    INVALID(minidock_image_remove(client, NULL, false, &out));
    INVALID(minidock_image_remove(client, BAD, false, NULL));
    INVALID(minidock_image_inspect(NULL, "a", &out));
    INVALID(minidock_image_inspect(client, NULL, &out));
    INVALID(minidock_image_inspect(client, BAD, &out));
    INVALID(minidock_image_inspect(client, "a", NULL));
    INVALID(minidock_image_history(NULL, "a", &out));
    INVALID(minidock_image_history(client, NULL, &out));
    INVALID(minidock_image_history(client, BAD, &out));
    INVALID(minidock_image_history(client, "a", NULL));
    CHECK(out == NULL);
}

static void builds(minidock_client_t *client)
{
    minidock_build_options_t *options = NULL;
    minidock_cancel_t *cancel = minidock_cancel_new();
    char *out = NULL;
    INVALID(minidock_build_options_new(NULL, &options));
    INVALID(minidock_build_options_new(".", NULL));
    CHECK(options == NULL);
    OK(minidock_build_options_new(BAD, &options));
    INVALID(minidock_build_options_set_dockerfile(NULL, "x"));
    INVALID(minidock_build_options_set_dockerfile(options, NULL));
    INVALID(minidock_build_options_set_dockerfile_text(NULL, "x"));
    INVALID(minidock_build_options_set_dockerfile_text(options, NULL));
    INVALID(minidock_build_options_add_tag(NULL, "x"));
    INVALID(minidock_build_options_add_tag(options, NULL));
    INVALID(minidock_build_options_add_tag(options, BAD));
    INVALID(minidock_build_options_set_argument(NULL, "a", "b"));
    INVALID(minidock_build_options_set_argument(options, NULL, "b"));
    INVALID(minidock_build_options_set_argument(options, BAD, "b"));
    INVALID(minidock_build_options_set_argument(options, "a", NULL));
    INVALID(minidock_build_options_set_argument(options, "a", BAD));
    INVALID(minidock_build_options_set_label(NULL, "a", "b"));
    INVALID(minidock_build_options_set_label(options, NULL, "b"));
    INVALID(minidock_build_options_set_label(options, BAD, "b"));
    INVALID(minidock_build_options_set_label(options, "a", NULL));
    INVALID(minidock_build_options_set_label(options, "a", BAD));
    INVALID(minidock_build_options_set_target(NULL, "a"));
    INVALID(minidock_build_options_set_target(options, NULL));
    INVALID(minidock_build_options_set_target(options, BAD));
    INVALID(minidock_build_options_set_no_cache(NULL, true));
    INVALID(minidock_build_options_set_network(NULL, "none"));
    INVALID(minidock_build_options_set_network(options, NULL));
    INVALID(minidock_build_options_set_network(options, BAD));
    INVALID(minidock_build_options_set_network(options, "other"));
    INVALID(minidock_build_options_set_cancel(NULL, cancel));
    INVALID(minidock_build_options_set_cancel(options, NULL));
    INVALID(minidock_image_build(NULL, options, NULL, NULL, &out));
    INVALID(minidock_image_build(client, NULL, NULL, NULL, &out));
    FAILS(MINIDOCK_ERROR_NOT_FOUND, minidock_image_build(client, options, NULL, NULL, &out));
    CHECK(out == NULL);
    minidock_cancel_free(cancel);
    minidock_build_options_free(options);
}

#define TEXT(set) INVALID(set(NULL, "x")), INVALID(set(o, NULL)), INVALID(set(o, BAD))
#define BYTES(set) INVALID(set(NULL, "x")), INVALID(set(o, NULL))
#define FLAG(set) INVALID(set(NULL, true)), OK(set(o, false))

static void container_options(void)
{
    minidock_container_options_t *o = NULL;
    INVALID(minidock_container_options_new(NULL, &o));
    INVALID(minidock_container_options_new(BAD, &o));
    INVALID(minidock_container_options_new("x", NULL));
    CHECK(o == NULL);
    OK(minidock_container_options_new("x", &o));
    INVALID(minidock_container_options_set_command(NULL, words));
    INVALID(minidock_container_options_set_command(o, NULL));
    INVALID(minidock_container_options_set_entrypoint(NULL, words));
    INVALID(minidock_container_options_set_entrypoint(o, NULL));
    TEXT(minidock_container_options_set_name);
    INVALID(minidock_container_options_set_name(o, "no name"));
    BYTES(minidock_container_options_add_env);
    BYTES(minidock_container_options_set_workdir);
    TEXT(minidock_container_options_set_user);
    FLAG(minidock_container_options_set_tty);
    INVALID(minidock_container_options_set_attach(NULL, true, true, true));
    FLAG(minidock_container_options_set_owned);
    FLAG(minidock_container_options_set_auto_remove);
    FLAG(minidock_container_options_set_init);
    INVALID(minidock_container_options_set_stop(NULL, "TERM", 1));
    INVALID(minidock_container_options_set_stop(o, BAD, 1));
    OK(minidock_container_options_set_stop(o, NULL, -1));
    INVALID(minidock_container_options_set_label(NULL, "a", "b"));
    INVALID(minidock_container_options_set_label(o, NULL, "b"));
    INVALID(minidock_container_options_set_label(o, BAD, "b"));
    INVALID(minidock_container_options_set_label(o, "a", NULL));
    INVALID(minidock_container_options_set_label(o, "a", BAD));
    BYTES(minidock_container_options_add_volume);
    INVALID(minidock_container_options_add_volume(o, "a:b:c:d"));
    BYTES(minidock_container_options_add_mount);
    INVALID(minidock_container_options_add_mount(o, "type=other"));
    BYTES(minidock_container_options_add_tmpfs);
    INVALID(minidock_container_options_add_tmpfs(o, "/x:size=much"));
    FLAG(minidock_container_options_set_read_only);
    TEXT(minidock_container_options_set_network);
    TEXT(minidock_container_options_add_port);
    INVALID(minidock_container_options_add_port(o, "99999"));
    TEXT(minidock_container_options_set_hostname);
    TEXT(minidock_container_options_add_capability);
    TEXT(minidock_container_options_drop_capability);
    FLAG(minidock_container_options_set_privileged);
    FLAG(minidock_container_options_set_no_new_privileges);
    TEXT(minidock_container_options_set_seccomp);
    TEXT(minidock_container_options_add_limit);
    INVALID(minidock_container_options_set_shm_size(NULL, 1));
    TEXT(minidock_container_options_add_host);
    minidock_container_options_free(o);
}

static void containers(minidock_client_t *client)
{
    minidock_container_options_t *o = NULL;
    minidock_container_t *out = NULL;
    char *json = NULL;
    int code = -1;
    OK(minidock_container_options_new("no-such-image", &o));
    INVALID(minidock_container_create(NULL, o, &out));
    INVALID(minidock_container_create(client, NULL, &out));
    INVALID(minidock_container_create(client, o, NULL));
    FAILS(MINIDOCK_ERROR_NOT_FOUND, minidock_container_create(client, o, &out));
    INVALID(minidock_container_run(NULL, o, &out));
    INVALID(minidock_container_run(client, NULL, &out));
    INVALID(minidock_container_run(client, o, NULL));
    FAILS(MINIDOCK_ERROR_NOT_FOUND, minidock_container_run(client, o, &out));
    INVALID(minidock_container_open(NULL, "x", &out));
    INVALID(minidock_container_open(client, NULL, &out));
    INVALID(minidock_container_open(client, BAD, &out));
    INVALID(minidock_container_open(client, "x", NULL));
    FAILS(MINIDOCK_ERROR_NOT_FOUND, minidock_container_open(client, "x", &out));
    INVALID(minidock_container_start(NULL));
    INVALID(minidock_container_close_stdin(NULL));
    INVALID(minidock_container_wait(NULL, 0, &code));
    INVALID(minidock_container_stop(NULL, 0));
    INVALID(minidock_container_kill(NULL, "KILL"));
    INVALID(minidock_container_logs(NULL, false, -1, never, NULL));
    INVALID(minidock_container_inspect(NULL, &json));
    INVALID(minidock_container_list(NULL, true, &json));
    INVALID(minidock_container_list(client, true, NULL));
    INVALID(minidock_container_remove(NULL, false, false));
    CHECK(out == NULL && json == NULL && code == -1);
    minidock_container_options_free(o);
}

static void one_container(minidock_client_t *client, const char *tar)
{
    minidock_container_options_t *options;
    minidock_container_t *container = NULL;
    OK(minidock_image_import(client, tar, "busybox", NULL, NULL));
    options = shell("true");
    OK(minidock_container_create(client, options, &container));
    INVALID(minidock_container_kill(container, BAD));
    INVALID(minidock_container_kill(container, "NOSUCH"));
    FAILS(MINIDOCK_ERROR_CONFLICT, minidock_container_kill(container, "KILL"));
    INVALID(minidock_container_logs(container, false, -1, NULL, NULL));
    INVALID(minidock_container_inspect(container, NULL));
    OK(minidock_container_wait(container, 0, NULL));
    OK(minidock_container_remove(container, false, false));
    minidock_container_free(container);
    minidock_container_options_free(options);
}

static void execs(void)
{
    minidock_exec_options_t *o = NULL;
    minidock_exec_t *exec = NULL;
    INVALID(minidock_exec_options_new(NULL, &o));
    INVALID(minidock_exec_options_new(words, NULL));
    CHECK(o == NULL);
    OK(minidock_exec_options_new(bad_words, &o));
    BYTES(minidock_exec_options_add_env);
    BYTES(minidock_exec_options_set_workdir);
    TEXT(minidock_exec_options_set_user);
    FLAG(minidock_exec_options_set_tty);
    FLAG(minidock_exec_options_set_owned);
    INVALID(minidock_exec_options_set_attach(NULL, true, true, true));
    INVALID(minidock_exec_start(NULL, o, &exec));
    INVALID(minidock_exec_close_stdin(NULL));
    INVALID(minidock_exec_wait(NULL, 0, NULL));
    INVALID(minidock_exec_kill(NULL, NULL));
    INVALID(minidock_exec_resize(NULL, 1, 1));
    CHECK(exec == NULL);
    minidock_exec_options_free(o);
}

int main(int argc, char **argv)
{
    minidock_client_t *client;
    CHECK(argc == 4);
    library();
    client = client_of(argv[1]);
    client_and_images(client);
    builds(client);
    container_options();
    containers(client);
    one_container(client, argv[2]);
    execs();
    minidock_client_free(client);
    puts("nothing fell over");
    return 0;
}
