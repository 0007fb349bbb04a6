//! Tests of the index file and of the index in memory.
