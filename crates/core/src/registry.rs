//! The backends a program has: a value, not a global.

use std::sync::Arc;

use crate::{ConnectParams, Error, ErrorKind, Operation, Result, Session, Transport};

/// Backends in the order of their registration. The one added last is asked first, so that a
/// program's own backend goes before the built-in ones.
#[derive(Debug, Clone, Default)]
pub struct Registry(Vec<Arc<dyn Transport>>);

impl Registry {
    /// A registry without backends.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a backend in front of those there are.
    #[must_use]
    pub fn with(mut self, transport: impl Transport) -> Self {
        self.0.push(Arc::new(transport));
        self
    }

    /// The backends in the order in which they are asked.
    pub fn transports(&self) -> impl Iterator<Item = &dyn Transport> {
        self.0.iter().rev().map(|transport| &**transport)
    }

    /// The backend that would serve these parameters.
    pub fn find(&self, params: &ConnectParams) -> Option<&dyn Transport> {
        self.transports().find(|transport| transport.serves(params))
    }

    /// Checks the parameters and connects with the first backend that serves them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for parameters that cannot be meant,
    /// [`ErrorKind::Unsupported`] if no backend serves them, or what the backend says.
    pub async fn connect(&self, params: &ConnectParams) -> Result<Box<dyn Session>> {
        params.validate()?;
        let Some(transport) = self.find(params) else {
            let names: Vec<_> = self.transports().map(Transport::name).collect();
            let have = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            return Err(Error::new(ErrorKind::Unsupported)
                .with_operation(Operation::Connect)
                .with_message(format!(
                    "no backend for encryption {} (backends: {have})",
                    params.encryption()
                ))
                .with_hint(
                    "enable the feature plain, tls, tls-reuse or sftp, or register a backend that serves it",
                ));
        };
        transport
            .connect(params)
            .await
            .map_err(|e| e.with_operation(Operation::Connect))
    }
}
