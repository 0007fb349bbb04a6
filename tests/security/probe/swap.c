/* Exchanges paths with each other without an end, faster than anybody looks twice. The number of
 * exchanges goes into a file. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXCHANGE 2 /* RENAME_EXCHANGE, linux/fs.h */

int swap(int argc, char **argv) {
    int count = argc > 2 ? open(argv[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
    if (count < 0)
        return 1;
    for (unsigned long done = 0;; done++) {
        for (int i = 1; i + 1 < argc; i += 2)
            syscall(SYS_renameat2, AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], EXCHANGE);
        if (done % 64 == 0) {
            char text[32];
            int length = snprintf(text, sizeof text, "%020lu\n", done);
            if (pwrite(count, text, length, 0) != length)
                return 1;
        }
    }
}
