/* 16 threads share one client; each runs containers, and two wait for the same one.
   Arguments: store, tar, containers for each thread. */
#include "check.h"

#include <pthread.h>

#define THREADS 16

static minidock_client_t *client;
static minidock_container_t *shared;
static int rounds;

static void *run(void *number)
{
    for (int round = 0; round < rounds; round++) {
        char script[64], expected[64];
        int code = -1;
        snprintf(script, sizeof script, "echo %d %d; exit %d", *(int *)number, round, round);
        snprintf(expected, sizeof expected, "%d %d\n", *(int *)number, round);
        char *out = output_of(client, script, &code);
        CHECK(strcmp(out, expected) == 0 && code == round);
        free(out);
    }
    return NULL;
}

static void *wait_for_shared(void *unused)
{
    int code = -1;
    OK(minidock_container_wait(shared, 60000, &code));
    CHECK(code == 9);
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS], waiters[2];
    int numbers[THREADS];
    char *json = NULL;
    CHECK(argc == 4);
    rounds = atoi(argv[3]);
    client = client_of(argv[1]);
    OK(minidock_image_import(client, argv[2], "busybox", NULL, NULL));
    minidock_container_options_t *options = shell("read line; exit 9");
    OK(minidock_container_options_set_attach(options, true, false, false));
    OK(minidock_container_options_set_auto_remove(options, true));
    OK(minidock_container_options_set_owned(options, true));
    OK(minidock_container_run(client, options, &shared));
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_create(&waiters[i], NULL, wait_for_shared, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, run, &numbers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    OK(minidock_container_close_stdin(shared));
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_join(waiters[i], NULL) == 0);
    }
    OK(minidock_container_list(client, true, &json));
    CHECK(strcmp(json, "[]") == 0);
    minidock_string_free(json);
    minidock_container_free(shared);
    minidock_container_options_free(options);
    minidock_client_free(client);
    puts("all of them");
    return 0;
}
