//! Checksums of files, by whichever of the many commands the server announces.

use ftp_connect_core::{
    Checksum, ChecksumAlgorithm, Error, ErrorKind, RemotePath, Result, TransferType,
};
use ftp_connect_ftp_proto::flow::Exchange;
use ftp_connect_ftp_proto::parse::{self, Features};
use ftp_connect_ftp_proto::{Argument, Command};

use super::{FtpSession, names};
use crate::failure;

/// A way to a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// HASH (draft-bryan-ftpext-hash), after OPTS HASH has chosen the algorithm.
    Hash(ChecksumAlgorithm),
    /// A command of its own for each algorithm: XCRC, XMD5, XSHA1 …, and MD5 (draft-twine-ftpmd5).
    Own(&'static str, ChecksumAlgorithm),
}

impl Method {
    /// The ways that a server announces, the best for each algorithm first.
    pub(super) fn of(features: &Features) -> impl Iterator<Item = Self> {
        let hash = features
            .get("HASH")
            .and_then(|hash| hash.parameters.as_deref());
        let hash = hash.unwrap_or_default().split([';', ',', ' ']);
        let hash = hash.filter_map(|name| {
            let name = name.trim_end_matches('*');
            let named =
                |algorithm: &&ChecksumAlgorithm| hash_name(**algorithm).eq_ignore_ascii_case(name);
            ALGORITHMS
                .iter()
                .find(named)
                .map(|algorithm| Self::Hash(*algorithm))
        });
        let own = OWN.into_iter().filter(|(verb, _)| features.has(verb));
        hash.chain(own.map(|(verb, algorithm)| Self::Own(verb, algorithm)))
    }

    fn algorithm(self) -> ChecksumAlgorithm {
        match self {
            Self::Hash(algorithm) | Self::Own(_, algorithm) => algorithm,
        }
    }
}

impl FtpSession {
    pub(super) async fn ask_checksum(
        &mut self,
        path: &RemotePath,
        algorithm: ChecksumAlgorithm,
    ) -> Result<Checksum> {
        let method = Method::of(&self.features).find(|method| method.algorithm() == algorithm);
        let Some(method) = method else {
            return Err(Error::new(ErrorKind::Unsupported)
                .with_message(format!("the server computes no {algorithm}")));
        };
        self.ready().await?;
        // In TYPE A the checksum would be that of converted text.
        self.set_type(TransferType::Binary).await?;
        let verb = match method {
            Method::Own(verb, _) => verb,
            Method::Hash(algorithm) => {
                self.choose_hash(algorithm).await?;
                "HASH"
            }
        };
        let command = Command::with(verb, self.argument(path)?);
        let reply = self.wire.run(Exchange::new(command)).await?;
        let digest = parse::digest(reply.first_text(), length(algorithm)).ok_or_else(|| {
            failure::protocol("no checksum in the reply").with_reply(failure::server_reply(&reply))
        })?;
        Ok(Checksum { algorithm, digest })
    }

    async fn choose_hash(&mut self, algorithm: ChecksumAlgorithm) -> Result<()> {
        if self.hash == Some(algorithm) {
            return Ok(());
        }
        self.hash = None;
        let words = format!("HASH {}", hash_name(algorithm));
        let words = Argument::new(words).map_err(names::refused)?;
        self.wire
            .run(Exchange::new(Command::with("OPTS", words)))
            .await?;
        self.hash = Some(algorithm);
        Ok(())
    }
}

/// The name in HASH (IANA's "Hash Function Textual Names").
fn hash_name(algorithm: ChecksumAlgorithm) -> &'static str {
    match algorithm {
        ChecksumAlgorithm::Crc32 => "CRC32",
        ChecksumAlgorithm::Md5 => "MD5",
        ChecksumAlgorithm::Sha1 => "SHA-1",
        ChecksumAlgorithm::Sha256 => "SHA-256",
        ChecksumAlgorithm::Sha512 => "SHA-512",
        _ => "",
    }
}

/// Bytes of a digest.
fn length(algorithm: ChecksumAlgorithm) -> usize {
    match algorithm {
        ChecksumAlgorithm::Md5 => 16,
        ChecksumAlgorithm::Sha1 => 20,
        ChecksumAlgorithm::Sha256 => 32,
        ChecksumAlgorithm::Sha512 => 64,
        _ => 4,
    }
}

const ALGORITHMS: [ChecksumAlgorithm; 5] = [
    ChecksumAlgorithm::Crc32,
    ChecksumAlgorithm::Md5,
    ChecksumAlgorithm::Sha1,
    ChecksumAlgorithm::Sha256,
    ChecksumAlgorithm::Sha512,
];

const OWN: [(&str, ChecksumAlgorithm); 7] = [
    ("XCRC", ChecksumAlgorithm::Crc32),
    ("XMD5", ChecksumAlgorithm::Md5),
    ("MD5", ChecksumAlgorithm::Md5),
    ("XSHA1", ChecksumAlgorithm::Sha1),
    ("XSHA", ChecksumAlgorithm::Sha1),
    ("XSHA256", ChecksumAlgorithm::Sha256),
    ("XSHA512", ChecksumAlgorithm::Sha512),
];

#[cfg(test)]
mod tests {
    use ftp_connect_ftp_proto::Reply;

    use super::*;

    #[track_caller]
    fn check(lines: &[&str], algorithm: ChecksumAlgorithm, expected: Option<Method>) {
        let lines = ["211-x"].iter().chain(lines).chain(&["211 x"]);
        let reply = Reply::from_lines(lines.map(|line| line.as_bytes().to_vec()).collect());
        let features = Features::from_reply(&reply.unwrap());
        let found = Method::of(&features).find(|method| method.algorithm() == algorithm);
        assert_eq!(found, expected);
    }

    #[test]
    fn ways_that_are_announced() {
        use ChecksumAlgorithm::{Crc32, Md5, Sha1, Sha256};
        let proftpd = [
            " HASH CRC32;MD5;SHA-1*;SHA-256;SHA-512",
            " XCRC",
            " XMD5",
            " XSHA256",
        ];
        check(&proftpd, Sha256, Some(Method::Hash(Sha256)));
        check(&proftpd, Sha1, Some(Method::Hash(Sha1)));
        check(&proftpd[1..], Sha256, Some(Method::Own("XSHA256", Sha256)));
        check(
            &[" XCRC \"filename\" SP EP", " MD5"],
            Crc32,
            Some(Method::Own("XCRC", Crc32)),
        );
        check(&[" MD5"], Md5, Some(Method::Own("MD5", Md5)));
        check(&[" MD5"], Sha1, None);
        check(&[" HASH"], Md5, None);
    }
}
