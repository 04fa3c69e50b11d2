//! What the lab needs outside of its own folder, all of it here.
//!
//! - the system account `ftplab`, whose password vsftpd, OpenSSH and dropbear check;
//! - the system account `sshd` and the folder `/run/sshd`, without which `sshd` does not start as root;
//! - `/etc/pam.d/ftp-connect-lab`, by which vsftpd and OpenSSH check that password.
//!
//! `lab down` leaves them, locked (the account has no password then); `lab down --purge` removes what the lab
//! made. What was there before the lab is not touched: a note in the lab's folder says which were made here.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::record::folder;
use crate::Outcome;
use crate::process::{command, quietly};

/// The account that every server lets in.
pub(crate) const USER: &str = "ftplab";

/// The PAM service of the lab.
pub(crate) const PAM_SERVICE: &str = "ftp-connect-lab";

/// The account as the servers' own user tables need it.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Numeric user.
    pub(crate) uid: u32,
    /// Numeric group.
    pub(crate) gid: u32,
    /// The password in the form that crypt(3) checks.
    pub(crate) hash: String,
}

/// Makes the account, the folder and the PAM service if they are missing, and sets home and password.
///
/// # Errors
/// No root, or the account belongs to somebody else.
pub(crate) fn prepare(home: &Path, password: &str) -> Outcome<Account> {
    if quietly(&mut command("id", &[USER])).is_err() {
        quietly(&mut command(
            "useradd",
            &["--system", "--user-group", "--shell", "/bin/sh", USER],
        ))?;
        note_made(USER)?;
    } else if !made().iter().any(|item| item == USER) && !home_is_of_a_lab()? {
        return Err(format!("there is an account {USER} that the lab did not make").into());
    }
    quietly(command("usermod", &["--home"]).arg(home).arg(USER))?;
    set_password(password)?;
    if quietly(&mut command("id", &["sshd"])).is_err() {
        quietly(&mut command(
            "useradd",
            &[
                "--system",
                "--home-dir",
                "/run/sshd",
                "--shell",
                "/usr/sbin/nologin",
                "sshd",
            ],
        ))?;
        note_made("sshd")?;
    }
    if !Path::new("/run/sshd").exists() {
        fs::create_dir("/run/sshd")?;
        note_made("/run/sshd")?;
    }
    let service = pam_file();
    if !service.exists() {
        note_made(&service.display().to_string())?;
    }
    fs::write(service, PAM)?;
    Ok(Account {
        uid: number("-u")?,
        gid: number("-g")?,
        hash: hash()?,
    })
}

/// Takes the account's password away.
///
/// # Errors
/// `usermod` fails.
pub(crate) fn lock() -> Outcome {
    if quietly(&mut command("id", &[USER])).is_ok() {
        quietly(&mut command("usermod", &["--password", "!", USER]))?;
    }
    Ok(())
}

/// Removes everything that the lab made outside of its folder.
///
/// # Errors
/// Something cannot be removed, such as an account with a running process.
pub(crate) fn purge() -> Outcome {
    for item in made() {
        println!("lab: removing {item}");
        if item.starts_with("/etc/") {
            fs::remove_file(&item)?;
        } else if item.starts_with('/') {
            fs::remove_dir(&item)?;
        } else {
            quietly(&mut command("userdel", &[&item]))?;
        }
    }
    let note = note();
    if note.exists() {
        fs::remove_file(note)?;
    }
    Ok(())
}

fn pam_file() -> PathBuf {
    Path::new("/etc/pam.d").join(PAM_SERVICE)
}

/// Another clone of the project may have made the account: then its home is in a lab's state folder.
fn home_is_of_a_lab() -> Outcome<bool> {
    let entry = quietly(&mut command("getent", &["passwd", USER]))?;
    let home = entry.split(':').nth(5).unwrap_or_default();
    Ok(home.contains(super::STATE_PREFIX))
}

fn set_password(password: &str) -> Outcome {
    let mut child = command("chpasswd", &[]).stdin(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("chpasswd has no input")?;
    writeln!(input, "{USER}:{password}")?;
    drop(input);
    if child.wait()?.success() {
        return Ok(());
    }
    Err("chpasswd failed".into())
}

fn number(option: &str) -> Outcome<u32> {
    Ok(quietly(&mut command("id", &[option, USER]))?
        .trim()
        .parse()?)
}

fn hash() -> Outcome<String> {
    let entry = quietly(&mut command("getent", &["shadow", USER]))?;
    let hash = entry.split(':').nth(1).ok_or("no shadow entry")?;
    Ok(hash.to_owned())
}

fn note() -> PathBuf {
    folder().join("made-outside")
}

fn made() -> Vec<String> {
    fs::read_to_string(note())
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn note_made(item: &str) -> Outcome {
    let mut items = made();
    if !items.iter().any(|known| known == item) {
        items.push(item.to_owned());
    }
    fs::create_dir_all(folder())?;
    fs::write(note(), items.join("\n") + "\n")?;
    Ok(())
}

/// `nodelay`: a refused password is answered at once, or tests of refusals would wait seconds each.
const PAM: &str = "\
# FTP Connect's lab of real servers; removed by `cargo xtask lab down --purge`.
auth     required pam_unix.so nodelay
account  required pam_unix.so
password required pam_deny.so
session  required pam_permit.so
";
