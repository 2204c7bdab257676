use units::Wei;

use super::*;

pub(super) fn wanted(command: &[&str], webhook: &str) -> Wanted {
    let command = command.iter().map(|&word| word.to_owned()).collect();
    Wanted { desktop: false, command, webhook: webhook.to_owned(), reward_percent: 20 }
}

fn terms(project: &str, per_hour: u128) -> Terms {
    let (project, per_hour) = (project.to_owned(), Wei::new(per_hour));
    Terms { project, per_hour, grain_price: None, revision: 0 }
}

#[test]
fn small_changes_add_up_projects_are_not_mixed_up_and_too_many_are_not_told() {
    let (orders, received) = mpsc::sync_channel(WAITING_MAX);
    let mut alerts = Alerts::over(orders, Remembered::default(), &Output::new(false));
    let wanted = wanted(&[], "");
    let mut look = |seconds: u64, terms: Terms| {
        alerts.look(Milliseconds(seconds * 1_000), &terms, &wanted);
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
    let (orders, received) = mpsc::sync_channel(WAITING_MAX);
    let output = Output::new(false);
    let mut alerts = Alerts::over(orders.clone(), Remembered::default(), &output);
    let wanted = wanted(&[], "");
    let now = Milliseconds(1);
    let texts = || received.try_iter().map(|order| order.text).collect::<Vec<_>>();
    alerts.stand(now, ("project-1", "project 1"), Standing::Good, &wanted);
    assert_eq!(texts(), [""; 0]);
    for _ in 0..3 {
        alerts.stand(now, ("project-1", "project 1"), Standing::Dropped, &wanted);
        alerts.stand(now, ("account", "the account"), Standing::Revoked, &wanted);
    }
    let told = [
        "project 1 has dropped this device: it missed rounds",
        "the account has cut this device off",
    ];
    assert_eq!(texts(), told);
    let kept = serde_json::to_string(alerts.remembered()).unwrap();
    let mut alerts = Alerts::over(orders, serde_json::from_str(&kept).unwrap(), &output);
    alerts.stand(now, ("project-1", "project 1"), Standing::Dropped, &wanted);
    alerts.stand(now, ("account", "the account"), Standing::Good, &wanted);
    assert_eq!(texts(), ["the account accepts this device again"]);
    // A list that is older than the news says nothing against it.
    alerts.stand(now, ("project-1", "project 1"), Standing::Expelled, &wanted);
    alerts.stand(now, ("project-1", "project 1"), Standing::Good, &wanted);
    assert_eq!(texts(), ["project 1 has expelled this device"]);
}
