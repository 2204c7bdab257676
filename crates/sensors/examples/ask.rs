//! Prints what services of this machine say through the sensors, as fast as they are asked: network, input and full screen. For `scripts/real-buses`.

use std::io::Write as _;

use sensors::{Metered, Options, Seen, Sense as _, Sensors};

fn words<T: std::fmt::Debug>(seen: &Seen<T>) -> String {
    match seen {
        Seen::Known(value) => format!("known {value:?}"),
        Seen::Unknown(reason) => format!("unknown {reason}"),
    }
}

fn main() -> std::io::Result<()> {
    let options = Options {
        root: "/".into(),
        own_process: std::process::id(),
        disk: ".".into(),
        exclusive: Vec::new(),
        metered: Metered::Detect,
    };
    // Without a watcher no display and no input device is seen, so logind is asked where there is a display.
    let now = sensors::now();
    let readings = Sensors::new(options).read(now);
    let mut out = std::io::stdout().lock();
    writeln!(out, "network {}", words(&readings.network.seen))?;
    let idle_ms = match &readings.input.seen {
        Seen::Known(input) => Seen::Known(input.last.map(|last| now.since(last))),
        Seen::Unknown(reason) => Seen::Unknown(reason.clone()),
    };
    writeln!(out, "input {} ({})", words(&idle_ms), readings.input.source)?;
    writeln!(out, "screen {}", words(&readings.full_screen.seen))?;
    writeln!(out, "took {} ms", sensors::now().since(now))
}
