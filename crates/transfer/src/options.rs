//! How a transfer is to be done.

use ftp_connect_core::TransferType;

use crate::RateLimit;

/// How a transfer is to be done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TransferOptions {
    /// What becomes of a file that is there already. It is replaced by default, as copy commands do.
    pub overwrite: Overwrite,
    /// Binary or text; for text, whose line ends change on the way, nothing is compared or resumed.
    pub transfer_type: TransferType,
    /// How the copy is proven to be whole. By size by default: it costs little, and TLS and SSH prove
    /// already that no byte was changed on the way.
    pub verify: Verify,
    /// How the copy takes its name. Under another name first by default, so that nobody ever sees a part
    /// of a file.
    pub staging: Staging,
    /// Whether what has come before a failure stays under its other name, so that the next attempt goes on from
    /// there if the original still has the same size and time. Off by default: a failure leaves nothing behind.
    /// [`Overwrite::Resume`] does this too.
    pub keep_parts: bool,
    /// Whether the copy gets the modification time of the original, where that is known and the other side
    /// takes it. Off by default: a copy is made now.
    pub keep_times: bool,
    /// Whether the copy gets the permissions of the original, under the same terms. Off by default; a file
    /// that is replaced leaves its own to the new one.
    pub keep_permissions: bool,
    /// Whether a download is on disk, and not only with the operating system, before it takes its name. On
    /// by default, so that not even a power cut leaves a part.
    pub durable: bool,
    /// At most so many bytes in a second, together with whoever else has this limit.
    pub rate_limit: Option<RateLimit>,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self {
            overwrite: Overwrite::default(),
            transfer_type: TransferType::Binary,
            verify: Verify::default(),
            staging: Staging::default(),
            keep_parts: false,
            keep_times: false,
            keep_permissions: false,
            durable: true,
            rate_limit: None,
        }
    }
}

impl TransferOptions {
    /// Sets [`TransferOptions::overwrite`].
    #[must_use]
    pub fn with_overwrite(mut self, overwrite: Overwrite) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Sets [`TransferOptions::transfer_type`].
    #[must_use]
    pub fn with_transfer_type(mut self, transfer_type: TransferType) -> Self {
        self.transfer_type = transfer_type;
        self
    }

    /// Sets [`TransferOptions::verify`].
    #[must_use]
    pub fn with_verify(mut self, verify: Verify) -> Self {
        self.verify = verify;
        self
    }

    /// Sets [`TransferOptions::staging`].
    #[must_use]
    pub fn with_staging(mut self, staging: Staging) -> Self {
        self.staging = staging;
        self
    }

    /// Sets [`TransferOptions::keep_parts`].
    #[must_use]
    pub fn with_keep_parts(mut self, keep_parts: bool) -> Self {
        self.keep_parts = keep_parts;
        self
    }

    /// Sets [`TransferOptions::keep_times`].
    #[must_use]
    pub fn with_keep_times(mut self, keep_times: bool) -> Self {
        self.keep_times = keep_times;
        self
    }

    /// Sets [`TransferOptions::keep_permissions`].
    #[must_use]
    pub fn with_keep_permissions(mut self, keep_permissions: bool) -> Self {
        self.keep_permissions = keep_permissions;
        self
    }

    /// Sets [`TransferOptions::durable`].
    #[must_use]
    pub fn with_durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Sets [`TransferOptions::rate_limit`].
    #[must_use]
    pub fn with_rate_limit(mut self, rate_limit: impl Into<Option<RateLimit>>) -> Self {
        self.rate_limit = rate_limit.into();
        self
    }

    pub(crate) fn is_text(&self) -> bool {
        self.transfer_type == TransferType::Ascii
    }

    /// Whether an attempt goes on from what another left; text cannot be continued.
    pub(crate) fn resumes(&self) -> bool {
        (self.keep_parts || self.overwrite == Overwrite::Resume) && !self.is_text()
    }
}

/// What becomes of a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Overwrite {
    /// It stays, and the transfer is refused with
    /// [`ErrorKind::AlreadyExists`](ftp_connect_core::ErrorKind::AlreadyExists).
    Refuse,
    /// It is replaced.
    #[default]
    Replace,
    /// It is replaced if the original is newer, as exactly as both times are known. Where they cannot be
    /// compared, it is replaced.
    IfNewer,
    /// It is replaced if it has another size. Where that cannot be compared, it is replaced.
    IfSizeDiffers,
    /// It is taken for the beginning of the original, and so is what an earlier attempt left: what is missing
    /// is transferred if the end of what is there is the same in the original, and all of it otherwise. A file
    /// that is proven whole already is left alone. After a failure what has come stays for the next attempt.
    Resume,
    /// It stays, and the copy gets another name, `name (1).txt` and so on.
    Rename,
}

/// How a copy is proven to be whole, beyond both ends saying so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Verify {
    /// Its size is compared. A transfer that was resumed is compared by checksum, where the server has one.
    #[default]
    Size,
    /// Its checksum is compared with the server's; where the server has none, its size.
    Checksum,
    /// Nothing is asked.
    Nothing,
}

/// How a copy takes its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Staging {
    /// It is written under another name in the same folder and renamed when it is whole; in place only where
    /// the server does not let one do that.
    #[default]
    Renamed,
    /// It is written under its own name from the beginning. A download ignores this.
    InPlace,
}
