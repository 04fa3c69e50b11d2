//! The contract of a backend.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::{ConnectParams, Result, Session};

/// A way to reach file servers: one protocol on one library. Implement it, add it to a
/// [`Registry`](crate::Registry), and all that is written against [`Session`] works with it.
///
/// A transport holds no connection and no secret; it can be used many times and at once.
#[async_trait]
pub trait Transport: Debug + Send + Sync + 'static {
    /// The backend's name in reports and errors, such as `tls-reuse`.
    fn name(&self) -> &'static str;

    /// Whether this backend can do what these parameters ask for. It must answer no rather than
    /// serve them in a weaker way: encryption asked for is never left out.
    fn serves(&self, params: &ConnectParams) -> bool;

    /// Connects, checks the server's identity, logs in and gives the session.
    ///
    /// No credential leaves before the identity is checked. The host-key hash goes to
    /// [`ConnectParams::fingerprint_target`] before the key is judged.
    ///
    /// # Errors
    /// Whatever keeps the session from standing; see [`ErrorKind`](crate::ErrorKind).
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    async fn connect(&self, params: &ConnectParams) -> Result<Box<dyn Session>>;
}
