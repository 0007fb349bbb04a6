//! What is left after kills, full disks and two at once. One file per kind of fault.

mod aftermath;
mod full_disk;
mod harness;
mod kill;
mod random;
mod streams;
mod together;
