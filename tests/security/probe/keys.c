/* Keys of the caller: with-key puts one into a new session keyring and becomes a program, key
 * looks for it and, where it is listed, tries to use it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define JOIN_SESSION 1
#define SETPERM 5
#define LINK 8
#define READ 11
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

static void use(long id) {
    char secret[64];
    static const char *const names[] = {"read", "link", "setperm"};
    long results[] = {syscall(SYS_keyctl, READ, id, secret, sizeof secret),
                      syscall(SYS_keyctl, LINK, id, (long)SESSION),
                      syscall(SYS_keyctl, SETPERM, id, 0x3f3f3f3fL)};
    for (int i = 0; i < 3; i++)
        printf("%s=%s\n", names[i], results[i] < 0 ? "refused" : "done");
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
        if (strstr(line, NAME)) {
            shown = 1;
            use(strtol(line, NULL, 16));
        }
    printf("listed=%s\n", shown ? "found" : "no");
    return 0;
}
