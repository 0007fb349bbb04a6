//! What protects the user and the host. One file per group of threats.

mod artefacts;
