//! Tells one alert after the other, in every way that the owner wants.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use ::agent::earn::Alert;
use serde::Serialize;

use super::Order;
use crate::output::Output;

/// How long each way may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time between two looks whether a program has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What a program and an address are told.
#[derive(Debug, Serialize)]
struct Document<'a> {
    version: u32,
    /// It, in one line.
    text: &'a str,
    alert: &'a Alert,
}

pub(super) fn serve(orders: &Receiver<Order>, output: Output) {
    while let Ok(order) = orders.recv() {
        for problem in deliver(&order, PATIENCE) {
            output.say(&problem);
        }
    }
}

/// Tells an alert in every way that the owner wants; returns what did not work.
fn deliver(order: &Order, patience: Duration) -> Vec<String> {
    let Order { alert, text, wanted } = order;
    let document = Document { version: 1, text, alert };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut problems = Vec::new();
    if wanted.desktop {
        let mut command = Command::new("notify-send");
        command.args(["--app-name=gleaner", "Gleaner", &without_markup(text)]);
        // Without a desktop there is nobody to show it to.
        if let Err(error) = finish(command, &[], patience) {
            tracing::debug!("notify-send: {error}");
        }
    }
    if let [program, args @ ..] = &wanted.command[..] {
        let mut command = Command::new(program);
        command.args(args).arg(text).env("GLEANER_ALERT", text);
        if let Err(error) = finish(command, &body, patience) {
            problems.push(format!("alerts.command {program}: {error}"));
        }
    }
    if !wanted.webhook.is_empty()
        && let Err(error) = send(&wanted.webhook, body, patience)
    {
        problems.push(format!("alerts.webhook: {error:#}"));
    }
    problems
}

/// A desktop takes the text of a notification as markup, and projects choose their names: a link or an image in one is shown as written.
fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Runs a program with `input`, and kills it when its time is over.
fn finish(mut command: Command, input: &[u8], patience: Duration) -> Result<(), String> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("it can't be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // Shorter than a pipe holds, so this does not wait; who does not read it does not want it.
        let _unread = stdin.write_all(input);
    }
    let mut left = patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(status.to_string()),
            Ok(None) if !left.is_zero() => {}
            Ok(None) => {
                // It is gone if it can't be killed.
                let _gone = child.kill();
                let _status = child.wait();
                return Err(format!("it took more than {} s, and was killed", patience.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
        let pause = LOOK.min(left);
        std::thread::sleep(pause);
        left -= pause;
    }
}

/// Sends a document to an address.
fn send(url: &str, body: Vec<u8>, patience: Duration) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(ledger_client::post(url, body, patience))?;
    // A name that is looked up in a thread may take longer than anybody waits.
    runtime.shutdown_background();
    anyhow::ensure!((200..300).contains(&status), "the address answered {status}");
    Ok(())
}

#[cfg(test)]
mod tests;
