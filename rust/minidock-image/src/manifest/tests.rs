//! Row G2.
