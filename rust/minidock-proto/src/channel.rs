//! Framed messages with descriptors over a Unix stream socket.
//!
//! A frame is: length of the body (u32, little endian), number of descriptors (u32), then for
//! every group of at most 200 descriptors one byte that carries them as `SCM_RIGHTS` (a kernel
//! limit of 253 per message), then the body as JSON. Received descriptors are close-on-exec.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The longest body that is accepted, in bytes.
pub const LONGEST_BODY: usize = 64 << 20;
/// The most descriptors one frame may carry.
pub const MOST_FDS: usize = 8192;
const GROUP: usize = 200;

/// The place of a descriptor among those that came with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fd(pub u32);

/// Descriptors that came with a message; each can be taken once.
#[derive(Debug, Default)]
pub struct Descriptors(Vec<Option<OwnedFd>>);

impl From<Vec<OwnedFd>> for Descriptors {
    fn from(fds: Vec<OwnedFd>) -> Self {
        Self(fds.into_iter().map(Some).collect())
    }
}

impl Descriptors {
    /// Takes the descriptor that a message refers to.
    pub fn take(&mut self, fd: Fd) -> Result<OwnedFd, ChannelError> {
        self.0.get_mut(fd.0 as usize).and_then(Option::take).ok_or(ChannelError::MissingFd(fd.0))
    }

    /// [`Descriptors::take`] for a reference that may be absent.
    pub fn take_optional(&mut self, fd: Option<Fd>) -> Result<Option<OwnedFd>, ChannelError> {
        fd.map(|fd| self.take(fd)).transpose()
    }
}

/// Descriptors to go out with a message, each named by the [`Fd`] that it gets.
///
/// ```
/// use minidock_proto::channel::Outgoing;
/// use std::os::fd::AsFd;
/// let file = std::fs::File::open("/dev/null")?;
/// let mut fds = Outgoing::default();
/// let first = fds.push(file.as_fd());
/// assert_eq!(first.0, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Outgoing<'a>(Vec<BorrowedFd<'a>>);

impl<'a> Outgoing<'a> {
    /// Adds one.
    pub fn push(&mut self, fd: BorrowedFd<'a>) -> Fd {
        self.0.push(fd);
        Fd((self.0.len() - 1) as u32)
    }

    /// All of them, in the order of their numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[BorrowedFd<'a>] {
        &self.0
    }
}

/// What can go wrong on a channel.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The socket failed.
    #[error("the connection failed")]
    Io(#[source] io::Error),
    /// The other side went away in the middle of a frame.
    #[error("the connection ended in the middle of a message")]
    Torn,
    /// A frame that no side of ours sends.
    #[error("the other side sent a frame of {bytes} bytes and {fds} descriptors, over the limit")]
    TooLarge {
        /// Announced length of the body.
        bytes: usize,
        /// Announced number of descriptors.
        fds: usize,
    },
    /// The body is not a message of the expected type.
    #[error("the other side sent a message that this version does not understand")]
    Malformed(#[source] serde_json::Error),
    /// The message refers to a descriptor that did not come.
    #[error("the message refers to descriptor {0}, which did not come with it")]
    MissingFd(u32),
}

impl From<rustix::io::Errno> for ChannelError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

/// The body of a message, still encoded, and the descriptors that came with it.
pub type Frame = (Vec<u8>, Vec<OwnedFd>);

/// One end of a connection.
#[derive(Debug)]
pub struct Channel(OwnedFd);

impl From<OwnedFd> for Channel {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Channel {
    /// A connected pair, both close-on-exec.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(a), Self(b)))
    }

    /// The socket itself.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.0
    }

    /// Sends one message with its descriptors; blocks until all of it is handed over.
    pub fn send<T: Serialize>(
        &self,
        message: &T,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), ChannelError> {
        let body = serde_json::to_vec(message).map_err(ChannelError::Malformed)?;
        self.send_raw(&body, fds)
    }

    /// [`Channel::send`] for a body that is encoded already.
    pub fn send_raw(&self, body: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), ChannelError> {
        if body.len() > LONGEST_BODY || fds.len() > MOST_FDS {
            return Err(ChannelError::TooLarge { bytes: body.len(), fds: fds.len() });
        }
        let mut head = [0; 8];
        head[..4].copy_from_slice(&(body.len() as u32).to_le_bytes());
        head[4..].copy_from_slice(&(fds.len() as u32).to_le_bytes());
        if fds.is_empty() {
            return self.send_all(&[&head, body].concat());
        }
        self.send_all(&head)?;
        for group in fds.chunks(GROUP) {
            self.send_group(group)?;
        }
        self.send_all(body)
    }

    fn send_all(&self, mut bytes: &[u8]) -> Result<(), ChannelError> {
        while !bytes.is_empty() {
            match rustix::net::send(&self.0, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn send_group(&self, group: &[BorrowedFd<'_>]) -> Result<(), ChannelError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(GROUP))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(group));
        loop {
            let part = [IoSlice::new(b"F")];
            match rustix::net::sendmsg(&self.0, &part, &mut control, SendFlags::NOSIGNAL) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Receives one message; `None` when the other side closed between two messages.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<Option<(T, Vec<OwnedFd>)>, ChannelError> {
        match self.receive_raw()? {
            None => Ok(None),
            Some((body, fds)) => {
                let message = serde_json::from_slice(&body).map_err(ChannelError::Malformed)?;
                Ok(Some((message, fds)))
            }
        }
    }

    /// [`Channel::receive`] with the body left encoded.
    pub fn receive_raw(&self) -> Result<Option<Frame>, ChannelError> {
        let mut head = [0; 8];
        if !self.receive_exact(&mut head)? {
            return Ok(None);
        }
        let [a, b, c, d, e, f, g, h] = head;
        let bytes = u32::from_le_bytes([a, b, c, d]) as usize;
        let count = u32::from_le_bytes([e, f, g, h]) as usize;
        if bytes > LONGEST_BODY || count > MOST_FDS {
            return Err(ChannelError::TooLarge { bytes, fds: count });
        }
        let mut fds = Vec::new();
        while fds.len() < count {
            let before = fds.len();
            self.receive_group(&mut fds)?;
            if fds.len() == before {
                return Err(ChannelError::MissingFd(before as u32));
            }
        }
        let mut body = vec![0; bytes];
        if bytes > 0 && !self.receive_exact(&mut body)? {
            return Err(ChannelError::Torn);
        }
        Ok(Some((body, fds)))
    }

    /// Fills the buffer; `false` when the stream ended before its first byte.
    fn receive_exact(&self, buffer: &mut [u8]) -> Result<bool, ChannelError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match rustix::net::recv(&self.0, &mut buffer[filled..], RecvFlags::empty()) {
                Ok((0, _)) if filled == 0 => return Ok(false),
                Ok((0, _)) => return Err(ChannelError::Torn),
                Ok((got, _)) => filled += got,
                Err(rustix::io::Errno::INTR) => {}
                // A reset is how a Unix socket says that its peer died with our bytes unread.
                Err(rustix::io::Errno::CONNRESET) if filled == 0 => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    fn receive_group(&self, fds: &mut Vec<OwnedFd>) -> Result<(), ChannelError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(GROUP))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let got = loop {
            let mut part = [IoSliceMut::new(&mut byte)];
            let flags = RecvFlags::CMSG_CLOEXEC;
            match rustix::net::recvmsg(&self.0, &mut part, &mut control, flags) {
                Ok(got) => break got,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        };
        if got.bytes == 0 {
            return Err(ChannelError::Torn);
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                fds.extend(received);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn messages_and_descriptors_cross() {
        let (a, b) = Channel::pair().unwrap();
        for count in [0, 1, 200, 201, 450] {
            let file = File::open("/dev/null").unwrap();
            let fds = vec![file.as_fd(); count];
            let text = "x".repeat(count * 100);
            std::thread::scope(|scope| {
                scope.spawn(|| a.send(&text, &fds).unwrap());
                let (got, received) = b.receive::<String>().unwrap().unwrap();
                assert_eq!((got.len(), received.len()), (text.len(), count));
            });
        }
        drop(a);
        assert!(b.receive::<String>().unwrap().is_none());
    }

    #[test]
    fn a_passed_pipe_works() {
        let (a, b) = Channel::pair().unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        a.send(&(), &[writer.as_fd()]).unwrap();
        drop(writer);
        let ((), mut fds) = b.receive::<()>().unwrap().unwrap();
        File::from(fds.remove(0)).write_all(b"through").unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    #[test]
    fn torn_and_oversized_frames_are_errors() {
        let (a, b) = Channel::pair().unwrap();
        a.send_all(&[200, 0, 0, 0, 0, 0, 0, 0, b'x']).unwrap();
        drop(a);
        assert!(matches!(b.receive::<String>(), Err(ChannelError::Torn)));
        let (a, b) = Channel::pair().unwrap();
        a.send_all(&[0xff; 8]).unwrap();
        assert!(matches!(b.receive::<String>(), Err(ChannelError::TooLarge { .. })));
        let (a, b) = Channel::pair().unwrap();
        a.send_all(b"\x01\0\0\0\0\0\0\0{").unwrap();
        assert!(matches!(b.receive::<String>(), Err(ChannelError::Malformed(_))));
    }
}
