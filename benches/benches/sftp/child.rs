//! One measurement: connect, do the work, leave.

use std::{
    error::Error,
    fs,
    io::Write as _,
    net::TcpStream,
    num::{NonZeroU16, NonZeroU64},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use ftp_connect::{
    ConnectParams, Encryption, FileToWrite, ReadOptions, RemotePath, Session, SessionExt as _,
    WriteOptions,
};

/// Who does it, and what.
#[derive(Debug, Args)]
pub(crate) struct Work {
    client: Client,
    kind: Kind,
    port: u16,
    user: String,
    key: PathBuf,
    /// The file or folder on the server
    remote: String,
    /// The file or folder here
    local: PathBuf,
    /// Log in by this and not by the key
    #[arg(long)]
    password: Option<String>,
    /// Agree on new keys after so many bytes
    #[arg(long)]
    rekey: Option<NonZeroU64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Client {
    Ours,
    Ssh2,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Down,
    Up,
    SmallDown,
    SmallUp,
    Connect,
    List,
}

/// Does it.
pub(crate) fn run(work: &Work) -> Result<(), Box<dyn Error>> {
    match work.client {
        Client::Ours => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(ours(work))?;
        }
        Client::Ssh2 => ssh2(work)?,
    }
    Ok(())
}

async fn ours(work: &Work) -> Result<(), Box<dyn Error>> {
    let params = ConnectParams::new("127.0.0.1")?
        .with_port(NonZeroU16::new(work.port))
        .with_username(&work.user)
        .with_rekey_bytes(work.rekey);
    let params = match &work.password {
        Some(password) => params
            .with_encryption(Encryption::SshPassword)
            .with_password(password.as_str()),
        None => params.with_key_file(work.key.display().to_string()),
    };
    let mut session = ftp_connect::connect(&params).await?;
    let remote: RemotePath = work.remote.parse()?;
    match work.kind {
        Kind::Down => {
            let mut file = fs::File::create(&work.local)?;
            let mut body = session.read(&remote, ReadOptions::default()).await?;
            let mut buffer = vec![0; BUFFER];
            loop {
                match body.read(&mut buffer).await? {
                    0 => break,
                    n => file.write_all(&buffer[..n])?,
                }
            }
            body.finish().await?;
        }
        Kind::Up => upload(&mut *session, work, &remote).await?,
        Kind::Connect => {}
        Kind::List => drop(session.list_all(&remote).await?),
        Kind::SmallDown => {
            fs::create_dir_all(&work.local)?;
            let names = session.list_all(&remote).await?;
            let paths = names.iter().map(|entry| remote.join(&entry.name));
            let mut files = session.read_files(paths.collect(), 1 << 16);
            while let Some(file) = files.next().await {
                let name = file.path.file_name().unwrap_or_default();
                fs::write(work.local.join(name.to_string()), file.content?)?;
            }
        }
        Kind::SmallUp => {
            let mut files = Vec::new();
            for entry in fs::read_dir(&work.local)? {
                let entry = entry?;
                let name: RemotePath = entry.file_name().to_string_lossy().parse()?;
                files.push(FileToWrite::new(
                    remote.join(&name),
                    fs::read(entry.path())?,
                ));
            }
            let mut written = session.write_files(files);
            while let Some(file) = written.next().await {
                file.outcome?;
            }
        }
    }
    session.close().await?;
    Ok(())
}

async fn upload(
    session: &mut dyn Session,
    work: &Work,
    remote: &RemotePath,
) -> Result<(), Box<dyn Error>> {
    use std::io::Read as _;
    let mut file = fs::File::open(&work.local)?;
    let mut body = session.write(remote, WriteOptions::default()).await?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        let mut data = &buffer[..n];
        while !data.is_empty() {
            let taken = body.write(data).await?;
            data = &data[taken..];
        }
    }
    body.finish().await?;
    Ok(())
}

fn ssh2(work: &Work) -> Result<(), Box<dyn Error>> {
    let mut session = ssh2::Session::new()?;
    let stream = TcpStream::connect(("127.0.0.1", work.port))?;
    stream.set_nodelay(true)?;
    session.set_tcp_stream(stream);
    for direction in [ssh2::MethodType::CryptCs, ssh2::MethodType::CryptSc] {
        session.method_pref(direction, super::measure::CIPHER)?;
    }
    session.handshake()?;
    session.userauth_pubkey_file(&work.user, None, &work.key, None)?;
    let sftp = session.sftp()?;
    let remote = std::path::Path::new(&work.remote);
    let copy = |from: &mut dyn std::io::Read, to: &mut dyn std::io::Write| {
        let mut buffer = vec![0; BUFFER];
        loop {
            match from.read(&mut buffer)? {
                0 => return Ok::<(), Box<dyn Error>>(()),
                n => to.write_all(&buffer[..n])?,
            }
        }
    };
    match work.kind {
        Kind::Down => copy(&mut sftp.open(remote)?, &mut fs::File::create(&work.local)?)?,
        Kind::Up => copy(&mut fs::File::open(&work.local)?, &mut sftp.create(remote)?)?,
        Kind::Connect => {}
        Kind::List => drop(sftp.readdir(remote)?),
        Kind::SmallDown => {
            fs::create_dir_all(&work.local)?;
            for (path, _) in sftp.readdir(remote)? {
                let name = path.file_name().unwrap_or_default();
                let mut local = fs::File::create(work.local.join(name))?;
                copy(&mut sftp.open(&path)?, &mut local)?;
            }
        }
        Kind::SmallUp => {
            for entry in fs::read_dir(&work.local)? {
                let entry = entry?;
                let mut to = sftp.create(&remote.join(entry.file_name()))?;
                copy(&mut fs::File::open(entry.path())?, &mut to)?;
            }
        }
    }
    Ok(())
}

const BUFFER: usize = 256 * 1024;
