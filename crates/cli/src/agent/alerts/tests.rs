use ::agent::earn::{Ending, Scheduled};
use units::Wei;

use super::*;

pub(super) fn wanted(command: &[&str], webhook: &str) -> Wanted {
    let command = command.iter().map(|&word| word.to_owned()).collect();
    Wanted { desktop: false, command, webhook: webhook.to_owned(), reward_percent: 20 }
}

/// Alerts whose orders come back, without a thread.
fn over(remembered: Remembered, wanted: &Wanted) -> (Alerts, Receiver<Order>) {
    let (orders, received) = mpsc::sync_channel(WAITING_MAX);
    let (_, outcomes) = mpsc::channel();
    (Alerts::over((orders, outcomes), remembered, wanted, &Output::new(false)), received)
}

#[test]
fn small_changes_add_up_projects_are_not_mixed_up_and_too_many_are_not_told() {
    let wanted = wanted(&[], "");
    let (mut alerts, received) = over(Remembered::default(), &wanted);
    let terms = |project: &str, per_hour| Some((project.to_owned(), Wei::new(per_hour)));
    let mut look = |seconds: u64, terms| {
        alerts.look(Milliseconds(seconds * 1_000), (0, None), terms, &wanted);
        received.try_iter().map(|order| order.text).collect::<Vec<_>>()
    };
    assert_eq!(look(0, terms("project 1", 100)), [""; 0]);
    assert_eq!(look(1, terms("project 2", 500)), [""; 0]);
    assert_eq!(look(2, terms("project 1", 110)), [""; 0]);
    assert_eq!(look(3, terms("project 1", 121)), ["project 1 pays 21 % more"]);
    assert_eq!(look(4, terms("project 1", 125)), [""; 0]);
    let mut pay = 125;
    for second in 5..20 {
        pay *= 2;
        let told = look(second, terms("project 1", pay));
        assert_eq!(told.is_empty(), 10 <= second, "{second}: {told:?}");
    }
    // Money is not in the way of what matters more, and the next alert says how many were not told.
    let now = Milliseconds(20_000);
    alerts.stand(now, ("project-2", "project 2"), Standing::Dropped, &wanted);
    let texts: Vec<String> = received.try_iter().map(|order| order.text).collect();
    let told =
        "project 2 has dropped this device: it missed rounds (10 alerts before it were not told)";
    assert_eq!(texts, [told]);
}

#[test]
fn a_standing_is_told_once_also_over_a_restart() {
    let wanted = wanted(&[], "");
    let (mut alerts, received) = over(Remembered::default(), &wanted);
    let now = Milliseconds(1);
    let texts = |received: &Receiver<Order>| -> Vec<String> {
        received.try_iter().map(|order| order.text).collect()
    };
    alerts.stand(now, ("project-1", "project 1"), Standing::Good, &wanted);
    assert_eq!(texts(&received), [""; 0]);
    for _ in 0..3 {
        alerts.stand(now, ("project-1", "project 1"), Standing::Dropped, &wanted);
        alerts.stand(now, ("account", "the account"), Standing::Revoked, &wanted);
    }
    let told = [
        "project 1 has dropped this device: it missed rounds",
        "the account has cut this device off",
    ];
    assert_eq!(texts(&received), told);
    alerts.remembered.waiting.clear();
    let kept = serde_json::to_string(alerts.remembered()).unwrap();
    let (mut alerts, received) = over(serde_json::from_str(&kept).unwrap(), &wanted);
    alerts.stand(now, ("project-1", "project 1"), Standing::Dropped, &wanted);
    alerts.stand(now, ("account", "the account"), Standing::Good, &wanted);
    assert_eq!(texts(&received), ["the account accepts this device again"]);
    // A list that is older than the news says nothing against it.
    alerts.stand(now, ("project-1", "project 1"), Standing::Expelled, &wanted);
    alerts.stand(now, ("project-1", "project 1"), Standing::Good, &wanted);
    assert_eq!(texts(&received), ["project 1 has expelled this device"]);
}

#[test]
fn price_and_rules_are_told_also_where_no_project_is_open() {
    let wanted = wanted(&[], "");
    let (mut alerts, received) = over(Remembered::default(), &wanted);
    let mut look = |ledger, project: Option<u128>| {
        let project = project.map(|per_hour| ("project 1".to_owned(), Wei::new(per_hour)));
        alerts.look(Milliseconds(1), ledger, project, &wanted);
        received.try_iter().map(|order| order.text).collect::<Vec<_>>()
    };
    assert_eq!(look((4, None), None), [""; 0]);
    assert_eq!(look((4, Some(500)), Some(7)), [""; 0]);
    let told = ["GRAIN is worth 40 % less", "the ledger's rules are now revision 5"];
    assert_eq!(look((5, Some(300)), None), told);
    assert_eq!(look((5, Some(300)), Some(7)), [""; 0]);
    assert_eq!(look((5, None), Some(14)), ["project 1 pays 100 % more"]);
}

#[test]
fn rules_ahead_and_an_early_end_are_told_once_also_over_a_restart() {
    let wanted = wanted(&[], "");
    let unknown = MODULES.newest() + 1;
    let closing = Closing {
        project: 1,
        name: "rye".to_owned(),
        ending: Ending::Cancelled,
        held_back: Wei::ZERO,
        unsettled: 0,
    };
    let look = |remembered: Remembered, height, begins: &[u64]| {
        let (mut alerts, received) = over(remembered, &wanted);
        let scheduled = |&height| Scheduled { revision: unknown, height, in_seconds: Some(7_200) };
        let schedule = Schedule { height, ahead: begins.iter().map(scheduled).collect() };
        alerts.schedule(Milliseconds(1), schedule, &wanted);
        assert_eq!(alerts.unknown_rules().count(), begins.len());
        alerts.close(Milliseconds(1), &closing, &wanted);
        alerts.remembered.waiting.clear();
        let kept = serde_json::to_string(alerts.remembered()).unwrap();
        let texts = received.try_iter().map(|order| order.text).collect::<Vec<_>>();
        (texts, serde_json::from_str::<Remembered>(&kept).unwrap())
    };
    let (mut alerts, _) = over(Remembered::default(), &wanted);
    alerts.seat(1, Seat::Active);
    alerts.seat(2, Seat::Active);
    alerts.seat(2, Seat::GivenUp);
    assert_eq!(alerts.watched().collect::<Vec<_>>(), [1]);
    let (texts, kept) = look(alerts.remembered().clone(), 10, &[60]);
    let rules = format!(
        "install a newer gleaner before revision {unknown} of the ledger's rules begins at block 60, in about 2 hours: this one knows revisions up to {}",
        MODULES.newest()
    );
    let ended = "project 1 (rye) was cancelled by its owner; nothing is held back of this device's pay; collect rewards for its work with: gleaner claim";
    assert_eq!(texts, [&rules[..], ended]);
    let (texts, kept) = look(kept, 11, &[60]);
    assert_eq!(texts, [""; 0]);
    let (texts, _) = look(kept, 12, &[]);
    let withdrawn = format!(
        "revision {unknown} of the ledger's rules is withdrawn: it was to begin at block 60"
    );
    assert_eq!(texts, [withdrawn]);
}

#[test]
fn what_was_told_of_another_ledger_is_compared_with_nothing() {
    let wanted = wanted(&[], "");
    let (mut alerts, received) = over(Remembered::default(), &wanted);
    let look = |alerts: &mut Alerts, ledger: &str, (height, revision, pay)| {
        alerts.hear("0xa", ledger);
        let ahead = vec![Scheduled { revision: 3, height: 900, in_seconds: None }];
        alerts.schedule(Milliseconds(0), Schedule { height, ahead }, &wanted);
        let project = Some(("project-1".to_owned(), Wei::new(pay)));
        alerts.look(Milliseconds(0), (revision, None), project, &wanted);
    };
    let told = || received.try_iter().map(|order| order.text).collect::<Vec<_>>();
    look(&mut alerts, "0x1", (500, 2, 1_000));
    assert_eq!(told().len(), 1);
    look(&mut alerts, "0x1", (501, 2, 1_000));
    assert_eq!(told(), [""; 0]);
    // Another one, lower, with other rules and another project of that number: its schedule is told, and nothing has changed.
    look(&mut alerts, "0x2", (4, 1, 9));
    let texts = told();
    assert!(matches!(&texts[..], [text] if text.contains("revision 3")), "{texts:?}");
}

#[test]
fn what_is_not_told_when_the_agent_ends_is_told_when_it_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let (file, gate) = (folder.path().join("told"), folder.path().join("gate"));
    // The first alert is told, the second one hangs.
    let script = format!(
        "case $GLEANER_ALERT in *cut*) [ -e {0} ] || sleep 1000;; esac; echo \"$GLEANER_ALERT\" >> {1}",
        gate.display(),
        file.display()
    );
    let wanted = wanted(&["/bin/sh", "-c", &script], "");
    let output = Output::new(false);
    let mut alerts = Alerts::begin(Remembered::default(), &wanted, &output);
    let now = Milliseconds(1);
    alerts.stand(now, ("project-1", "project 1"), Standing::Expelled, &wanted);
    alerts.stand(now, ("account", "the account"), Standing::Revoked, &wanted);
    alerts.stand(now, ("account", "the account"), Standing::Good, &wanted);
    alerts.end(Duration::from_secs(1));
    let said = || std::fs::read_to_string(&file).unwrap();
    assert_eq!(said(), "project 1 has expelled this device\n");
    std::fs::write(&gate, "").unwrap();
    let kept = serde_json::to_string(alerts.remembered()).unwrap();
    let mut alerts = Alerts::begin(serde_json::from_str(&kept).unwrap(), &wanted, &output);
    alerts.end(END);
    let rest = "the account has cut this device off\nthe account accepts this device again\n";
    assert_eq!(said(), format!("project 1 has expelled this device\n{rest}"));
    assert_eq!(alerts.remembered().waiting, []);
}

#[test]
fn what_does_not_work_is_told_until_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let wanted = wanted(&["/usr/bin/test", "-e", gate.to_str().unwrap()], "");
    let mut alerts = Alerts::begin(Remembered::default(), &wanted, &Output::new(false));
    let now = Milliseconds(1);
    let mut tell = |standing| {
        alerts.stand(now, ("account", "the account"), standing, &wanted);
        let problems = alerts.outcomes.recv().unwrap();
        alerts.take(&problems);
        alerts.notice().cloned()
    };
    let notice = tell(Standing::Revoked).unwrap();
    assert!(notice.ends_with("alerts.command /usr/bin/test: exit status: 1"), "{notice}");
    std::fs::write(&gate, "").unwrap();
    assert_eq!(tell(Standing::Good), None);
}
