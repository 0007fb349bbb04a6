//! Waiting for an end from several threads: one listens, the others are told by it.
//!
//! Must not know what is listened to.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Exit;
use crate::error::Result;

/// The end of one process, once it is known.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Debug, Default)]
struct State {
    listening: bool,
    exit: Option<Exit>,
}

impl Waiting {
    /// Waits until `until`, without a limit when there is none; `None` when nothing ended by then.
    pub(super) fn wait(
        &self,
        until: Option<Instant>,
        listen: impl FnOnce() -> Result<Option<Exit>>,
    ) -> Result<Option<Exit>> {
        let mut state = self.lock();
        loop {
            if state.exit.is_some() {
                return Ok(state.exit.clone());
            }
            if !state.listening {
                break;
            }
            state = match until {
                None => self.told.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(None);
                    }
                    let woken = self.told.wait_timeout(state, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.listening = true;
        drop(state);
        let listening = Listening(self);
        let heard = listen()?;
        self.lock().exit.clone_from(&heard);
        drop(listening);
        Ok(heard)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole at every moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by the thread that listens; whatever ends it, another may take its place.
struct Listening<'a>(&'a Waiting);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.0.lock().listening = false;
        self.0.told.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::error::{Error, ErrorKind};

    fn exit(code: i32) -> Exit {
        Exit { code, started_at: 1, finished_at: 2, error: None, timed_out: false }
    }

    #[test]
    fn one_listens_and_all_are_told() {
        let waiting = Waiting::default();
        let (sender, receiver) = mpsc::channel();
        let receiver = Mutex::new(receiver);
        std::thread::scope(|scope| {
            let waiters: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        waiting.wait(None, || Ok(receiver.lock().unwrap().recv().ok())).unwrap()
                    })
                })
                .collect();
            sender.send(exit(7)).unwrap();
            for waiter in waiters {
                assert_eq!(waiter.join().unwrap(), Some(exit(7)));
            }
        });
        let again = waiting.wait(None, || Err(Error::new(ErrorKind::Runtime, "asked again")));
        assert_eq!(again.unwrap(), Some(exit(7)));
    }

    #[test]
    fn a_listener_that_gives_up_leaves_room_for_the_next() {
        let waiting = Waiting::default();
        let failed = waiting.wait(None, || Err(Error::new(ErrorKind::Runtime, "broken")));
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Runtime);
        let until = Instant::now().checked_add(Duration::from_millis(1));
        assert_eq!(waiting.wait(until, || Ok(None)).unwrap(), None);
        assert_eq!(waiting.wait(None, || Ok(Some(exit(0)))).unwrap(), Some(exit(0)));
    }
}
