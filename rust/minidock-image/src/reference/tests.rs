//! The cases of `distribution/reference` (row G10) and our own.
