//! Configs as docker and OCI tools write them.
