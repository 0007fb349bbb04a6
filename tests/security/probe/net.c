/* Ways to the host's loopback and to its abstract sockets. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void dial_one(const char *address, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(udp, "udp", 3, 0, (struct sockaddr *)&to, sizeof to);
    close(udp);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int failed = connect(fd, (struct sockaddr *)&to, sizeof to) ? errno : 0;
    if (failed == EINPROGRESS) {
        struct pollfd waits = {.fd = fd, .events = POLLOUT};
        socklen_t size = sizeof failed;
        failed = ETIMEDOUT;
        if (poll(&waits, 1, 500) == 1)
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    }
    if (!failed && write(fd, "tcp", 3) < 0)
        failed = errno;
    printf("dial.%s=%s\n", address, failed ? strerrorname_np(failed) : "connected");
    close(fd);
}

/* dial PORT ADDRESS... */
int dial(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        dial_one(argv[i], atoi(argv[0]));
    return 0;
}

/* abstract NAME */
int abstract(int argc, char **argv) {
    if (argc != 1)
        return 2;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "%s", argv[0]);
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[0]);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int result = connect(fd, (struct sockaddr *)&to, size);
    printf("abstract=%s\n", result ? strerrorname_np(errno) : "connected");
    return 0;
}

static uint16_t checksum(const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += at[i] << 8 | at[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons(~sum);
}

/* An IPv4 datagram with the word "frame" to this address and port, as the kernel would never
 * route it. */
static size_t datagram(uint8_t *to, const char *address, const char *from, int port) {
    uint8_t header[20] = {0x45, 0, 0, 33, 0, 1, 0, 0, 64, 17};
    inet_pton(AF_INET, from, header + 12);
    inet_pton(AF_INET, address, header + 16);
    uint16_t sum = checksum(header, sizeof header);
    memcpy(header + 10, &sum, 2);
    uint8_t udp[8] = {0x30, 0x39, port >> 8, port & 255, 0, 13, 0, 0};
    memcpy(to, header, 20);
    memcpy(to + 20, udp, 8);
    memcpy(to + 28, "frame", 5);
    return 33;
}

/* frame INTERFACE MAC PORT FROM ADDRESS... */
int frame(int argc, char **argv) {
    if (argc < 5)
        return 2;
    int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
                             .sll_ifindex = if_nametoindex(argv[0]), .sll_halen = 6};
    unsigned mac[6] = {0};
    sscanf(argv[1], "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5);
    for (int i = 0; i < 6; i++)
        to.sll_addr[i] = mac[i];
    for (int i = 4; i < argc; i++) {
        uint8_t bytes[64];
        size_t size = datagram(bytes, argv[i], argv[3], atoi(argv[2]));
        ssize_t sent = sendto(fd, bytes, size, 0, (struct sockaddr *)&to, sizeof to);
        printf("frame.%s=%s\n", argv[i], sent < 0 ? strerrorname_np(errno) : "sent");
    }
    return 0;
}
