//! `gleaner status`, `why`, `pause`, `resume`: what an owner asks the agent.

use std::io;
use std::path::{Path, PathBuf};

use ::agent::earn::rounded;
use ::agent::{Activity, EarnedSums, Missing, Offer, Reason, Request, Status, missing};
use anyhow::Context as _;
use serde::Serialize;

use super::folders::Folders;
use super::{channel, lines, read_limits};
use crate::failure::Hint as _;
use crate::output::Output;

/// Flags of `gleaner pause`.
#[derive(Debug, clap::Args)]
pub(crate) struct PauseArgs {
    /// For how long, as 90s, 30m, 1h or 2d [default: until `gleaner resume`]
    #[arg(value_name = "DURATION", value_parser = parse_seconds)]
    seconds: Option<u32>,
}

/// Keys of `gleaner why --json`.
#[derive(Serialize)]
struct WhyDocument<'a> {
    activity: Activity,
    /// Seconds since when.
    for_seconds: u64,
    text: &'a str,
    note: Option<&'a str>,
    notices: &'a [String],
    reasons: &'a [Reason],
}

/// Prints how the agent is.
///
/// # Errors
/// When none runs.
pub(crate) fn status(output: &Output) -> anyhow::Result<()> {
    ask(Request::Status, output)
}

/// Pauses the agent.
///
/// # Errors
/// When none runs.
pub(crate) fn pause(args: &PauseArgs, output: &Output) -> anyhow::Result<()> {
    ask(Request::Pause { seconds: args.seconds }, output)
}

/// Ends a pause.
///
/// # Errors
/// When no agent runs.
pub(crate) fn resume(output: &Output) -> anyhow::Result<()> {
    ask(Request::Resume, output)
}

/// Asks something and prints how the agent is then.
///
/// # Errors
/// When none runs.
pub(super) fn ask(request: Request, output: &Output) -> anyhow::Result<()> {
    let status = answered(request)?;
    output.print(&status, &status_text(&status))
}

/// Prints why the worker runs or not, with the evidence.
///
/// # Errors
/// When no agent runs.
pub(crate) fn why(output: &Output) -> anyhow::Result<()> {
    let status = answered(Request::Status)?;
    let decision = &status.decision;
    let document = WhyDocument {
        activity: decision.activity,
        for_seconds: decision.at.since(decision.since) / 1_000,
        text: &status.text,
        note: decision.note.as_deref(),
        notices: &status.notices,
        reasons: &decision.reasons,
    };
    output.print(&document, &why_text(&status))
}

/// Returns the settings by which the agent works that runs with a file of limits, if there is one.
pub(super) fn limits_of(file: &Path) -> Option<Vec<(String, String)>> {
    let path = socket().ok()?;
    let mut status = channel::ask(&path, Request::Status).ok()?;
    let status: Status = serde_json::from_value(status["status"].take()).ok()?;
    if Path::new(&status.config) != file {
        return None;
    }
    let answer = channel::ask(&path, Request::Limits).ok()?;
    let text = |value: &serde_json::Value| Some(value.as_str()?.to_owned());
    let settings = answer["settings"].as_array()?.iter();
    settings.map(|one| Some((text(&one["key"])?, text(&one["value"])?))).collect()
}

/// Returns the socket of the owner's agent, or of that of the machine.
fn socket() -> anyhow::Result<PathBuf> {
    let found = Folders::find()?.sockets()?;
    // Where none is, the usual one is named.
    let present = found.iter().find(|path| path.exists()).or(found.first());
    present.cloned().context("there is no folder for the socket")
}

/// Asks the owner's agent, or that of the machine.
fn answered(request: Request) -> anyhow::Result<Status> {
    let path = socket()?;
    let asked = channel::ask(&path, request);
    let is_late = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
    };
    let hint = match &asked {
        Err(error) if is_late(error) => {
            "it is there, but busy or stopped: try again; if that does not help, kill it and start it again".to_owned()
        }
        _ => absence()?,
    };
    let mut answer =
        asked.with_context(|| format!("no agent answers at {}", path.display())).hint(hint)?;
    if answer["answer"] == "status" {
        let status = serde_json::from_value(answer["status"].take());
        return status
            .context("the agent is of another version than this program")
            .hint("restart it");
    }
    let text = answer["text"].as_str().unwrap_or("it gave no reason").to_owned();
    Err(anyhow::anyhow!("the agent refused: {text}"))
}

/// Says why no agent may run, and what starts one.
fn absence() -> anyhow::Result<String> {
    // As a service it can only tell the journal that it does not start.
    let refused = read_limits(&Folders::find()?.config).err();
    Ok(refused.map_or_else(
        || {
            "gleaner install --account ADDRESS, or gleaner agent --account ADDRESS in a terminal; \
             if it is installed: systemctl --user status gleaner-agent"
                .to_owned()
        },
        |error| format!("none starts before this is mended: {error:#}"),
    ))
}

/// Returns how the agent of this machine is, if one runs.
pub(crate) fn present() -> Option<Status> {
    answered(Request::Status).ok()
}

fn status_text(status: &Status) -> String {
    let Status { decision, worker, .. } = status;
    let worker_words = match (worker.process, &worker.last_line) {
        (Some(process), Some(line)) => format!("process {process}: {line}"),
        (Some(process), None) => format!("process {process}"),
        (None, _) => "does not run".to_owned(),
    };
    let policy =
        status.policy_version.map(|version| format!(", and policy {version} of the account"));
    let limits = status.config.clone() + &policy.unwrap_or_default();
    let mut rows = vec![
        ("agent", status.text.clone()),
        ("for", duration(decision.at.since(decision.since) / 1_000)),
        ("worker", worker_words),
        ("paid", status.account.clone()),
        ("limits", limits),
    ];
    rows.extend(status.offer.as_ref().map(|offer| ("work", offer_text(offer))));
    for notice in &status.notices {
        let lines = notice.lines().filter(|line| !line.trim().is_empty());
        let names = std::iter::once("notice").chain(std::iter::repeat(""));
        rows.extend(names.zip(lines.map(str::to_owned)));
    }
    rows.extend(status.milliwatts.map(|power| ("power", format!("{} W", power / 1_000))));
    if let Some(currency) = &status.earned.currency {
        rows.push(("today", earned_text(&status.earned.today, currency)));
        rows.push(("in all", earned_text(&status.earned.total, currency)));
    }
    rows.extend(status.page.clone().map(|page| ("page", page)));
    for Missing { what, reason, grant } in missing(&status.protections) {
        rows.extend(what.into_iter().map(|what| ("missing", what)));
        rows.extend(reason.map(|reason| ("", format!("because {reason}"))));
        rows.push(("", format!("to grant it: {grant}")));
    }
    lines(&rows)
}

/// Says what the owner is left with.
fn earned_text(sums: &EarnedSums, currency: &str) -> String {
    let amount = |money: Option<::agent::limits::Money>| money.unwrap_or_default().to_string();
    let mark = if sums.estimated_joules == 0 { "" } else { " (partly estimated)" };
    format!(
        "{} {currency}: {} paid, {} for energy{mark}",
        amount(sums.net),
        amount(sums.gross),
        amount(sums.energy)
    )
}

/// Says what an hour pays and costs.
fn offer_text(offer: &Offer) -> String {
    let mut text = format!("{}: about {} GRAIN an hour", offer.project, rounded(offer.per_hour));
    if let Some(gross) = offer.gross_per_hour {
        text += &format!(", which is {gross}");
    }
    if let Some(energy) = offer.energy_per_hour {
        text += &format!(", for energy of {energy}");
    }
    text
}

fn why_text(status: &Status) -> String {
    let decision = &status.decision;
    let mut text =
        format!("{}\nfor {}", status.text, duration(decision.at.since(decision.since) / 1_000));
    if let Some(note) = &decision.note {
        text += &format!("\n{note}");
    }
    for notice in &status.notices {
        text += &format!("\n{}", notice.trim_end());
    }
    for reason in &decision.reasons {
        let age = duration(decision.at.since(reason.seen_at) / 1_000);
        let since = duration(decision.at.since(reason.since) / 1_000);
        text += &format!("\n\n- {}\n  allows:  {}", reason.text, name(reason.allows));
        text += &format!("\n  seen:    {age} ago by {}; so for {since}", reason.source);
        for change in &reason.change {
            let wait = change.seconds.map(|seconds| format!(" ({})", duration(seconds)));
            let setting = change.setting.as_ref().map(|key| format!(": set {key}"));
            let more = wait.or(setting).unwrap_or_default();
            text += &format!("\n  changes: {}{more}", change.text);
        }
    }
    text
}

fn name(activity: Activity) -> &'static str {
    match activity {
        Activity::Exited => "nothing: it ends",
        Activity::Released => "nothing, and no memory",
        Activity::Frozen => "memory, but no core",
        Activity::Gentle => "few cores",
        Activity::Full => "everything within the limits",
    }
}

/// Says a number of seconds.
fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Parses a duration such as `90s`, `1h` or `1h30m`, up to 30 days.
fn parse_seconds(text: &str) -> Result<u32, String> {
    let refuse =
        || format!("{text:?} is not a duration: write it as 90s, 30m, 1h, 1h30m or 2d, up to 30d");
    let (mut seconds, mut digits) = (0_u32, String::new());
    for letter in text.chars() {
        if letter.is_ascii_digit() && digits.len() < 7 {
            digits.push(letter);
            continue;
        }
        let unit = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(refuse()),
        };
        let count: u32 = digits.parse().map_err(|_| refuse())?;
        digits.clear();
        let part = count.checked_mul(unit).ok_or_else(refuse)?;
        seconds = seconds.checked_add(part).ok_or_else(refuse)?;
    }
    let is_whole = digits.is_empty() && (1..=30 * 86_400).contains(&seconds);
    if is_whole { Ok(seconds) } else { Err(refuse()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        let check = |text, seconds| assert_eq!(parse_seconds(text).unwrap(), seconds);
        check("90s", 90);
        check("1h", 3_600);
        check("1h30m", 5_400);
        check("30d", 30 * 86_400);
        for wrong in ["", "1", "h", "1w", "-1h", "31d", "0s", "99999999999h", "1h30"] {
            assert!(parse_seconds(wrong).unwrap_err().contains("1h30m"), "{wrong}");
        }
    }
}
