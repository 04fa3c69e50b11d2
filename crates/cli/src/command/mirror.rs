//! `mirror` and `sync`: folders made equal, at once or by a plan that is kept.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use ftp_connect::{
    RemotePath,
    transfer::mirror::{ApplyOptions, Direction, Mirror, MirrorEvent, Plan, Step, Summary},
};
use serde_json::json;

use super::{
    Open, Outcome, Pooled,
    copying::{Tally, Way},
    usage,
};
use crate::{
    args::{Connection, Mirroring, Sync, Transfer},
    connection,
    output::{Failure, Output, one_line, size},
    progress::patiently,
};

pub(super) async fn mirror(
    sides: (&str, &str),
    dry_run: bool,
    mirroring: &Mirroring,
    transfer: &Transfer,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let (pooled, mirror) = begin(sides, mirroring, transfer, options, output).await?;
    output.begin_events();
    if dry_run {
        let plan = planned(&pooled, &mirror, output).await?;
        show(&plan, &pooled, output)?;
        pooled.leave(output).await;
        return Ok(());
    }
    let mut tally = Tally::new(way(mirror.direction), output);
    let more = carry_out(&pooled, &mirror, &apply(transfer), &mut tally, output).await?;
    pooled.leave(output).await;
    tally.end(&more, output)
}

pub(super) async fn sync(sync: Sync, output: &mut Output) -> Outcome {
    match sync {
        Sync::Plan {
            from,
            to,
            out,
            mirroring,
            transfer,
            connection,
        } => {
            if out.is_none() && output.is_json() {
                return Err(usage(
                    "the plan and --json both want standard output",
                    "give the plan a file by --out",
                ));
            }
            let sides = (from.as_str(), to.as_str());
            let (pooled, mirror) = begin(sides, &mirroring, &transfer, &connection, output).await?;
            let plan = planned(&pooled, &mirror, output).await?;
            let text = plan.to_json()? + "\n";
            match &out {
                None => output.line(text.trim_end())?,
                Some(file) => {
                    std::fs::write(file, text).map_err(|error| not_written(file, &error))?;
                    numbers(&plan, output);
                    output.line(format!("{} in {}", outline(&plan), file.display()))?;
                }
            }
            pooled.leave(output).await;
            Ok(())
        }
        Sync::Apply {
            plan,
            url,
            transfer,
            connection,
        } => apply_plan(&plan, url.as_deref(), &transfer, &connection, output).await,
    }
}

async fn apply_plan(
    file: &Path,
    url: Option<&str>,
    transfer: &Transfer,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let text = connection::read(file).map_err(Failure::connecting)?;
    let plan = Plan::from_json(&text).map_err(Failure::connecting)?;
    let open = Open::new(url, options, output).await?;
    let pooled = open.into_pool(transfer.pool());
    output.begin_events();
    let mut journal = file.as_os_str().to_owned();
    journal.push(".journal");
    let options = apply(transfer).with_journal(PathBuf::from(journal));
    let mut tally = Tally::new(way(plan.direction), output);
    let more = applied(&pooled, &plan, &options, &mut tally, output).await?;
    pooled.leave(output).await;
    tally.end(&more, output)
}

/// Connects, and makes a mirror of the two sides.
async fn begin(
    (from, to): (&str, &str),
    mirroring: &Mirroring,
    transfer: &Transfer,
    options: &Connection,
    output: &Output,
) -> Result<(Pooled, Mirror), Failure> {
    let is_url = |text: &str| text.contains("://") || text.starts_with('@');
    let (local, url, direction) = match (is_url(from), is_url(to)) {
        (false, true) => (from, to, Direction::Upload),
        (true, false) => (to, from, Direction::Download),
        _ => {
            return Err(usage(
                "one side is a local folder, and the other a URL",
                "write mirror LOCAL/ URL, or mirror URL LOCAL/",
            ));
        }
    };
    if direction == Direction::Upload
        && let Err(error) = std::fs::read_dir(local)
    {
        return Err(usage(
            &format!("local folder {local}: {error}"),
            "check the path and its permissions",
        ));
    }
    // Patterns that cannot be meant are told before anybody is bothered.
    let nowhere = RemotePath::login_folder();
    let draft = mirroring
        .applied_to(Mirror::upload(local, nowhere))
        .map_err(Failure::connecting)?;
    let open = Open::to_list(Some(url), options, output).await?;
    let pooled = open.into_pool(transfer.pool());
    let path = pooled.path.clone();
    let mut mirror = match direction {
        Direction::Upload => Mirror::upload(local, path),
        Direction::Download => Mirror::download(path, local),
    };
    mirror = mirror
        .with_encoding(pooled.params.encoding())
        .with_filter(draft.filter)
        .with_compare(draft.compare)
        .with_delete(draft.delete)
        .with_links(draft.links);
    Ok((pooled, mirror))
}

fn apply(transfer: &Transfer) -> ApplyOptions {
    let options = ApplyOptions::default();
    let how = transfer.options(options.transfer.clone());
    options
        .with_transfer(how)
        .with_parallel(transfer.parallel())
}

fn way(direction: Direction) -> Way {
    match direction {
        Direction::Upload => Way::Up,
        Direction::Download => Way::Down,
    }
}

/// Plans and does it; what was done beside copying, in words.
pub(super) async fn carry_out(
    pooled: &Pooled,
    mirror: &Mirror,
    options: &ApplyOptions,
    tally: &mut Tally,
    output: &mut Output,
) -> Result<Vec<String>, Failure> {
    let plan = planned(pooled, mirror, output).await?;
    applied(pooled, &plan, options, tally, output).await
}

async fn planned(pooled: &Pooled, mirror: &Mirror, output: &Output) -> Result<Plan, Failure> {
    let plan = patiently("comparing both sides …", output, mirror.plan(&pooled.pool)).await?;
    for left_out in &plan.left_out {
        let name = pooled.show(&left_out.path);
        output.event("left-out", json!(left_out))?;
        output.warn(&format!("{name} is left out: {}", left_out.detail));
    }
    if plan.delete_refused {
        output.warn("nothing is removed: the source could not be listed whole");
    }
    Ok(plan)
}

async fn applied(
    pooled: &Pooled,
    plan: &Plan,
    options: &ApplyOptions,
    tally: &mut Tally,
    output: &mut Output,
) -> Result<Vec<String>, Failure> {
    let mut broken = Ok(());
    let summary = {
        let mut tell = |event: &MirrorEvent| {
            if broken.is_ok() {
                broken = told(event, pooled, tally, output);
            }
        };
        plan.apply(&pooled.pool, options, &mut tell).await?
    };
    broken?;
    output.field("folders", summary.folders);
    output.field("links", summary.links);
    output.field("removed", summary.removed);
    output.field("unchanged", plan.unchanged);
    output.field("left_out", &plan.left_out);
    output.field("verified", summary.verified);
    if summary.removal_skipped {
        output.warn("nothing was removed, because something failed before");
    }
    Ok(beside(&summary, plan))
}

fn told(
    event: &MirrorEvent,
    pooled: &Pooled,
    tally: &mut Tally,
    output: &Output,
) -> std::io::Result<()> {
    match event {
        MirrorEvent::Moved { path, overall, .. } => {
            tally.moved(&pooled.show(path), *overall, output);
            Ok(())
        }
        MirrorEvent::Copied {
            path,
            outcome,
            overall,
        } => {
            let name = pooled.show(path);
            tally.moved(&name, *overall, output);
            tally.copied(&name, outcome, output)
        }
        MirrorEvent::Done(step) => {
            output.event("done", json!(step))?;
            tally.line(words(step, pooled, false), output)
        }
        MirrorEvent::Failed { path, error } => {
            tally.failed(&pooled.show(path), Arc::clone(error), output)
        }
        _ => Ok(()),
    }
}

fn words(step: &Step, pooled: &Pooled, planned: bool) -> String {
    let name = match step.path().is_empty() {
        true => "the target folder".to_owned(),
        false => pooled.show(step.path()),
    };
    let (would, did) = match step {
        Step::CreateDir { .. } => ("create", "created"),
        Step::Copy { .. } => ("copy", "copied"),
        Step::Link { .. } => ("link", "linked"),
        Step::Remove { .. } => ("remove", "removed"),
        _ => ("remove folder", "removed"),
    };
    let size = match step {
        Step::Copy {
            size: Some(bytes), ..
        } => format!(", {}", size(*bytes)),
        _ => String::new(),
    };
    match planned {
        true => format!("would {would} {name}{size}"),
        false => format!("{did} {name}{size}"),
    }
}

fn beside(summary: &Summary, plan: &Plan) -> Vec<String> {
    let mut parts = Vec::new();
    for (count, one, many) in [
        (summary.folders, "folder created", "folders created"),
        (summary.links, "link made", "links made"),
        (summary.removed, "removed", "removed"),
        (summary.done_before, "done before", "done before"),
        (plan.unchanged, "unchanged", "unchanged"),
    ] {
        match count {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            _ => parts.push(format!("{count} {many}")),
        }
    }
    parts
}

fn show(plan: &Plan, pooled: &Pooled, output: &mut Output) -> std::io::Result<()> {
    for step in &plan.steps {
        output.event("would", json!(step))?;
        output.line(one_line(&words(step, pooled, true)))?;
    }
    numbers(plan, output);
    output.line(format!("{}; nothing was done", outline(plan)))
}

fn numbers(plan: &Plan, output: &mut Output) {
    output.field("steps", plan.steps.len());
    output.field("files", plan.files());
    output.field("bytes", plan.bytes());
    output.field("unchanged", plan.unchanged);
    output.field("left_out", &plan.left_out);
}

fn outline(plan: &Plan) -> String {
    format!(
        "{} steps, of these {} files to copy, {}; {} unchanged",
        plan.steps.len(),
        plan.files(),
        size(plan.bytes()),
        plan.unchanged
    )
}

fn not_written(file: &Path, error: &std::io::Error) -> Failure {
    usage(
        &format!("{}: {error}", file.display()),
        "check the path and its permissions",
    )
}
