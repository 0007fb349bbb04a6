/* Starts containers that it owns, and one that it does not; says so and waits to be killed.
   Arguments: store, tar. */
#include "check.h"

int main(int argc, char **argv)
{
    minidock_client_t *client;
    CHECK(argc == 3);
    client = client_of(argv[1]);
    OK(minidock_image_import(client, argv[2], "busybox", NULL, NULL));
    for (int i = 0; i < 4; i++) {
        minidock_container_t *container = NULL;
        minidock_container_options_t *options = shell("trap '' HUP TERM; sleep 1000");
        OK(minidock_container_options_set_owned(options, i < 3));
        OK(minidock_container_options_set_auto_remove(options, i < 3));
        OK(minidock_container_options_set_name(options, i < 3 ? (char[]){'a' + i, '1', 0} : "stays"));
        OK(minidock_container_run(client, options, &container));
        minidock_container_free(container);
        minidock_container_options_free(options);
    }
    puts("ready");
    fflush(stdout);
    pause();
    return 0;
}
