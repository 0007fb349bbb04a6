//! The names of the default profile, by what they are for.
//!
//! Calls that only some architectures have are fine here. Those with conditions on arguments
//! (socket, socketpair, socketcall, personality, clone) belong to the parent module; here they
//! would be open to all.

use crate::seccomp::Arch;

/// Open to every container.
pub(super) const ALLOWED: &[&str] = &[
    FILES,
    ATTRIBUTES,
    DESCRIPTORS,
    WAITING,
    MEMORY,
    PROCESSES,
    IDENTITY,
    SIGNALS,
    CLOCKS,
    SCHEDULING,
    SOCKETS,
    QUEUES,
    SECURITY,
];

const FILES: &str = "access chdir chmod chown chown32 creat faccessat faccessat2 fchdir fchmod \
    fchmodat fchmodat2 fchown fchown32 fchownat fstat fstat64 fstatat64 fstatfs fstatfs64 \
    futimesat getcwd getdents getdents64 lchown lchown32 link linkat lstat lstat64 mkdir mkdirat \
    mknod mknodat name_to_handle_at newfstatat open openat openat2 readlink readlinkat rename \
    renameat renameat2 rmdir stat stat64 statfs statfs64 statx symlink symlinkat sync syncfs \
    truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes";

const ATTRIBUTES: &str = "fanotify_mark fgetxattr file_getattr file_setattr flistxattr \
    fremovexattr fsetxattr getxattr getxattrat inotify_add_watch inotify_init inotify_init1 \
    inotify_rm_watch lgetxattr listxattr listxattrat llistxattr lremovexattr lsetxattr \
    removexattr removexattrat setxattr setxattrat";

const DESCRIPTORS: &str = "_llseek close close_range copy_file_range dup dup2 dup3 fadvise64 \
    fadvise64_64 fallocate fcntl fcntl64 fdatasync flock fsync ftruncate ftruncate64 io_cancel \
    io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl lseek \
    pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile \
    sendfile64 splice sync_file_range tee vmsplice write writev";

const WAITING: &str = "_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait \
    epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 futex futex_requeue futex_time64 \
    futex_wait futex_waitv futex_wake get_robust_list pause poll ppoll ppoll_time64 pselect6 \
    pselect6_time64 select set_robust_list signalfd signalfd4";

const MEMORY: &str = "brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret \
    mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal msync munlock munlockall \
    munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages";

/// ptrace and its like reach only processes of the container: a filter is no weaker for them
/// since Linux 4.8, which checks it after the tracer.
const PROCESSES: &str = "execve execveat exit exit_group fork get_thread_area getcpu getrusage \
    kill pidfd_open pidfd_send_signal prctl process_mrelease process_vm_readv process_vm_writev \
    ptrace rseq set_thread_area set_tid_address sysinfo tgkill tkill uname uprobe uretprobe vfork \
    wait4 waitid waitpid";

const IDENTITY: &str = "capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 \
    getgroups getgroups32 getpgid getpgrp getpid getppid getresgid getresgid32 getresuid \
    getresuid32 getrlimit getsid gettid getuid getuid32 prlimit64 setfsgid setfsgid32 setfsuid \
    setfsuid32 setgid setgid32 setgroups setgroups32 setpgid setregid setregid32 setresgid \
    setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setuid setuid32 \
    ugetrlimit";

/// Some are only in 32-bit tables, where an old libc still uses them.
const SIGNALS: &str = "restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo \
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaction \
    sigaltstack signal sigpending sigprocmask sigreturn sigsuspend";

/// Setting a clock through adjtimex and its like needs CAP_SYS_TIME, which the kernel checks;
/// without it they read.
const CLOCKS: &str = "adjtimex alarm clock_adjtime clock_adjtime64 clock_getres \
    clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 \
    getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun \
    timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime \
    timerfd_gettime64 timerfd_settime timerfd_settime64 times";

const SCHEDULING: &str = "getpriority ioprio_get ioprio_set nice sched_get_priority_max \
    sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler \
    sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr \
    sched_setparam sched_setscheduler sched_yield setpriority";

const SOCKETS: &str = "accept accept4 bind connect getpeername getsockname getsockopt listen recv \
    recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown";

const QUEUES: &str = "ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 \
    mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop \
    semtimedop semtimedop_time64 shmat shmctl shmdt shmget";

/// With landlock and seccomp a process can only tighten its own rules.
const SECURITY: &str = "getrandom landlock_add_rule landlock_create_ruleset \
    landlock_restrict_self lsm_get_self_attr lsm_list_modules lsm_set_self_attr seccomp";

/// Open to containers that hold any one of the capabilities. Never open are those that no
/// capability of a user namespace makes safe, above all keyctl, add_key, request_key (keyrings
/// are not per container), userfaultfd, io_uring_*, kexec_*, pivot_root, swapon and swapoff.
pub(super) const OF_CAPABILITIES: &[(&[&str], &str)] = &[
    (&["CAP_DAC_READ_SEARCH"], "open_by_handle_at"),
    (
        &["CAP_SYS_ADMIN"],
        "clone clone3 fanotify_init fsconfig fsmount fsopen fspick listmount lookup_dcookie mount \
            mount_setattr move_mount open_tree open_tree_attr quotactl quotactl_fd setdomainname \
            sethostname setns statmount umount umount2 unshare",
    ),
    (&["CAP_SYS_ADMIN", "CAP_BPF"], "bpf"),
    (&["CAP_SYS_ADMIN", "CAP_PERFMON"], "perf_event_open"),
    (&["CAP_SYS_ADMIN", "CAP_SYSLOG"], "syslog"),
    (&["CAP_SYS_BOOT"], "reboot"),
    (&["CAP_SYS_CHROOT"], "chroot"),
    (&["CAP_SYS_MODULE"], "delete_module finit_module init_module"),
    (&["CAP_SYS_NICE"], "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
    (&["CAP_SYS_PACCT"], "acct"),
    (&["CAP_SYS_PTRACE"], "kcmp pidfd_getfd process_madvise"),
    (&["CAP_SYS_RAWIO"], "ioperm iopl"),
    (&["CAP_SYS_TIME"], "clock_settime clock_settime64 settimeofday stime"),
    (&["CAP_SYS_TTY_CONFIG"], "vhangup"),
];

/// Open on hosts of one architecture, to its own and its 32-bit programs.
pub(super) const OF_ARCHITECTURES: &[(&[Arch], &str)] = &[
    (&[Arch::X86_64, Arch::X86], "arch_prctl modify_ldt"),
    (
        &[Arch::Aarch64, Arch::Arm],
        "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2",
    ),
    (&[Arch::Riscv64], "riscv_flush_icache riscv_hwprobe"),
];
