//! Rows U14 and U16, and that what is written is read again.
