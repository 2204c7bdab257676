//! The page of two agents: one that works, and one that does not on a machine with strange names.

use agent::earn::Sums;
use agent::limits::Money;
use agent::{
    Activity, Allowance, Change, Decision, EarnedStatus, Limits, Offer, ProtectionStatus, Reason,
    STATUS_VERSION, Status, Why, WorkerStatus,
};
use dashboard::{Minute, View, page};
use sensors::Milliseconds;
use units::Wei;

const NOTICE: &str = "/home/owner/.config/gleaner/agent.toml: TOML parse error at line 2, column 1: the limits before stay in force";

const TOKEN: &str = "00112233445566778899aabbccddeeff";

fn status(activity: Activity, reasons: Vec<Reason>) -> Status {
    let is_running = Activity::Gentle <= activity;
    let allowance = Allowance {
        cores_percent: if is_running { 50 } else { 0 },
        memory_mib: 2_048,
        disk_mib: 1_024,
        upload_kib_per_second: 512,
        download_kib_per_second: 2_048,
    };
    let decision = Decision {
        activity,
        since: Milliseconds(1_000_000),
        at: Milliseconds(4_700_000),
        allowance,
        reasons,
        note: None,
    };
    Status {
        version: STATUS_VERSION,
        text: decision.text(),
        decision,
        worker: WorkerStatus {
            process: is_running.then_some(4_711),
            started: None,
            start_count: 1,
            last_line: Some("round 3: 8192 tokens done, loss 2.044".to_owned()),
        },
        offer: is_running.then(|| Offer {
            project: "project 3 (barley)".to_owned(),
            per_hour: Wei::new(250_000_000_000_000_000),
            gross_per_hour: Some(Money(125_000)),
            energy_per_hour: Some(Money(26_667)),
            is_finishing: false,
        }),
        notices: if is_running { Vec::new() } else { vec![NOTICE.to_owned()] },
        milliwatts: is_running.then_some(123_456),
        earned: EarnedStatus::default(),
        page: None,
        account: "0x9D19cC69F6E42f6CEE5cAdb79182526C07A95fDc".to_owned(),
        config: "/home/owner/.config/gleaner/agent.toml".to_owned(),
        ledger_silent_since: None,
        policy_version: None,
        started: Milliseconds(900_000),
        process: 4_700,
        protections: Vec::new(),
    }
}

fn sums(hours: u64) -> Sums {
    Sums {
        worked_ms: hours * 3_600_000,
        measured_microjoules: hours * 300_000_000_000,
        estimated_microjoules: 0,
        paid_wei: u128::from(hours) * 250_000_000_000_000_000,
        worth: i128::from(hours) * 125_000 * 1_000_000_000_000_000_000,
        worth_rounded: 0,
        energy: i128::from(hours) * 300_000_000_000 * 320_000,
    }
}

fn minutes() -> Vec<Minute> {
    let minute = |index: i32| Minute {
        celsius: (index % 700 != 0).then_some(40 + index % 300 / 10),
        share_percent: match index % 480 {
            0..120 => Some(0),
            120..160 => Some(10),
            160..400 => Some(50),
            _ => None,
        },
    };
    (0..1_500).map(minute).collect()
}

#[test]
fn a_page_of_an_agent_that_works() {
    let limits = Limits::parse("[power]\ncelsius_max = 70\n").unwrap();
    let settings = limits.settings("[power]\ncelsius_max = 70\n").unwrap();
    let status = status(Activity::Full, Vec::new());
    let view = View {
        status: &status,
        minutes: &minutes(),
        today: &sums(5),
        total: &sums(321),
        currency: Some("EUR"),
        settings: &settings,
        token: TOKEN,
    };
    let page = page(&view);
    golden::check!("working.html", &format!("{page}\n"));
    for part in ["Working", "1.25 GRAIN", "0.625 EUR", "416 Wh measured", "70", "your file"] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches(TOKEN).count(), 2);
    nothing_from_elsewhere(&page);
}

#[test]
fn a_page_of_an_agent_that_does_not_and_of_names_that_want_to_be_markup() {
    let program = "<script>alert(1)</script>\u{202e}\u{7}".to_owned();
    let reason = Reason {
        allows: Activity::Frozen,
        text: format!("{program} fills the screen"),
        source: "\"><img src=http://evil.example>".to_owned(),
        seen_at: Milliseconds(4_699_000),
        since: Milliseconds(4_600_000),
        change: vec![Change {
            text: "the program leaves the full screen".to_owned(),
            seconds: None,
            setting: Some("programs.full_screen_ignored".to_owned()),
        }],
        why: Why::FullScreen { program },
    };
    let mut status = status(Activity::Frozen, vec![reason]);
    status.protections.push(ProtectionStatus {
        name: "freezes at once".to_owned(),
        is_held: false,
        text: "SIGSTOP instead, because of this".to_owned(),
        reason: Some("of this".to_owned()),
        grant: Some("systemd-run --user".to_owned()),
    });
    let view = View {
        status: &status,
        minutes: &[],
        today: &Sums::default(),
        total: &Sums::default(),
        currency: None,
        settings: &[],
        token: TOKEN,
    };
    let page = page(&view);
    golden::check!("not_working.html", &format!("{page}\n"));
    assert!(page.contains("Not working") && page.contains("&lt;script&gt;"));
    assert!(page.contains("[U+202E][U+0007]"));
    assert!(page.contains("SIGSTOP instead") && page.contains("grain_is_worth"));
    nothing_from_elsewhere(&page);
}

/// A page without scripts, and without anything that a browser would fetch.
fn nothing_from_elsewhere(page: &str) {
    for wrong in ["<script", "<img", "<link", "<iframe", " src=\"", "url(", "@import", "href="] {
        assert!(!page.contains(wrong), "{wrong}");
    }
}
