//! One HTTP request, as small as it can be, repeated until the application is up.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const ONE_TRY: Duration = Duration::from_secs(5);

/// The body of the answer to `GET /` on this host's `port`; the last error if none came in time.
pub(super) fn get(port: u16) -> io::Result<String> {
    let begun = Instant::now();
    loop {
        match once(port) {
            Ok(body) => return Ok(body),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error),
            Err(_not_up_yet) => thread::sleep(Duration::from_millis(200)),
        }
    }
}

fn once(port: u16) -> io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, ONE_TRY)?;
    stream.set_read_timeout(Some(ONE_TRY))?;
    stream.set_write_timeout(Some(ONE_TRY))?;
    write!(stream, "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    body(&String::from_utf8_lossy(&answer))
}

fn body(answer: &str) -> io::Result<String> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the answer was cut short"))?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") {
        Ok(body.to_owned())
    } else {
        Err(io::Error::other(format!("the answer was `{status}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_good_answer_has_a_body() {
        assert_eq!(body("HTTP/1.1 200 OK\r\nA: b\r\n\r\nhi\n").unwrap(), "hi\n");
        assert!(body("HTTP/1.1 500 NO\r\n\r\nhi").is_err());
        assert!(body("HTTP/1.1 200 OK\r\n").is_err());
    }
}
