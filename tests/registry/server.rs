//! A small HTTP server for scenarios: it answers what the scenario says, also what no honest
//! server would, and keeps what it was asked. One request for each connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

/// How a body comes.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// Whole, with its length.
    Whole(Vec<u8>),
    /// These bytes, then the end of the connection, where so many were promised.
    Cut(Vec<u8>, u64),
    /// These bytes, then nothing while the client waits, where so many were promised.
    Stalled(Vec<u8>, u64),
    /// In pieces without a length, for ever.
    Endless,
    /// Headers without an end.
    EndlessHeader,
    /// Nothing at all: the connection ends.
    Nothing,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: Body::Whole(body.into()) }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// The bytes of a whole body.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Whole(bytes) => bytes,
            _ => &[],
        }
    }
}

type Answer = dyn Fn(&Request) -> Reply + Send + Sync;

struct Shared {
    answer: Box<Answer>,
    asked: Mutex<Vec<Request>>,
    open: Mutex<Vec<TcpStream>>,
    stopping: AtomicBool,
}

/// A running server; it ends with the scenario, whoever waits for it.
pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn new(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            asked: Mutex::default(),
            open: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let own = shared.clone();
        let listening = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.stopping.load(Ordering::SeqCst) {
                    return;
                }
                let own = own.clone();
                thread::spawn(move || own.serve(stream));
            }
        });
        Self { port, shared, listening: Some(listening) }
    }

    /// `localhost:PORT`.
    pub(crate) fn name(&self) -> String {
        format!("localhost:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Request> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How often something with this method and this in its path was asked.
    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        let asked = self.asked();
        asked.iter().filter(|one| one.method == method && one.target.contains(part)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for stream in self.shared.open.lock().unwrap().drain(..) {
            // The client may have gone first.
            drop(stream.shutdown(Shutdown::Both));
        }
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(listening) = self.listening.take() {
            drop(listening.join());
        }
    }
}

impl Shared {
    /// Serves one connection; a client that goes away is no failure of the server.
    fn serve(&self, stream: TcpStream) {
        if let Ok(copy) = stream.try_clone() {
            self.open.lock().unwrap().push(copy);
        }
        let mut reader = BufReader::new(stream);
        if let Some(request) = read(&mut reader) {
            let reply = (self.answer)(&request);
            let head = request.method == "HEAD";
            self.asked.lock().unwrap().push(request);
            let stream = reader.into_inner();
            drop(self.write(&stream, &reply, head));
            // The copy above would keep it open.
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    fn write(&self, mut stream: &TcpStream, reply: &Reply, head: bool) -> std::io::Result<()> {
        let mut text = format!("HTTP/1.1 {} Answer\r\nConnection: close\r\n", reply.status);
        for (name, value) in &reply.headers {
            text += &format!("{name}: {value}\r\n");
        }
        let length = match &reply.body {
            Body::Whole(bytes) => Some(bytes.len() as u64),
            Body::Cut(_, length) | Body::Stalled(_, length) => Some(*length),
            Body::Endless => None,
            Body::EndlessHeader => {
                stream.write_all(text.as_bytes())?;
                loop {
                    stream.write_all(format!("X-Long: {}\r\n", "x".repeat(1000)).as_bytes())?;
                }
            }
            Body::Nothing => return Ok(()),
        };
        match length {
            Some(length) => text += &format!("Content-Length: {length}\r\n\r\n"),
            None => text += "Transfer-Encoding: chunked\r\n\r\n",
        }
        stream.write_all(text.as_bytes())?;
        if head {
            return Ok(());
        }
        match &reply.body {
            Body::Whole(bytes) | Body::Cut(bytes, _) => stream.write_all(bytes),
            Body::Stalled(bytes, _) => {
                stream.write_all(bytes)?;
                // Ends when the client gives up, or with the server.
                stream.read(&mut [0; 1]).map(drop)
            }
            _ => {
                let piece = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
                loop {
                    stream.write_all(piece.as_bytes())?;
                }
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => break,
        }
    }
    let mut request = Request { method, target, headers, body: Vec::new() };
    let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_end(&mut request.body).ok()?;
    Some(request)
}
