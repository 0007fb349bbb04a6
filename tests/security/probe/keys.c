/* Keys of the caller: with-key puts one into a new session keyring and becomes a program, key
 * looks for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define JOIN_SESSION 1
#define SEARCH 10
#define SESSION -3
#define USER -4
#define USER_SESSION -5
#define NAME "minidock-canary-key"

int with_key(int argc, char **argv) {
    if (argc < 1 || syscall(SYS_keyctl, JOIN_SESSION, 0L) < 0)
        return 2;
    if (syscall(SYS_add_key, "user", NAME, "secret", 6L, (long)SESSION) < 0)
        return 3;
    execvp(argv[0], argv);
    return 4;
}

int key(int argc, char **argv) {
    (void)argc, (void)argv;
    static const long rings[] = {SESSION, USER, USER_SESSION};
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
        long found = syscall(SYS_keyctl, SEARCH, rings[i], "user", NAME, 0L);
        printf("search%ld=%s\n", rings[i], found >= 0 ? "found" : strerrorname_np(errno));
    }
    char line[4096];
    FILE *keys = fopen("/proc/keys", "r");
    int shown = 0;
    while (keys && fgets(line, sizeof line, keys))
        shown |= strstr(line, NAME) != NULL;
    printf("listed=%s\n", shown ? "found" : "no");
    return 0;
}
