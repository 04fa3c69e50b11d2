//! The system's certificate authorities, for OpenSSL.
//!
//! An OpenSSL built from source has no idea where the system keeps them, and on Windows and macOS no
//! OpenSSL has. So they are found as rustls finds them, and both TLS backends trust the same.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use openssl::x509::X509;

/// Loaded when first needed and then kept for a while: parsing them takes longer than a handshake.
#[derive(Debug, Default)]
pub(crate) struct SystemRoots(Mutex<Option<(Instant, Vec<X509>)>>);

impl SystemRoots {
    /// None at all where the system has none, as in many containers.
    pub(crate) fn certificates(&self) -> Vec<X509> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((loaded, certificates)) = &*kept
            && loaded.elapsed() < KEPT_FOR
        {
            return certificates.clone();
        }
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::debug!(%error, "some certificate authorities cannot be loaded");
        }
        let certificates: Vec<X509> = found
            .certs
            .iter()
            .filter_map(|der| X509::from_der(der).ok())
            .collect();
        if certificates.is_empty() {
            tracing::warn!("the system has no certificate authorities");
        } else {
            *kept = Some((Instant::now(), certificates.clone()));
        }
        certificates
    }
}

/// An hour: an authority that was added or withdrawn is noticed the same day.
const KEPT_FOR: Duration = Duration::from_secs(3600);
