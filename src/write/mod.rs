//! The only writer: puts a finished build in place, all of it or nothing.
