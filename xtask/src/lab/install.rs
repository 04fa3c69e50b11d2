//! `lab install`: the servers from Debian's packages, unpacked and not installed.
//!
//! The packages of the three FTP servers exclude one another, and installing a server's package starts it as
//! a service. So each is downloaded and unpacked into a folder of its own, which runs none of its scripts, and
//! only the shared libraries that it needs are installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::python;
use super::record::folder;
use crate::Outcome;
use crate::process::{command, installed, is_root, quietly};

/// The packages whose files the lab runs.
const PACKAGES: &[&str] = &[
    "vsftpd",
    "proftpd-core",
    "proftpd-mod-crypto",
    "pure-ftpd",
    "pure-ftpd-common",
    "openssh-server",
    "openssh-sftp-server",
    "dropbear-bin",
];

/// Programs and modules that must find all of their libraries, below the folder of the unpacked packages.
const MUST_LOAD: &[&str] = &[
    "vsftpd/usr/sbin/vsftpd",
    "proftpd-core/usr/sbin/proftpd",
    "proftpd-mod-crypto/usr/lib/proftpd/mod_tls.so",
    "proftpd-mod-crypto/usr/lib/proftpd/mod_sftp.so",
    "pure-ftpd/usr/sbin/pure-ftpd",
    "pure-ftpd/usr/bin/pure-pw",
    "openssh-server/usr/sbin/sshd",
    "openssh-sftp-server/usr/lib/openssh/sftp-server",
    "dropbear-bin/usr/sbin/dropbear",
    "dropbear-bin/usr/bin/dropbearconvert",
];

/// Where package `name` is unpacked.
pub(crate) fn root(name: &str) -> PathBuf {
    folder().join("roots").join(name)
}

/// The version of an unpacked package.
pub(crate) fn version(name: &str) -> String {
    fs::read_to_string(version_file(name))
        .map_or_else(|_| String::from("unknown"), |text| text.trim().to_owned())
}

/// Why the lab cannot be installed or run here, if it cannot.
pub(crate) fn obstacle() -> Option<&'static str> {
    if !is_root() {
        return Some(
            "the lab needs root: its servers check the password of a system account and change to it, and their \
             libraries come from apt. All real servers are left out",
        );
    }
    if !installed("apt-get") || !installed("dpkg") {
        return Some("the lab takes its servers from Debian packages, and this is not Debian");
    }
    None
}

/// Whether every server is unpacked and finds its libraries.
pub(crate) fn is_complete() -> bool {
    PACKAGES.iter().all(|name| version_file(name).is_file())
        && MUST_LOAD
            .iter()
            .all(|path| missing_libraries(path).is_ok_and(|list| list.is_empty()))
        && installed("ssh-keygen")
        && installed("useradd")
}

/// Downloads, unpacks, installs the libraries, and checks that each program would start. pyftpdlib, which does not
/// come from Debian, may be missing afterwards.
///
/// # Errors
/// No root, no Debian, no network, or a library that the packages do not name.
pub(crate) fn install() -> Outcome {
    if is_complete() {
        println!("lab: the servers are installed already");
    } else {
        install_packages()?;
    }
    if let Err(error) = python::install() {
        let cause = error.to_string();
        let cause = cause.trim().lines().last().unwrap_or_default();
        println!("lab: LEFT OUT pyftpdlib: {cause}");
    }
    Ok(())
}

fn install_packages() -> Outcome {
    if let Some(reason) = obstacle() {
        return Err(reason.into());
    }
    println!("lab: downloading {}", PACKAGES.join(", "));
    quietly(&mut apt(&["update"]))?;
    let cache = folder().join("debs");
    if cache.exists() {
        fs::remove_dir_all(&cache)?;
    }
    fs::create_dir_all(&cache)?;
    quietly(
        apt(&["-o", "APT::Sandbox::User=root", "download"])
            .args(PACKAGES)
            .current_dir(&cache),
    )?;

    let mut wanted = BTreeSet::new();
    for entry in fs::read_dir(&cache)? {
        let archive = entry?.path();
        let name = field(&archive, "Package")?;
        for (library, at_least) in libraries(&field(&archive, "Depends")?) {
            if !satisfied(&library, at_least.as_deref()) {
                wanted.insert(library);
            }
        }
        unpack(&archive, &name)?;
    }
    for (program, package) in [("ssh-keygen", "openssh-client"), ("useradd", "passwd")] {
        if !installed(program) {
            wanted.insert(package.to_owned());
        }
    }
    if !wanted.is_empty() {
        let list: Vec<&str> = wanted.iter().map(String::as_str).collect();
        println!("lab: installing {}", list.join(", "));
        quietly(apt(&["install", "--yes", "--no-install-recommends"]).args(&list))?;
    }
    for path in MUST_LOAD {
        let missing = missing_libraries(path)?;
        if !missing.is_empty() {
            return Err(format!("{path} does not find {}", missing.join(", ")).into());
        }
    }
    println!("lab: installed");
    Ok(())
}

/// `apt-get` that asks nothing.
pub(crate) fn apt(arguments: &[&str]) -> Command {
    let mut apt = command("apt-get", &["--quiet"]);
    apt.args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C");
    apt
}

fn version_file(name: &str) -> PathBuf {
    folder().join("roots").join(format!("{name}.version"))
}

fn unpack(archive: &Path, name: &str) -> Outcome {
    let target = root(name);
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    fs::create_dir_all(&target)?;
    quietly(Command::new("dpkg").arg("-x").arg(archive).arg(&target))?;
    fs::write(version_file(name), field(archive, "Version")?)?;
    Ok(())
}

fn field(archive: &Path, name: &str) -> Outcome<String> {
    let text = quietly(Command::new("dpkg").arg("-f").arg(archive).arg(name))?;
    Ok(text.trim().to_owned())
}

/// The libraries in a `Depends` field, each with the least version it asks for; of alternatives the first.
fn libraries(depends: &str) -> Vec<(String, Option<String>)> {
    depends
        .split(',')
        .filter_map(|item| {
            let first = item.split('|').next()?.trim();
            let mut words = first.split_whitespace();
            let name = words.next()?;
            let is_library = name.starts_with("lib") || name == "zlib1g";
            let at_least = first
                .split_once("(>=")
                .map(|(_, version)| version.trim_end_matches(')').trim().to_owned());
            is_library.then(|| (name.to_owned(), at_least))
        })
        .collect()
}

fn satisfied(library: &str, at_least: Option<&str>) -> bool {
    let query = quietly(&mut command(
        "dpkg-query",
        &["-W", "-f", "${db:Status-Status} ${Version}\n", library],
    ));
    let Ok(text) = query else { return false };
    let Some(have) = text
        .lines()
        .find_map(|line| line.strip_prefix("installed "))
    else {
        return false;
    };
    at_least.is_none_or(|least| {
        quietly(&mut command(
            "dpkg",
            &["--compare-versions", have, "ge", least],
        ))
        .is_ok()
    })
}

fn missing_libraries(path: &str) -> Outcome<Vec<String>> {
    let listing = quietly(Command::new("ldd").arg(folder().join("roots").join(path)))?;
    Ok(listing
        .lines()
        .filter(|line| line.contains("not found"))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_dependencies_only_libraries_are_taken() {
        let depends = "debconf (>= 0.5) | debconf-2.0, libc6 (>= 2.34), libwrap0 (>= 7.6-4~), adduser, zlib1g";
        assert_eq!(
            libraries(depends),
            [
                ("libc6".to_owned(), Some("2.34".to_owned())),
                ("libwrap0".to_owned(), Some("7.6-4~".to_owned())),
                ("zlib1g".to_owned(), None),
            ]
        );
    }
}
