//! Keyboard-interactive logins (RFC 4256): the password answers what asks for it, a
//! [`Prompter`](ftp_connect_core::Prompter) the rest. Rounds without prompts, which OpenSSH sends after PAM, have
//! an empty answer.

use std::{sync::Arc, time::Duration};

use ftp_connect_core::{Challenge, Error, ErrorKind, Operation, Prompt, Prompter, Result, Secret};
use russh::client::{
    AuthResult, Handle, KeyboardInteractiveAuthResponse as Round, Prompt as Question,
};

use super::translate;
use crate::ssh::{Client, within};

/// Who answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answers<'p> {
    pub(super) password: Option<&'p Secret>,
    pub(super) prompter: Option<&'p Arc<dyn Prompter>>,
    /// How long the server may take for each round.
    pub(super) limit: Duration,
}

pub(super) async fn attempt(
    handle: &mut Handle<Client>,
    user: &str,
    who: Answers<'_>,
) -> Result<AuthResult> {
    let mut round = within(who.limit, Operation::Login, "login", async {
        let start = handle.authenticate_keyboard_interactive_start(user, None);
        start.await.map_err(translate)
    })
    .await?;
    let mut password = who.password;
    for _ in 0..MOST_ROUNDS {
        let (name, instructions, prompts) = match round {
            Round::Success => return Ok(AuthResult::Success),
            Round::Failure {
                remaining_methods,
                partial_success,
            } => {
                return Ok(AuthResult::Failure {
                    remaining_methods,
                    partial_success,
                });
            }
            Round::InfoRequest {
                name,
                instructions,
                prompts,
            } => (name, instructions, prompts),
        };
        let answers = answer(who, &mut password, &name, &instructions, &prompts).await?;
        round = within(who.limit, Operation::Login, "login", async {
            let respond = handle.authenticate_keyboard_interactive_respond(answers);
            respond.await.map_err(translate)
        })
        .await?;
    }
    Err(Error::new(ErrorKind::Protocol)
        .with_operation(Operation::Login)
        .with_message("the server keeps asking without end"))
}

/// One answer for each question of a round; the password is given once.
async fn answer(
    who: Answers<'_>,
    password: &mut Option<&Secret>,
    name: &str,
    instructions: &str,
    prompts: &[Question],
) -> Result<Vec<String>> {
    let only = prompts.len() == 1;
    let mut answers: Vec<Option<String>> = prompts
        .iter()
        .map(|prompt| {
            let wanted = asks_for_password(&prompt.prompt, prompt.echo, only);
            let password = wanted.then(|| password.take()).flatten();
            password.map(|password| password.expose().clone())
        })
        .collect();
    let open: Vec<Prompt> = prompts
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.is_none())
        .map(|(prompt, _)| Prompt::new(one_line(&prompt.prompt), prompt.echo))
        .collect();
    if let Some(first) = open.first() {
        let refused = Error::new(ErrorKind::LoginRefused).with_operation(Operation::Login);
        let Some(prompter) = who.prompter else {
            return Err(refused
                .with_message(format!(
                    "the server asks more than a password: {}",
                    first.text
                ))
                .with_hint(
                    "answer it in a terminal or by a prompter, log in with a key, or have the server ask for a \
                     password only",
                ));
        };
        let challenge = Challenge::new(one_line(name), lines(instructions), open);
        let asked = tokio::time::timeout(PATIENCE, prompter.answer(&challenge)).await;
        let asked = asked.ok().flatten();
        let Some(asked) = asked.filter(|asked| asked.len() == challenge.prompts.len()) else {
            return Err(refused.with_message("the server's question was not answered"));
        };
        let mut asked = asked.iter();
        for place in answers.iter_mut().filter(|answer| answer.is_none()) {
            *place = asked.next().map(|secret| secret.expose().clone());
        }
    }
    Ok(answers.into_iter().map(Option::unwrap_or_default).collect())
}

/// Whether a prompt is for the password that one logs in with: it hides the answer, and it says so, or it
/// is the only one and says nothing else.
fn asks_for_password(prompt: &str, echo: bool, only: bool) -> bool {
    let prompt = prompt.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| prompt.contains(word));
    if echo || has(OTHERS) {
        return false;
    }
    has(PASSWORD) || only
}

fn one_line(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    text.trim().chars().take(MOST_LETTERS).collect()
}

fn lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().take(40).map(one_line).collect();
    lines.join("\n").trim().to_owned()
}

/// What asks for something else than the password, though it hides the answer: codes, and a new password.
const OTHERS: &[&str] = &[
    "code",
    "token",
    "otp",
    "one-time",
    "one time",
    "verification",
    "passcode",
    "pin:",
    "pin ",
    "new password",
    "new unix password",
    "retype",
    "again",
];

const PASSWORD: &[&str] = &[
    "password",
    "passwort",
    "kennwort",
    "mot de passe",
    "contrase",
    "senha",
    "пароль",
    "密码",
];

/// Password, code, an empty round, and some for servers that talk.
const MOST_ROUNDS: usize = 8;

/// How long a person may take; servers hang up earlier, OpenSSH after two minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// The longest prompt that is shown.
const MOST_LETTERS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prompt: &str, echo: bool, only: bool, expected: bool) {
        assert_eq!(asks_for_password(prompt, echo, only), expected, "{prompt}");
    }

    #[test]
    fn a_password_is_told_from_a_code() {
        check("Password: ", false, true, true);
        check("ada@host's password:", false, false, true);
        check("Passwort:", false, false, true);
        check("", false, true, true);
        check("Enter response:", false, true, true);
        check("Enter response:", false, false, false);
        check("Password: ", true, true, false);
        check("Verification code: ", false, true, false);
        check("One-time password (OATH): ", false, true, false);
        check("Enter PIN: ", false, true, false);
        check("New password: ", false, true, false);
        check("Retype new password: ", false, true, false);
        check("(current) UNIX password: ", false, true, true);
    }

    #[test]
    fn what_is_shown_is_one_line_and_bounded() {
        assert_eq!(one_line(" a\x1b[31m\r\nb "), "a [31m  b");
        assert_eq!(one_line(&"x".repeat(5000)).len(), MOST_LETTERS);
        assert_eq!(lines("a\nb\x07c\n\n"), "a\nb c");
    }
}
