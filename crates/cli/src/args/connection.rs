//! The options of the connection, which every command has that makes one.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// The options of every command that connects.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// How to secure the connection: label, short name (none, explicit-tls, implicit-tls,
    /// ssh-password, ssh-key-file, ssh-key-content, explicit-tls-reuse) or number (0 to 5, -2).
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub encryption: Option<String>,
    /// Who opens data connections: active, passive or dynamic (FTP only).
    #[arg(long)]
    pub mode: Option<String>,
    /// Ways to data connections that may be tried, such as pasv or epsv,pasv [default: those of the
    /// mode] (FTP only).
    #[arg(long, value_name = "LIST")]
    pub data_methods: Option<String>,
    /// How folders are listed: auto, mlsd, list, nlst or stat (FTP only).
    #[arg(long, value_name = "COMMAND")]
    pub list_command: Option<String>,
    /// Send commands together without waiting for each answer: auto (to servers known to bear it), on
    /// or off (FTP only).
    #[arg(long, value_name = "WHEN")]
    pub pipelining: Option<String>,
    /// Seconds between signs of life on the control connection during a transfer; none by default
    /// (FTP only).
    #[arg(long, value_name = "SECONDS")]
    pub control_keep_alive: Option<String>,
    /// Charset in which names are shown and typed, such as utf-8, latin1 or shift_jis [default: utf-8].
    #[arg(long, value_name = "LABEL")]
    pub encoding: Option<String>,
    /// User name; none is an anonymous login on FTP.
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// File with the password in its first line. Otherwise that of the URL, FTP_CONNECT_PASSWORD or
    /// ~/.netrc is used, or it is asked for on the terminal.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// File with the account that some FTP servers want beside the password, in its first line.
    /// Otherwise FTP_CONNECT_ACCOUNT is used.
    #[arg(long, value_name = "FILE")]
    pub account_file: Option<PathBuf>,
    /// Proxy to go through, control and data: socks5://[user:password@]host[:port] or http://….
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// Where passive data connections go: peer (the server itself) or advertised (the address in its
    /// reply to PASV) [default: peer].
    #[arg(long, value_name = "RULE")]
    pub passive_address: Option<String>,
    /// Local address on which active data connections are listened for.
    #[arg(long, value_name = "ADDRESS")]
    pub active_address: Option<String>,
    /// Local ports for that, such as 50000-50100.
    #[arg(long, value_name = "PORTS")]
    pub active_ports: Option<String>,
    /// Address told to the server for that, where a router forwards it.
    #[arg(long, value_name = "ADDRESS")]
    pub active_external_address: Option<String>,
    /// File in which what is learnt about servers is kept: read if it is there, written afterwards.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// File with the SSH private key; FTP_CONNECT_KEY_PASSPHRASE or the password opens it.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Try the keys of the SSH agent; with --key and a public key, only that one.
    #[arg(long)]
    pub agent: bool,
    /// Format of the host-key hash: MD5, SHA1 or SHA256.
    #[arg(long, value_name = "TYPE")]
    pub fingerprint_type: Option<String>,
    /// Host-key hashes of which one must match, separated by commas or line ends.
    #[arg(long, value_name = "LIST")]
    pub allowed_fingerprints: Option<String>,
    /// What known hosts are for when no hash is allowed: strict, accept-new or off [default:
    /// accept-new].
    #[arg(long, value_name = "POLICY")]
    pub known_hosts: Option<String>,
    /// Known-hosts file [default: ~/.ssh/known_hosts].
    #[arg(long, value_name = "FILE")]
    pub known_hosts_file: Option<String>,
    /// PEM file with more certificate authorities.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<String>,
    /// Accept the certificate with this SHA-256 and no other; can be given more than once.
    #[arg(long, value_name = "HASH")]
    pub pin_sha256: Vec<String>,
    /// Accept any certificate: whoever is in between can read and change everything.
    #[arg(long)]
    pub danger_accept_any_certificate: bool,
    /// File with the client's TLS certificate: PEM, or PKCS #12 with the key in it.
    /// FTP_CONNECT_KEY_PASSPHRASE or the password opens what is encrypted.
    #[arg(long, value_name = "FILE")]
    pub client_certificate: Option<String>,
    /// File with the key of the client's TLS certificate, if it is another.
    #[arg(long, value_name = "FILE")]
    pub client_key: Option<String>,
    /// Leave files and listings in the clear (PROT C): others can read and change them.
    #[arg(long)]
    pub danger_clear_data: bool,
    /// Leave TLS on the control connection after logging in (CCC), for firewalls that read along:
    /// others can do so too, and give commands.
    #[arg(long)]
    pub danger_clear_command_channel: bool,
    /// Least TLS version: 1.2 or 1.3; with --legacy also 1.0 or 1.1.
    #[arg(long, value_name = "VERSION")]
    pub tls_min: Option<String>,
    /// Greatest TLS version, likewise.
    #[arg(long, value_name = "VERSION")]
    pub tls_max: Option<String>,
    /// Let a server that has nothing better use algorithms, versions and keys that are not safe any
    /// more.
    #[arg(long)]
    pub legacy: bool,
    /// Go through this SSH server: user@host:port, several one after the other with commas between, or an
    /// sftp:// URL with what is its own (SFTP only). The key is used there too, the password never.
    #[arg(long, value_name = "HOST")]
    pub jump: Option<String>,
    /// Seconds after which an idle connection is probed, by TCP and SSH; not by default.
    #[arg(long, value_name = "SECONDS")]
    pub keep_alive: Option<String>,
    /// How many probes of SSH may stay without an answer [default: 3].
    #[arg(long, value_name = "COUNT")]
    pub keep_alive_count: Option<String>,
    /// Agree on new SSH keys after so many bytes in one direction; 1 GiB is the most (SFTP only).
    #[arg(long, value_name = "BYTES")]
    pub rekey_bytes: Option<String>,
    /// Resume the TLS session on data connections: prefer, require or never.
    #[arg(long, value_name = "POLICY")]
    pub session_reuse: Option<String>,
    /// File in which @NAME is looked up, TOML [default: ~/.config/ftp-connect/config.toml].
    #[arg(long, value_name = "FILE", env = "FTP_CONNECT_CONFIG")]
    pub config: Option<PathBuf>,
    /// File in the form of OpenSSH's, of which HostName, Port, User, IdentityFile and ProxyJump count;
    /// none reads none [default: ~/.ssh/config] (SFTP only).
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,
    /// File with parameters, one `Label: value` a line, or JSON.
    #[arg(long, value_name = "FILE")]
    pub params: Option<PathBuf>,
    /// Seconds until a connection must stand.
    #[arg(long, value_name = "SECONDS")]
    pub connect_timeout: Option<String>,
    /// Seconds until a reply, a data connection or the next byte of a transfer must have come.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<String>,
    /// Seconds to wait for a server that does not end its side of a TLS connection [default: 2].
    #[arg(long, value_name = "SECONDS")]
    pub close_timeout: Option<String>,
    /// JSON on standard output: one document, or lines of events where many files are transferred.
    #[arg(long)]
    pub json: bool,
    /// Show what happens; -vv shows the conversation, without passwords.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}
