//! Starts one server of each kind and a sick one, prints how to reach them, and stops at the end of its input.
//!
//! For trying a client by hand, whoever's it is:
//!
//! ```text
//! cargo run -p ftp-connect-testkit --example servers
//! ```

use std::io::Read as _;

use ftp_connect_testkit::Embedded;
use ftp_connect_testkit::ftp::{FtpFault, FtpSecurity, FtpServer};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let all = Embedded::start().await?;
    let sick = FtpServer::builder(FtpSecurity::Plain)
        .with_fault(FtpFault::PassiveBlocked)
        .start()
        .await?;
    let (user, password) = (all.plain.user(), all.plain.password());
    let mut lines = Vec::new();
    for (scheme, addr, what) in [
        ("ftp", all.plain.addr(), "in the clear"),
        ("ftpes", all.explicit.addr(), "explicit TLS"),
        ("ftps", all.implicit.addr(), "implicit TLS"),
        ("sftp", all.sftp.addr(), "SSH"),
        ("ftp", sick.addr(), "its passive ports lead nowhere"),
    ] {
        lines.push(format!("{scheme}://{user}:{password}@{addr}/  {what}"));
    }
    lines.push(format!("authority  {}", all.ca.pem_file().display()));
    lines.push(format!("host key   {}", all.sftp.host_key_sha256()));
    lines.push(format!("user key   {}", all.key.private_file().display()));
    lines.push(format!("folders    {}", all.plain.root().display()));
    // Not `println!`, which the lints keep out of libraries and their examples.
    std::io::Write::write_all(&mut std::io::stdout(), (lines.join("\n") + "\n").as_bytes())?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
