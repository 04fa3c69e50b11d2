//! `checksum`: the server's word, or this program's own sum over what the server sends.

use ftp_connect::{ErrorKind, ReadOptions, RemotePath, Session};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Open, Outcome};
use crate::{
    args::{Algorithm, Connection},
    output::{Failure, Output},
};

pub(super) async fn checksum(
    url: &str,
    algorithm: Algorithm,
    here: bool,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let mut open = Open::new(Some(url), options, output).await?;
    let path = open.path()?;
    let session = &mut *open.session;
    let digest = if here {
        match algorithm {
            Algorithm::Md5 => computed::<Md5>(session, &path).await?,
            Algorithm::Sha1 => computed::<Sha1>(session, &path).await?,
            Algorithm::Sha256 => computed::<Sha256>(session, &path).await?,
            Algorithm::Sha512 => computed::<Sha512>(session, &path).await?,
        }
    } else {
        let told = session.checksum(&path, algorithm.into()).await;
        let hint = "use --here to read the file and compute it on this machine";
        told.map_err(|error| match error.kind() {
            ErrorKind::Unsupported => error.with_hint(hint),
            _ => error,
        })?
        .digest
    };
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("{algorithm:?}").to_lowercase();
    output.field("path", path.to_string());
    output.field("algorithm", &name);
    output.field("digest", &hex);
    output.field("computed", if here { "here" } else { "by the server" });
    let shown = open.params.encoding().show(&path);
    output.line(format!("{hex}  {shown}"))?;
    open.leave(output).await;
    Ok(())
}

async fn computed<D: Digest>(
    session: &mut dyn Session,
    path: &RemotePath,
) -> Result<Vec<u8>, Failure> {
    let mut body = session.read(path, ReadOptions::default()).await?;
    let mut digest = D::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match body.read(&mut buffer).await? {
            0 => break,
            n => digest.update(&buffer[..n]),
        }
    }
    // The sum of a part is no sum: this proves that it was all.
    body.finish().await?;
    Ok(digest.finalize().to_vec())
}
