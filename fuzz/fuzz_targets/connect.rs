//! The flow that connects, with whatever a server says: it ends or waits, sends one line at a time, and no name or
//! password before TLS where TLS is asked for.

#![no_main]

use ftp_connect_ftp_proto::{
    Argument, Control, Limits,
    flow::{Connect, Flow, LoginRequest, Protection, Step},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((options, stream)) = data.split_first() else {
        return;
    };
    let protection = match options & 3 {
        0 => Protection::Clear,
        1 => Protection::Implicit,
        _ => Protection::Explicit,
    };
    let argument = |text: &str| Argument::new(text).expect("a plain word");
    let mut request = LoginRequest::new(protection, argument("ada"), argument("secret"))
        .with_utf8(options & 4 == 0)
        .with_clear_data(options & 8 != 0)
        .with_clear_command_channel(options & 16 != 0);
    if options & 32 != 0 {
        request = request.with_account(argument("books"));
    }
    connect(Connect::new(request), protection, stream);
});

fn connect(mut flow: Connect, protection: Protection, stream: &[u8]) {
    let mut control = Control::new(Limits::default());
    let mut secured = protection == Protection::Implicit;
    let mut chunks = stream.chunks(5);
    // A flow asks for input for each reply, and a reply has a byte at least.
    for _ in 0..100 + 20 * stream.len() {
        match flow.step() {
            Step::Send(command) => {
                let mut line = Vec::new();
                command.encode(&mut line);
                assert!(line.ends_with(b"\r\n"));
                assert!(
                    !line[..line.len() - 2]
                        .iter()
                        .any(|byte| b"\r\n\0".contains(byte))
                );
                let is_secret = line.starts_with(b"USER")
                    || line.starts_with(b"PASS")
                    || line.starts_with(b"ACCT");
                assert!(secured || protection == Protection::Clear || !is_secret);
                control.send(&command);
                control.written(line.len());
            }
            Step::NeedInput => match control.next_reply() {
                Ok(Some(reply)) => flow.reply(reply),
                Ok(None) => match chunks.next() {
                    Some(chunk) => control.received(chunk),
                    None => return,
                },
                Err(_) => return,
            },
            Step::SecureControl => {
                if control.secure().is_err() {
                    return;
                }
                secured = true;
                flow.secured();
            }
            Step::ClearControl => flow.cleared(),
            Step::Done(login) => {
                assert!(login.greeting.is_completion());
                return;
            }
            Step::Failed(_) => return,
            step => panic!("{step:?} has no place in a login"),
        }
    }
    panic!("the flow turns in circles");
}
