//! A mail server on scop's machines.
fn main() {}
