//! `doctor`: why it does not work, and with which parameters it does.

use ftp_connect::{
    Error, ErrorKind,
    doctor::{self, Diagnosis, ExamineOptions, Finding, Verdict},
};
use serde_json::json;

use super::Outcome;
use crate::{
    args::Connection,
    connection,
    output::{Failure, Output, fitted, one_line},
};

pub(super) async fn doctor(
    url: Option<&str>,
    clear_login: bool,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let (params, folder) = connection::examined(url, options)
        .await
        .map_err(Failure::connecting)?;
    let how = ExamineOptions::default()
        .with_danger_clear_login(clear_login)
        .with_folder(folder);
    let mut broken = Ok(());
    let diagnosis = {
        let mut tell = |finding: &Finding| {
            if broken.is_ok() {
                broken = print(finding, output);
            }
        };
        doctor::examine(&ftp_connect::registry(), &params, &how, &mut tell).await
    };
    broken?;
    conclude(&diagnosis, output)
}

fn print(finding: &Finding, output: &Output) -> std::io::Result<()> {
    let mark = match finding.verdict {
        Verdict::Good => "ok",
        Verdict::Note => "note",
        Verdict::Bad => "BAD",
        _ => "skip",
    };
    let summary = one_line(&finding.summary);
    let line = format!("{mark:<5}{:<18}{summary}", finding.check);
    output.line(fitted(&line, 23))?;
    for line in &finding.evidence {
        output.line(fitted(&format!("{:23}{}", "", one_line(line)), 23))?;
    }
    Ok(())
}

fn conclude(diagnosis: &Diagnosis, output: &mut Output) -> Outcome {
    let works = diagnosis.works().map(|params| {
        json!({
            "command_line": doctor::command_line(params),
            "text": doctor::text_file(params),
            "rust": doctor::rust_code(params),
        })
    });
    output.field("findings", &diagnosis.findings);
    output.field("cause", diagnosis.cause());
    output.field("advice", diagnosis.advice());
    output.field("works", works);
    if let Some(params) = diagnosis.works() {
        output.line(match diagnosis.is_well() {
            true => "\nIt works. As a command line:\n",
            false => "\nIt works so. As a command line:\n",
        })?;
        output.line(doctor::command_line(params))?;
        output.line("\nAs a file for --params:\n")?;
        output.line(doctor::text_file(params).trim_end())?;
        output.line("\nAs Rust code:\n")?;
        output.line(doctor::rust_code(params))?;
        if let Some(advice) = diagnosis.advice() {
            output.line(format!("\nTo do: {advice}"))?;
        }
        return Ok(());
    }
    let worst = diagnosis.findings.iter().rev();
    let worst = worst
        .clone()
        .find(|finding| finding.verdict == Verdict::Bad);
    let decisive = worst.or_else(|| diagnosis.findings.last());
    let message = decisive.map_or_else(String::new, |finding| {
        format!("{}: {}", finding.check, one_line(&finding.summary))
    });
    let hint = diagnosis
        .advice()
        .unwrap_or("the findings say what was seen");
    Err(Failure::operation(
        Error::new(ErrorKind::Refused)
            .with_message(message)
            .with_hint(hint),
    ))
}
