//! Servers that tell wrong sizes, more or less than there is: each file is the old one or the whole new one, and
//! nothing is called done that the server contradicts.

use std::{fs, path::Path, time::Duration};

use ftp_connect::{
    ConnectParams, RemotePath,
    params::TlsTrust,
    transfer::{
        Overwrite, Pool, Staging, TransferOptions,
        mirror::{ApplyOptions, Mirror},
    },
};
use ftp_connect_testkit::{
    ftp::{FtpFault, FtpSecurity, FtpServer},
    sftp::SftpServer,
};
use tokio::time::timeout;

use crate::way::{Way, hasty, pool};

/// A server whose sizes are so many bytes off.
enum Liar {
    Ftp(FtpServer),
    Sftp(SftpServer),
}

impl Liar {
    async fn start(way: Way, by: i64) -> Self {
        let security = match way {
            Way::Ftp => FtpSecurity::Plain,
            Way::Ftps => FtpSecurity::Explicit,
            Way::Sftp => {
                let server = SftpServer::builder().with_wrong_sizes(by);
                return Self::Sftp(server.start().await.unwrap());
            }
        };
        let server = FtpServer::builder(security).with_fault(FtpFault::WrongSizes(by));
        Self::Ftp(server.start().await.unwrap())
    }

    fn root(&self) -> &Path {
        match self {
            Self::Ftp(server) => server.root(),
            Self::Sftp(server) => server.root(),
        }
    }

    fn pool(&self) -> Pool {
        let (scheme, addr) = match self {
            Self::Ftp(server) if server.certificate().is_some() => ("ftpes", server.addr()),
            Self::Ftp(server) => ("ftp", server.addr()),
            Self::Sftp(server) => ("sftp", server.addr()),
        };
        let url = format!("{scheme}://tester:secret@{addr}");
        let (mut params, _) = ConnectParams::from_url(&url).unwrap();
        if let Self::Ftp(server) = self
            && let Some(certificate) = server.certificate()
        {
            let file = certificate.ca_file().to_str().unwrap();
            params = params.with_tls(TlsTrust::default().with_ca_file(file));
        }
        pool(hasty(params), 2)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Download,
    Resume,
    Segments,
    MirrorDown,
    Upload,
    UploadInPlace,
    ResumeUpload,
    MirrorUp,
}

const ALL: [Work; 8] = [
    Work::Download,
    Work::Resume,
    Work::Segments,
    Work::MirrorDown,
    Work::Upload,
    Work::UploadInPlace,
    Work::ResumeUpload,
    Work::MirrorUp,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_size_makes_no_part_the_file() {
    for way in Way::ALL {
        for by in [1, -1, 70_000, -70_000, -90_000, i64::MIN] {
            let liar = Liar::start(way, by).await;
            // Large files take their time, and are not about how wrong a size is.
            let large = matches!(by, 1 | -1);
            for work in ALL
                .into_iter()
                .filter(|work| large || *work != Work::Segments)
            {
                let told = format!("{work:?} by {way:?}, sizes {by} off");
                let run = run(&liar, work, &told);
                timeout(LONGEST, run)
                    .await
                    .unwrap_or_else(|_| panic!("{told}: it did not end in time"));
            }
        }
    }
}

async fn run(liar: &Liar, work: Work, told: &str) {
    let here = tempfile::tempdir().unwrap();
    let folder = format!("{work:?}");
    let there = liar.root().join(&folder);
    fs::create_dir(&there).unwrap();
    let (new, old) = content(work);
    let down = matches!(
        work,
        Work::Download | Work::Resume | Work::Segments | Work::MirrorDown
    );
    let (source, target) = match down {
        true => (&*there, here.path()),
        false => (here.path(), &*there),
    };
    fs::write(source.join("file"), &new).unwrap();
    fs::write(target.join("file"), &old).unwrap();
    let pool = liar.pool();
    let done = transfer(&pool, work, &folder, here.path()).await;
    let now = fs::read(target.join("file")).unwrap();
    let is_new = now == new;
    let length = now.len();
    assert!(
        is_new || now == old,
        "{told}: a part is left, {length} bytes"
    );
    assert!(is_new || !done, "{told}: the old file is called done");
    if down {
        let left = fs::read_dir(target).unwrap().count();
        let part = usize::from(work == Work::Resume && !done);
        assert!(left <= 1 + part, "{told}: something was left behind");
    }
}

/// Says whether the work was called done.
async fn transfer(pool: &Pool, work: Work, folder: &str, here: &Path) -> bool {
    let folder = RemotePath::new(folder).unwrap();
    let file = folder.join(&RemotePath::new("file").unwrap());
    let local = here.join("file");
    let mut options = TransferOptions::default();
    if matches!(work, Work::Resume | Work::ResumeUpload) {
        options = options.with_overwrite(Overwrite::Resume);
    }
    if work == Work::UploadInPlace {
        options = options.with_staging(Staging::InPlace);
    }
    let mut unseen = |_| {};
    let outcome = match work {
        Work::Download | Work::Resume => pool.download(&file, &local, &options, &mut unseen).await,
        Work::Segments => {
            pool.download_in_segments(&file, &local, 2, &options, &mut unseen)
                .await
        }
        Work::Upload | Work::UploadInPlace | Work::ResumeUpload => {
            pool.upload(&local, &file, &options, &mut unseen).await
        }
        Work::MirrorDown => return mirror(pool, Mirror::download(folder, here)).await,
        Work::MirrorUp => return mirror(pool, Mirror::upload(here, folder)).await,
    };
    outcome.is_ok()
}

async fn mirror(pool: &Pool, mirror: Mirror) -> bool {
    let Ok(plan) = mirror.plan(pool).await else {
        return false;
    };
    let applied = plan
        .apply(pool, &ApplyOptions::default(), &mut |_| {})
        .await;
    !plan.is_empty() && applied.is_ok_and(|summary| summary.is_success())
}

/// The new file and the old one, which is the beginning of the new one where that may be gone on with.
fn content(work: Work) -> (Vec<u8>, Vec<u8>) {
    // What comes in segments is large.
    let length = match work {
        Work::Segments => 9 * 1024 * 1024_u32,
        _ => 150_000,
    };
    let new: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
    let old = match work {
        Work::Resume | Work::ResumeUpload => new[..60_000].to_vec(),
        _ => vec![255; 1000],
    };
    (new, old)
}

/// What is awaited in vain is given up after a second and a half, a few times in a row.
const LONGEST: Duration = Duration::from_secs(60);
