//! Every setting with its value, its origin and what it means.

use std::fmt::Write as _;

use serde::Serialize;
use toml::{Table, Value};

use super::{Limits, LimitsError};

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nobody said anything else.
    Default,
    /// The owner's file.
    File,
    /// The account's policy, which is tighter.
    Account,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Section and name.
    pub key: String,
    /// Its value, as it is written in the file.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it means.
    pub meaning: &'static str,
}

/// What each setting means; keys in the order of the file.
const MEANINGS: [(&str, &str); 51] = [
    ("idle.gentle_after_seconds", "Seconds without input before work begins, gently (10 to 86400)"),
    ("idle.full_after_seconds", "Seconds without input before work at full (10 to 86400)"),
    (
        "idle.settle_seconds",
        "Seconds for which any other reason must be gone before it works more (5 to 3600)",
    ),
    ("idle.linger", "Work gently while you use the machine"),
    (
        "idle.release_after_minutes",
        "Minutes frozen after which all memory is given back (1 to 1440)",
    ),
    (
        "hours.monday",
        "When it may work, in local time: always, never, or windows as 18:00-23:30, 22:00-06:00 (goes on after midnight)",
    ),
    ("hours.tuesday", "The same for Tuesday"),
    ("hours.wednesday", "Wednesday"),
    ("hours.thursday", "Thursday"),
    ("hours.friday", "Friday"),
    ("hours.saturday", "Saturday"),
    ("hours.sunday", "Sunday"),
    ("hours.only_off_peak", "Work in the off-peak windows only"),
    ("hours.off_peak", "The off-peak windows of every day"),
    ("machine.cores_percent", "Cores at full, in percent of all (1 to 100)"),
    (
        "machine.gentle_cores_percent",
        "Cores when gentle, in percent of all; at least one core is used (1 to 100)",
    ),
    ("machine.memory_mib", "Memory for the work, in MiB (256 or more)"),
    (
        "machine.memory_left_mib",
        "Memory that stays free for you: below it all memory is given back, in MiB (128 or more)",
    ),
    ("machine.disk_mib", "Disk space for texts to train on, in MiB (64 or more)"),
    ("machine.disk_left_mib", "Disk space that stays free for you, in MiB (64 or more)"),
    (
        "machine.others_percent_max",
        "Load of your programs above which it stops, in percent of one core (1 to 102400)",
    ),
    (
        "machine.wait_percent_max",
        "Share of time in which your programs may wait for a core, memory or a disk, in percent (1 to 100)",
    ),
    (
        "power.celsius_max",
        "Temperature of the warmest sensor at which it stops, in degrees Celsius (30 to 110)",
    ),
    ("power.watts_max", "Power of the machine at which it stops, in watts; 0 for no limit"),
    ("power.on_battery", "Work on battery"),
    (
        "power.battery_percent_min",
        "Charge of the battery below which it stops, in percent (0 to 100)",
    ),
    ("network.on_metered", "Work over a network whose traffic is paid for"),
    (
        "network.upload_kib_per_second",
        "Updates and states that it may send, in KiB a second (64 or more)",
    ),
    (
        "network.download_kib_per_second",
        "Texts and states that it may fetch, in KiB a second (64 or more)",
    ),
    ("programs.exclusive", "Programs that have the machine for themselves while they run, by name"),
    ("programs.gpu_ignored", "Programs whose use of the graphics processor does not count"),
    (
        "programs.full_screen_ignored",
        "Lockers and screen savers: they fill the screen while nobody is there",
    ),
    (
        "sensors.may_be_missing",
        "Sensors without which it may work, for instance [\"heat\"] on a machine without one",
    ),
    ("earning.floor_per_hour", "What an hour of this machine must pay at least, in GRAIN"),
    (
        "earning.interests",
        "Words of projects' names, or project-N, and their shares of the work, for instance { biology = 3, project-7 = 1 }; 0 for never; empty for what pays best",
    ),
    (
        "earning.switch_margin_percent",
        "How much more another project must pay before it switches, in percent (0 to 1000)",
    ),
    (
        "earning.stay_minutes",
        "Minutes of work for a project before it is left for another one (0 to 1440)",
    ),
    ("earning.at_a_loss", "While energy costs more than work pays: pause, or work"),
    ("energy.price_per_kwh", "What a kWh costs you, in your currency; 0 if you don't know"),
    ("energy.price_file", "File with prices by time, used instead"),
    ("energy.currency", "Name of your currency"),
    ("energy.grain_is_worth", "What you count one GRAIN as, in your currency; 0 if you don't know"),
    (
        "energy.grain_feed",
        "Number of the ledger's price feed that says it, used instead while it answers; 0 for none",
    ),
    (
        "energy.idle_watts",
        "What the machine draws when it does nothing, in watts, where no meter says it",
    ),
    ("energy.full_watts", "What it draws at full, in watts, where no meter says it"),
    ("energy.carbon_file", "File with the carbon of a kWh by time"),
    ("energy.carbon_grams_max", "Carbon of a kWh above which it stops, in grams; 0 for no limit"),
    ("alerts.desktop", "Show a notification when reward, price, rules or standing change"),
    (
        "alerts.command",
        "Program and arguments to start then; the alert is in GLEANER_ALERT, and as JSON its stdin; an argument {text} becomes the alert",
    ),
    ("alerts.webhook", "Address that alerts are sent to as JSON"),
    ("alerts.reward_percent", "Change of a reward that is worth an alert, in percent (1 to 1000)"),
];

impl Limits {
    /// Returns every setting of these limits, which `file` and the policy of an account (`None` without one) made.
    ///
    /// # Errors
    /// When `file` is not a file of limits.
    pub fn settings(&self, file: &str) -> Result<Vec<Setting>, LimitsError> {
        let own = Self::parse(file)?;
        let (table, own_table) = (table(self)?, table(&own)?);
        let written: Table = toml::from_str(file)?;
        let setting = |(key, meaning): (&'static str, &'static str)| {
            let value = find(&table, key).map(ToString::to_string).unwrap_or_default();
            let origin = if find(&own_table, key) != find(&table, key) {
                Origin::Account
            } else if find(&written, key).is_some() {
                Origin::File
            } else {
                Origin::Default
            };
            Setting { key: key.to_owned(), value, origin, meaning }
        };
        Ok(MEANINGS.into_iter().map(setting).collect())
    }
}

/// Writes settings as a file that an owner can edit: values at their default are comments.
#[must_use]
pub fn commented(settings: &[Setting]) -> String {
    let mut text = "# Limits of the agent. Every value has a default that protects you; a line without # changes it.\n".to_owned();
    let mut section = "";
    for Setting { key, value, origin, meaning } in settings {
        let (of, name) = key.split_once('.').unwrap_or(("", key));
        if of != section {
            let _ = write!(text, "\n[{of}]\n");
            section = of;
        }
        let (mark, origin) = match origin {
            Origin::Default => ("# ", ""),
            Origin::File => ("", ""),
            Origin::Account => ("", " (tightened by the account)"),
        };
        // Writing to a string can't fail.
        let _ = write!(text, "# {meaning}{origin}\n{mark}{name} = {value}\n");
    }
    text
}

pub(super) fn table(limits: &Limits) -> Result<Table, LimitsError> {
    Table::try_from(limits).map_err(|error| LimitsError::Syntax(serde::de::Error::custom(error)))
}

fn find<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    let (section, name) = key.split_once('.')?;
    table.get(section)?.as_table()?.get(name)
}
