/* The program that runs inside containers and shows what the kernel lets it do. Static, without
 * headers of its own: each test is one word on the command line, after `-o FILE` where stdout is not
 * seen. Prints `name=value` lines. */
#include <stdio.h>
#include <string.h>

int facts(int, char **), walk(int, char **), denied(int, char **), rewrite(int, char **),
    handles(int, char **), key(int, char **), with_key(int, char **), dial(int, char **),
    abstract(int, char **), frame(int, char **), ids(int, char **), inherit(int, char **),
    handle(int, char **), swap(int, char **);

static const struct {
    const char *name;
    int (*run)(int, char **);
} words[] = {
    {"facts", facts},       {"walk", walk},         {"denied", denied}, {"rewrite", rewrite},
    {"handles", handles},   {"key", key},           {"dial", dial},     {"with-key", with_key},
    {"abstract", abstract}, {"frame", frame},       {"ids", ids},       {"inherit", inherit},
    {"handle", handle},   {"swap", swap},
};

int main(int argc, char **argv) {
    if (argc > 3 && !strcmp(argv[1], "-o")) {
        if (!freopen(argv[2], "w", stdout))
            return 1;
        argc -= 2, argv += 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof *words; i++)
        if (!strcmp(argv[1], words[i].name))
            return words[i].run(argc - 2, argv + 2);
    fprintf(stderr, "probe: what?\n");
    return 2;
}
