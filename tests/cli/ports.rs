//! Published ports really cross, and nothing else does.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use minidock_tests::{Busybox, stage};

/// Repeats what each connection says.
const ECHO: &str = "exec nc -ll -p 80 -e cat";
const SOON: Duration = Duration::from_secs(10);

/// A container in the background with a private network.
#[track_caller]
fn serve(busybox: &Busybox, name: &str, flags: &[&str], script: &str) {
    let call = busybox.call(["run", "-d", "--name", name]).args(flags);
    call.args(["busybox", "sh", "-c", script]).run().succeeds();
}

/// The image `debian`, which has perl.
fn import_debian(busybox: &Busybox) {
    busybox.run(["import".as_ref(), stage::debian_tar().as_os_str(), "debian".as_ref()]).succeeds();
}

/// The host's port for a port of the container.
#[track_caller]
fn host_port(busybox: &Busybox, name: &str, inside: &str) -> u16 {
    let output = busybox.run(["port", name, inside]);
    let port = output.succeeds().line().rsplit(':').next().and_then(|port| port.parse().ok());
    port.unwrap_or_else(|| panic!("no port: {}", output.told()))
}

/// An address of this host that is not loopback.
fn outer_address() -> Ipv4Addr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent; the route alone is asked for (RFC 5737: nobody's network).
    socket.connect("198.51.100.1:9").expect("the suite needs a host with a default route");
    match socket.local_addr().unwrap() {
        SocketAddr::V4(address) => *address.ip(),
        SocketAddr::V6(address) => panic!("{address}"),
    }
}

/// Sends, closes the sending half, and reads the answer to its end.
fn exchange(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, SOON)?;
    stream.set_read_timeout(Some(SOON))?;
    let mut sender = stream.try_clone()?;
    thread::scope(|scope| {
        let sent = scope.spawn(move || {
            sender.write_all(bytes)?;
            sender.shutdown(Shutdown::Write)
        });
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        sent.join().unwrap()?;
        Ok(answer)
    })
}

/// Waits until the server inside listens.
#[track_caller]
fn wait_for_echo(address: SocketAddr) {
    let begun = Instant::now();
    loop {
        match exchange(address, b"x") {
            Ok(answer) if answer == b"x" => return,
            other => assert!(begun.elapsed() < SOON, "no echo at {address}: {other:?}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn at(address: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::from((address, port))
}

#[test]
fn a_published_port_answers_on_every_address_and_from_another_network_namespace() {
    let busybox = Busybox::new();
    serve(&busybox, "echo", &["-p", "80"], ECHO);
    let port = host_port(&busybox, "echo", "80/tcp");
    assert!(port >= 1024, "{port}");
    busybox.run(["ps"]).succeeds().stdout_has(&format!("0.0.0.0:{port}->80/tcp"));
    wait_for_echo(at(Ipv4Addr::LOCALHOST, port));
    let outer = outer_address();
    wait_for_echo(at(outer, port));
    // Some helpers on the client's side do not hand the end of a half on: the time limit is theirs.
    let script = format!("echo over there | timeout 3 nc {outer} {port}; true");
    let client = busybox.run(["run", "--rm", "busybox", "sh", "-c", &script]);
    client.succeeds().stdout_has("over there\n");
    // A namespace that minidock did not make, with an address of its own.
    let outside = minidock_tests::Call::new("pasta").args(["--config-net", "-4", "-q"]);
    let outside = outside.args(["-a", "10.77.0.2", "-n", "24", "-g", "10.77.0.1", "--"]);
    let outside = outside.args(["busybox", "sh", "-c", &script]).run();
    outside.succeeds().stdout_has("over there\n");
    busybox.run(["rm", "-f", "echo"]).succeeds();
    let gone = TcpStream::connect_timeout(&at(Ipv4Addr::LOCALHOST, port), SOON).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn halves_close_one_by_one_and_many_connections_keep_apart() {
    let busybox = Busybox::new();
    import_debian(&busybox);
    // busybox's nc has a queue of one and resets what comes beyond it.
    let script = "use IO::Socket::INET; $SIG{CHLD} = 'IGNORE'; \
        my $s = IO::Socket::INET->new(LocalPort => 80, Listen => 128) or die $!; \
        while (my $c = $s->accept) { if (fork) { close $c; next } my $t; \
            while (sysread $c, $t, 65536) { syswrite $c, $t } exit }";
    let call = ["run", "-d", "--name", "echo", "-p", "80", "debian", "perl", "-e", script];
    busybox.run(call).succeeds();
    let address = at(Ipv4Addr::LOCALHOST, host_port(&busybox, "echo", "80"));
    wait_for_echo(address);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..50_u8)
            .map(|number| {
                scope.spawn(move || {
                    let sent: Vec<u8> = (0..100_000_u32)
                        .map(|at| number.wrapping_mul(31).wrapping_add((at % 251) as u8))
                        .collect();
                    let answer = exchange(address, &sent);
                    let answer = answer.unwrap_or_else(|error| panic!("{number}: {error}"));
                    assert!(answer == sent, "{number}: {} of {} bytes", answer.len(), sent.len());
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
}

#[test]
fn all_exposed_ports_are_published_at_random_ports() {
    let busybox = Busybox::new();
    busybox.build("FROM busybox\nEXPOSE 80 81/udp\n").succeeds();
    let call = ["run", "-d", "--name", "echo", "-P", "--expose", "82", "built", "sh", "-c", ECHO];
    busybox.run(call).succeeds();
    let all = busybox.run(["port", "echo"]);
    for inside in ["80/tcp -> 0.0.0.0:", "81/udp -> 0.0.0.0:", "82/tcp -> 0.0.0.0:"] {
        all.succeeds().stdout_has(inside);
    }
    wait_for_echo(at(Ipv4Addr::LOCALHOST, host_port(&busybox, "echo", "80")));
}

#[test]
fn a_taken_port_is_named_and_nothing_is_left() {
    let busybox = Busybox::new();
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let free = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let (first, second) = (format!("{free}:80"), format!("{port}:81"));
    let call = ["run", "--rm", "-d", "-p", &first, "-p", &second, "busybox", "sleep", "1000"];
    let output = busybox.run(call);
    output.exits(125).stderr_has(&port.to_string()).stderr_has("in use");
    assert_eq!(busybox.run(["ps", "-aq"]).succeeds().stdout, "");
    drop(TcpListener::bind(("0.0.0.0", free)).expect("the other port is free again"));
    drop(taken);
    busybox.run(call).succeeds();
}

#[test]
fn a_port_can_be_published_on_one_address_alone() {
    let busybox = Busybox::new();
    serve(&busybox, "echo", &["-p", "127.0.0.1::80"], ECHO);
    let port = host_port(&busybox, "echo", "80");
    wait_for_echo(at(Ipv4Addr::LOCALHOST, port));
    let refused = TcpStream::connect_timeout(&at(outer_address(), port), SOON).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn what_listens_on_the_loopback_inside_stays_unpublished() {
    let busybox = Busybox::new();
    let script = "echo secret > /tmp/x; httpd -p 127.0.0.1:80 -h /tmp; \
                  until wget -qO- http://127.0.0.1/x; do sleep 0.1; done; sleep 1000";
    serve(&busybox, "inner", &["-p", "80"], script);
    let begun = Instant::now();
    while busybox.run(["logs", "inner"]).stdout != "secret\n" {
        assert!(begun.elapsed() < SOON, "{}", busybox.run(["logs", "inner"]).told());
    }
    let port = host_port(&busybox, "inner", "80");
    for address in [Ipv4Addr::LOCALHOST, outer_address()] {
        if let Ok(answer) = exchange(at(address, port), b"GET /x HTTP/1.0\r\n\r\n") {
            assert_eq!(String::from_utf8_lossy(&answer), "", "{address} answers");
        }
    }
}

#[test]
fn the_hosts_loopback_cannot_be_reached_from_inside() {
    let busybox = Busybox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "gate=$(ip route | awk '/default/ {{print $3}}'); dns=$(awk '/nameserver/ {{print $2}}' /etc/resolv.conf)
         for a in 127.0.0.1 $gate $dns 10.0.2.2 10.0.2.3; do echo x | timeout 2 nc -w 2 $a {port} && echo reached $a; done
         echo $gate"
    );
    let output = busybox.run(["run", "--rm", "busybox", "sh", "-c", &script]);
    output.succeeds();
    assert!(!output.stdout.contains("reached"), "{}", output.told());
    assert!(output.line().contains('.'), "there was a gateway to try: {}", output.told());
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    // The test could have seen it: the host's network does reach it.
    let script = format!("echo x | timeout 2 nc 127.0.0.1 {port}; true");
    let call = ["run", "--rm", "--network", "host", "busybox", "sh", "-c", &script];
    busybox.run(call).succeeds();
    listener.accept().unwrap();
}

#[test]
fn without_a_network_there_is_the_loopback_alone() {
    let busybox = Busybox::new();
    let output = busybox.sh("ls /sys/class/net; ip -4 addr | grep -o 'inet [0-9.]*'");
    assert_eq!(output.succeeds().stdout, "lo\ninet 127.0.0.1\n", "{}", output.told());
    let call = ["run", "--rm", "--network", "none", "-p", "80", "busybox", "true"];
    // As docker: they mean nothing then.
    busybox.run(call).succeeds();
    busybox.run(["run", "--rm", "--network", "nowhere", "busybox", "true"]).exits(125);
}

#[test]
fn datagrams_cross_both_ways() {
    let busybox = Busybox::new();
    import_debian(&busybox);
    let script = "use IO::Socket::INET; \
        my $s = IO::Socket::INET->new(LocalPort => 53, Proto => 'udp') or die $!; \
        while (defined(my $from = $s->recv(my $text, 65535))) { $s->send(uc $text, 0, $from) }";
    let call = ["run", "-d", "--name", "upper", "-p", "53/udp", "debian", "perl", "-e", script];
    busybox.run(call).succeeds();
    let port = host_port(&busybox, "upper", "53/udp");
    for address in [Ipv4Addr::LOCALHOST, outer_address()] {
        let clients: Vec<_> = (0..10).map(|_| UdpSocket::bind("0.0.0.0:0").unwrap()).collect();
        for (number, client) in clients.iter().enumerate() {
            client.connect(at(address, port)).unwrap();
            client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let sent = format!("from {number}");
            let begun = Instant::now();
            let mut buffer = [0; 100];
            let answer = loop {
                client.send(sent.as_bytes()).unwrap();
                match client.recv(&mut buffer) {
                    Ok(length) => break String::from_utf8_lossy(&buffer[..length]).into_owned(),
                    Err(error) => assert!(begun.elapsed() < SOON, "{address}: {error}"),
                }
            };
            assert_eq!(answer, sent.to_uppercase());
        }
    }
}
