//! The forwarder over real sockets: 127.0.0.1 plays the host, 127.0.0.2 the container.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::thread;

use super::*;

const INSIDE: &str = "127.0.0.2";

/// Serves one published port in a thread; its address.
fn publish(listener: OwnedFd, protocol: Protocol, port: u16) {
    let ports = vec![ForwardedPort { listener, protocol, port }];
    thread::spawn(move || {
        let mut forwarder = Forwarder::new(ports, INSIDE.parse().unwrap()).unwrap();
        loop {
            forwarder.turn().unwrap();
        }
    });
}

fn publish_tcp(port: u16) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    publish(listener.into(), Protocol::Tcp, port);
    address
}

/// A server in the container that runs `serve` for each connection.
fn server(serve: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind((INSIDE, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || serve(stream));
        }
    });
    publish_tcp(address.port())
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Answers with what came, once all of it came.
fn answer_at_end(mut stream: TcpStream) {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    stream.write_all(&all).unwrap();
}

#[test]
fn a_half_closed_connection_carries_the_answer() {
    let mut stream = connect(server(answer_at_end));
    stream.write_all(b"question").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "question");
}

#[test]
fn the_server_may_close_its_half_first() {
    let address = server(|mut stream| {
        stream.write_all(b"hello").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        assert_eq!(all, "late");
    });
    let mut stream = connect(address);
    let mut hello = String::new();
    stream.read_to_string(&mut hello).unwrap();
    assert_eq!(hello, "hello");
    stream.write_all(b"late").unwrap();
}

#[test]
fn much_data_arrives_whole_at_a_slow_reader() {
    let mut stream = connect(server(answer_at_end));
    let sent: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 251) as u8).collect();
    stream.write_all(&sent).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    // Both directions fill up before the first byte is read.
    thread::sleep(Duration::from_millis(300));
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert!(got == sent, "{} bytes of {}", got.len(), sent.len());
}

#[test]
fn a_refusal_resets_the_client_at_once() {
    let unused = TcpListener::bind((INSIDE, 0)).unwrap().local_addr().unwrap().port();
    let mut stream = connect(publish_tcp(unused));
    let began = Instant::now();
    let error = stream.read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_reset_inside_reaches_the_client() {
    let address = server(|stream| {
        sockopt_linger_zero(&stream);
        drop(stream);
    });
    let error = connect(address).read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

fn sockopt_linger_zero(stream: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_client_that_resets_ends_the_connection_inside() {
    let (told, heard) = std::sync::mpsc::channel();
    let listener = TcpListener::bind((INSIDE, 0)).unwrap();
    let address = publish_tcp(listener.local_addr().unwrap().port());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        told.send(stream.read(&mut [0; 8]).map_err(|e| e.kind())).unwrap();
        told.send(stream.read(&mut [0; 8]).map_err(|e| e.kind())).unwrap();
    });
    let mut stream = connect(address);
    stream.write_all(b"x").unwrap();
    assert_eq!(heard.recv_timeout(Duration::from_secs(10)).unwrap(), Ok(1));
    sockopt_linger_zero(&stream);
    drop(stream);
    let end = heard.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}

#[test]
fn two_hundred_connections_at_once() {
    let address = server(answer_at_end);
    let streams: Vec<TcpStream> = (0..200).map(|_| connect(address)).collect();
    for (number, mut stream) in streams.iter().enumerate() {
        stream.write_all(format!("number {number}").as_bytes()).unwrap();
    }
    for (number, mut stream) in streams.into_iter().enumerate().rev() {
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, format!("number {number}"));
    }
}

#[test]
fn a_connection_that_floods_does_not_starve_others() {
    let flood = server(|mut stream| {
        let zeros = vec![0; 1 << 16];
        while stream.write_all(&zeros).is_ok() {}
    });
    let mut reader = connect(flood);
    thread::spawn(move || while reader.read(&mut [0; 1 << 16]).is_ok_and(|got| got > 0) {});
    let mut stream = connect(server(answer_at_end));
    stream.write_all(b"small").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "small");
}

#[test]
fn udp_replies_find_their_clients() {
    let inside = UdpSocket::bind((INSIDE, 0)).unwrap();
    let port = inside.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut buffer = [0; 65536];
        loop {
            let (got, from) = inside.recv_from(&mut buffer).unwrap();
            inside.send_to(&buffer[..got], from).unwrap();
        }
    });
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    publish(socket.into(), Protocol::Udp, port);
    let clients: Vec<UdpSocket> =
        (0..20).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    for (number, client) in clients.iter().enumerate() {
        client.send_to(&vec![number as u8; number * 100], address).unwrap();
    }
    let mut buffer = [0; 65536];
    for (number, client) in clients.iter().enumerate() {
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (got, from) = client.recv_from(&mut buffer).unwrap();
        assert_eq!((got, from), (number * 100, address));
        assert!(buffer[..got].iter().all(|byte| *byte == number as u8));
    }
    // The largest datagram of UDP over IPv4.
    clients[0].send_to(&[7; 65507], address).unwrap();
    assert_eq!(clients[0].recv(&mut buffer).unwrap(), 65507);
}

#[test]
fn a_udp_server_that_comes_later_is_reached() {
    let unused = UdpSocket::bind((INSIDE, 0)).unwrap().local_addr().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    publish(socket.into(), Protocol::Udp, unused.port());
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(b"lost", address).unwrap();
    thread::sleep(Duration::from_millis(50));
    let inside = UdpSocket::bind(unused).unwrap();
    inside.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    client.send_to(b"found", address).unwrap();
    let mut buffer = [0; 16];
    let got = inside.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..got], b"found");
}

#[test]
fn old_sessions_of_udp_go() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let ports = vec![ForwardedPort { listener: socket.into(), protocol: Protocol::Udp, port: 9 }];
    let mut forwarder = Forwarder::new(ports, INSIDE.parse().unwrap()).unwrap();
    assert_eq!(forwarder.patience(Instant::now()), None);
    for _ in 0..1100 {
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", address).unwrap();
        forwarder.turn().unwrap();
    }
    assert_eq!(forwarder.sessions.len(), 1024);
    let later = Instant::now() + Duration::from_secs(60);
    forwarder.keep_time(later).unwrap();
    assert_eq!(forwarder.sessions.len(), 1024);
    forwarder.keep_time(later + Duration::from_secs(60)).unwrap();
    assert!(forwarder.sessions.is_empty());
}

#[test]
fn nothing_to_do_means_no_wake_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ports = vec![ForwardedPort { listener: listener.into(), protocol: Protocol::Tcp, port: 9 }];
    let mut forwarder = Forwarder::new(ports, INSIDE.parse().unwrap()).unwrap();
    assert_eq!(forwarder.patience(Instant::now()), None);
    forwarder.pause().unwrap();
    let client = connect(address);
    assert!(forwarder.patience(Instant::now()).is_some());
    forwarder.turn().unwrap();
    assert_eq!(forwarder.patience(Instant::now()), None);
    forwarder.turn().unwrap();
    while !forwarder.connections.is_empty() {
        forwarder.turn().unwrap();
    }
    let error = (&client).read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
