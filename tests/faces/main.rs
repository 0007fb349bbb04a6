//! One list of scenarios, run through every face: what one can do all can, with the same results
//! and the same errors. A scenario asks in [`request`]'s words; a face translates them. What only
//! one face has is tested in that face's own suite.

#![allow(clippy::unwrap_used)]

mod cli;
mod driver;
mod native;
mod python;
mod request;
mod rust;
mod scenarios;
mod world;

macro_rules! through {
    ($($group:ident: [$($scenario:ident),+ $(,)?];)+) => {
        mod through_c { $(mod $group { $(
            #[test]
            fn $scenario() {
                crate::scenarios::$group::$scenario(&mut crate::world::World::new(crate::native::open_c));
            }
        )+ })+ }
        mod through_cli { $(mod $group { $(
            #[test]
            fn $scenario() {
                crate::scenarios::$group::$scenario(&mut crate::world::World::new(crate::cli::open));
            }
        )+ })+ }
        mod through_python { $(mod $group { $(
            #[test]
            fn $scenario() {
                crate::scenarios::$group::$scenario(&mut crate::world::World::new(crate::python::open));
            }
        )+ })+ }
        mod through_rust { $(mod $group { $(
            #[test]
            fn $scenario() {
                crate::scenarios::$group::$scenario(&mut crate::world::World::new(crate::rust::open));
            }
        )+ })+ }
    };
}

scenarios::every!(through);
