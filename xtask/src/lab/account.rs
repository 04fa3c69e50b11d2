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
use std::sync::LazyLock;

use super::record::folder;
use crate::Outcome;
use crate::process::{command, quietly};

/// The account that every server lets in: `ftplab`, or what `FTP_CONNECT_LAB_ACCOUNT` says, since two labs on one
/// machine cannot share it.
pub(crate) fn user() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| {
        std::env::var("FTP_CONNECT_LAB_ACCOUNT").unwrap_or_else(|_| "ftplab".to_owned())
    });
    &NAME
}

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
    match previous_home()? {
        None => {
            quietly(&mut command(
                "useradd",
                &["--system", "--user-group", "--shell", "/bin/sh", user()],
            ))?;
            note_made(user())?;
        }
        Some(previous) => refuse_if_in_use(&previous)?,
    }
    quietly(command("usermod", &["--home"]).arg(home).arg(user()))?;
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
    if quietly(&mut command("id", &[user()])).is_ok() {
        quietly(&mut command("usermod", &["--password", "!", user()]))?;
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

/// The home of the account, if there is one.
fn previous_home() -> Outcome<Option<String>> {
    if quietly(&mut command("id", &[user()])).is_err() {
        return Ok(None);
    }
    let entry = quietly(&mut command("getent", &["passwd", user()]))?;
    Ok(entry.split(':').nth(5).map(str::to_owned))
}

/// There is one account for all clones of the project, unless the environment names others. A running lab would lose it to a second one, and an
/// account that no lab made is not ours to change.
fn refuse_if_in_use(home: &str) -> Outcome {
    let Some(state) = home
        .strip_suffix("/home")
        .filter(|state| state.contains(super::STATE_PREFIX))
    else {
        if made().iter().any(|item| item == user()) {
            return Ok(());
        }
        return Err(format!("there is an account {} that the lab did not make", user()).into());
    };
    let running = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(state));
    if running {
        return Err(format!("another lab is up, with its state in {state}: end it first").into());
    }
    Ok(())
}

fn set_password(password: &str) -> Outcome {
    let mut child = command("chpasswd", &[]).stdin(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("chpasswd has no input")?;
    writeln!(input, "{}:{password}", user())?;
    drop(input);
    if child.wait()?.success() {
        return Ok(());
    }
    Err("chpasswd failed".into())
}

fn number(option: &str) -> Outcome<u32> {
    Ok(quietly(&mut command("id", &[option, user()]))?
        .trim()
        .parse()?)
}

fn hash() -> Outcome<String> {
    let entry = quietly(&mut command("getent", &["shadow", user()]))?;
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
