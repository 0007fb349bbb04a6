//! The table: what, minidock, its peer or floor, the ratio of the medians, the goal and whether
//! it was met. Plain text in columns; what a peer lacks is told below.

use std::fmt::Write as _;
use std::time::Duration;

use crate::samples::Samples;

const HEAD: [&str; 8] = ["what", "n", "minidock", "min", "beside", "median", "min", "ratio"];
const GOAL: &str = "goal";

/// What was measured.
#[derive(Clone, Debug)]
pub(crate) enum Quantity {
    /// Wall-clock times.
    Time(Samples),
    /// Memory.
    Bytes(u64),
}

/// What minidock is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// Nothing: the number speaks for itself.
    Alone,
    /// Measured in turns with minidock.
    Measured(&'static str, Samples),
    /// Does not work on this host.
    Absent(&'static str, String),
}

/// What is aimed at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// The number is only shown.
    Unset,
    /// The median takes at most this long.
    Time(Duration),
    /// At most this much memory.
    Bytes(u64),
    /// At most so many times what the peer takes.
    Times(f64),
    /// The peer takes at least so many times as long.
    Faster(f64),
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: Quantity,
    pub(crate) peer: Peer,
    pub(crate) goal: Goal,
}

impl Row {
    /// A line of times.
    pub(crate) fn time(what: &str, ours: &Samples, peer: Peer, goal: Goal) -> Self {
        Self { what: what.to_owned(), ours: Quantity::Time(ours.clone()), peer, goal }
    }

    /// A line of memory.
    pub(crate) fn bytes(what: &str, ours: u64, goal: Goal) -> Self {
        Self { what: what.to_owned(), ours: Quantity::Bytes(ours), peer: Peer::Alone, goal }
    }

    /// How many times as long minidock takes.
    fn ratio(&self) -> Option<f64> {
        match (&self.ours, &self.peer) {
            (Quantity::Time(ours), Peer::Measured(_, peer)) if !peer.median().is_zero() => {
                Some(ours.median().as_secs_f64() / peer.median().as_secs_f64())
            }
            _ => None,
        }
    }

    fn met(&self) -> Option<bool> {
        match (self.goal, &self.ours) {
            (Goal::Time(most), Quantity::Time(ours)) => Some(ours.median() <= most),
            (Goal::Bytes(most), Quantity::Bytes(ours)) => Some(*ours <= most),
            (Goal::Times(most), _) => self.ratio().map(|ratio| ratio <= most),
            (Goal::Faster(least), _) => self.ratio().map(|ratio| ratio * least <= 1.0),
            _ => None,
        }
    }

    fn goal(&self) -> String {
        let goal = match self.goal {
            Goal::Unset => return String::new(),
            Goal::Time(most) => format!("at most {}", duration(most)),
            Goal::Bytes(most) => format!("at most {}", bytes(most)),
            Goal::Times(most) => format!("at most {most}x"),
            Goal::Faster(least) => format!("at least {least}x faster"),
        };
        match self.met() {
            Some(true) => format!("{goal}: met"),
            Some(false) => format!("{goal}: MISSED"),
            None => format!("{goal}: not known"),
        }
    }

    fn cells(&self) -> [String; 8] {
        let (rounds, ours, least) = match &self.ours {
            Quantity::Time(times) => {
                let rounds = times.rounds().to_string();
                (rounds, duration(times.median()), duration(times.minimum()))
            }
            Quantity::Bytes(count) => (String::new(), bytes(*count), String::new()),
        };
        let (peer, median, minimum) = match &self.peer {
            Peer::Alone => (String::new(), String::new(), String::new()),
            Peer::Measured(name, times) => {
                let name = format!("{name} (n={})", times.rounds());
                (name, duration(times.median()), duration(times.minimum()))
            }
            Peer::Absent(name, _) => ((*name).to_owned(), "absent".to_owned(), String::new()),
        };
        let ratio = self.ratio().map(times).unwrap_or_default();
        [self.what.clone(), rounds, ours, least, peer, median, minimum, ratio]
    }
}

/// The whole table.
pub(crate) fn render(rows: &[Row]) -> String {
    let cells: Vec<[String; 8]> = rows.iter().map(Row::cells).collect();
    let width = |column: usize, head: &str| {
        let widths = cells.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0).max(head.chars().count())
    };
    let widths: [usize; 8] = std::array::from_fn(|column| width(column, HEAD[column]));
    let mut text = line(&HEAD.map(str::to_owned), &widths, GOAL);
    for (row, cells) in rows.iter().zip(&cells) {
        text.push_str(&line(cells, &widths, &row.goal()));
    }
    let mut told: Vec<String> = Vec::new();
    for row in rows {
        if let Peer::Absent(name, why) = &row.peer {
            told.push(format!("{name} is absent: {why}"));
        }
    }
    told.dedup();
    for note in told {
        text.push_str(&note);
        text.push('\n');
    }
    text
}

fn line(cells: &[String; 8], widths: &[usize; 8], goal: &str) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        // Names begin at the left, numbers end at the right.
        let written = match HEAD[column] {
            "what" | "beside" => write!(line, "{cell:<width$}  "),
            _ => write!(line, "{cell:>width$}  "),
        };
        debug_assert!(written.is_ok(), "a string takes everything");
    }
    line.push_str(goal);
    format!("{}\n", line.trim_end())
}

/// `1.9x`, and for what is faster than its peer `42x faster`.
fn times(ratio: f64) -> String {
    if ratio >= 1.0 { format!("{ratio:.1}x") } else { format!("{:.1}x faster", 1.0 / ratio) }
}

fn duration(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    match millis {
        ..100.0 => format!("{millis:.1} ms"),
        100.0..10_000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..1_048_576 => format!("{} KiB", count / 1024),
        _ => format!("{}.{} MiB", count / 1_048_576, count % 1_048_576 * 10 / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(millis: u64) -> Samples {
        Samples::new(vec![Duration::from_millis(millis)])
    }

    #[test]
    fn goals_are_judged_by_the_medians() {
        let beside = |millis| Peer::Measured("peer", samples(millis));
        for (ours, peer, goal, shown) in [
            (6, beside(2), Goal::Times(3.0), "at most 3x: met"),
            (7, beside(2), Goal::Times(3.0), "at most 3x: MISSED"),
            (10, beside(300), Goal::Faster(30.0), "at least 30x faster: met"),
            (11, beside(300), Goal::Faster(30.0), "at least 30x faster: MISSED"),
            (11, Peer::Absent("peer", "x".into()), Goal::Faster(30.0), ": not known"),
            (5, Peer::Alone, Goal::Time(Duration::from_millis(5)), "at most 5.0 ms: met"),
            (5, Peer::Alone, Goal::Unset, ""),
        ] {
            let row = Row::time("what", &samples(ours), peer, goal);
            assert!(row.goal().ends_with(shown), "{} {shown}", row.goal());
        }
        let row = Row::bytes("what", (1 << 20) + 1, Goal::Bytes(1 << 20));
        assert_eq!(row.goal(), "at most 1.0 MiB: MISSED");
    }

    #[test]
    fn an_absent_peer_is_told_with_its_reason() {
        let peer = Peer::Absent("podman", "no crun".to_owned());
        let text = render(&[Row::time("run", &samples(5), peer, Goal::Unset)]);
        assert!(text.ends_with("podman is absent: no crun\n"), "{text}");
    }
}
