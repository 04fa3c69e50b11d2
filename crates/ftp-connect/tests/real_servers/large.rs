//! Large files and folders on real servers.
